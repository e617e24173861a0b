"""What a member says to a relay address and means for us, not for whoever is behind it (interface.md §6)."""

from __future__ import annotations

from listserv.core.administrivia import Asked, whole_request
from listserv.core.commands import read_line
from listserv.core.patterns import regex
from listserv.core.types import Mail

TO_RELAYS = ("block", "unblock")
_LONGEST = 200  # characters: the word, and perhaps a name below it
_NAME = regex(r"(?:-- ?)?(?:[\w.'’-]+(?:[ ,]+[\w.'’-]+){0,3}[ ,]*)?")


def meant_for_us(mail: Mail, language: str, *, to_post: bool) -> Asked | None:
    """The verb that is all a mail says; None for words that are meant for a person.

    ``to_post``: it answers a post, as where Reply-To is the author's relay address. To a person, "leave"
    may be about anything.
    """
    lines = [line.strip() for line in mail.said.splitlines() if line.strip()]
    if lines and len(mail.said) <= _LONGEST:
        said = read_line(lines[0], language)
        if said and said.verb.name in TO_RELAYS and all(_NAME.fullmatch(line) for line in lines[1:3]):
            return Asked(said.verb.name) if len(lines) <= 3 else None
    if not to_post:
        return None
    found = whole_request(mail.said, mail.subject, is_reply=True, language=language)
    return found if isinstance(found, Asked) and found.verb in _OF_LISTS else None


_OF_LISTS = ("leave", "mute", "unmute", "follow", "pause", "resume", "digest")
