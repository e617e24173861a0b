"""The command line (interface.md §2): what it does, and the one line that says why where it can't."""

from __future__ import annotations

import errno
import os
import re
import shutil
import socket
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from listserv import cli, dns_records
from listserv.cli import told
from listserv.errors import StoreBusy, StoreFull
from listserv.mail.signing import load_key
from listserv.opening import unread
from listserv.store import relay_rest
from listserv.store.engine import open_store
from listserv.store.relay_rest import Rest
from tests.kit import forked
from tests.kit.desk import DOMAIN, OWNER, Desk

BOOK = f"book@{DOMAIN}"


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site as ``init`` leaves it; tests get copies."""
    folder = tmp_path_factory.mktemp("founded")
    Desk(folder).does("init", "--domain", DOMAIN, "--owner", OWNER)
    return folder


@pytest.fixture
def desk(founded: Path, tmp_path: Path) -> Desk:
    shutil.copytree(founded, tmp_path / "site")
    return Desk(tmp_path / "site")


@pytest.fixture
def book(desk: Desk) -> Desk:
    """A site with a list and its host."""
    desk.does("list", "create", "book", "--title", "Book club", "--host", "ana@example.org")
    return desk


# -- init -------------------------------------------------------------------------------------------


def test_init_writes_settings_secret_key_and_database_for_their_owner_alone(founded: Path) -> None:
    files = {path.relative_to(founded).as_posix() for path in founded.rglob("*") if path.is_file()}
    assert files == {"listserv.toml", "data/secret", "data/quiet.key", "data/listserv.db", "dkim/ls1.pem"}
    assert {stat.S_IMODE((founded / file).stat().st_mode) for file in files} == {0o600}
    assert len((founded / "data" / "secret").read_bytes()) == 32


def test_init_makes_folders_that_are_closed_to_other_users_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        Desk(tmp_path).does("init", "--domain", DOMAIN, "--owner", OWNER)
    finally:
        os.umask(before)
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("data", "dkim")} == {0o750}


def test_init_prints_the_records_to_publish(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    told = desk.does(
        "init", "--domain", "Lists.Example.org.", "--owner", OWNER, "--dir", "here", "--json"
    ).json
    assert told["settings"] == str(tmp_path / "here" / "listserv.toml")
    key = dns_records.dkim_value(load_key((tmp_path / "here" / "dkim" / "ls1.pem").read_bytes()))
    records = {(one["name"], one["type"]): one["value"] for one in told["records"]}
    assert records[f"{DOMAIN}.", "MX"] == f"10 {DOMAIN}."
    assert records[f"{DOMAIN}.", "TXT"].startswith('"v=spf1 ')
    assert records[f"_dmarc.{DOMAIN}.", "TXT"].startswith('"v=DMARC1; ')
    pieces = re.findall(r'"([^"]*)"', records[f"ls1._domainkey.{DOMAIN}.", "TXT"])
    assert "".join(pieces) == key
    assert all(len(piece) <= 255 for piece in pieces)


def test_init_tells_a_person_what_to_publish_and_what_comes_next(tmp_path: Path) -> None:
    said = Desk(tmp_path).does("init", "--domain", DOMAIN, "--owner", OWNER).out
    for word in ("IN MX", "v=spf1", "_domainkey", "_dmarc", "PTR", "listserv list create"):
        assert word in said


def test_a_second_init_overwrites_nothing(desk: Desk) -> None:
    before = {path: path.read_bytes() for path in desk.folder.rglob("*") if path.is_file()}
    line = desk.fails("init", "--domain", "other.example.org", "--owner", OWNER)
    assert "is there already, and init never overwrites; use another --dir" in line
    assert {path: path.read_bytes() for path in desk.folder.rglob("*") if path.is_file()} == before


def test_an_init_that_was_cut_off_is_finished_with_what_it_had_made(desk: Desk) -> None:
    secret = (desk.folder / "data" / "secret").read_bytes()
    (desk.folder / "listserv.toml").unlink()
    desk.does("init", "--domain", DOMAIN, "--owner", OWNER)
    assert (desk.folder / "data" / "secret").read_bytes() == secret


def test_init_takes_no_bad_domain_owner_or_folder(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert "domain" in desk.fails("init", "--domain", "not a domain", "--owner", OWNER)
    assert "can't be used: " in desk.fails("init", "--domain", DOMAIN, "--owner", "me")
    (tmp_path / "file").write_text("x")
    line = desk.fails("init", "--domain", DOMAIN, "--owner", OWNER, "--dir", "file")
    assert "can't be written" in line
    assert "--owner" in desk.fails("init", "--domain", DOMAIN, code=2)


# -- lists ------------------------------------------------------------------------------------------


def test_a_list_is_made_with_its_hosts_and_shown(desk: Desk) -> None:
    assert "no lists yet" in desk.does("list", "ls").out
    assert desk.does("list", "ls", "--json").json == []
    desk.does(
        "list", "create", "Book", "--title", "Book club", "--host", "ana@example.org", "ben@example.org"
    )
    (told,) = desk.does("--json", "list", "ls").json
    assert (told["address"], told["title"], told["preset"]) == (BOOK, "Book club", "circle")
    assert (told["members"], told["hosts"], told["held"], told["posts"]) == (2, 2, 0, 0)
    assert told["settings"]["archive"] == "members"
    assert desk.does("list", "show", "book", "--json").json == told
    shown = desk.does("list", "show", BOOK).out
    assert "who may read the archive" in shown


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("book", "--host", "x"), "'x' can't be used: an address has one @ sign"),
        (("book-join", "--host", "a@b.example"), "ends in 'join', which is a command"),
        (("bücher", "--host", "a@b.example"), "can't name a list"),
        (("book@nowhere@", "--host", "a@b.example"), "can't be used"),
    ],
)
def test_a_list_is_not_made_of_bad_addresses(desk: Desk, words: tuple[str, ...], line: str) -> None:
    assert line in desk.fails("list", "create", "--title", "T", *words)
    assert desk.does("list", "ls", "--json").json == []


def test_a_list_of_another_domain_comes_with_a_word_on_its_dns(desk: Desk) -> None:
    done = desk.does("list", "create", "a@other.example", "--title", "A", "--host", "a@b.example")
    assert "MX, SPF and DKIM" in done.err


def test_settings_are_changed_in_the_words_of_the_interface(book: Desk) -> None:
    said = book.does(
        "list", "set", "book", "archive=public", "guard=off", "max_bytes=5 MB", "title=Books"
    ).out
    assert said.splitlines() == ["archive = public", "guard = off", "max_bytes = 5000000", "title = Books"]
    settings = book.does("list", "show", "book", "--json").json["settings"]
    assert (settings["archive"], settings["guard"], settings["max_bytes"]) == ("public", "off", 5_000_000)


def test_a_preset_is_set_first_whatever_the_order(book: Desk) -> None:
    book.does("list", "set", "book", "archive=hosts", "preset=public")
    told = book.does("list", "show", "book", "--json").json
    assert (told["preset"], told["settings"]["archive"]) == ("public", "hosts")


def test_bad_settings_change_nothing(book: Desk) -> None:
    assert book.fails("list", "set", "book", "guard=off", "archive=hostz") == (
        "archive is 'hostz'; allowed: members, hosts, public, off"
    )
    assert "did you mean archive" in book.fails("list", "set", "book", "archiv=hosts")
    assert "not KEY=VALUE" in book.fails("list", "set", "book", "archive")
    assert "there are: address, title" in book.fails("list", "set", "book", "zzz=1")
    assert book.does("list", "show", "book", "--json").json["settings"]["guard"] == "on"


def test_a_renamed_list_answers_to_both_addresses(book: Desk) -> None:
    book.does("list", "set", "book", "address=books", f"aliases=buch@{DOMAIN},livre@{DOMAIN}")
    told = book.does("list", "show", "book", "--json").json
    assert told["address"] == f"books@{DOMAIN}"
    assert told["list_id"] == f"book.{DOMAIN}"
    assert set(told["aliases"]) == {BOOK, f"buch@{DOMAIN}", f"livre@{DOMAIN}"}
    assert book.does("list", "show", "buch", "--json").json == told


def test_a_list_is_deleted_only_by_its_name(book: Desk) -> None:
    assert "--yes book" in book.fails("list", "delete", "book")
    assert "not the list's name" in book.fails("list", "delete", "book", "--yes", "books")
    book.does("list", "delete", "book", "--yes", "book")
    assert book.does("list", "ls", "--json").json == []
    assert "never used again" in book.fails("list", "create", "book", "--title", "B", "--host", "a@b.example")


@pytest.mark.parametrize(
    "words",
    [
        ("list", "show", "boook"),
        ("list", "set", "boook", "guard=off"),
        ("list", "delete", "boook", "--yes", "boook"),
        ("member", "ls", "boook"),
        ("member", "add", "boook", "a@b.example"),
        ("member", "remove", "boook", "a@b.example"),
        ("member", "set", "boook", "a@b.example", "name=x"),
        ("member", "export", "boook"),
        ("hold", "ls", "boook"),
        ("hold", "ok", "boook", "1"),
        ("export", "boook", "out"),
        ("archive", "build", "boook"),
        ("archive", "link", "boook", "a@b.example"),
    ],
)
def test_an_unknown_list_is_told_with_the_nearest(book: Desk, words: tuple[str, ...]) -> None:
    assert book.fails(*words) == f"there is no list boook; there are: {BOOK}"


# -- members ----------------------------------------------------------------------------------------


def members(desk: Desk, *words: str) -> dict[str, dict[str, object]]:
    return {one["address"]: one for one in desk.does("member", "ls", "book", "--json", *words).json}


def test_members_are_added_past_probation_and_shown(book: Desk) -> None:
    book.does("member", "add", "book", "ben@example.org", "--name", "Ben", "--rhythm", "daily")
    book.does("member", "add", "book", "chloe@example.org", "dan@example.org", "--host")
    told = members(book)
    keys = {"address", "name", "role", "rhythm", "state", "joined", "bounces", "score"}
    assert set(told["ben@example.org"]) == keys
    assert (told["ben@example.org"]["name"], told["ben@example.org"]["rhythm"]) == ("Ben", "daily")
    assert (told["dan@example.org"]["role"], told["dan@example.org"]["state"]) == ("host", "active")
    joined = str(told["ben@example.org"]["joined"])
    assert joined.endswith("Z")
    assert datetime.fromisoformat(joined).utcoffset() is not None
    assert "ben@example.org" in book.does("member", "ls", "book").out


def test_adding_a_member_twice_says_so_and_changes_nothing(book: Desk) -> None:
    book.does("member", "add", "book", "ben@example.org", "--name", "Ben")
    said = book.does("member", "add", "book", "BEN@example.org", "--name", "Benjamin").out
    assert said == f"ben@example.org is on {BOOK} already (active); nothing changed.\n"
    assert members(book)["ben@example.org"]["name"] == "Ben"


def test_adding_a_list_of_this_site_as_a_member_is_done_with_a_warning(book: Desk) -> None:
    book.does("list", "create", "club", "--title", "Club", "--host", "ana@example.org")
    done = book.does("member", "add", "book", "ben@example.org", f"Club@{DOMAIN}")
    (line,) = done.err.splitlines()
    assert line.lower().startswith(f"club@{DOMAIN} is a list of this site")
    assert len(members(book)) == 3
    assert book.does("member", "add", "book", "club@example.org").err == ""


@pytest.mark.parametrize("name", ["book", "Buch", "book+leave", "club-request", "club+back=aaaa"])
def test_an_address_that_leads_back_to_a_list_is_nobodys(book: Desk, name: str) -> None:
    book.does("list", "create", "club", "--title", "Club", "--host", "ana@example.org")
    book.does("list", "set", "book", f"aliases=buch@{DOMAIN}")
    line = book.fails("member", "add", "book", "ben@example.org", f"{name}@{DOMAIN}")
    assert line.startswith(f"{name}@{DOMAIN} is ")
    assert line.endswith((" is this list's own address", ", not a person's"))
    assert set(members(book)) == {"ana@example.org"}


def test_a_new_members_rhythm_is_refused_with_what_is_allowed(book: Desk) -> None:
    line = book.fails("member", "add", "book", "ben@example.org", "--rhythm", "sometimes")
    assert line.startswith("rhythm is 'sometimes'; allowed: now, daily")


def test_one_bad_address_and_nobody_is_added(book: Desk) -> None:
    line = book.fails("member", "add", "book", "ben@example.org", "Ben <ben@example.org>")
    assert "'Ben <ben@example.org>' can't be used" in line
    assert set(members(book)) == {"ana@example.org"}


def test_who_left_is_hidden_until_asked_for_and_can_come_back(book: Desk) -> None:
    book.does("member", "add", "book", "ben@example.org")
    book.does("member", "remove", "book", "ben@example.org")
    assert "ben@example.org" not in members(book)
    assert members(book, "--all")["ben@example.org"]["state"] == "left"
    assert "had left" in book.does("member", "remove", "book", "ben@example.org").out
    assert "brings them back" in book.fails("member", "set", "book", "ben@example.org", "name=x")
    assert "again" in book.does("member", "add", "book", "ben@example.org").out


def test_the_last_host_can_go_and_that_is_said(book: Desk) -> None:
    assert "has no host now" in book.does("member", "remove", "book", "ana@example.org").out
    assert "Nobody is on" in book.does("member", "ls", "book").out


def test_a_member_is_changed_by_key(book: Desk) -> None:
    changes = ("name=Ana S", "rhythm=mon thu", "role=member", "copies=no", "state=paused")
    assert book.does("member", "set", "book", "ana@example.org", *changes).out.splitlines() == [
        "name = Ana S",
        "rhythm = mon thu",
        "role = member",
        "copies = no",
        "state = paused",
    ]
    for bad, word in (
        ("role=boss", "member, host"),
        ("rhythm=often", "daily"),
        ("state=left", "active, paused"),
    ):
        key, value = bad.split("=")
        line = book.fails("member", "set", "book", "ana@example.org", bad)
        assert line.startswith(f"{key} is '{value}'; allowed: ")
        assert word in line
    assert "is not on" in book.fails("member", "set", "book", "nobody@example.org", "name=x")
    assert "did you mean rhythm" in book.fails("member", "set", "book", "ana@example.org", "rythm=now")


# -- what is shown where there is nothing -----------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "friendly"),
    [
        (("hold", "ls"), "Nothing waits."),
        (("hold", "ls", "book"), "Nothing waits."),
        (("queue", "ls"), "Everything is sent."),
        (("queue", "ls", "--aside"), "Nothing is set aside."),
    ],
)
def test_emptiness_is_told_kindly_and_as_an_empty_array(
    book: Desk, words: tuple[str, ...], friendly: str
) -> None:
    assert book.does(*words).out == f"{friendly}\n"
    assert book.does(*words, "--json").json == []


def test_status_adds_up_from_the_first_day(book: Desk) -> None:
    told = book.does("status", "--json").json
    states = ("waiting", "posted", "held", "refused", "discarded", "commands", "aside")
    assert told["accepted"] == sum(told[state] for state in states) == 0
    assert set(told["deliveries"]) == {"due", "sending", "sent", "deferred", "failed"}
    assert "0 mails accepted" in book.does("status").out


def test_what_is_not_there_is_said_to_be_not_there(book: Desk) -> None:
    assert "nothing with number 7" in book.fails("hold", "show", "book", "7")
    assert "no copy 7" in book.fails("queue", "show", "7")
    assert "mail 7 is not set aside" in book.fails("queue", "show", "7", "--aside")
    assert "--all" in book.fails("queue", "retry")
    assert "0 will be tried again" in book.does("queue", "retry", "--all").out
    assert "0 given up" in book.does("queue", "drop", "--all", "--aside").out
    assert "Nothing waits" in book.does("hold", "ok", "book").out


# -- the queue --------------------------------------------------------------------------------------


@pytest.fixture
def waiting(book: Desk) -> tuple[Desk, str]:
    """A site with one letter to Chloé that waits to be sent, and its ID."""
    book.does("member", "add", "book", "chloe@example.org", "--welcome")
    (row,) = book.does("queue", "ls", "--json").json
    return book, str(row["id"])


def test_what_was_dropped_is_listed_and_sent_no_more_but_by_its_id(waiting: tuple[Desk, str]) -> None:
    desk, id_ = waiting
    assert desk.does("queue", "drop", "--all").out == "1 given up.\n"
    assert desk.does("queue", "ls", "--json").json == []
    assert desk.does("queue", "retry", "--all").out == "0 will be tried again.\n"
    assert desk.does("queue", "retry", id_).out == "1 will be tried again.\n"
    assert [str(row["id"]) for row in desk.does("queue", "ls", "--json").json] == [id_]


def test_ids_that_are_not_there_are_named_and_the_good_ones_done(waiting: tuple[Desk, str]) -> None:
    desk, id_ = waiting
    done = desk.run("queue", "drop", "777", id_, "99999")
    assert (done.code, done.out) == (1, "1 given up.\n")
    assert "nothing done for 777, 99999: " in done.err
    assert f"nothing done for {id_}: " in desk.fails("queue", "drop", id_)
    assert "nothing done for 99999: " in desk.fails("queue", "retry", "99999")
    for word in ("retry", "drop"):
        assert "nothing done for 7: not set aside" in desk.fails("queue", word, "7", "--aside")


def test_only_a_retry_that_finds_something_or_of_all_lifts_the_relays_rest(
    waiting: tuple[Desk, str],
) -> None:
    desk, id_ = waiting
    store = open_store(f"sqlite:///{desk.folder / 'data' / 'listserv.db'}")
    rest = Rest(datetime(2040, 1, 1, tzinfo=UTC), 3, "no connection")
    for words in ((id_,), ("--all",)):
        store.do(partial(relay_rest.begin, rest=rest))
        desk.fails("queue", "retry", "99999")
        assert desk.does("status", "--json").json["relay_said"] == "no connection"
        assert "The relay's pause is lifted." in desk.does("queue", "retry", *words).out
        assert desk.does("status", "--json").json["relay_said"] is None
    store.close()


def test_a_copy_is_shown_with_its_mail(waiting: tuple[Desk, str]) -> None:
    desk, id_ = waiting
    out = desk.does("queue", "show", id_).out
    for line in ("state: due", "To: chloe@example.org", "Subject: "):
        assert f"\n{line}" in out
    assert "DKIM-Signature: " in desk.does("queue", "show", id_, "--json").json["raw"]


def test_a_copy_that_can_not_be_composed_is_shown_with_the_reason(waiting: tuple[Desk, str]) -> None:
    desk, id_ = waiting
    with sqlite3.connect(desk.folder / "data" / "listserv.db") as connection:
        connection.execute("UPDATE deliveries SET letter_id = NULL")
    connection.close()
    done = desk.does("queue", "show", id_)
    assert "state: due" in done.out
    assert f"copy {id_} can't be composed" in done.err


def test_a_long_queue_is_cut_and_says_so(waiting: tuple[Desk, str]) -> None:
    desk, _ = waiting
    columns = 'kind, list_id, letter_id, "to", created, next_at'
    again = f"INSERT INTO deliveries ({columns}, state) SELECT {columns}, ? FROM deliveries LIMIT 1"
    with sqlite3.connect(desk.folder / "data" / "listserv.db") as connection:
        connection.executemany(again, [("due",)] * 1002 + [("deferred",)])
    connection.close()
    *lines, last = desk.does("queue", "ls").out.splitlines()
    assert len(lines) == 1 + 1000
    assert "deferred" in lines[-1]
    assert last == "and 4 more; `--json` shows all"
    assert len(desk.does("queue", "ls", "--json").json) == 1004


# -- explain, and links -----------------------------------------------------------------------------


def test_explain_knows_the_sites_limit(book: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTSERV_RECEIVE_MAX_MESSAGE_BYTES", "10000")
    mail = b"From: ana@example.org\n\n" + b"x\n" * 10_000
    assert book.does("explain", "book", stdin=mail).out == "reject: too big\n"


def test_explain_wants_a_mail(book: Desk) -> None:
    assert "listserv explain LIST < some.eml" in book.fails("explain", "book", stdin=b"")


def test_a_sign_in_link_is_for_members_alone(book: Desk) -> None:
    url = book.does("archive", "link", "book", "ana@example.org", "--json").json["url"]
    assert re.fullmatch(rf"https://{DOMAIN}/in\?t=[\w-]{{20,}}&next=/book/", url)
    assert book.does("archive", "link", "book", "ana@example.org").out.strip() != url
    book.does("member", "remove", "book", "ana@example.org")
    assert "would open nothing" in book.fails("archive", "link", "book", "ana@example.org")
    assert "is not on" in book.fails("archive", "link", "book", "stranger@example.org")


# -- where it can't -----------------------------------------------------------------------------------


def test_wrong_usage_ends_with_2_and_one_line() -> None:
    desk = Desk(Path("/"))
    assert desk.fails("lsit", code=2).endswith("See `listserv --help`.")
    assert desk.fails("list", "crate", code=2).endswith("See `listserv list --help`.")
    assert "--preset" in desk.fails("list", "create", "x", "--preset", "family", code=2)
    assert "there are receive, process" in Desk(Path("/")).fails("serve", "--only", "dance", code=2)


@pytest.mark.parametrize("words", [(), ("list",)])
def test_a_command_without_its_word_shows_its_help_as_it_is(words: tuple[str, ...]) -> None:
    done = Desk(Path("/")).run(*words)
    assert (done.code, done.out) == (2, "")
    assert done.err == Desk(Path("/")).does(*words, "--help").out


def test_without_settings_one_line_says_how_to_get_them(tmp_path: Path) -> None:
    assert "listserv init" in Desk(tmp_path).fails("list", "ls")
    assert "missing.toml" in Desk(tmp_path).fails("--config", "missing.toml", "list", "ls")


def test_bad_settings_are_told_in_one_line(desk: Desk) -> None:
    file = desk.folder / "listserv.toml"
    file.write_text(file.read_text().replace("connections = 8", "connections = 0"))
    assert desk.fails("list", "ls") == "deliver.connections is 0; allowed: a whole number from 1 to 256"


def test_a_site_without_its_database_says_what_makes_it(desk: Desk) -> None:
    (desk.folder / "data" / "listserv.db").unlink()
    assert "listserv db upgrade" in desk.fails("list", "ls")
    assert "is upgraded" in desk.does("db", "upgrade").out
    assert "up to date" in desk.does("db", "upgrade").out
    assert desk.does("list", "ls", "--json").json == []


def test_a_database_newer_than_the_program_is_left_alone(desk: Desk) -> None:
    with sqlite3.connect(desk.folder / "data" / "listserv.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("UPDATE meta SET value = '9999' WHERE key = 'oldest_program'")
    connection.close()
    for words in (("list", "ls"), ("db", "upgrade"), ("serve",), ("status",)):
        line = desk.fails(*words)
        assert "newer than this program" in line
        assert "install the newer listserv" in line


def test_a_file_that_is_no_database_is_told_in_one_line(desk: Desk) -> None:
    (desk.folder / "data" / "listserv.db").write_bytes(b"this is no database" * 100)
    line = desk.fails("list", "ls")
    assert "not a database" in line
    assert "restore it from a backup" in line


def test_a_postgresql_that_does_not_answer_is_told_in_one_line(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTSERV_DATABASE_URL", "postgresql+psycopg://nobody@127.0.0.1:1/none")
    assert "the database does not answer" in desk.fails("list", "ls")


def test_everything_works_on_postgresql_too(
    desk: Desk, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTSERV_DATABASE_URL", postgres_url)
    assert "listserv db upgrade" in desk.fails("list", "ls")
    desk.does("db", "upgrade")
    desk.does("list", "create", "book", "--title", "Book club", "--host", "ana@example.org")
    desk.does("member", "add", "book", "ben@example.org")
    desk.does("archive", "link", "book", "ben@example.org")
    (told,) = desk.does("list", "ls", "--json").json
    assert told["members"] == 2


def test_a_port_in_use_is_told_in_one_line(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = _serve(desk, {"LISTSERV_RECEIVE_SMTP": f"127.0.0.1:{port}", "LISTSERV_WEB_LISTEN": ""})
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()[-1:]
    assert line == (
        f"listserv: receive.smtp 127.0.0.1:{port} can't be opened (Address already in use); "
        "stop the program that uses it, or change receive.smtp"
    )


def test_a_web_port_in_use_is_told_with_its_setting(desk: Desk) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        done = _serve(desk, {"LISTSERV_RECEIVE_SMTP": "127.0.0.1:0", "LISTSERV_WEB_LISTEN": place})
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert f"web.listen {place} can't be opened (Address already in use); stop the program" in line


def test_a_certificate_that_is_not_there_is_not_blamed_on_a_port(desk: Desk) -> None:
    twins = {"LISTSERV_RECEIVE_TLS_CERT": "none.pem", "LISTSERV_RECEIVE_TLS_KEY": "none.pem"}
    done = _serve(desk, {"LISTSERV_RECEIVE_SMTP": "127.0.0.1:0", "LISTSERV_WEB_LISTEN": "", **twins})
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("allowed: PEM files that belong together")
    assert "can't be opened" not in done.stderr


@pytest.mark.parametrize("there", ["no file", "an empty file"])
def test_serve_never_makes_a_database_that_would_know_no_list(
    desk: Desk, there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = desk.folder / "data" / "lists.db"
    if there == "an empty file":
        file.touch()
    monkeypatch.setenv("LISTSERV_DATABASE_URL", f"sqlite:///{file}")
    line = desk.fails("serve")
    assert line.startswith("there is no database " if there == "no file" else "the database is empty")
    assert "run `listserv db upgrade`" in line
    if there == "no file":
        assert not file.exists()
    else:
        with closing(sqlite3.connect(file)) as connection:
            assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []


def test_a_lost_secret_is_asked_for_from_a_backup(desk: Desk) -> None:
    secret = desk.folder / "data" / "secret"
    secret.unlink()
    line = desk.fails("serve")
    assert line == (
        f"{secret} can't be read (No such file or directory); restore it from a backup; "
        "without it every link and return path sent so far is dead"
    )


def test_a_lost_dkim_key_is_told_with_both_ways_out(desk: Desk) -> None:
    (desk.folder / "dkim" / "ls1.pem").unlink()
    done = _serve(desk, {"LISTSERV_RECEIVE_SMTP": "127.0.0.1:0", "LISTSERV_WEB_LISTEN": ""})
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith(
        "ls1.pem can't be read (No such file or directory); "
        'restore it, or set dkim.key = "" and let the relay sign'
    )


def test_a_key_that_may_not_be_read_is_not_called_lost() -> None:
    error = PermissionError(errno.EACCES, "Permission denied")
    assert str(unread("dkim.key /x", error, "restore it")) == (
        "dkim.key /x can't be read (Permission denied); let the user that runs listserv read it"
    )


def test_a_data_dir_that_is_none_is_named_and_nothing_is_made_there(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    (desk.folder / "file").write_text("x")
    for where in ("file", "nowhere"):
        monkeypatch.setenv("LISTSERV_SITE_DATA_DIR", where)
        assert f"{desk.folder / where}/secret can't be read" in desk.fails("serve")
    assert not (desk.folder / "nowhere").exists()
    monkeypatch.setenv("LISTSERV_SITE_DATA_DIR", "file")
    line = desk.fails("archive", "build")
    assert line.startswith(f"{desk.folder / 'file'}/archive can't be used: ")


def test_a_database_file_that_can_not_be_opened_is_named_with_its_remedy(desk: Desk) -> None:
    file = desk.folder / "data" / "listserv.db"
    file.with_name("listserv.db-wal").mkdir()  # root may read any file, but not a folder
    for words in (("list", "ls"), ("status",), ("serve",), ("db", "upgrade")):
        assert desk.fails(*words) == (
            f"{file}: unable to open database file; "
            "make it and its folder writable for the user that runs listserv"
        )


def test_pages_without_room_on_the_disk_are_no_fault_of_ours(book: Desk) -> None:
    archive = book.folder / "data" / "archive"
    archive.mkdir()
    (archive / "..cursor.json.new").symlink_to("/dev/full")
    assert book.fails("archive", "build") == "the disk is full; make room, then try again"
    (archive / "..cursor.json.new").unlink()
    book.does("archive", "build")


def test_a_site_founded_on_postgresql_says_so_in_its_file(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTSERV_DATABASE_URL", postgres_url)
    Desk(tmp_path).does("init", "--domain", DOMAIN, "--owner", OWNER)
    monkeypatch.delenv("LISTSERV_DATABASE_URL")
    assert Desk(tmp_path).does("list", "ls", "--json").json == []
    assert not (tmp_path / "data" / "listserv.db").exists()


def test_a_relay_of_no_known_kind_is_told_in_one_line(desk: Desk) -> None:
    done = _serve(desk, {"LISTSERV_DELIVER_RELAY": "pigeon://loft", "LISTSERV_RECEIVE_SMTP": "127.0.0.1:0"})
    assert done.returncode == 1
    assert "deliver.relay" in done.stderr.splitlines()[-1]


def _serve(desk: Desk, twins: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "listserv", "serve"]
    return forked.run(command, {**os.environ, **twins}, cwd=desk.folder)


def test_a_full_disk_and_a_busy_database_have_their_sentences() -> None:
    assert told(StoreFull("x"))[1].startswith("the disk is full")
    assert told(StoreBusy("database is locked"))[1].startswith("the database does not answer")


def test_a_fault_of_ours_shows_no_traceback_but_where_it_is(tmp_path: Path) -> None:
    try:
        raise RuntimeError("secret words")
    except RuntimeError as error:
        code, line = told(error)
    assert code == 1
    assert "secret words" not in line
    file = Path(line.rpartition(" ")[2])
    assert "secret words" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.unlink()


def test_a_reader_that_has_enough_is_no_error(book: Desk) -> None:
    command = f"{sys.executable} -m listserv --help | head -1"
    environ = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[1])}
    done = subprocess.run(["bash", "-c", command], env=environ, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""


def test_a_strangers_words_do_not_steer_the_terminal(book: Desk) -> None:
    book.does("member", "add", "book", "ben@example.org")
    with sqlite3.connect(book.folder / "data" / "listserv.db") as connection:
        connection.execute("UPDATE subscriptions SET name = ?", ("\x1b[2J\u202eevil",))
    connection.close()
    shown = book.does("member", "ls", "book").out
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_json_for_programs_does_not_steer_the_terminal_and_stays_readable(book: Desk) -> None:
    steering = "".join(map(chr, [*range(1, 0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F])) + "".join(
        map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x206A)])
    )
    book.does("member", "add", "book", "ben@example.org")
    with sqlite3.connect(book.folder / "data" / "listserv.db") as connection:
        connection.execute("UPDATE subscriptions SET name = ?", (f"Zoë 林 {steering}",))
    connection.close()
    done = book.does("member", "ls", "book", "--json")
    assert not set(steering) - {"\n"} & set(done.out)
    assert "Zoë 林" in done.out and "\\u009b" in done.out
    assert {one["name"] for one in done.json} == {f"Zoë 林 {steering}"}
