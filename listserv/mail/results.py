"""What a trusted hop found: Authentication-Results (RFC 8601), read by authres, believed only on top."""

from __future__ import annotations

import re

import authres

from listserv.core.types import Check
from listserv.mail.dmarc import Author
from listserv.mail.fields import Field

_MOST_RESULTS = 10


def trusted_results(fields: list[Field], author: Author, ids: tuple[str, ...]) -> Check:
    """DMARC where the hop says it, else aligned DKIM or SPF (RFC 8601 §2.7). ``ids``: whose word counts.

    The hop takes out what others wrote in its name (RFC 8601 §5). Should it not: where two results differ,
    the upper one is younger, and so is the hop's.
    """
    results = [result for field in _believed(fields, ids) for result in _results(field)]
    said = [result.result.lower() for result in results if _speaks_of(result, author)]
    if said and said[0] in ("pass", "fail"):
        return Check.PASSES if said[0] == "pass" else Check.FAILS
    checks = [_aligned_result(result, author) for result in results[:_MOST_RESULTS]]
    if Check.PASSES in checks:
        return Check.PASSES
    return Check.FAILS if Check.FAILS in checks else Check.NONE


def _believed(fields: list[Field], ids: tuple[str, ...]) -> list[Field]:
    """The topmost block of results whose authserv-id is trusted (A8); lower down anybody could write."""
    trusted = {name.lower() for name in ids}
    believed: list[Field] = []
    received = 0
    for field in fields:
        if field.name == "received":
            received += 1
            if believed or received > 2:  # ours, and the hop's own
                break
        elif field.name == "authentication-results":
            if _authserv_id(field) not in trusted or len(believed) == _MOST_RESULTS:
                break
            believed.append(field)
    return believed


def _authserv_id(field: Field) -> str:
    match = re.match(r'\s*"?([^\s;"]+)', field.text)
    return match[1].lower() if match else ""


def _results(field: Field) -> list[authres.core.AuthenticationResult]:
    if len(field.text) > 8000 or field.text.count("(") > 100:
        return []
    try:
        parsed = authres.AuthenticationResultsHeader.parse(f"Authentication-Results: {field.text}")
    except (authres.SyntaxError, RecursionError, ValueError, AttributeError, IndexError):
        return []
    return list(parsed.results)


def _speaks_of(result: authres.core.AuthenticationResult, author: Author) -> bool:
    """A DMARC result about this very From."""
    named = _property(result, "header", "from") if result.method == "dmarc" else ""
    return named.rpartition("@")[2] == author.domain


def _aligned_result(result: authres.core.AuthenticationResult, author: Author) -> Check:
    match result.method:
        case "dkim":
            name = _property(result, "header", "d") or _property(result, "header", "i")
            strict = author.published.strict_dkim
        case "spf":
            name, strict = _property(result, "smtp", "mailfrom"), author.published.strict_spf
        case _:
            return Check.NONE
    domain = name.rpartition("@")[2].lower().rstrip(".")
    if not domain or not author.owns(domain, strict=strict):
        return Check.NONE
    return {"pass": Check.PASSES, "fail": Check.FAILS}.get(result.result.lower(), Check.NONE)


def _property(result: authres.core.AuthenticationResult, kind: str, name: str) -> str:
    for found in result.properties:
        if (found.type.lower(), found.name.lower()) == (kind, name):
            return str(found.value).strip().lower()
    return ""
