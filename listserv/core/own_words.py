"""What of a post is its author's own and new, for a Brief: by comparing it with the posts before it.

Gone are: what stands in earlier posts of the thread, wrapped and marked as it may be; what is marked as a
quote; signatures and the furniture of lists. Kept is: all else, so what is uncertain; what somebody passes
on; and of a quote that an answer stands under, the short passage that it answers, as one line with ``> ``.
Linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from listserv.core.patterns import regex
from listserv.core.quote_marks import attribution_ending, block_at
from listserv.core.replies import Piece, pieces
from listserv.core.sent_words import Sent, match_sent

LONGEST = 60_000  # characters of a post that are read; the end of a longer one is in the archive
_MOST_KNOWN = 120_000  # words of a thread that are remembered; of a longer one the last posts
_LAST = 12
_MOST_REMEMBERED = 4096  # posts
_SHORT_QUOTE = 160  # characters of a passage that is shown with its answer
_SHORT_SENTENCE = 110
_KNOWN_SHARE = 0.5

_WORD = regex(r"[^\W_]")
_MARK = regex(r"(?:[>|] ?)+")
_SENTENCE = regex(r"(?<=[.!?…。？！])\s+")
_TAG = r"\s*(?:\[[^\]\n]{1,40}\]\s*)?"
_FORWARDS = regex(_TAG + r"[\[(]?(?:fwd?|wg|tr|rv|i|enc|vs|doorst|vb|pd|vl)\s?:", re.I)
_REPLIES = regex(_TAG + r"(?:re|aw|sv|antw|antwort|odp|ynt|r|res)(?:\[\d{1,3}\])?\s?:", re.I)
_NAMES_AN_ADDRESS = regex(r"[<(\[][^<>()\s@]+@[^<>()\s@]+[>)\]] ?:$")  # "Quoting Ana <ana@x.example>:"
_LONGEST_MARK = 300
_FURNITURE = regex(
    r"^-{10,20} next part -{10,20}$"  # Pipermail
    r"(?:\n[^\n]{0,80}was scrubbed[^\n]*(?:\n(?:name|type|size|desc|url|skipped)\b[^\n]*"
    r"(?:\n<[^\n>]*>|\n[\w./-]{0,60}attachment[\w.-]{0,20}>?$)?)*)?"
    r"|^-----BEGIN PGP SIGNED MESSAGE-----\n(?:hash: [^\n]*\n)?"
    r"|^-----BEGIN PGP SIGNATURE-----\n(?:[^\n]{0,100}\n){0,60}?-----END PGP SIGNATURE-----"
    r"|\[cid:[^\]\s]{1,150}\]",  # where Outlook had a picture
    re.M | re.I,
)
_MANY_BREAKS = regex(r"\n{3,}")


class Heard:
    """What readers of a thread have read already. It grows post by post, oldest first."""

    def __init__(self) -> None:
        self.mark = 0  # of what was heard, in its order
        self._known = Sent(of_people=True)
        self._new: list[str] = []
        self._last: list[str] = []

    def add(self, text: str) -> None:
        """Another post, whole."""
        self.mark = hash((self.mark, text))
        self._new.append(text[:LONGEST])

    def __bool__(self) -> bool:
        return self.mark != 0

    @property
    def known(self) -> Sent:
        """Its words, made ready when they are first asked for."""
        for text in self._new:
            if len(self._known.rows) > _MOST_KNOWN:
                self._known = Sent(of_people=True)
                for one in self._last:
                    self._known.add(one)
            self._known.add(text)
            self._last = [*self._last[1 - _LAST :], text]
        self._new = []
        return self._known


NOTHING = Heard()
_told_before: dict[tuple[int, int, int, bool], str] = {}  # readers of other stretches have the same posts


def own_words(text: str, subject: str = "", heard: Heard = NOTHING, *, answers: bool = False) -> str:
    """The author's own new words, as lines; "" where there are none. Never raises.

    ``heard``: the posts of the thread before this one. ``answers``: it answers one, heard or not.
    """
    key = (hash(text), hash(subject), heard.mark, answers)
    found = _told_before.get(key)
    if found is None:
        if len(_told_before) >= _MOST_REMEMBERED:
            _told_before.clear()
        found = _told_before[key] = _own_words(text, subject, heard, answers)
    return found


def _own_words(text: str, subject: str, heard: Heard, answers: bool) -> str:
    text = _FURNITURE.sub("", text[:LONGEST])
    whole = _FORWARDS.match(subject) is not None or not (answers or heard or _REPLIES.match(subject))
    told = _told(pieces(text, heard.known), heard, whole)
    if not _WORD.search(told) and heard:
        told = _told(pieces(text), NOTHING, whole)  # said once more, word by word
    return told


def _told(cut: Sequence[Piece], heard: Heard, whole: bool) -> str:
    answered = {at for at in range(len(cut) - 1) if cut[at].kind == "quoted" and _says(cut[at + 1])}
    told: list[str] = []
    for at, piece in enumerate(cut):
        if piece.kind == "new" or (piece.kind == "quoted" and _is_passed_on(piece, heard, whole)):
            told.append(_bare(piece.text))
        elif at in answered:
            told.append(_passage(piece.text, among_others=len(answered) > 1))
    return _MANY_BREAKS.sub("\n\n", "\n\n".join(filter(None, told))).strip("\n")


def _says(piece: Piece) -> bool:
    return piece.kind == "new" and _WORD.search(piece.text) is not None


def _bare(text: str) -> str:
    return re.sub(r"\A(?:[ \t\r]*\n)+", "", text).rstrip()


def _is_passed_on(piece: Piece, heard: Heard, whole: bool) -> bool:
    """Whether it is new to the readers: quoted where nothing was said before, or forwarded."""
    lines = [line.strip() for line in piece.text.strip().split("\n")]
    header = block_at(lines, 0)
    if not (whole or (header and header.forward)):
        return False
    lines = lines[header.end if header else 0 :]
    return match_sent(lines, heard.known).share(0, len(lines)) < _KNOWN_SHARE


# -- the passage that an answer stands under --------------------------------------------------------------


def _passage(quote: str, among_others: bool) -> str:
    """The last paragraph above an answer, or its last sentence, on one line; "" where both are long.

    A long quote under which all of a mail stands is none that a reader needs.
    """
    paragraphs = list(_paragraphs(quote.split("\n")))
    if not paragraphs or not (among_others or sum(map(len, paragraphs)) <= _SHORT_QUOTE):
        return ""
    last = paragraphs[-1]
    if len(last) <= _SHORT_QUOTE:
        return f"> {last}"
    sentence = _SENTENCE.split(last)[-1]
    return f"> … {sentence}" if len(sentence) <= _SHORT_SENTENCE else ""


def _paragraphs(lines: Sequence[str]) -> Iterator[str]:
    """What the answered person wrote: no quotes within the quote, no introductions; each on one line."""
    depths = [
        len(re.sub(r"[^>|]", "", mark[0])) if (mark := _MARK.match(line.lstrip())) else 0 for line in lines
    ]
    marked = [depth for depth, line in zip(depths, lines, strict=True) if depth and line.strip()]
    least = min(marked, default=0)
    paragraph: list[str] = []
    for line, depth in [*zip(lines, depths, strict=True), ("", -1)]:
        bare = _MARK.sub("", line.strip(), count=1).strip() if depth else line.strip()
        if depth == least and bare and not _NAMES_AN_ADDRESS.search(bare[-_LONGEST_MARK:]):
            paragraph.append(bare)
            continue
        if paragraph and not _introduces(paragraph):
            yield " ".join(" ".join(paragraph).split())
        paragraph = []


def _introduces(paragraph: Sequence[str]) -> bool:
    """ "On Tuesday Ana wrote:", or the header lines of a mail, or a rule."""
    if not _WORD.search("".join(paragraph)) or attribution_ending(paragraph, len(paragraph) - 1, 0):
        return True
    return block_at(paragraph, 0) is not None
