"""The arguments of MAIL and RCPT (RFC 5321 §4.1.2), and the attributes that stand for them elsewhere.

Pure reading. A path that can't be read is a Refusal that says why; nothing is repaired silently but
what RFC 5321 tells us to ignore: source routes, quotes that are not needed, a final dot.
"""

from __future__ import annotations

import re

from listserv.core.address import Address, BadAddress, read_address, read_domain
from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.flow.door import NO_SUCH_ADDRESS, Refusal

_MALFORMED = Refusal(553, "5.1.3", "That is not a well-formed address")
_NO_DOMAIN = Refusal(501, "5.1.3", "That address has no domain")
_BAD_DOMAIN = Refusal(501, "5.1.2", "That is not a domain name")
_TOO_LONG = Refusal(553, "5.1.3", "That address is too long")
_NEEDS_UTF8 = Refusal(553, "5.6.7", "An address with such letters needs SMTPUTF8")
_SYNTAX = Refusal(501, "5.5.4", "Syntax: an address in angle brackets, then parameters")
_UNKNOWN_PARAMETER = Refusal(555, "5.5.4", "A parameter is not supported here")
_BAD_PARAMETER = Refusal(501, "5.5.4", "A parameter has a value that does not fit")

_PATH = regex(r'<((?:"(?:[^"\\]|\\.)*"|[^">])*)>|([^\s<>"]+)', re.DOTALL)
_ROUTE = regex(r"@[^:\s\"]*:")
_MAILBOX = regex(r'("(?:[^"\\]|\\.)*"|[^"@]+)@([^@]+)', re.DOTALL)
_QUOTED_PAIR = regex(r"\\(.)")
_LITERAL = regex(r"\[[0-9A-Za-z:.-]{2,60}\]")
_CONTROL = regex(r"[\x00-\x1f\x7f]")
_PARAMETER = regex(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^=\s\x00-\x1f\x7f]+))?")


@dataclass(frozen=True, slots=True)
class Argument:
    """What stands behind MAIL FROM: or RCPT TO: the path without brackets, then the parameters."""

    path: str
    rest: str


def read_argument(text: str, keyword: str) -> Argument | Refusal:
    """Split ``FROM:<path> parameters``; ``keyword`` is "FROM:" or "TO:", in any case."""
    if text[: len(keyword)].upper() != keyword:
        return _SYNTAX
    text = text[len(keyword) :].lstrip(" ")  # many clients put a space here
    found = _PATH.match(text)
    if not found:
        return _SYNTAX
    rest = text[found.end() :]
    if rest and not rest.startswith(" "):
        return _SYNTAX
    return Argument(found[1] if found[1] is not None else found[2], rest.strip(" "))


def read_recipient(path: str, domain: str, *, utf8: bool) -> Address | Refusal:
    """The mailbox a RCPT path names. ``domain`` is where a bare postmaster lives."""
    if path.casefold() == "postmaster":
        return Address("postmaster", domain)
    parts = _parts(path, utf8=utf8)
    if isinstance(parts, Refusal):
        return parts
    local, host = parts
    if _LITERAL.fullmatch(host):
        return NO_SUCH_ADDRESS
    if local.startswith('"'):
        local = _QUOTED_PAIR.sub(r"\1", local[1:-1])
        if not _is_plain(local):
            return NO_SUCH_ADDRESS  # well-formed, but no list of ours is ever called so
    try:
        return read_address(f"{local}@{host}")
    except BadAddress:
        return _MALFORMED


def read_sender(path: str, *, utf8: bool) -> str | Refusal:
    """The reverse-path as it was written, without a route; "" is the null sender."""
    if not path:
        return ""
    parts = _parts(path, utf8=utf8)
    if isinstance(parts, Refusal):
        return parts
    local, host = parts
    if not local.startswith('"') and not _is_plain(local):
        return _MALFORMED
    return f"{local}@{host}"


def _parts(path: str, *, utf8: bool) -> tuple[str, str] | Refusal:
    """Local part and domain, both of a size and an alphabet that RFC 5321 §4.5.3.1 allows."""
    if _CONTROL.search(path):
        return _MALFORMED
    if not path.isascii() and not (utf8 and _is_utf8(path)):
        return _NEEDS_UTF8
    if path.startswith("@") and (route := _ROUTE.match(path)):
        path = path[route.end() :]
    found = _MAILBOX.fullmatch(path)
    if not found:
        return _MALFORMED if "@" in path or not path else _NO_DOMAIN
    local, host = found[1], found[2]
    if len(local.encode()) > 64 + 2 * local.startswith('"') or len(host.encode()) > 255:
        return _TOO_LONG
    if not _LITERAL.fullmatch(host):
        try:
            read_domain(host)
        except BadAddress:
            return _BAD_DOMAIN
    return local, host


def _is_utf8(path: str) -> bool:
    """False for octets that are no UTF-8: they arrive as lone surrogates."""
    return not any("\ud800" <= letter <= "\udfff" for letter in path)


def _is_plain(local: str) -> bool:
    try:
        read_address(f"{local}@example.org")
    except BadAddress:
        return False
    return True


@dataclass(frozen=True, slots=True)
class MailParameters:
    """What may follow MAIL FROM:<…>: SIZE (RFC 1870), BODY (RFC 6152), SMTPUTF8 (RFC 6531)."""

    size: int | None = None
    smtputf8: bool = False


def read_mail_parameters(rest: str) -> MailParameters | Refusal:
    """Anything we did not offer, DSN and AUTH too, is 555 (RFC 5321 §4.1.1.11)."""
    size, smtputf8 = None, False
    for word in rest.split():
        found = _PARAMETER.fullmatch(word)
        if not found:
            return _BAD_PARAMETER
        match found[1].upper(), found[2]:
            case "SIZE", str(value) if value.isascii() and value.isdigit() and len(value) <= 20:
                size = int(value)
            case "BODY", str(value) if value.upper() in ("7BIT", "8BITMIME"):
                pass  # octets are kept as they come, whatever was announced
            case "SMTPUTF8", None:
                smtputf8 = True
            case (("SIZE" | "BODY" | "SMTPUTF8"), _):
                return _BAD_PARAMETER
            case _:
                return _UNKNOWN_PARAMETER
    return MailParameters(size, smtputf8)


def refuse_parameters(rest: str) -> Refusal | None:
    """RCPT takes none here: a list is where a mail ends, so DSN is not offered (RFC 3461, P12)."""
    return _UNKNOWN_PARAMETER if rest else None
