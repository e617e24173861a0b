"""Time zones as people name them: "Pacific", "new york", "EST", "UTC+2".

Pure, but that the names of all zones are read from the system's own table, once.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from zoneinfo import available_timezones

from listserv.core.calendar_words import fold
from listserv.core.patterns import regex

_LONGEST = 60  # characters
_REGION = regex("(?:Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific)/")
# What people say who don't say a city of the zones' table. Folded; "time" is no word of its own.
_SAID = {
    "America/New_York": "eastern et est edt boston philadelphia miami atlanta washington-dc dc massachusetts"
    " pennsylvania virginia georgia ohio maryland new-jersey connecticut north-carolina south-carolina maine"
    " vermont new-hampshire rhode-island delaware west-virginia charlotte cleveland pittsburgh baltimore",
    "America/Chicago": "central ct cst cdt dallas houston austin minneapolis st-louis new-orleans milwaukee"
    " illinois wisconsin minnesota iowa missouri oklahoma arkansas louisiana mississippi alabama",
    "America/Denver": "mountain mt mst mdt colorado utah new-mexico wyoming montana"
    " salt-lake-city albuquerque",
    "America/Los_Angeles": "pacific pt pst pdt la california seattle tacoma spokane yakima san-francisco"
    " san-diego portland sacramento las-vegas",
    "America/Phoenix": "arizona tucson",
    "America/Anchorage": "alaska akst akdt",
    "Pacific/Honolulu": "hawaii hst hawaiian",
    "Pacific/Guam": "chst chamorro",
    "America/Puerto_Rico": "san-juan",
    "America/Halifax": "atlantic nova-scotia",
    "America/Toronto": "ottawa montreal ontario quebec",
    "America/Vancouver": "british-columbia",
    "Europe/London": "uk england britain great-britain scotland wales bst edinburgh glasgow manchester",
    "Europe/Dublin": "ireland",
    "Europe/Berlin": "germany deutschland cet cest mez mesz central-european mitteleuropaische"
    " munich munchen hamburg cologne koln frankfurt stuttgart leipzig dresden hannover bremen",
    "Europe/Vienna": "austria osterreich wien",
    "Europe/Zurich": "switzerland schweiz suisse zuerich geneva genf bern basel",
    "Europe/Paris": "france lyon marseille",
    "Europe/Madrid": "spain espana barcelona",
    "Europe/Rome": "italy italia roma milan milano",
    "Europe/Lisbon": "wet west lisboa porto portugal",
    "Europe/Amsterdam": "netherlands holland nederland",
    "Europe/Brussels": "belgium belgien bruxelles",
    "Europe/Warsaw": "poland polska polen warszawa warschau krakow",
    "Europe/Prague": "czechia praha prag",
    "Europe/Copenhagen": "denmark danmark kopenhagen",
    "Europe/Stockholm": "sweden sverige schweden",
    "Europe/Oslo": "norway norge norwegen",
    "Europe/Helsinki": "finland suomi eet eest",
    "Europe/Athens": "greece athen",
    "Europe/Kyiv": "ukraine kiev kiew",
    "Europe/Moscow": "msk moskau",
    "Asia/Tokyo": "japan jst tokio",
    "Asia/Kolkata": "india mumbai delhi new-delhi bangalore chennai",
    "Asia/Shanghai": "china beijing",
    "Asia/Jerusalem": "israel",
    "Australia/Sydney": "aest aedt canberra",
    "Pacific/Auckland": "new-zealand nzst nzdt wellington",
    "Etc/UTC": "utc gmt z zulu universal greenwich",
}
# Names of several zones: we ask.
_SEVERAL = {
    "ist": ("Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"),
    "washington": ("America/New_York", "America/Los_Angeles"),
    "texas": ("America/Chicago", "America/Denver"),
    "florida": ("America/New_York", "America/Chicago"),
    "michigan": ("America/Detroit", "America/Menominee"),
    "tennessee": ("America/Chicago", "America/New_York"),
    "kentucky": ("America/New_York", "America/Chicago"),
    "indiana": ("America/Indiana/Indianapolis", "America/Chicago"),
    "idaho": ("America/Boise", "America/Los_Angeles"),
    "oregon": ("America/Los_Angeles", "America/Boise"),
    "nevada": ("America/Los_Angeles", "America/Denver"),
    "usa": ("America/New_York", "America/Chicago", "America/Los_Angeles"),
    "us": ("America/New_York", "America/Chicago", "America/Los_Angeles"),
    "america": ("America/New_York", "America/Chicago", "America/Los_Angeles"),
    "canada": ("America/Toronto", "America/Vancouver", "America/Halifax"),
    "australia": ("Australia/Sydney", "Australia/Perth", "Australia/Brisbane"),
    "ast": ("America/Puerto_Rico", "America/Halifax", "Asia/Riyadh"),
    "europe": ("Europe/Berlin", "Europe/London", "Europe/Athens"),
}
_MONTH_FIRST = regex(
    r"US/|Navajo|(?:EST5EDT|CST6CDT|MST7MDT|PST8PDT|EST|MST|HST)$|Pacific/(?:Honolulu|Guam|Saipan|Pago_Pago|Midway)"
    r"|America/(?:New_York|Detroit|Kentucky|Indiana|Louisville|Fort_Wayne|Knox_IN|Chicago|Menominee|North_Dakota"
    r"|Denver|Boise|Phoenix|Shiprock|Los_Angeles|Anchorage|Juneau|Sitka|Metlakatla|Yakutat|Nome|Adak|Atka)\b"
)
_OFFSET = regex(r"(?:utc|gmt)? ?([+-])([0-9]{1,2})(?::?00)?")


def writes_month_first(zone: str) -> bool:
    """Whether people of this zone write 1/6 for the sixth of January: those of the USA."""
    return _MONTH_FIRST.match(zone) is not None


def read_zone(words: str) -> str | None:
    """The IANA name of what people call a zone: a name, a city, a country, "EST", "UTC+2" (Etc/GMT-2).

    None for what is unknown or means several: ask, with ``zones_like``.
    """
    plain = _plain(words)
    if not plain or plain in _SEVERAL:
        return None
    if offset := _OFFSET.fullmatch(plain):
        return _fixed(offset[1], int(offset[2]))
    return _said().get(plain.removeprefix("us/").replace(" ", "-")) or _names().get(plain.replace(" ", "_"))


def zones_like(words: str, limit: int = 3) -> list[str]:
    """The names most like the words, likeliest first; none where nothing is."""
    plain = _plain(words)
    if plain in _SEVERAL:
        return list(_SEVERAL[plain][:limit])
    wanted = _pairs(plain.rpartition("/")[2])
    scored = [(_alike(wanted, pairs), name) for name, pairs in _shapes()]
    best = sorted(
        ((score, name) for score, name in scored if score >= 0.5), key=lambda one: (-one[0], one[1])
    )
    return list(dict.fromkeys(name for _, name in best))[:limit]


def _plain(words: str) -> str:
    if len(words) > _LONGEST:
        return ""
    plain = re.sub(r"[\s_]+", " ", fold(words).replace("−", "-").replace(".", "")).strip(" ,!?")
    plain = re.sub(
        r"^(?:in|the|us|usa) (?=\w{2})| (?:standard |daylight |summer )?(?:time|zone|time zone|zeit)$",
        "",
        plain,
    )
    return re.sub(r" ?([+-]) ?(?=[0-9])", r"\1", plain)


def _fixed(sign: str, hours: int) -> str | None:
    """A whole number of hours beside UTC. The signs of Etc are those of POSIX, turned round."""
    if hours > (14 if sign == "+" else 12):
        return None
    return f"Etc/GMT{'-' if sign == '+' else '+'}{hours}" if hours else "Etc/UTC"


@cache
def _said() -> dict[str, str]:
    return {word: zone for zone, words in _SAID.items() for word in words.split()}


@cache
def _names() -> dict[str, str]:
    """Every zone by its folded name, and by its city where only one zone has that."""
    zones = sorted(name for name in available_timezones() if "/" in name)
    cities: dict[str, list[str]] = {}
    for zone in zones:
        if _REGION.match(zone):
            cities.setdefault(zone.rpartition("/")[2].lower(), []).append(zone)
    # America/Indianapolis is the old name of America/Indiana/Indianapolis.
    deepest = {city: max(several, key=lambda zone: zone.count("/")) for city, several in cities.items()}
    return deepest | {zone.lower(): zone for zone in zones}


@cache
def _shapes() -> tuple[tuple[str, frozenset[str]], ...]:
    known: Iterable[tuple[str, str]] = ((zone, word) for word, zone in _said().items())
    cities = ((zone, zone.rpartition("/")[2].lower()) for zone in _names().values() if _REGION.match(zone))
    return tuple((zone, _pairs(word.replace("_", " ").replace("-", " "))) for zone, word in (*known, *cities))


def _pairs(word: str) -> frozenset[str]:
    spaced = f" {word} "
    return frozenset(spaced[n : n + 2] for n in range(len(spaced) - 1))


def _alike(some: frozenset[str], others: frozenset[str]) -> float:
    """Dice's measure: how much of both is shared, 0 to 1."""
    return 2 * len(some & others) / (len(some) + len(others))
