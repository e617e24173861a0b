"""What a decision needs of the site's settings."""

from __future__ import annotations

from listserv.core.address import Address
from listserv.core.records import dataclass


@dataclass(frozen=True, slots=True)
class Site:
    """What a decision needs of the site's settings."""

    domain: str
    owner: Address
    base_url: str
    timezone: str
    # Domains whose DMARC policy is taken for reject whatever they publish (standards.md A4): the setting
    # deliver.treat_as_reject.
    strict_domains: tuple[str, ...] = ("gmail.com", "googlemail.com")
