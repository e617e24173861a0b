"""The table: what is looked at, in the order in which it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from listserv.core.records import dataclass
from listserv.doctor import front, machine, places, policy, providers, relay, signature, upkeep, web
from listserv.doctor.finding import Finding, Told, failed, ok, tell, warning
from listserv.doctor.seen import Seen


@dataclass(frozen=True, slots=True)
class Check:
    """``judge`` gives nothing where another check's line says why it can't."""

    name: str
    judge: Callable[[Seen], list[Finding]]


def dns(seen: Seen) -> list[Finding]:
    """Stands before all that asks: if nobody answers, the lines below are short."""
    asked = ", ".join(seen.questions.servers)
    if seen.questions.answers(seen.settings.site.domain):
        return [ok("dns ok")]
    return [warning("dns silent", servers=asked) if asked else warning("dns silent here")]


CHECKS = (
    Check("settings", machine.settings_file),
    Check("keys", machine.keys),
    Check("tls", machine.tls),
    Check("disk", machine.disk),
    Check("clock", machine.clock),
    Check("database", upkeep.database),
    Check("serve", web.serving),
    Check("queue", upkeep.queue),
    Check("set aside", upkeep.aside),
    Check("holds", upkeep.holds),
    Check("hosts", upkeep.hosts),
    Check("backup", upkeep.backup),
    Check("relay", relay.relay),
    Check("dns", dns),
    Check("base_url", web.base_url),
    Check("mx", places.mx),
    Check("ptr", places.ptr),
    Check("spf", places.spf),
    Check("dkim", signature.dkim_record),
    Check("dmarc", policy.dmarc),
    Check("mta-sts", policy.mta_sts),
    Check("tls-rpt", policy.tls_reports),
    Check("trust", front.trust),
    Check("volume", providers.volume),
    Check("complaints", providers.complaints),
    Check("arc", providers.arc),
)


def examined(seen: Seen) -> Iterator[Told]:
    """Every line. A check that trips over what it found says so, and the others go on."""
    for check in CHECKS:
        try:
            findings = check.judge(seen)
        except Exception as error:  # records are strangers' words
            findings = [failed("check broken", error=type(error).__name__, what=str(error)[:100])]
        for finding in findings:
            yield tell(check.name, finding)
