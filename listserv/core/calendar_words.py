"""The words of the calendar, as people of twelve languages write them. Data; ``core/when.py`` reads with it.

Days and months stand in their order, between bars; then a meaning and its words, all as ``fold`` leaves
them. Words of up to three letters are understood in their own language only, English ones and German
little words in all: *do* is a Thursday to a German and nothing to anybody else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import field
from functools import cache

from listserv.core.records import dataclass

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

# How a moment is said back, in the languages that the program speaks.
SAID_DAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "de": ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
}
SAID_MONTHS = {
    "en": ("January", "February", "March", "April", "May", "June")
    + ("July", "August", "September", "October", "November", "December"),
    "de": ("Januar", "Februar", "März", "April", "Mai", "Juni")
    + ("Juli", "August", "September", "Oktober", "November", "Dezember"),
}
SAID = {
    "en": "{weekday} {day} {month}{year}, {hour:02}:{minute:02}",
    "de": "{weekday}, {day}. {month}{year}, {hour}:{minute:02} Uhr",
}

# Several words that mean one, and words that mean several.
PHRASES = (
    (r"\b([ap])\. ?m\b\.?", r"\1m"),
    (r"\bday after tomorrow\b", "overmorrow"),
    (r"\bpasado manana\b", "overmorrow"),
    (r"\bdepois de amanha\b", "overmorrow"),
    (r"\bapres[ -]demain\b", "overmorrow"),
    (r"\bapres[ -]midi\b", "afternoon"),
    (r"\bce soir\b", "tonight"),
    (r"\bthis evening\b", "tonight"),
    (r"\bheute (?:abend|nacht)\b", "tonight"),
    (r"\bi (dag|morgen|morgon|overmorgon|kvall)\b", r"i\1"),
    (r"\bmonatsende\b", "end month"),
    (r"\bjahresende\b", "end year"),
    (r"\bnew year\b", "next year"),
    (r"\ba las?\b", "at"),
    (r"^(?:in )?fortnight", "1 fortnight"),
    (r"\ba week from (?:now|today)\b|\bheute in einer woche\b", "1 week"),
    (r"\b(montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag)(fruh|morgen|mittag|abend)", r"\1 \2"),
)
# These mean "tomorrow", and "morning" behind the name of a day.
TWO_FACED = ("morgen", "manana", "morgon")

_SHORT = 3  # letters; shorter words mean too much in too many languages
_TABLES = {
    "en": """
weekdays: monday mondays mon | tuesday tuesdays tue tues | wednesday wednesdays wed weds |
  thursday thursdays thu thur thurs | friday fridays fri | saturday saturdays sat |
  sunday sundays sun
months: january jan | february feb | march mar | april apr | may | june jun | july jul |
  august aug | september sept sep | october oct | november nov | december dec
today: today; tonight: tonight; tomorrow: tomorrow tmrw tomorow tommorow; overmorrow: overmorrow;
next: next; this: this coming; after: after; from: from; now: now; in: in within; end: end;
start: start beginning early; mid: mid middle; minute: minute minutes min mins;
hour: hour hours hr hrs h; day: day days d; week: week weeks wk wks w; fortnight: fortnight;
month: month months mth; year: year years yr y; weekend: weekend; at: at around about; clock: oclock;
am: am; pm: pm; noon: noon midday; midnight: midnight; morning: morning mornings;
afternoon: afternoon afternoons; evening: evening evenings eve; night: night; 1: a an one; 2: two;
3: three; 4: four; 5: five; 6: six; 7: seven; 8: eight; 9: nine; 10: ten; 11: eleven; 12: twelve;
and: and; skip: until till til on the of by for before back again s
""",
    "de": """
weekdays: montag montags mo | dienstag dienstags di | mittwoch mittwochs mi |
  donnerstag donnerstags do | freitag freitags fr | samstag samstags sonnabend sonnabends sa |
  sonntag sonntags so
months: januar janner jaenner | februar feber | marz maerz mrz | april | mai | juni | juli |
  august | september | oktober okt | november | dezember dez
today: heute; tomorrow: morgen; overmorrow: ubermorgen uebermorgen;
next: nachste nachsten nachster nachstes nachstem naechste naechsten naechster naechstes;
this: diese diesen dieser dieses diesem kommende kommenden kommender kommendes; from: ab; now: jetzt;
in: in binnen; end: ende; start: anfang beginn; mid: mitte; minute: minute minuten;
hour: stunde stunden std; day: tag tage tagen; week: woche wochen;
month: monat monate monaten monats; year: jahr jahre jahren jahres; weekend: wochenende;
at: um gegen; clock: uhr; noon: mittag mittags;
midnight: mitternacht mitternachts; morning: fruh frueh vormittag vormittags morgens;
afternoon: nachmittag nachmittags; evening: abend abends; night: nacht nachts; half: halb;
1: ein eine einen einem einer eins; 2: zwei; 3: drei; 4: vier; 5: funf fuenf; 6: sechs; 7: sieben;
8: acht; 9: neun; 10: zehn; 11: elf; 12: zwolf zwoelf; 14: vierzehn; and: und;
skip: bis zu zum zur im den dem der des die das von vom fur fuer erst wieder an
""",
    "es": """
