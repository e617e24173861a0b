"""Challenges: "prove that you are a person, then your mail is delivered" (standards.md §5, 94). Pure; tables.

Nobody answers one from here: the robot that would confirm itself to another is a loop. Its member is
pointed out to the hosts instead. People write about such programs, and with them: the programs' own fields
stand in people's mails, too. So it takes the signs of the table, in a short mail that quotes nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from listserv.core.patterns import regex

_AGENTS = regex(
    r"tmda|active spam killer|paganini\.net/ask|spam ?arrest|boxbe|bluebottle|choicemail|mailblocks|sendio",
    re.I,
)
_NAMED_IN = ("x-mailer", "user-agent", "x-delivery-agent", "x-askversion", "from")
_LONGEST, _READ = 4000, 2500

# A sign a row.
_SIGNS = tuple(
    regex(words, re.I | re.X)
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
_OF_AN_AGENT = 3  # signs that are enough where such a program names itself; else all of them, and a link
_QUOTES = regex(r"^[ \t]*>|\b(?:wrote|schrieb):", re.I | re.M)


def is_challenge(said: Mapping[str, str], text: str) -> bool:
    """Judge by the header (lower-case names and values) and by the first words. Never raises."""
    if len(text) > _LONGEST or _QUOTES.search(text):
        return False
    plain = " ".join(text[:_READ].split())
    named = " ".join(said.get(name, "") for name in _NAMED_IN)[:2000]
    if _AGENTS.search(named):
        return sum(sign.search(plain) is not None for sign in _SIGNS) >= _OF_AN_AGENT
    return "://" in plain and all(sign.search(plain) for sign in _SIGNS)
