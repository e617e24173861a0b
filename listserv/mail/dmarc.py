"""DMARC policy and organizational domain by the tree walk of RFC 9989 §4.10. Look-ups are handed in."""

from __future__ import annotations

from collections.abc import Callable

from listserv.core.records import dataclass
from listserv.core.types import Policy

Ask = Callable[[str], list[str] | None]  # TXT records of a name; [] for none, None where DNS failed

_LONGEST_WALK = 8
_SOFTER = {Policy.REJECT: Policy.QUARANTINE, Policy.QUARANTINE: Policy.NONE}


@dataclass(frozen=True, slots=True)
class Published:
    """What a domain publishes: its policy, its organizational domain, and whether DKIM must match exactly."""

    policy: Policy
    organization: str
    strict_dkim: bool = False
    strict_spf: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    domain: str
    tags: dict[str, str]


def published(domain: str, ask: Ask) -> Published:
    """The policy for mail whose From is at ``domain`` (lower-case A-labels).

    UNKNOWN where DNS failed, unless the domain's own record is there: that one says it all, whatever
    fails above it.
    """
    walked, whole = _walk(domain, ask)
    organization = _organization(domain, walked)
    own = next((found for found in walked if found.domain == domain), None)
    if not whole and own is None:
        return Published(Policy.UNKNOWN, domain)
    above = next((found for found in walked if found.domain == organization), None)
    registry = next((found for found in walked if found.tags.get("psd") == "y"), None)
    found = own or above or registry
    if found is None:
        return Published(Policy.ABSENT, organization)
    return Published(
        _policy(found, domain, ask),
        organization,
        found.tags.get("adkim", "r").lower() == "s",
        found.tags.get("aspf", "r").lower() == "s",
    )


def organization_of(domain: str, ask: Ask) -> str:
    """The organizational domain (RFC 9989 §4.10.2); the domain itself if nothing is found or DNS failed."""
    return _organization(domain, _walk(domain, ask)[0])


def _walk(domain: str, ask: Ask) -> tuple[list[_Found], bool]:
    """The records from ``domain`` upwards, and whether no question failed: the walk ends there."""
    found: list[_Found] = []
    labels = domain.split(".")
    while labels:
        here = ".".join(labels)
        texts = ask(f"_dmarc.{here}")
        if texts is None:
            return found, False
        records = [tags for tags in map(_tags, texts) if tags]
        if len(records) == 1:
            found.append(_Found(here, records[0]))
            if records[0].get("psd") in ("y", "n"):
                break
        labels = labels[1:] if len(labels) < _LONGEST_WALK else labels[1 - _LONGEST_WALK :]
    return found, True


def _organization(domain: str, walked: list[_Found]) -> str:
    for found in walked:
        psd = found.tags.get("psd")
        if psd == "n":
            return found.domain
        if psd == "y" and found.domain != domain:
            below = domain.removesuffix(f".{found.domain}").rpartition(".")[2]
            return f"{below}.{found.domain}"
    return walked[-1].domain if walked else domain


_POLICIES = ("none", "quarantine", "reject")


def _tags(text: str) -> dict[str, str]:
    """A record's tags, {} if it is none of DMARC1 or has no use (RFC 9989 §4.7).

    Without ``p`` it asks for nothing; with a policy that there isn't, it counts only for its reports.
    """
    pairs = [piece.partition("=") for piece in text.split(";")[:50]]
    tags = {name.strip().lower(): value.strip().lower() for name, _, value in reversed(pairs)}
    first = pairs[0]
    if (first[0].strip().lower(), first[2].strip()) != ("v", "DMARC1"):
        return {}
    if all(tags.get(name, "none") in _POLICIES for name in ("p", "sp", "np")):
        return {"p": "none"} | tags
    return {"psd": tags.get("psd", ""), "p": "none"} if "rua" in tags else {}


def _policy(found: _Found, domain: str, ask: Ask) -> Policy:
    name = found.tags["p"]
    if found.domain != domain:
        below = found.tags.get("sp", name)
        # ``np`` is for subdomains that don't exist. What sends mail publishes something at its own name.
        missing = found.tags.get("np", below)
        name = below if missing == below or ask(domain) else missing
    policy = Policy(name)
    return _SOFTER.get(policy, policy) if found.tags.get("t") == "y" else policy


@dataclass(frozen=True, slots=True)
class Author:
    """The domain of a From, with what it publishes and how to ask for more."""

    domain: str
    published: Published
    ask: Ask

    def owns(self, domain: str, *, strict: bool) -> bool:
        """Whether ``domain`` speaks for the From: identifier alignment (RFC 9989 §4.4)."""
        if domain == self.domain:
            return True
        shared = domain.split(".")[-2:] == self.domain.split(".")[-2:]
        if strict or not shared:
            return False
        return organization_of(domain, self.ask) == self.published.organization
