"""What we have to say, one frozen record a notice. Its words are the template of that name."""

from __future__ import annotations

from dataclasses import dataclass, field

_LINES = {"lines": True}  # a field whose line breaks are kept: a host's own words


@dataclass(frozen=True, slots=True)
class Held:
    """To the author: the post waits for a host.

    Here and below ``list`` is the title where the reader may know it, else the address (interface.md §4);
    ``why`` the name of a rule; ``hosts`` the address at which the hosts are reached.
    """

    list: str
    hosts: str
    subject: str
    why: str


@dataclass(frozen=True, slots=True)
class Declined:
    """To the author: a host said no, perhaps with words."""

    list: str
    hosts: str
    subject: str
    words: str = field(default="", metadata=_LINES)


@dataclass(frozen=True, slots=True)
class Refused:
    """To the author: not posted, by a rule. ``limit`` in words: "10 MB", "10 mails"; or ""."""

    list: str
    hosts: str
    subject: str
    why: str
    limit: str = ""


@dataclass(frozen=True, slots=True)
class Forwarded:
    """To a host or the site's owner: what came to ``to`` (book+host@, postmaster@), attached as it came.

    ``sender``: who wrote, as a person reads it. ``word``: what its address asks for ("leave"), "" for
    nothing. ``lines``: its first words. ``reply``: where an answer to this mail goes, "" if it would not
    reach the writer.
    """

    to: str
    sender: str
    subject: str
    word: str = ""
    lines: str = field(default="", metadata=_LINES)
    original: bytes = field(default=b"", repr=False)  # put in by whoever writes the mail
    reply: str = ""


@dataclass(frozen=True, slots=True)
class Welcome:
    """To a new member. ``hosts_names``: as members may see them; ``archive``: a URL, "" without archive."""

    list: str
    address: str
    hosts: str
    leave: str
    posting: str
    rhythm: str
    hosts_names: tuple[str, ...] = ()
    archive: str = ""
    description: str = field(default="", metadata=_LINES)
    welcome: str = field(default="", metadata=_LINES)


@dataclass(frozen=True, slots=True)
class SetAside:
    """To the owner, once a day: mails that could not be read. ``since``: when the first came, in words."""

    domain: str
    count: int
    since: str


@dataclass(frozen=True, slots=True)
class SignInLink:
    """To a member who asked at the archive's door. ``code``: eight characters, for the browser that asked."""

    domain: str
    url: str
    code: str
    minutes: int


@dataclass(frozen=True, slots=True)
class Ended:
    """To the hosts of a list that is no more. ``owner``: where the site's owner is reached."""

    list: str
    address: str
    owner: str


@dataclass(frozen=True, slots=True)
class BounceWarning:
    """To another address of a member: mails to ``address`` come back. ``said``: its server, "" if unknown."""

    list: str
    hosts: str
    address: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class BounceStopped:
    """To another address of a member: no more mails go to ``address``, until they come through again."""

    list: str
    hosts: str
    address: str
    said: str = ""


@dataclass(frozen=True, slots=True)
class BounceProbe:
    """To ``address`` itself: does this arrive? ``stopped``: 1 if mails have stopped. ``days``: of waiting."""

    list: str
    hosts: str
    address: str
    stopped: int
    days: int


@dataclass(frozen=True, slots=True)
class BounceNews:
    """To the hosts, once a day at most: whose mails come back, have stopped, or go out again.

    Each is "Ben Okafor <ben@hill.example>: what the server said". ``more``: how many are left out.
    """

    list: str
    doubted: tuple[str, ...] = ()
    stopped: tuple[str, ...] = ()
    resumed: tuple[str, ...] = ()
    more: int = 0


@dataclass(frozen=True, slots=True)
class BouncePolicy:
    """To the owner, once a day at most: mails were refused for what we are. ``examples``: what was said."""

    domain: str
    count: int
    members: int
    examples: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BounceComplaint:
    """To a member whose provider reported a mail as spam: off the list. ``join``: where to come back."""

    list: str
    hosts: str
    address: str
    join: str


Notice = (
    Held
    | Declined
    | Refused
    | Forwarded
    | Welcome
    | SetAside
    | SignInLink
    | Ended
    | BounceWarning
    | BounceStopped
    | BounceProbe
    | BounceNews
    | BouncePolicy
    | BounceComplaint
)
