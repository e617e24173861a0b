"""Challenges: "prove that you are a person, then your mail is delivered" (standards.md §5, 94). Pure; tables.

Nobody answers one from here: the robot that would confirm itself to another is a loop. Its member is
pointed out to the hosts instead. A field of such a program is proof; else it takes three signs of its words,
in a short mail that quotes nobody, for people write about these programs, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_FIELDS = ("x-tmda-fingerprint", "x-tmda-confirm", "x-askversion", "x-boxbe-challenge", "x-spamarrest-noauth")
_AGENTS = re.compile(
    r"tmda|active spam killer|spam ?arrest|boxbe|bluebottle|choicemail|mailblocks|sendio", re.I
)
_LONGEST, _READ = 4000, 2500

# A sign a row.
_SIGNS = tuple(
    re.compile(words, re.I | re.X)
    for words in (
        r"""(?:click|visit|follow|use|reply|respond|antworten|klicken|cliquez|haga\ clic|clique)\b""",
        r"""(?:verif(?:y|ication)|confirm(?:ation|\ that)?|authenticat|approv|authoriz|whitelist|guest\ list
             | best[äa]tig|confirme[rz]|validar|verifique)""",
        r"""(?:(?:mail|message|nachricht)\b.{0,60}?\b(?:held|not\ (?:been\ )?deliver|quarantin|pending
             | waiting|queue|requires?|zur[üu]ckgehalten)) | en\ attente | fila\ de""",
        r"""(?:human|real\ person|not\ (?:a\ )?(?:robot|machine|spam)|spam(?:mer)?s?\b.{0,40}?\b(?:protect|
             block|prevent|control) | anti-?spam | unsolicited)""",
        r"""(?:one[- ]time | only\ (?:need|have)\ to\ do\ this\ once | first\ time | future\ (?:messages|mail)
             | unknown\ sender | do\ not\ recogni[sz]e)""",
    )
)
_ENOUGH = 4
_QUOTES = re.compile(r"^[ \t]*>|\b(?:wrote|schrieb):", re.I | re.M)


def is_challenge(said: Mapping[str, str], text: str) -> bool:
    """Judge by the header (lower-case names and values), then by the first words. Never raises."""
    if any(name in said for name in _FIELDS):
        return True
    named = " ".join(said.get(name, "") for name in ("x-mailer", "user-agent", "x-delivery-agent", "from"))
    by_agent = _AGENTS.search(named[:2000]) is not None
    if len(text) > _LONGEST or (_QUOTES.search(text) and not by_agent):
        return False
    plain = " ".join(text[:_READ].split())
    signs = sum(sign.search(plain) is not None for sign in _SIGNS)
    return signs >= (2 if by_agent else _ENOUGH)
