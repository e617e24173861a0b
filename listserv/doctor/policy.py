"""DMARC (RFC 9989), and what tells others to send to us by TLS (RFC 8461, RFC 8460)."""

from __future__ import annotations

import re

from listserv.core.patterns import regex
from listserv.core.types import Policy
from listserv.doctor.finding import Finding, failed, ok, warning
from listserv.doctor.seen import Seen
from listserv.mail.dmarc import organization_of, published

_LAID_DOWN = {"none", "quarantine", "reject"}
_MAILTO = regex(r"mailto:[^@,;!\s]+@([a-z0-9.-]+)", re.I)
_MOST_REPORTS = 3


def dmarc(seen: Seen) -> list[Finding]:
    """The policy of each domain of the site."""
    return [judge_dmarc(domain, seen) for domain in seen.domains]


def judge_dmarc(domain: str, seen: Seen) -> Finding:
    """What is published at a domain or above it, and whether our signature is good for it."""
    texts = seen.questions.txt(f"_dmarc.{domain}")
    found = published(domain, seen.questions.txt)
    if texts is None or found.policy is Policy.UNKNOWN:
        return warning("dmarc unknown", domain=domain)
    records = [text for text in texts if re.match(r"\s*v\s*=\s*DMARC1\s*(;|$)", text)]
    if len(records) > 1:
        return failed("dmarc twice", domain=domain, many=len(records))
    if records and (fault := _fault(records[0])):
        return failed("dmarc unreadable", domain=domain, fault=fault)
    if texts and not records and found.policy is Policy.ABSENT:
        return failed("dmarc unreadable", domain=domain, fault=texts[0][:80])
    if found.policy is Policy.ABSENT:
        return warning("dmarc absent", domain=domain)
    facts = {"domain": domain, "policy": str(found.policy), "at": domain if records else found.organization}
    if not _is_aligned(domain, strict=found.strict_dkim, seen=seen):
        return warning("dmarc not aligned", site=seen.settings.site.domain, **facts)
    return _reports(records[0], domain, facts, seen) if records else ok("dmarc from above", **facts)


def _fault(record: str) -> str:
    """What makes a record of no use; "" for nothing."""
    tags = _tags(record)
    for name in ("p", "sp", "np"):
        if tags.get(name, "none").lower() not in _LAID_DOWN:
            return f"{name}={tags[name][:40]}"
    return "" if "p" in tags or "rua" in tags else "p="


def _tags(record: str) -> dict[str, str]:
    pairs = (piece.partition("=") for piece in record.split(";")[:50])
    return {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}


def _is_aligned(domain: str, *, strict: bool, seen: Seen) -> bool:
    """Our signature names the site's domain, whatever the list's is (RFC 9989 §4.4)."""
    site = seen.settings.site.domain
    if domain == site or seen.settings.dkim.key is None:
        return True
    ask = seen.questions.txt
    return not strict and organization_of(domain, ask) == organization_of(site, ask)


def _reports(record: str, domain: str, facts: dict[str, str], seen: Seen) -> Finding:
    """Reports that nobody gets are no help; another domain must say that it wants them (RFC 9990 §4)."""
    there = _MAILTO.findall(_tags(record).get("rua", ""))[:_MOST_REPORTS]
    if not there:
        return warning("dmarc unreported", **facts)
    for one in map(str.lower, there):
        if organization_of(one, seen.questions.txt) == organization_of(domain, seen.questions.txt):
            continue
        wants = seen.questions.txt(f"{domain}._report._dmarc.{one}")
        if wants is not None and not any(text.strip().startswith("v=DMARC1") for text in wants):
            return warning("dmarc unwanted", to=one, **facts)
    return ok("dmarc ok", **facts)


def mta_sts(seen: Seen) -> list[Finding]:
    """Whether senders are told that we are reached by TLS alone."""
    return [_has(domain, "_mta-sts", "v=STSv1", "mta-sts", seen) for domain in seen.domains]


def tls_reports(seen: Seen) -> list[Finding]:
    """Whether senders know where to tell of TLS that failed."""
    return [_has(domain, "_smtp._tls", "v=TLSRPTv1", "tls reports", seen) for domain in seen.domains]


def _has(domain: str, label: str, begins: str, key: str, seen: Seen) -> Finding:
    texts = seen.questions.txt(f"{label}.{domain}")
    if texts is None:
        return warning(f"{key} unknown", domain=domain)
    there = [text for text in texts if text.replace(" ", "").startswith(f"{begins};")]
    return ok(f"{key} ok", domain=domain) if len(there) == 1 else warning(f"{key} absent", domain=domain)
