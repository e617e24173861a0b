"""Mailboxes of From, Sender, Reply-To, To and Cc: read strictly, written plainly (RFC 5322 §3.4, RFC 6854).

The standard library reads ``boss@good <mal@evil>`` as *boss@good* (CVE-2023-27043). Here whatever two
programs could read in two ways is trouble, said in words, never a guess (standards.md §5, 50 to 58).
Encoded words are decoded for the display name only; an address is taken from the raw syntax.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from listserv.core.address import Address, BadAddress, read_address
from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.mail.encoded import decode_words, encode_words, one_line


@dataclass(frozen=True, slots=True)
class Mailbox:
    """One person of an address field. ``name`` is one clean line, "" where there is none."""

    name: str
    address: Address


@dataclass(frozen=True, slots=True)
class Mailboxes:
    """What an address field says. ``trouble`` is "" only if everything in it has one meaning.

    ``found`` holds what could be read in spite of trouble: good enough for To and Cc, never for an author.
    ``grouped``: group syntax was used (``undisclosed-recipients:;``).
    """

    found: tuple[Mailbox, ...] = ()
    trouble: str = ""
    grouped: bool = False


class _Unclear(ValueError):
    """Two programs could read this mailbox in two ways."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # "blank" "quoted" "comment" "word" or the special character itself
    text: str


_TOKEN = regex(
    r"""(?P<blank>[ \t\r\n]+)
      | (?P<quoted>"(?:[^"\\]++|\\.)*+")
      | (?P<special>[<>,:;()"])
      | (?P<word>[^ \t\r\n<>,:;()"]+)""",
    re.X | re.S,
)
_COMMENT_EDGE = regex(r"[()\\]")


def _tokens(value: str) -> Iterator[_Token]:
    at = 0
    while match := _TOKEN.match(value, at):
        at = match.end()
        if match["special"] == "(":
            end = _comment_end(value, at)
            yield _Token("comment", value[at : end - 1]) if end else _Token(")", ")")
            at = end or len(value)
        elif match["special"]:
            yield _Token(match["special"], match["special"])
            # Nothing closes the quote: no one meaning for what follows, and looking again would be quadratic.
            at = len(value) if match["special"] == '"' else at
        else:
            yield _Token(match.lastgroup or "", match[0])


def _comment_end(value: str, at: int) -> int:
    """Where the comment that was opened before ``at`` is closed, counting nested ones; 0 if nowhere."""
    depth = 1
    while depth and (edge := _COMMENT_EDGE.search(value, at)):
        at = edge.end() + (edge[0] == "\\")
        depth += (edge[0] == "(") - (edge[0] == ")")
    return 0 if depth else at


@lru_cache(maxsize=16)  # each part of reading a mail asks who wrote it and to whom
def read_mailboxes(value: str) -> Mailboxes:
    """Read the (unfolded) value of an address field. Never raises; linear in its length."""
    found: list[Mailbox] = []
    trouble = ""
    items, grouped = _items(value)
    for item in items:
        try:
            found.append(_mailbox(item))
        except (_Unclear, BadAddress) as why:
            trouble = trouble or str(why)
    return Mailboxes(tuple(found), trouble, grouped)


def _items(value: str) -> tuple[list[list[_Token]], bool]:
    """Cut at commas outside of angle brackets; a group's name and semicolon only mark its edges."""
    items: list[list[_Token]] = [[]]
    inside = grouped = in_group = named = False
    phrase = True  # so far, this item may be the name of a group: told token by token, or it were quadratic
    for token in _tokens(value):
        opens = token.kind == ":" and not (inside or in_group) and phrase and named
        if opens:
            items[-1] = []
            grouped = in_group = True
        elif token.kind == ";" and in_group and not inside:
            items.append([])
            in_group = False
        elif token.kind == "," and not inside:
            items.append([])
        else:
            items[-1].append(token)
            inside = token.kind == "<" or (inside and token.kind != ">")
        begins = not items[-1]
        named = not begins and (named or token.kind in ("word", "quoted"))
        phrase = begins or (phrase and token.kind in _OF_PHRASES and _plain(token))
    if in_group:
        items.append([_Token(":", ":")])  # a group that nothing closes: left for the mailbox reader to refuse
    return [item for item in items if any(t.kind not in ("blank", "comment") for t in item)], grouped


