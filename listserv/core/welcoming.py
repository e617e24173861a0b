"""What a new member is told of the list, however they came onto it."""

from __future__ import annotations

from listserv.core.notices import Welcome
from listserv.core.privacy import may
from listserv.core.types import MailList, Member


def welcome_to(here: MailList, member: Member, base_url: str, hosts: tuple[str, ...]) -> Welcome:
    """What a new member is told of the list."""
    reads = may("read archive", member.standing, here.settings)
    return Welcome(
        list=here.title,
        address=str(here.address),
        hosts=str(here.at("host")),
        posting=here.settings.posting,
        rhythm=member.rhythm,
        hosts_names=hosts,
        archive=f"{base_url}/{here.address.local}/" if reads else "",
        description=here.settings.description,
        welcome=here.settings.welcome,
    )
