"""Zones as people name them."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.zones import _SAID, _SEVERAL, read_zone, writes_month_first, zones_like

NAMED = """
Europe/Berlin          | Europe/Berlin
europe/berlin          | Europe/Berlin
berlin                 | Europe/Berlin
Berlin time            | Europe/Berlin
in Berlin              | Europe/Berlin
MEZ                    | Europe/Berlin
CET                    | Europe/Berlin
Central European Time  | Europe/Berlin
München                | Europe/Berlin
Deutschland            | Europe/Berlin
Wien                   | Europe/Vienna
Zürich                 | Europe/Zurich
Pacific                | America/Los_Angeles
Pacific time           | America/Los_Angeles
US/Pacific             | America/Los_Angeles
PST                    | America/Los_Angeles
PT                     | America/Los_Angeles
San Francisco          | America/Los_Angeles
Seattle                | America/Los_Angeles
eastern                | America/New_York
Eastern Standard Time  | America/New_York
US Eastern             | America/New_York
EST                    | America/New_York
edt                    | America/New_York
new york               | America/New_York
New_York               | America/New_York
Washington DC          | America/New_York
central                | America/Chicago
St. Louis              | America/Chicago
mountain time          | America/Denver
Arizona                | America/Phoenix
Phoenix                | America/Phoenix
Alaska                 | America/Anchorage
Hawaii                 | Pacific/Honolulu
Guam                   | Pacific/Guam
Indianapolis           | America/Indiana/Indianapolis
São Paulo              | America/Sao_Paulo
Port-au-Prince         | America/Port-au-Prince
london                 | Europe/London
UK                     | Europe/London
BST                    | Europe/London
Kiev                   | Europe/Kyiv
Mumbai                 | Asia/Kolkata
GMT                    | Etc/UTC
utc                    | Etc/UTC
UTC+2                  | Etc/GMT-2
UTC +2                 | Etc/GMT-2
utc-5                  | Etc/GMT+5
GMT+02:00              | Etc/GMT-2
+1                     | Etc/GMT-1
UTC+0                  | Etc/UTC
Etc/GMT+2              | Etc/GMT+2
"""


@pytest.mark.parametrize("row", NAMED.strip().splitlines())
def test_a_zone_is_known_by_what_people_call_it(row: str) -> None:
    words, zone = (cell.strip() for cell in row.split("|"))
    assert read_zone(words) == zone
    assert ZoneInfo(zone).key == zone


@pytest.mark.parametrize(
    "words",
    ["", "?", "IST", "Washington", "Texas", "USA", "UTC+5:30", "UTC+15", "Narnia", "../etc", "x" * 500],
)
def test_what_is_unknown_or_means_several_is_asked_about(words: str) -> None:
    assert read_zone(words) is None


@pytest.mark.parametrize(
    ("words", "zone"),
    [
        ("Berln", "Europe/Berlin"),
        ("nwe york", "America/New_York"),
        ("Los Angelos", "America/Los_Angeles"),
        ("Hawai", "Pacific/Honolulu"),
        ("IST", "Asia/Kolkata"),
        ("washington", "America/Los_Angeles"),
        ("Europe/Berlim", "Europe/Berlin"),
    ],
)
def test_the_likeliest_are_proposed(words: str, zone: str) -> None:
    found = zones_like(words)
    assert zone in found
    assert len(found) <= 3
    assert zones_like(words, limit=1) == found[:1]


def test_nothing_is_proposed_for_what_is_like_nothing() -> None:
    assert zones_like("qqqq") == zones_like("") == []


def test_every_zone_of_the_tables_exists_and_no_word_means_two_of_them() -> None:
    for zone in (*_SAID, *(zone for several in _SEVERAL.values() for zone in several)):
        assert ZoneInfo(zone)
    words = [word for said in _SAID.values() for word in said.split()]
    assert len(words) == len(set(words))
    assert not set(words) & set(_SEVERAL)


def test_the_usa_write_the_month_first() -> None:
    assert writes_month_first("America/New_York")
    assert writes_month_first("America/Indiana/Knox")
    assert not writes_month_first("America/Toronto")
    assert not writes_month_first("Europe/Berlin")


@given(st.text(max_size=80))
def test_nothing_that_is_written_raises(words: str) -> None:
    found = read_zone(words)
    assert found is None or ZoneInfo(found)
    assert all(ZoneInfo(zone) for zone in zones_like(words))
