"""A list's settings: the table of interface.md §3, read and written."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.address import Address
from listserv.core.routing import COMMAND_WORDS
from listserv.core.setting_words import read_rhythm
from listserv.core.settings_table import (
    KEYS,
    PRESETS,
    RESERVED,
    TABLE,
    Row,
    change,
    dump,
    load,
    name_rules,
    preset_settings,
    read_aliases,
    read_title,
)
from listserv.core.types import ListSettings

DOMAIN = "lists.example.org"


def test_the_table_has_a_row_for_each_field() -> None:
    assert {row.field for row in TABLE} == {one.name for one in fields(ListSettings)} - {"preset"}
    assert len(set(KEYS)) == len(KEYS)


# interface.md §3, as it stands there.
# fmt: off
PRESET_TABLE = (
    ("posting",           "members", "members", "hosts",   "anyone"),
    ("join",              "invite",  "approve", "confirm", "confirm"),
    ("vouch",             "on",      "on",      "on",      "off"),
    ("probation",         1,         1,         0,         1),
    ("archive",           "members", "members", "members", "public"),
    ("roster",            "hosts",   "members", "hosts",   "hosts"),
    ("visible",           "private", "private", "private", "listed"),
    ("reply_to",          "list",    "list",    "author",  "list"),
    ("from",              "auto",    "auto",    "auto",    "auto"),
    ("outbox_minutes",    2,         2,         0,         0),
    ("guard",             "on",      "on",      "off",     "off"),
    ("rhythm",            "now",     "now",     "now",     "now"),
    ("personal",          "on",      "on",      "on",      "on"),
    ("max_bytes",         10**7,     10**7,     10**7,     2 * 10**6),
    ("attachments",       "keep",    "keep",    "keep",    "archive"),
    ("max_posts_per_day", 0,         0,         0,         10),
    ("storm",             "100/10",  "100/10",  "0",       "100/10"),
    ("hold_days",         2,         2,         2,         2),
)
# fmt: on


@pytest.mark.parametrize(("key", "values"), [(row[0], row[1:]) for row in PRESET_TABLE])
def test_each_preset_sets_what_the_interface_says(key: str, values: tuple[object, ...]) -> None:
    assert tuple(dump(preset_settings(preset))[key] for preset in PRESETS) == values


def test_a_circle_is_what_a_list_is_when_nobody_says() -> None:
    assert preset_settings("circle") == ListSettings()


@pytest.mark.parametrize("preset", PRESETS)
def test_what_is_dumped_is_read_again(preset: str) -> None:
    assert load(dump(preset_settings(preset))) == preset_settings(preset)


@pytest.mark.parametrize(
    ("key", "words", "value"),
    [
        ("archive", " Hosts ", "hosts"),
        ("guard", "no", False),
        ("max_bytes", "5 MB", 5_000_000),
        ("max_bytes", "500kB", 500_000),
        ("storm", "20 / 5", "20/5"),
        ("storm", "0", "0"),
        ("rhythm", "Thursday, mon", "mon thu"),
        ("timezone", "Europe/Berlin", "Europe/Berlin"),
        ("timezone", "", ""),
        ("digest_at", "7:30", "07:30"),
        ("footer", "one\r\ntwo", "one\ntwo"),
        ("from", "relay", "relay"),
    ],
)
def test_words_become_values(key: str, words: str, value: object) -> None:
    settings = change(ListSettings(), key, words)
    assert getattr(settings, "from_" if key == "from" else key) == value


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("archive", "sometimes"),
        ("probation", "-1"),
        ("probation", "21"),
        ("outbox_minutes", "61"),
        ("outbox_minutes", "٣"),
        ("guard", "maybe"),
        ("max_bytes", "1"),
        ("max_bytes", "5 XB"),
        ("max_bytes", "9999999999 GB"),
        ("storm", "10"),
        ("storm", "0/5"),
        ("storm", "5/0"),
        ("rhythm", "sometimes"),
        ("rhythm", ""),
        ("rhythm", "8"),
        ("timezone", "Mars/Olympus"),
        ("digest_at", "24:00"),
        ("digest_at", "7"),
        ("subject_tag", "a\nb"),
        ("subject_tag", "x" * 41),
        ("footer", "bell\x07"),
        ("language", "english language"),
        ("hold_days", "0"),
        ("preset", "family"),
    ],
)
def test_a_bad_value_is_named_with_its_key_and_what_is_allowed(key: str, words: str) -> None:
    with pytest.raises(ValueError, match=f"^{key} is .*; allowed: ."):
        change(ListSettings(), key, words)


def test_an_unknown_key_is_named_with_what_there_is() -> None:
    with pytest.raises(ValueError, match="no setting 'archiv'; there are: address, title"):
        change(ListSettings(), "archiv", "hosts")


def test_a_preset_leaves_the_lists_own_words_alone() -> None:
    mine = replace(ListSettings(), footer="Be kind.", language="de", digest_at="18:00", posting="hosts")
    assert change(mine, "preset", "practice") == replace(
        preset_settings("practice"), footer="Be kind.", language="de", digest_at="18:00"
    )


def test_settings_of_another_version_are_read_as_far_as_they_are_known() -> None:
    assert load({"preset": "public", "from_the_future": 1}) == preset_settings("public")
    with pytest.raises(ValueError, match="archive is 'x'"):
        load({"archive": "x"})


@given(st.sampled_from(TABLE), st.text(max_size=80))
def test_no_words_break_a_reader(row: Row, words: str) -> None:
    try:
        settings = change(ListSettings(), row.key, words)
    except ValueError as error:
        assert "allowed: " in str(error)
    else:
        assert load(dump(settings)) == settings


@pytest.mark.parametrize("name", ["book", "a", "1st", "spring-2026", "de.book", "x" * 38, "ghost", "re"])
def test_a_list_may_have_such_a_name(name: str) -> None:
    assert name_rules(Address(name.upper(), DOMAIN)) == Address(name, DOMAIN)


@pytest.mark.parametrize(
    "name",
    ["x" * 39, "-book", "book.", "a..b", "buch+er", "büch", "a_b", *sorted(RESERVED), *COMMAND_WORDS]
    + [f"book-{word}" for word in COMMAND_WORDS],
)
def test_a_list_may_not_have_a_name_that_means_something_else(name: str) -> None:
    with pytest.raises(ValueError, match="can't name a list"):
        name_rules(Address(name, DOMAIN))


def test_aliases_are_addresses_fit_for_lists() -> None:
    assert read_aliases(f"Buch@{DOMAIN}, livre@{DOMAIN},,buch@{DOMAIN}") == (
        Address("buch", DOMAIN),
        Address("livre", DOMAIN),
    )
    assert read_aliases("") == ()
    for words in ("buch", f"buch-join@{DOMAIN}"):
        with pytest.raises(ValueError, match="buch"):
            read_aliases(words)


def test_a_title_is_one_line() -> None:
    assert read_title("  Book club ") == "Book club"
    for words in ("", " ", "a\r\nBcc: x", "x" * 101):
        with pytest.raises(ValueError):
            read_title(words)


def test_rhythms_have_one_form() -> None:
    assert [read_rhythm(words) for words in ("NOW", "sun mon", "5")] == ["now", "mon sun", "5"]
