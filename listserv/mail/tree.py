"""A mail's MIME tree as places in its bytes: no copy, no recursion, and limits that stop a bomb early.

Why not the standard library's or mail-parser's tree: theirs recurses per level (about 300 are enough to
break it), reads parameters in quadratic time, copies every part, and has no limits (standards.md S12, S14).
Each level looks at a byte once, so the work is at most ``DEEPEST`` times the size of the mail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.mail.fields import Field, body_start, first_of, start_of, walk_fields
from listserv.mail.params import Declared, read_params

DEEPEST = 30
MOST_PARTS = 1000
LONGEST_HEADER = 256 * 1024
LONGEST_FIELD = 64 * 1024
MOST_FIELDS = 1000
LONGEST_BOUNDARY = 200  # RFC 2046 §5.1.1 says 70
_MOST_FIELDS_IN_ALL = 10_000
_MOST_NEAR_MISSES = 10_000


class TooMuch(ValueError):
    """A limit of this file was passed; the message is a short reason that can go into an SMTP reply."""


@dataclass(frozen=True, slots=True)
class Node:
    """One part: its fields, what it declares itself to be, and where its (still encoded) body lies."""

    fields: tuple[Field, ...]
    declared: Declared
    start: int
    end: int
    depth: int
    choice: int = 0  # the number of the nearest multipart/alternative around it, 0 for none

    @property
    def type(self) -> str:
        return self.declared.main


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int
    depth: int
    default: str = "text/plain"
    choice: int = 0


def nodes(raw: bytes) -> list[tuple[Node, bool]]:
    """Every part with whether it is a leaf, depth first. An attached message is one leaf. Raises TooMuch."""
    return list(_walk(raw, ""))


def leaves(raw: bytes) -> list[Node]:
    """The leaves of the tree, depth first. An attached message is one leaf. Raises TooMuch."""
    return [node for node, is_leaf in nodes(raw) if is_leaf]


def measure(raw: bytes) -> None:
    """Walk everything, attached messages too, and raise TooMuch where a limit is passed."""
    for _ in _walk(raw, "message/rfc822"):
        pass


def _walk(raw: bytes, opened: str) -> Iterator[tuple[Node, bool]]:
    """Each part and whether it is a leaf; parts of the type ``opened`` are looked into as well."""
    stack = [_Span(start_of(raw), len(raw), 0)]
    parts = fields = 0
    while stack:
        span = stack.pop()
        node = _node(raw, span)
        parts, fields = parts + 1, fields + len(node.fields)
        if span.depth > DEEPEST:
            raise TooMuch("too many nested parts")
        if parts + len(stack) > MOST_PARTS:
            raise TooMuch("too many parts")
        if fields > _MOST_FIELDS_IN_ALL:
            raise TooMuch("too many header fields")
        choice = parts if node.type == "multipart/alternative" else span.choice
        spans = [replace(inner, choice=choice) for inner in _inside(raw, node, opened)]
        yield node, not spans
        stack.extend(reversed(spans))


def _node(raw: bytes, span: _Span) -> Node:
    fields: list[Field] = []
    at = span.start
    for field, at in walk_fields(raw, span.start, span.end):
        fields.append(field)
        if len(field.raw) > LONGEST_FIELD:
            raise TooMuch("header field too long")
        if len(fields) > MOST_FIELDS:
            raise TooMuch("too many header fields")
        if at - span.start > LONGEST_HEADER:
            raise TooMuch("header too long")
    declared = _declared(fields, span.default)
    start = body_start(raw, at, span.end)
    return Node(tuple(fields), declared, start, span.end, span.depth, span.choice)


_TYPE = regex(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")


def _declared(fields: list[Field], default: str) -> Declared:
    """The first Content-Type counts; one that makes no sense is text/plain (RFC 2045 §5.2)."""
    found = first_of(fields, "content-type")
    if found is None:
        return Declared(default)
    declared = read_params(found.text)
    return declared if _TYPE.fullmatch(declared.main) else Declared("text/plain", declared.params)


def _inside(raw: bytes, node: Node, opened: str) -> list[_Span]:
    if node.type == opened:
        return [_Span(node.start, node.end, node.depth + 1)]
    if not node.type.startswith("multipart/"):
        return []
    boundary = node.declared.params.get("boundary", "").rstrip().encode("utf-8", "replace")
    if len(boundary) > LONGEST_BOUNDARY:
        raise TooMuch("MIME boundary too long")
    # Without a boundary, or with one that never comes, it is a text with an odd name.
    return _cut(raw, node, boundary) if boundary else []


def _cut(raw: bytes, node: Node, boundary: bytes) -> list[_Span]:
    """The parts between the delimiter lines (RFC 2046 §5.1.1); a missing last line is forgiven."""
    default = "message/rfc822" if node.type == "multipart/digest" else "text/plain"
    spans: list[_Span] = []
    begin = -1
    for at, after, closing in _delimiters(raw, node, boundary):
        if begin >= 0:
            spans.append(_Span(begin, max(begin, at), node.depth + 1, default))
        begin = after
        if len(spans) > MOST_PARTS:
            raise TooMuch("too many parts")
        if closing:
            return spans
    return spans if begin < 0 else [*spans, _Span(begin, node.end, node.depth + 1, default)]


def _delimiters(raw: bytes, node: Node, boundary: bytes) -> Iterator[tuple[int, int, bool]]:
    """Per delimiter line: where the part before it ends, where the next begins, and whether it closes."""
    mark = b"--" + boundary
    line = regex(re.escape(mark) + rb"(--)?[ \t]*(?:\r?\n|\Z)")
    at = node.start if raw.startswith(mark, node.start, node.end) else _next(raw, mark, node.start, node.end)
    misses = 0
    while at >= 0:
        match = line.match(raw, at, node.end)
        if match:
            yield _before_line_end(raw, at, node.start), match.end(), match[1] is not None
        else:  # another boundary that begins like this one
            misses += 1
        if misses > _MOST_NEAR_MISSES:
            raise TooMuch("too many odd MIME boundaries")
        # The line end of one delimiter may be the one before the next.
        at = _next(raw, mark, match.end() - 1 if match else at + 1, node.end)


def _next(raw: bytes, mark: bytes, start: int, end: int) -> int:
    found = raw.find(b"\n" + mark, start, end)
    return found + 1 if found >= 0 else -1


def _before_line_end(raw: bytes, at: int, floor: int) -> int:
    """The line end in front of a delimiter belongs to the delimiter."""
    if at > floor and raw[at - 1] == 10:
        at -= 1
        if at > floor and raw[at - 1] == 13:
            at -= 1
    return at