weekdays: lunes lun | martes mar | miercoles mie | jueves jue | viernes vie | sabado sab |
  domingo dom
months: enero ene | febrero | marzo mar | abril abr | mayo | junio | julio | agosto ago |
  septiembre setiembre | octubre | noviembre | diciembre dic
today: hoy; tomorrow: manana; next: proximo proxima siguiente viene; this: este esta; in: en dentro;
end: fin final finales; minute: minuto minutos; hour: hora horas; day: dia dias;
week: semana semanas; month: mes meses; year: ano anos; noon: mediodia; midnight: medianoche;
afternoon: tarde; evening: noche; 1: un una; and: y; skip: hasta el la los las de del por que a
""",
    "fr": """
weekdays: lundi lun | mardi | mercredi mer | jeudi jeu | vendredi ven | samedi sam | dimanche dim
months: janvier janv | fevrier fevr fev | mars | avril avr | mai | juin | juillet juil | aout |
  septembre | octobre | novembre | decembre
today: aujourdhui; tonight: cesoir; tomorrow: demain; overmorrow: apresdemain;
next: prochain prochaine; in: dans; end: fin; start: debut; minute: minute minutes;
hour: heure heures; day: jour jours j; week: semaine semaines; month: mois; year: annee ans an;
at: a vers; noon: midi; midnight: minuit; morning: matin; afternoon: apresmidi; evening: soir;
1: un une; and: et; skip: jusqua jusquau jusque le la les de du en au des
""",
    "it": """
weekdays: lunedi lun | martedi mar | mercoledi mer | giovedi gio | venerdi ven | sabato sab |
  domenica dom
months: gennaio gen | febbraio | marzo mar | aprile | maggio mag | giugno giu | luglio lug |
  agosto ago | settembre set | ottobre ott | novembre | dicembre dic
today: oggi; tonight: stasera; tomorrow: domani; overmorrow: dopodomani; next: prossimo prossima;
in: tra fra; end: fine; minute: minuto minuti; hour: ora ore; day: giorno giorni;
week: settimana settimane; month: mese mesi; year: anno anni; at: alle; noon: mezzogiorno;
midnight: mezzanotte; morning: mattina mattino; afternoon: pomeriggio; evening: sera; 1: un una uno;
and: e; skip: fino a al alla il la di del della
""",
    "pt": """
weekdays: segunda segundafeira seg | terca tercafeira ter | quarta quartafeira qua |
  quinta quintafeira qui | sexta sextafeira sex | sabado sab | domingo dom
months: janeiro | fevereiro fev | marco | abril abr | maio mai | junho | julho | agosto ago |
  setembro set | outubro out | novembro | dezembro dez
today: hoje; tomorrow: amanha; next: proximo proxima vem; in: em daqui; end: fim final;
minute: minuto minutos; hour: hora horas; day: dia dias; week: semana semanas; month: mes meses;
year: ano anos; at: as; noon: meiodia; midnight: meianoite; morning: manha; afternoon: tarde;
evening: noite; 1: um uma; and: e; skip: ate o a de do da na no que
""",
    "nl": """
weekdays: maandag maandags ma | dinsdag di | woensdag wo | donderdag do | vrijdag vr | zaterdag za |
  zondag zo
months: januari | februari | maart mrt | april | mei | juni | juli | augustus | september |
  oktober okt | november | december
today: vandaag; tonight: vanavond; tomorrow: morgen; overmorrow: overmorgen; next: volgende komende;
in: over; end: eind einde; minute: minuut minuten; hour: uren; clock: uur; day: dag dagen; week: weken;
month: maand maanden; year: jaar; at: om; noon: middag; midnight: middernacht; morning: ochtend;
afternoon: namiddag; evening: avond; 1: een; 2: twee; 3: drie; and: en; skip: tot op de het van
""",
    "pl": """
weekdays: poniedzialek poniedzialku pon | wtorek wtorku | sroda srode srody | czwartek czwartku |
  piatek piatku | sobota sobote soboty | niedziela niedziele niedzieli
months: styczen stycznia | luty lutego | marzec marca | kwiecien kwietnia | maj maja |
  czerwiec czerwca | lipiec lipca | sierpien sierpnia | wrzesien wrzesnia |
  pazdziernik pazdziernika | listopad listopada | grudzien grudnia
today: dzis dzisiaj; tomorrow: jutro jutra; overmorrow: pojutrze;
next: przyszly przyszla przyszlym przyszlego przyszly nastepny nastepna; in: za; end: koniec konca;
minute: minuta minuty minut; hour: godzina godziny godzin; day: dzien dni;
week: tydzien tygodnie tygodni tygodniu; month: miesiac miesiace miesiecy miesiaca;
year: rok lata lat; noon: poludnie; midnight: polnoc; morning: rano; evening: wieczorem wieczor;
and: i; skip: do w we dnia o
""",
    "sv": """
