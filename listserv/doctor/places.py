"""Where mail for us goes (MX), what we send from, and what SPF and PTR say of that."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from listserv.doctor.finding import Finding, failed, ok, warning
from listserv.doctor.front import hops
from listserv.doctor.inner import is_inner
from listserv.doctor.seen import Seen
from listserv.doctor.spf import MOST_LOOKUPS, NOBODY, Count, Says, evaluate, records_of

_MOST_ADDRESSES, _LONGEST = 4, 300


def _is_ip(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


# -- mail in ----------------------------------------------------------------------------------------


def mx(seen: Seen) -> list[Finding]:
    """Where mail for each domain goes."""
    return [judge_mx(domain, seen) for domain in seen.domains]


def judge_mx(domain: str, seen: Seen) -> Finding:
    """The domain's MX records, each of whose names must lead somewhere."""
    records = seen.questions.ask(domain, "MX")
    if records is None:
        return warning("mx unknown", domain=domain)
    if not records:
        return _without(domain, seen)
    hosts = [record.split()[-1] for record in records]
    if "." in hosts:
        return failed("mx null", domain=domain)
    leads = {host: seen.questions.addresses(host) for host in hosts}
    if None in leads.values():
        return warning("mx unknown", domain=domain)
    return _judge_hosts(domain, {host: found or () for host, found in leads.items()}, seen)


def _without(domain: str, seen: Seen) -> Finding:
    """RFC 5321 §5.1: without MX, mail goes to the address of the name itself."""
    found = seen.questions.addresses(domain)
    if found is None:
        return warning("mx unknown", domain=domain)
    return warning("mx implicit", domain=domain) if found else failed("mx absent", domain=domain)


def _judge_hosts(domain: str, leads: dict[str, tuple[str, ...]], seen: Seen) -> Finding:
    for host, found in leads.items():
        if _is_ip(host):
            return failed("mx address", domain=domain, host=host)
        if not found:
            return failed("mx nowhere", domain=domain, host=host)
        if seen.questions.ask(host, "CNAME"):
            return warning("mx alias", domain=domain, host=host)
        if inner := next(filter(is_inner, found), ""):
            return failed("mx inner", domain=domain, host=host, address=inner)
    hosts = ", ".join(leads)
    if _is_ours(leads, seen):
        return ok("mx ok", domain=domain, hosts=hosts)
    return warning("mx elsewhere", domain=domain, hosts=hosts)


def _is_ours(leads: dict[str, tuple[str, ...]], seen: Seen) -> bool:
    """By name or by address: this machine, its web address, or a server that brings mail to us."""
    names = {seen.settings.site.domain, urlsplit(seen.settings.site.base_url).hostname or ""}
    if seen.relay is not None and seen.relay.near:
        names.add(seen.relay.name)
    if seen.database is not None:
        names |= {hop.name for hop in hops(seen.database.heads)}
    names.discard("")
    if names & set(leads):
        return True
    ours = {one for name in sorted(names)[:6] for one in seen.questions.addresses(name) or ()}
    return any(ours.intersection(found) for found in leads.values())


# -- mail out ---------------------------------------------------------------------------------------


def sending_name(seen: Seen) -> str:
    """The name that mail leaves by: what the mail server of the site calls itself."""
    name = seen.relay.name if seen.relay is not None and seen.relay.near else ""
    return name if "." in name else seen.settings.site.domain


def spf(seen: Seen) -> list[Finding]:
    """Who may send for each domain."""
    return [judge_spf(domain, seen) for domain in seen.domains]


def judge_spf(domain: str, seen: Seen) -> Finding:
    """Exactly one record, that can be evaluated, names whoever sends our mail, and not everybody."""
    texts = seen.questions.ask(domain, "TXT")
    if texts is None:
        return warning("spf unknown", domain=domain)
    records = records_of(texts)
    if len(records) != 1:
        return failed("spf twice" if records else "spf absent", domain=domain, many=len(records))
    facts = {"domain": domain, "record": records[0][:_LONGEST]}
    said, count = _of_nobody(domain, seen)
    if count.lookups > MOST_LOOKUPS:
        return failed("spf lookups", many=count.lookups, **facts)
    match said:
        case Says.UNKNOWN:
            return warning("spf unknown", domain=domain)
        case Says.BROKEN:
            return failed("spf broken", fault=count.fault or "include", **facts)
        case Says.PASS:
            return failed("spf open", **facts)
    return _of_us(facts, said, count, seen)


def _of_nobody(domain: str, seen: Seen) -> tuple[Says, Count]:
    """What the record says of addresses that are no machine's; a pass for one is a pass for all."""
    both = [evaluate(domain, one, seen.questions.ask) for one in NOBODY]
    return next((answer for answer in both if answer[0] is Says.PASS), both[0])


def _of_us(facts: dict[str, str], said: Says, count: Count, seen: Seen) -> Finding:
    """Whether the record names who sends. ``said``: of everybody else."""
    who, sends = _senders(seen)
    if sends is None and not count.includes:
        return warning("spf unknown", domain=facts["domain"])
    answers = {one: evaluate(facts["domain"], ip_address(one), seen.questions.ask)[0] for one in sends or ()}
    others = [one for one, answer in answers.items() if answer not in (Says.PASS, Says.UNKNOWN)]
    if seen.provider:
        # A provider's servers hand mail to the world from other addresses than the one we connect to.
        if (others or not answers) and not count.includes:
            return failed("spf without relay", relay=who, **facts)
    elif others:
        return failed("spf without us", name=who, address=others[0], **facts)
    if said is Says.NEUTRAL:
        return warning("spf neutral", **facts)
    return ok("spf ok", **facts)


def _senders(seen: Seen) -> tuple[str, tuple[str, ...] | None]:
    """Who sends our mail, and from where as far as we know; None where DNS does not say."""
    name = sending_name(seen)
    if seen.provider:
        name = seen.provider.rpartition(":")[0].strip("[]") or seen.provider
    if _is_ip(name):
        return name, (name,)
    found = seen.questions.addresses(name)
    return name, None if found is None else found[:_MOST_ADDRESSES]


def ptr(seen: Seen) -> list[Finding]:
    """The name of the address that mail leaves from, and back again (RFC 8601 §3: iprev)."""
    if seen.provider:
        return [ok("ptr elsewhere", relay=seen.provider)]
    name = sending_name(seen)
    found = seen.questions.addresses(name)
    if found is None:
        return [warning("ptr unknown", name=name)]
    if not found:
        return [failed("ptr nameless", name=name)]
    return [judge_ptr(name, one, seen) for one in found[:_MOST_ADDRESSES]]


def judge_ptr(name: str, address: str, seen: Seen) -> Finding:
    """One address: some name of it leads back to it."""
    facts = {"name": name, "address": address}
    backs = seen.questions.ask(ip_address(address).reverse_pointer, "PTR")
    if backs is None:
        return warning("ptr unknown", **facts)
    if not backs:
        return failed("ptr absent", **facts)
    kind = "AAAA" if ":" in address else "A"
    leads = {back: seen.questions.ask(back, kind) for back in backs[:_MOST_ADDRESSES]}
    if any(found and address in found for found in leads.values()):
        return ok("ptr ok", back=backs[0], **facts)
    unknown = None in leads.values()
    return warning("ptr unknown", **facts) if unknown else failed("ptr astray", back=backs[0], **facts)
