"""What a mail shares with everybody beside its words: links in what its author wrote, files that hang on it.

Only whether it does: which links and files those are is seen in the words themselves when a page is made.
"""

from __future__ import annotations

import re

from listserv.core.patterns import regex
from listserv.core.types import Mail

_LINK = regex(r"\bhttps?://[^\s<>]{4}", re.I)
_SEALS = (".p7s", ".p7m", ".asc", ".sig", ".pgp", "winmail.dat")  # signatures and wrappings, no resources


def shares_something(mail: Mail) -> bool:
    """Whether it may have something for the list's resources. Quotes and foots of others don't count."""
    said = mail.said if mail.all_said is None else mail.all_said
    links = "://" in said and _LINK.search(said) is not None
    return links or any(is_resource(one.name) for one in mail.parts if one.attached)


def is_resource(file_name: str) -> bool:
    """Whether a file is one that somebody may want to find again."""
    return bool(file_name) and not file_name.lower().endswith(_SEALS)
