"""What Gmail, Microsoft and Yahoo ask of who sends much (standards.md A14, as of November 2026).

Counted are copies to addresses of theirs that anybody can see; a company's domain that they host is not.
"""

from __future__ import annotations

from collections.abc import Mapping

from listserv.core.types import Policy
from listserv.doctor.finding import Finding, failed, ok, warning
from listserv.doctor.seen import Seen
from listserv.doctor.spf import records_of
from listserv.mail.dmarc import published

BULK = 5000  # copies a day
PATTERNS: Mapping[str, tuple[str, ...]] = {
    "gmail": ("gmail.com", "googlemail.com"),
    "microsoft": ("outlook.%", "hotmail.%", "live.%", "msn.com"),
    "yahoo": ("yahoo.%", "ymail.com", "rocketmail.com", "aol.%"),
}
_NAMES = {"gmail": "Gmail", "microsoft": "Microsoft", "yahoo": "Yahoo"}
_WARN, _FAIL = 0.001, 0.003  # of the copies of a month: Gmail's and Yahoo's own limits
_MANY_AT_GMAIL, _PART_AT_GMAIL = 50, 0.2
_NO_ACCIDENT = 3  # complaints: one on a small list says nothing


def volume(seen: Seen) -> list[Finding]:
    """Who sends more than this to one provider needs SPF, DKIM and DMARC, all three."""
    if seen.database is None:
        return []
    large = {name: many for name, many in seen.database.sent.items() if many > BULK}
    if not large:
        return [ok("volume small", most=BULK)]
    lacks = missing(seen)
    if lacks is None:
        return [warning("volume unknown", many=max(large.values()))]
    facts = {"lacks": ", ".join(lacks)}
    return [
        failed(f"volume {name}", many=many, **facts)
        if lacks
        else ok("volume large", many=many, provider=_NAMES[name])
        for name, many in large.items()
    ]


def missing(seen: Seen) -> list[str] | None:
    """Which of the three some domain of the site does not publish; None where DNS does not say."""
    ask, lacks, unknown = seen.questions.txt, set(), False
    dkim = seen.settings.dkim
    if dkim.key is not None:
        key = ask(f"{dkim.selector}._domainkey.{seen.settings.site.domain}")
        unknown = key is None
        if key == []:
            lacks.add("DKIM")
    for domain in seen.domains:
        spf, policy = ask(domain), published(domain, ask).policy
        unknown = unknown or spf is None or policy is Policy.UNKNOWN
        if spf is not None and not records_of(tuple(spf)):
            lacks.add("SPF")
        if policy is Policy.ABSENT:
            lacks.add("DMARC")
    return sorted(lacks) if lacks or not unknown else None


def complaints(seen: Seen) -> list[Finding]:
    """How many readers call a mail of ours spam, as far as providers tell."""
    if seen.database is None:
        return []
    month = seen.database.month
    rate = month.complaints / month.sent if month.sent else 0.0
    facts = {"complaints": month.complaints, "sent": month.sent, "rate": f"{100 * rate:.2f}"}
    if month.complaints < _NO_ACCIDENT or rate <= _WARN:
        return [ok("complaints few", **facts)]
    return [failed("complaints many", **facts) if rate >= _FAIL else warning("complaints some", **facts)]


def arc(seen: Seen) -> list[Finding]:
    """A word where sealing (RFC 8617) may help: Gmail asks lists for it (standards.md A9)."""
    if seen.database is None or not seen.database.members:
        return []
    here = seen.database
    if here.at_gmail < _MANY_AT_GMAIL or here.at_gmail < _PART_AT_GMAIL * here.members:
        return [ok("arc not needed", many=here.at_gmail, members=here.members)]
    return [ok("arc may help", many=here.at_gmail, members=here.members)]
