"""Words without the one who wrote them: what is taken out by itself, and what its author shall look at again.

Only what is certain goes by itself: quotes, signature, sign-off, the whole name, the addresses. A first name
may be a common word, so it is shown and stays until its author says. Linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from listserv.core.patterns import regex
from listserv.core.replies import new_words
from listserv.core.traces import GAP, Traces, own_words

_MOST_FOUND = 12
_LETTERS = 200_000
_SUBJECT = regex(
    r"\s*(?:(?:re|aw|fwd?|wg|sv|vs|antw|tr|rif|res|odp)(?:\[\d+\])?\s*[:：]|\[[^\]]{0,60}\])", re.I
)
_ADDRESS = regex(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_NUMBER = regex(r"(?<![\w.,/-])\+?\(?\d[\d ()/.-]{5,24}\d(?![\w])")
_DATE = regex(r"(?:\d{1,4}[./-]){2}\d{1,4}|(?:19|20)\d\d ?[-/–] ?(?:19|20)\d\d")
_PROVIDERS = "gmail googlemail outlook hotmail yahoo icloud proton protonmail posteo mailbox live aol"
_COMMON = frozenset(_PROVIDERS.split())


def nameless(text: str, traces: Traces) -> str:
    """A text of its author's own words, without what surely says who that is."""
    told = own_words(new_words(text[:_LETTERS]).replace("\r", ""), traces, GAP)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in told.split("\n"))).strip()


def nameless_subject(subject: str, text: str, traces: Traces) -> str:
    """The same of a subject, without "Re:" and a list's tag; where nothing is left, how the text begins."""
    told = subject[:400]
    while found := _SUBJECT.match(told):
        told = told[found.end() :]
    told = " ".join(own_words(told, traces, GAP).split()).strip(" -–—,:;")
    if told.replace(GAP, "").strip():
        return told[:200]
    first = next((line.strip() for line in text.split("\n") if line.strip()), "")
    return first if len(first) <= 60 else first[:60].rsplit(" ", 1)[0] + " …"


def telling(draft: str, traces: Traces) -> tuple[str, ...]:
    """What in these words may still tell who wrote them, as it stands there, each once."""
    return tuple(dict.fromkeys(_telling(draft, traces)))[:_MOST_FOUND]


def _telling(draft: str, traces: Traces) -> Iterator[str]:
    for pattern in (_ADDRESS, _of_names(traces), _of_domains(traces)):
        yield from (found[0] for found in pattern.finditer(draft))
    for found in _NUMBER.finditer(draft):
        if sum(map(str.isdigit, found[0])) >= 7 and not _DATE.fullmatch(found[0].strip()):
            yield found[0].strip()


def _of_names(traces: Traces) -> re.Pattern[str]:
    """Each word of a name, as names are written: "Rose", not "rose"."""
    names = {word for name in traces.names for word in re.findall(r"[^\W\d_]{2,}", name)}
    return _any(names | {word.capitalize() for word in names}, 0)


def _of_domains(traces: Traces) -> re.Pattern[str]:
    """Whom an address is of: "garden.example", and "garden" where that is not everybody's provider."""
    domains = {address.rpartition("@")[2] for address in traces.addresses}
    labels = {label for domain in domains for label in domain.split(".")[-2:-1] if len(label) > 3}
    return _any(domains | (labels - _COMMON), re.I)


def _any(words: set[str], flags: int) -> re.Pattern[str]:
    told = sorted((re.escape(word) for word in words if word), key=lambda one: (-len(one), one))
    return regex(rf"(?<!\w)(?:{'|'.join(told) or '(?!)'})(?!\w)", flags)
