"""How often a member wants mail, as people say it in a reply (interface.md §5), and as older servers taught.

What is stored is what ``setting_words.read_rhythm`` writes; here more words lead there. Pure.
"""

from __future__ import annotations

import re

from listserv.core.calendar_words import WEEKDAYS, fold, words_of
from listserv.core.patterns import regex
from listserv.core.setting_words import read_rhythm

_LONGEST = 100  # characters

# What is said: every phrase in full, as ``fold`` leaves it; "set LIST" and "please" may stand before it.
_SAID = {
    "now": """
now | at once | immediately | instant | immediate | every post | every mail | every email |
each post | all posts | single mails | individual mails | mail | nodigest | no digest | no digests |
no more digest | no more digests | digest off | stop digest | stop the digest | stop digests |
stop my digest | cancel digest | cancel the digest | undigest | jetzt | sofort | gleich | jede mail |
jeden beitrag | alle beitrage | einzeln | einzelne mails | kein digest | kein digest mehr |
keine digests | keine digests mehr | digest aus | digest abbestellen | keine zusammenfassung |
keine zusammenfassung mehr | keine sammelmail mehr | ahora | maintenant | subito | agora | meteen |
direct | teraz | genast | straks | heti
""",
    "daily": """
daily | every day | once a day | once per day | digest | digests | daily digest | digest daily |
a digest | the digest | digest on | digest plain | digest mime | digest mode | digestplain | summary |
daily summary | taglich | taeglich | jeden tag | einmal taglich | einmal am tag | tagesdigest |
tagliche zusammenfassung | zusammenfassung | taglicher digest | als digest | nur digest | sammelmail |
diario | diariamente | quotidien | quotidienne | giornaliero | quotidiano | dagelijks | codziennie |
dagligen | dagligt | daglig | paivittain
""",
    "weekly": """
weekly | every week | once a week | once per week | weekly digest | digest weekly | weekly summary |
wochentlich | woechentlich | jede woche | einmal pro woche | einmal die woche | einmal in der woche |
wochentliche zusammenfassung | wochentlicher digest | wochendigest | semanal | semanalmente |
hebdomadaire | settimanale | wekelijks | co tydzien | veckovis | ugentlig | ugentligt | ukentlig |
viikoittain
""",
    "mine": """
mine | only mine | mine only | only my threads | my threads | only replies to me | meine | nur meine |
meine themen | nur antworten an mich | mios | les miens | miei | meus | mina
""",
    "none": """
none | nomail | no mail | no mails | no email | no emails | nothing | no posts | mail off | web only |
keine | keine mail | keine mails | keine e mails | nichts | keine post | nur archiv | nur web |
ninguno | nada | aucun | rien | nessuno | niente | nenhum | geen | zadne | ingen | inga | ei mitaan
""",
    "mon tue wed thu fri": """
weekdays | every weekday | on weekdays | workdays | werktags | an werktagen | wochentags
""",
    "sat sun": """
weekends | weekend | on weekends | am wochenende | wochenende | wochenends
""",
}
_BY_PHRASE = {phrase.strip(): rhythm for rhythm, said in _SAID.items() for phrase in said.split("|")}
_BEFORE = regex(r"(?:(?:please|pls|bitte) )*(?:set (?:\S+ )??(?=digest|nodigest|nomail|mail))?")
_BEHIND = regex(r"(?: (?:please|pls|bitte|thanks|danke))+$")
_MAILS = regex(
    r"(?:at most |max |maximum |maximal |up to |hochstens |hoechstens |no more than |not more than )?"
    r"([1-7])(?: ?(?:x|times?|mal|e?mails?|posts?|messages?))?"
    r"(?: (?:a|per|each|every|pro|die|in der|jede) (?:week|woche))?"
)
_BETWEEN = frozenset(
    ("and", "und", "y", "et", "e", "i", "en", "og", "och", "ja")
    + ("on", "every", "each", "only", "the", "am", "an", "den", "jeden", "jede", "nur")
)


def read(words: str, language: str = "en") -> str | None:
    """The rhythm as it is stored ("daily", "mon thu", "3"), or None for what is no rhythm."""
    plain = re.sub(r"[\s,.;!?&/+\"]+", " ", fold(words)).strip() if len(words) <= _LONGEST else ""
    plain = _BEHIND.sub("", plain)
    plain = plain[_match_end(plain) :]
    if plain in _BY_PHRASE:
        return read_rhythm(_BY_PHRASE[plain])
    return _mails_a_week(plain, language) or _days(plain, language)


def kind(rhythm: str) -> str:
    """Its kind, for templates: now, daily, weekly, mine, none, ``days``, or ``some`` (1 to 7)."""
    if rhythm.isdigit():
        return "some"
    return "days" if rhythm.partition(" ")[0] in WEEKDAYS else rhythm


def _match_end(plain: str) -> int:
    found = _BEFORE.match(plain)
    return found.end() if found else 0


def _mails_a_week(plain: str, language: str) -> str | None:
    """1 to 7, in digits or as a word, with or without "mails a week"."""
    numbers = words_of(language).others
    first, _, rest = plain.partition(" ")
    if numbers.get(first, "").isdigit() and first not in ("a", "an"):
        plain = f"{numbers[first]} {rest}".strip()
    found = _MAILS.fullmatch(plain)
    return read_rhythm(found[1]) if found else None


def _days(plain: str, language: str) -> str | None:
    known = words_of(language).weekdays
    days = [known.get(word, "") for word in plain.split() if word not in _BETWEEN or word in known]
    return read_rhythm(" ".join(days)) if days and all(days) else None
