"""What the mail server before us thinks of a mail: the fields in which spam filters say so.

SpamAssassin and amavis write X-Spam-Flag, -Status, -Level and -Score; rspamd X-Spam, X-Spamd-Result and
X-Rspamd-Action. Believed only on top (A8): below the second Received anybody could have written them.
"""

from __future__ import annotations

import re

from listserv.core.patterns import regex
from listserv.mail.fields import Field, start_of, walk_fields

_MOST_HOPS = 2  # our own Received and that of the server before us
_MOST_FIELDS = 200
_READ = 200  # characters of a field: what they say stands in front
_LIMIT = 5.0  # from which score on a mail is spam, where only a score is said (SpamAssassin's own)
_YES = ("yes", "true", "spam", "reject", "add header", "rewrite subject", "quarantine")
_NO = ("no", "false", "ham", "no action", "greylist", "accept")
_WORD = regex(r"\s*(?:default:\s*)?([a-z][a-z ]{0,20}[a-z])(?![a-z])", re.I)
_FIGURE = regex(r"\s*(?:score=)?([-+]?\d{1,6}(?:\.\d{1,6})?)(?:\s*/\s*(\d{1,6}(?:\.\d{1,6})?))?")
_STARS = regex(r"\s*([*+x]+)\s*$", re.I)


def is_called_spam(raw: bytes, names: tuple[str, ...]) -> bool:
    """Whether one of these fields says so. Words count before figures, and yes before no. Never raises."""
    wanted = {name.lower() for name in names}
    said = [field.text[:_READ] for field in _on_top(raw) if field.name in wanted]
    words = {verdict for verdict in map(_in_words, said) if verdict is not None}
    return True in words or (not words and any(map(_in_figures, said)))


def _on_top(raw: bytes) -> list[Field]:
    found: list[Field] = []
    hops = 0
    for field, _ in walk_fields(raw, start_of(raw), len(raw)):
        hops += field.name == "received"
        if hops > _MOST_HOPS or len(found) == _MOST_FIELDS:
            break
        found.append(field)
    return found


def _in_words(text: str) -> bool | None:
    """None where it says neither. rspamd's "default: False [6 / 15]" only says that it was not refused."""
    match = _WORD.match(text)
    word = match[1].lower() if match else ""
    if word in _YES:
        return True
    return False if word in _NO and not text.lstrip().lower().startswith("default:") else None


def _in_figures(text: str) -> bool:
    if stars := _STARS.match(text):
        return len(stars[1]) >= _LIMIT
    figure = _FIGURE.match(text)
    return figure is not None and float(figure[1]) >= float(figure[2] or _LIMIT)
