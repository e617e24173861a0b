"""Our mails in German: the catalog is whole, its words to reply with are understood, who reads it gets it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from babel.messages.catalog import Message
from jinja2 import Environment
from jinja2.nodes import TemplateData

from listserv.core import guard_words
from listserv.core.address import read_address
from listserv.core.calendar_words import fold
from listserv.core.card_lines import read_card_line
from listserv.core.commands import GROUP_OF, read_line, verb
from listserv.core.notices import Answer, Held, Notice, Said, SetAside, SignInLink, Welcome
from listserv.core.pulse_lines import read_pulse_lines
from listserv.core.queries import read_mail_query
from listserv.core.quietly import first_said
from listserv.core.verb_words import WORDS as UNDERSTOOD
from listserv.core.when import read_moment
from listserv.mail.notices import Words
from listserv.resources import resource
from tests.kit import words as kit
from tests.kit.speaker import NONE, Letter, Speaker
from tests.kit.world import World, open_world
from tests.mail.test_notices import EXAMPLES, HOSTS, WELCOME, WORDS

GERMAN = resource("templates") / "locale" / "de" / "LC_MESSAGES" / "mail.po"
LIST = "book@lists.example.org"
ASK = "book+ask@lists.example.org"


def entries() -> list[Message]:
    return [message for message in kit.read(GERMAN) if message.id]


def pairs(message: Message) -> Iterator[tuple[str, str]]:
    """Each form of an entry, English and German."""
    yield from zip(forms(message.id), forms(message.string), strict=True)


def forms(words: str | Sequence[str] | None) -> Sequence[str]:
    """One, or those of a plural."""
    return [words or ""] if isinstance(words, str) or words is None else words


# ---- the catalog


@pytest.mark.parametrize("path", kit.catalogs(), ids=lambda path: path.parts[-3])
def test_a_catalog_has_what_the_templates_say_and_nothing_else(path: Path) -> None:
    """``make words`` brings it up to date."""
    said = {(message.context, message.id) for message in kit.said_today() if message.id}
    found = kit.read(path)
    assert {(message.context, message.id) for message in found if message.id} == said
    assert not found.obsolete


def test_nothing_is_left_to_translate_or_to_look_at_again() -> None:
    assert [message.id for message in entries() if message.fuzzy] == []
    assert [message.id for message in entries() if not all(german for _, german in pairs(message))] == []


def test_what_is_put_in_is_put_in_in_both_languages() -> None:
    known = re.compile(r"%\(\w+\)s|\{(?:one|two)\}|%")
    for message in entries():
        for english, german in pairs(message):
            assert set(known.findall(english)) == set(known.findall(german)), english


def test_no_german_words_call_anybody_du_or_have_english_quotes() -> None:
    for message in entries():
        for _, german in pairs(message):
            assert not re.search(r"\b(?:du|dich|dir|dein\w*|euch|euer\w*)\b", german, re.I), german
            assert '"' not in german and german.count("„") == german.count("“"), german


# ---- the mails


@pytest.mark.parametrize("notice", EXAMPLES, ids=lambda n: type(n).__name__)
def test_a_notice_reads_well_in_german_in_72_columns(notice: Notice) -> None:
    subject, text = WORDS.put(notice, "de")
    assert subject and "\n" not in subject and not re.search(r"%\(|\{|None", subject + text)
    assert all(len(line) <= 72 or " " not in line.strip() for line in text.splitlines())
    assert "\n\n\n" not in text and text.endswith("\n") and not text.startswith("\n")


def english_phrases() -> set[str]:
    """What stands between the places of each entry, where it is more than two words."""
    said = {english for message in entries() for english, german in pairs(message) if english != german}
    parts = {part.strip() for one in said for part in re.split(r"%\(\w+\)s|\{\w+\}", one)}
    return {part for part in parts if part.count(" ") > 1}


@pytest.mark.parametrize("notice", EXAMPLES, ids=lambda n: type(n).__name__)
def test_no_english_sentence_is_left(notice: Notice) -> None:
    flat = " ".join("\n".join(WORDS.put(notice, "de")).split())
    assert [phrase for phrase in english_phrases() if phrase in flat] == []


@pytest.mark.parametrize("path", sorted((resource("templates") / "mail").glob("*.txt")), ids=lambda p: p.stem)
def test_no_words_stand_in_a_template_but_those_to_translate(path: Path) -> None:
    environment = Environment(extensions=["jinja2.ext.i18n"])
    environment.filters |= dict.fromkeys(WORDS.filters, str)
    source = environment.parse(path.read_text("utf-8"))
    bare = "\n".join(data.data for data in source.find_all(TemplateData))
    bare = re.sub(r"^ +listserv [a-z -]+(?:ID)?$", "", bare, flags=re.M)  # a command on a line of its own
    assert re.findall(r"[a-z]{2,}", bare) in (
        *([], ["ubject"]),
        ["ubject", "icture"],  # what stands as a picture, too (mail/pictured.py)
    )


def test_a_day_and_some_names_stand_as_germans_write_them() -> None:
    assert WORDS.spoken("de").day(datetime(2026, 3, 1, tzinfo=UTC).date()) == "1. März 2026"
    assert WORDS.spoken("de").listed(("Ana", "Bea", "Carl")) == "Ana, Bea und Carl"
    said = Said("paused until", "Freitag, 8. Januar, 7:00 Uhr")
    subject, _ = WORDS.put(Answer("Buch", (said,), undo=True), "de")
    assert subject == "Keine Mail bis Freitag, 8. Januar, 7:00 Uhr (Buch)"


def test_a_language_that_we_don_t_have_is_english() -> None:
    for odd in ("fr", "", "../de", "xx"):
        assert WORDS.put(WELCOME, odd) == WORDS.put(WELCOME)


def test_a_host_s_own_german_comes_first_then_their_own_then_ours(tmp_path: Path) -> None:
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "held.txt").write_text("Subject: Moment\n\nGleich.\n", encoding="utf-8")
    (tmp_path / "held.txt").write_text("Subject: Wait\n\nSoon.\n", encoding="utf-8")
    (tmp_path / "set-aside.txt").write_text("Subject: Aside\n\n{{ count }}\n", encoding="utf-8")
    words = Words((tmp_path, resource("templates") / "mail"))
    held, aside = Held("l", "h", "Hi", "stranger"), SetAside("d.example", 2, datetime(2026, 3, 1, tzinfo=UTC))
    assert words.put(held, "de") == ("Moment", "Gleich.\n")
    assert words.put(held) == ("Wait", "Soon.\n")
    assert words.put(aside, "de") == words.put(aside) == ("Aside", "2\n")
    assert words.put(WELCOME, "de") == WORDS.put(WELCOME, "de")


# ---- the words to reply with


def shapes(language: str) -> dict[str, str]:
    """How help shows each verb."""
    entry, row = WORDS.spoken(language).entry, verb
    lines = {name: entry({"name": name, "shape": row(name).shape}) for name in GROUP_OF}
    return {name: line.strip().partition(" – ")[0] for name, line in lines.items()}


def test_in_english_help_shows_the_shapes_of_the_table() -> None:
    assert shapes("en") == {name: verb(name).shape for name in GROUP_OF}


def test_each_german_shape_says_its_verb() -> None:
    for name, shape in shapes("de").items():
        line = read_line(shape, "de")
        assert line is not None and line.verb.name == name, shape


ALSO = {"beitrag", "einstellung", "ja löschen", "ja anonym", "Betreff: …", "a member", "zwei Wörter"} | {
    "Vorsicht",
    "listserv hold ls",
}


def test_each_german_word_in_quotes_is_understood() -> None:
    quoted = {
        word for message in entries() for _, de in pairs(message) for word in re.findall("„([^“]+)“", de)
    }
    asked = {re.sub(r"%\(\w+\)s", "3", word) for word in quoted if "{" not in word and word != "%(first)s"}
    assert {word for word in asked if not is_understood(word)} == ALSO


def is_understood(word: str) -> bool:
    """As a verb, to a card, to a pulse, to the guard, or by who asks without a name."""
    said = read_line(word, "de") or read_card_line(word) or read_pulse_lines(f"1 {word}", "de")
    return bool(said or first_said(word)) or fold(word) in (*guard_words.ALL, *guard_words.DROP, "privat")


def test_the_words_behind_a_colon_and_the_five_of_a_welcome_are_understood() -> None:
    text = WORDS.put(WELCOME, "de")[1]
    lines = [read_line(word, "de") for word in re.findall(r"^    (.+?) – ", text, re.M)]
    said = [line.verb.name for line in lines if line is not None]
    assert said == ["rhythm", "pause", "find", "settings", "leave"] and len(lines) == 5
    for rhythm in ("sofort", "täglich", "mo do", "wöchentlich", "3", "meine", "keine"):
        assert read_line(rhythm, "de") is not None
    for day in ("freitag", "6. jan", "nächste woche", "in 2 wochen"):
        assert read_moment(day, datetime(2026, 11, 23, tzinfo=UTC), ZoneInfo("Europe/Berlin"), "de")
    query = read_mail_query("kühlhaus von:ana seit:2025 „zwei Wörter“")
    assert (query.words, query.from_, query.phrases) == (("kühlhaus",), "ana", ("zwei Wörter",))
    assert query.since is not None and query.since.year == 2025


def test_no_german_word_means_two_verbs() -> None:
    heads = [head.strip() for _, *columns in UNDERSTOOD for head in ",".join(columns).split(",")]
    doubled = {head for head in heads if heads.count(head) > 1}
    # the same verb in both languages; "set" alone is "settings", with words behind it the list's
    assert doubled <= {"name", "form", "pause", "set"}


# ---- who gets them


@pytest.fixture
def world(laid_url: str) -> Iterator[World]:
    with open_world(laid_url) as made:
        yield made


@pytest.fixture
def site(world: World) -> World:
    here = world.circle()
    world.host(here, "bea@bea.example")
    world.member(here, "ana@ana.example", name="Ana Silva")
    world.member(here, "ben@ben.example")
    return world


def token(world: World, address: str = "ana@ana.example") -> tuple[Speaker, Letter]:
    """Somebody, and a mail of ours that only they were sent."""
    speaker = Speaker(world, address)
    return speaker, speaker.writes(ASK, "settings")[0]


def in_german(site: World) -> tuple[Speaker, Letter]:
    """Ana, who chose German, and the mail that says so."""
    ana, settings = token(site)
    return ana, ana.answers(settings, "language de")[0]


def test_language_de_is_said_back_in_german_and_german_it_stays(site: World) -> None:
    ana, told = in_german(site)
    assert told.text.startswith("Von jetzt an schreiben wir Ihnen auf Deutsch.\n")
    (told,) = ana.answers(told, "hilfe")
    assert told.subject == "Was Sie Book Circle sagen können" and "\n    pause bis 6. jan – " in told.text
    (told,) = ana.answers(told, "mo do")
    assert told.text.startswith("Von jetzt an bekommen Sie jeden Montag und Donnerstag eine Mail.\n")
    ben, settings = token(site, "ben@ben.example")
    assert ben.answers(settings, "weekly")[0].text.startswith("From now on you get one mail a week.\n")


def test_german_is_taken_back_in_english(site: World) -> None:
    ana, told = in_german(site)
    (told,) = ana.answers(told, "rückgängig")
    assert told.text.startswith("Undone.\n\nWe write to you in English from now on.\n")
    assert ana.writes(ASK, "settings")[0].subject == "Your settings (Book Circle)"


def test_a_german_takes_a_pause_until_a_german_day(site: World) -> None:
    ana, told = in_german(site)
    (told,) = ana.answers(told, "pause bis 6. jan")
    assert told.subject == "Keine Mail bis Mittwoch, 6. Januar 2027, 7:00 Uhr (Book Circle)"
    (told,) = ana.answers(told, "weiter")
    assert told.text.startswith("Willkommen zurück. Sie bekommen jede Mail, sobald sie geschrieben ist.\n")


def test_a_german_reads_in_german_what_was_asked_in_their_name(site: World) -> None:
    ana, _ = in_german(site)
    (asked,) = Speaker(site, ana.address, NONE).writes(ASK, "sprache en\ntäglich")
    assert asked.subject == "Waren Sie das? (Book Circle)"
    assert "\n    sprache en, rhythmus täglich\n" in asked.text


def test_einstellung_and_beitrag_answer_the_question_which(site: World) -> None:
    ana, _ = in_german(site)
    (asked,) = ana.writes(LIST, "3", subject="3")
    assert asked.subject == "Ein Beitrag oder eine Einstellung? (Book Circle)"
    (told,) = ana.answers(asked, "Einstellung")
    assert told.text.startswith("Von jetzt an bekommen Sie höchstens 3 Mails in der Woche.\n")


def test_a_list_that_speaks_german_welcomes_strangers_and_members_in_german(world: World) -> None:
    here = world.circle(language="de", join="confirm", visible="listed")
    world.member(here, "ana@ana.example")
    ana, settings = token(world)
    (told,) = ana.answers(settings, "täglich")
    assert settings.subject == "Ihre Einstellungen (Book Circle)"
    assert told.text.startswith("Von jetzt an bekommen Sie eine Mail am Tag.\n")
    eve = Speaker(world, "eve@eve.example")
    (asked,) = eve.writes("book+join@lists.example.org", "")
    assert asked.subject == "Möchten Sie bei Book Circle dabei sein?"
    (welcome,) = eve.answers(asked, "ja")
    assert welcome.subject == "Willkommen bei Book Circle"
    (told,) = eve.answers(welcome, "language en")
    assert told.text.startswith("We write to you in English from now on.\n")


def test_a_member_s_own_language_goes_before_the_list_s_and_one_we_lack_is_english(world: World) -> None:
    french = world.circle(language="fr")
    world.member(french, "ana@ana.example")
    pen, to = world.pen, read_address("ana@ana.example")
    notice = Welcome("Book Circle", LIST, HOSTS, "members", "now")
    assert b"Subject: Welcome" in pen.unasked(notice, to, french, "1").raw
    ana, settings = token(world)
    ana.answers(settings, "language de")
    assert b"Subject: Willkommen" in pen.unasked(notice, to, french, "2").raw


def test_what_comes_from_no_list_is_in_the_language_of_the_reader_s_list(world: World) -> None:
    world.member(world.circle(language="de"), "ana@ana.example")
    link = SignInLink("lists.example.org", "https://lists.example.org/in?t=abc", "k7f2m9pq", 15)

    def subject_for(address: str) -> bytes:
        raw = world.pen.unasked(link, read_address(address), None, "1").raw
        return raw.partition(b"Subject: ")[2].partition(b"\r\n")[0]

    assert subject_for("ana@ana.example") == b"Ihr Weg ins Archiv von lists.example.org"
    assert subject_for("eve@eve.example") == b"Your way into the archive of lists.example.org"