_OF_PHRASES = ("word", "quoted", "blank", "comment")


def _plain(token: _Token) -> bool:
    return token.kind != "word" or not ("@" in token.text or "\\" in token.text)


def _mailbox(tokens: list[_Token]) -> Mailbox:
    comments = [t.text for t in tokens if t.kind == "comment"]
    if any("@" in text or "<" in text for text in comments):
        raise _Unclear("a comment has an address in it")
    kinds = [t.kind for t in tokens]
    if "<" in kinds:
        return _named(tokens, kinds.index("<"))
    if any(kind not in ("word", "quoted", "blank", "comment") for kind in kinds):
        raise _Unclear("there are stray brackets or colons")
    first, last = _edges(tokens)
    address = _addr_spec(tokens[first:last])
    return Mailbox(decode_words(" ".join(comments)), address)


def _edges(tokens: list[_Token]) -> tuple[int, int]:
    solid = [n for n, token in enumerate(tokens) if token.kind not in ("blank", "comment")]
    return solid[0], solid[-1] + 1


def _named(tokens: list[_Token], opened: int) -> Mailbox:
    """``phrase <addr-spec>`` with nothing but comments after it."""
    phrase, rest = tokens[:opened], tokens[opened + 1 :]
    closed = next((n for n, token in enumerate(rest) if token.kind == ">"), None)
    if closed is None:
        raise _Unclear("an angle bracket is not closed")
    if any(token.kind not in ("blank", "comment") for token in rest[closed + 1 :]):
        raise _Unclear("there is something after the address")
    if not all(t.kind in ("word", "quoted", "blank", "comment") and _plain(t) for t in phrase):
        raise _Unclear("there is an address or a stray sign in the name")
    inside = rest[:closed]
    if not any(token.kind != "blank" for token in inside):
        raise _Unclear("there is no address")
    if any(token.kind not in ("word", "quoted", "blank") for token in inside):
        raise _Unclear("there is more than an address in the angle brackets")
    first, last = _edges(inside)
    return Mailbox(_phrase(phrase), _addr_spec(inside[first:last]))


def _addr_spec(tokens: list[_Token]) -> Address:
    if len(tokens) == 2 and tokens[0].kind == "quoted" and tokens[1].text.startswith("@"):
        local = tokens[0].text[1:-1]
        if "\\" in local:
            raise _Unclear("the address has a quoted part that can't be read in one way only")
        return _address(local + tokens[1].text)
    if not any("@" in token.text for token in tokens):
        raise _Unclear("there is no address")
    if len(tokens) != 1:
        raise _Unclear("there is an address and something else")
    return _address(tokens[0].text)


def _address(text: str) -> Address:
    # Some programs decode an encoded word here and see an address of their own.
    if "=?" in text or "\ufffd" in text:
        raise _Unclear("the address is encoded")
    if len(text) > 1000:
        raise _Unclear("the address is too long")
    return read_address(text)


def _phrase(tokens: list[_Token]) -> str:
    shown = (_unquoted(t.text) if t.kind == "quoted" else t.text for t in tokens if t.kind != "comment")
    return decode_words("".join(shown))


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.S)


_ATOMS = regex(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def write_mailbox(name: str, address: Address) -> str:
    """The value of a From, To or Reply-To of ours: the name as atoms, quoted or encoded, as it needs.

    ``read_mailboxes`` gives back the same address, and the name on one clean line. The value is ASCII unless
    the address itself isn't (RFC 6532).
    """
    name = one_line(name)
    if not name:
        return str(address)
    if not name.isascii() or "=?" in name:
        return f"{encode_words(name)} <{address}>"
    if _ATOMS.fullmatch(name):
        return f"{name} <{address}>"
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}" <{address}>'