weekdays: mandag man | tisdag tis | onsdag ons | torsdag tors tor | fredag fre | lordag lor |
  sondag son
months: januari | februari | mars | april | maj | juni | juli | augusti | september | oktober okt |
  november | december
today: idag; tonight: ikvall; tomorrow: imorgon morgon; overmorrow: overmorgon; next: nasta; in: om;
end: slutet; minute: minut minuter; hour: timme timmar; day: dag dagar; week: vecka veckor veckan;
month: manad manader manaden; year: ar; at: klockan kl; evening: kvall kvallen; 1: en ett; and: och;
skip: till tills pa i den av
""",
    "da": """
weekdays: mandag man | tirsdag tir | onsdag ons | torsdag tor | fredag fre | lordag lor | sondag son
months: januar | februar | marts | april | maj | juni | juli | august | september | oktober okt |
  november | december
today: idag; tomorrow: imorgen morgen; next: naeste; in: om; end: slutningen; minute: minut minutter;
hour: time timer; day: dag dage; week: uge uger; month: maned maneder maaned; year: ar;
at: klokken kl; evening: aften; 1: en et; and: og; skip: indtil til pa i den af
""",
    "nb": """
weekdays: mandag man | tirsdag tir | onsdag ons | torsdag tor | fredag fre | lordag lor | sondag son
months: januar | februar | mars | april | mai | juni | juli | august | september | oktober okt |
  november | desember des
today: idag; tomorrow: imorgen morgen; next: neste; in: om; end: slutten; minute: minutt minutter;
hour: time timer; day: dag dager; week: uke uker; month: maned maneder; year: ar; at: klokken kl;
evening: kveld; 1: en et; and: og; skip: inntil til pa i den av
""",
    "fi": """
weekdays: maanantai maanantaina maanantaihin ma | tiistai tiistaina tiistaihin ti |
  keskiviikko keskiviikkona keskiviikkoon ke | torstai torstaina torstaihin to |
  perjantai perjantaina perjantaihin pe | lauantai lauantaina lauantaihin la |
  sunnuntai sunnuntaina sunnuntaihin su
months: tammikuu tammikuuta | helmikuu helmikuuta | maaliskuu maaliskuuta | huhtikuu huhtikuuta |
  toukokuu toukokuuta | kesakuu kesakuuta | heinakuu heinakuuta | elokuu elokuuta |
  syyskuu syyskuuta | lokakuu lokakuuta | marraskuu marraskuuta | joulukuu joulukuuta
today: tanaan; tomorrow: huomenna huomiseen; overmorrow: ylihuomenna; next: ensi;
minute: minuutti minuuttia; hour: tunti tuntia; day: paiva paivaa paivan;
week: viikko viikkoa viikon viikolla; month: kuukausi kuukautta kuukauden; year: vuosi vuotta;
at: kello klo; and: ja; skip: asti saakka kuluttua
""",
}


@dataclass(frozen=True, slots=True)
class Words:
    """What the words mean to a speaker of one language; a few are a weekday and a month."""

    weekdays: dict[str, str] = field(default_factory=dict)
    months: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)


def fold(words: str) -> str:
    """Lower case, without accents and apostrophes: ``März``, ``marz`` and ``MÄRZ`` are one word."""
    if words.isascii():
        return words.lower().translate(_PLAIN)
    spread = unicodedata.normalize("NFKD", words.casefold())
    return "".join(c for c in spread if not unicodedata.combining(c)).translate(_PLAIN)


_PLAIN = str.maketrans({"ø": "o", "ł": "l", "æ": "ae", "œ": "oe"} | dict.fromkeys("'’`´ʼ", ""))


def words_of(language: str) -> Words:
    """The words of ``language`` (a tag such as de or pt-BR), then English, then the others' long ones."""
    own = language.lower().partition("-")[0]
    own = "nb" if own in ("no", "nn") else own
    return _merged(own if own in _TABLES else "en")


@cache
def _merged(own: str) -> Words:
    merged = Words()
    for language in dict.fromkeys((own, "en", *_TABLES)):
        for kind, word, meaning in _rows(_TABLES[language]):
            # German little words ("bis", "um") are understood in all; German short days (Do, So) are not.
            known = ("en", "de") if kind == "others" else ("en",)
            if len(word) > _SHORT or language in (own, *known):
                getattr(merged, kind).setdefault(word, meaning)
    return merged


def _rows(table: str) -> Iterator[tuple[str, str, str]]:
    """(weekdays, months or others; a word; its meaning)"""
    rows = re.findall(r"(\w+):([^:;]+?)(?=[;\n]*\s*(?:\w+:|\Z))", table)
    for name, words in rows:
        names = {"weekdays": WEEKDAYS, "months": MONTHS}.get(name)
        if names is None:
            yield from (("others", word, name) for word in words.split())
        else:
            parts = zip(names, words.split("|"), strict=True)
            yield from ((name, word, meaning) for meaning, some in parts for word in some.split())
