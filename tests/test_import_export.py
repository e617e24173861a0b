"""Members and archives come over and go again: CSV, mbox, settings."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import sqlite3
import subprocess
import sys
import time
import tomllib
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from subprocess import DEVNULL

import pytest
from sqlalchemy import select

from listserv.boxes import find_boxes
from listserv.errors import BadData
from listserv.mail.mbox import read_mbox
from listserv.sheets import read_sheet
from listserv.store.engine import open_store
from listserv.store.schema import posts
from tests.kit.corpora import CORPORA
from tests.kit.desk import DOMAIN, OWNER, Desk

TWISTED = CORPORA / "archives" / "twisted-web"
HEADER = "email,name,rhythm,role,copies\n"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.does("init", "--domain", DOMAIN, "--owner", OWNER)
    desk.does("list", "create", "book", "--title", "Book club", "--host", "ana@example.org")
    return desk


# -- members ----------------------------------------------------------------------------------------


def sheet(desk: Desk, words: str | bytes) -> str:
    data = words if isinstance(words, bytes) else words.encode()
    (desk.folder / "members.csv").write_bytes(data)
    return "members.csv"


def members(desk: Desk) -> dict[str, tuple[str, str, str]]:
    told = desk.does("member", "ls", "book", "--json").json
    return {one["address"]: (one["name"], one["rhythm"], one["role"]) for one in told}


def test_good_rows_are_taken_and_bad_ones_named_by_their_row(desk: Desk) -> None:
    rows = (
        "ben@example.org,Ben,daily,member,no\n"
        "not an address,X,,,\n"
        "\n"
        "chloe@example.org,Chloé,often,,\n"
        "dan@example.org,Dan,,boss,\n"
        "eve@example.org,Eve,,,perhaps\n"
        "BEN@example.org,Benjamin,,,\n"
        'flo@example.org,"Flo, of the hill",mon thu,host,yes\n'
        "gus@example.org\n"
    )
    done = desk.does("member", "import", "book", sheet(desk, HEADER + rows))
    assert done.out == "3 added, 0 back again, 0 there already\n"
    bad = [line for line in done.err.splitlines() if line.startswith("row")]
    assert [line.partition(":")[0] for line in bad] == ["row 3", "row 5", "row 6", "row 7", "row 8"]
    assert bad[0] == "row 3: 'not an address' is no address: an address has one @ sign"
    assert "rhythm is 'often'; allowed: now, daily" in bad[1]
    assert "role is 'boss'; allowed: member, host" in bad[2]
    assert "copies is 'perhaps'; allowed: yes, no" in bad[3]
    assert bad[4] == "row 8: BEN@example.org is in row 2 already"
    assert members(desk) == {
        "ana@example.org": ("", "now", "host"),
        "ben@example.org": ("Ben", "daily", "member"),
        "flo@example.org": ("Flo, of the hill", "mon thu", "host"),
        "gus@example.org": ("", "now", "member"),
    }


def test_a_quote_left_open_is_told_with_the_lines_it_swallowed_and_good_rows_are_taken(desk: Desk) -> None:
    rows = (
        "ben@example.org,Ben,,,\n"
        'chloe@example.org,"Chloe,,,\n'
        "dan@example.org,Dan,,,\n"
        'eve@example.org,"Eve",,,\n'
        'flo@example.org,"Flo\n",,,\n'
    )
    done = desk.does("member", "import", "book", sheet(desk, HEADER + rows))
    assert "row 3: lines 3 to 5: a name is one line; is a quote left open?" in done.err.splitlines()
    assert members(desk).keys() == {"ana@example.org", "ben@example.org", "flo@example.org"}


def test_a_quote_left_open_in_a_column_of_no_meaning_loses_nobody_in_silence() -> None:
    told = read_sheet(b'email,note\nben@x.example,"nice\nchloe@x.example,\ndan@x.example,"two"\n')
    (bad,) = told.bad
    assert bad.startswith("row 2: lines 2 to 4: 'nice' goes on for 2 more; is a quote left open?")
    told = read_sheet(b'email,note\nben@x.example,"one\ntwo"\nchloe@x.example,\n')
    assert (len(told.members), told.bad) == (2, ())


def test_addresses_of_the_sites_lists_in_a_sheet_are_bad_rows(desk: Desk) -> None:
    desk.does("list", "set", "book", f"aliases=buch@{DOMAIN}")
    names = ("book", "Buch", "book+leave", "book-request", "buch+back=aaaa")
    rows = "".join(f"{name}@{DOMAIN}\n" for name in names)
    done = desk.does("member", "import", "book", sheet(desk, f"email\nben@example.org\n{rows}"))
    assert done.out == "1 added, 0 back again, 0 there already\n"
    assert len([line for line in done.err.splitlines() if "list" in line]) == len(names)
    assert members(desk).keys() == {"ana@example.org", "ben@example.org"}


def test_an_import_without_one_good_row_could_not_be_done(desk: Desk) -> None:
    done = desk.run("member", "import", "book", sheet(desk, HEADER + "x\ny\n"))
    assert done.code == 1
    assert "not one row could be read" in done.err


@pytest.mark.parametrize(
    "words",
    [
        "\ufeffemail;name\r\nben@example.org;Bén\r\n".encode(),
        "E-Mail Address\tFull Name\nben@example.org\tBén\n".encode(),
        "name,email\nBén,ben@example.org".encode(),
        "email;name\nben@example.org;Bén\n".encode("cp1252"),
        "email;name\nben@example.org;Bén\n".encode("utf-16"),
    ],
)
def test_sheets_are_read_as_spreadsheets_save_them(words: bytes) -> None:
    (one,) = read_sheet(words).members
    assert (str(one.address), one.name) == ("ben@example.org", "Bén")


def test_a_sheet_without_a_header_is_refused_and_a_strange_column_named(desk: Desk) -> None:
    assert "must name the columns" in desk.fails(
        "member", "import", "book", sheet(desk, "ben@example.org,Ben\n")
    )
    assert "must name the columns" in desk.fails("member", "import", "book", sheet(desk, ""))
    assert "can't be read" in desk.fails("member", "import", "book", "missing.csv")
    done = desk.does("member", "import", "book", sheet(desk, "email,shoe size\nben@example.org,42\n"))
    assert "columns that mean nothing here: shoe size" in done.err


def test_a_sheet_with_a_field_without_end_is_refused_in_one_line(desk: Desk) -> None:
    assert "no CSV" in desk.fails("member", "import", "book", sheet(desk, 'email\n"' + "x" * 200_000))


def test_members_go_out_as_they_came_in(desk: Desk) -> None:
    rows = "ben@example.org,'=1+1,daily,member,no\nchloe@example.org,Chloé,now,host,yes\n"
    desk.does("member", "import", "book", sheet(desk, HEADER + rows))
    assert members(desk)["ben@example.org"][0] == "=1+1"
    out = desk.does("member", "export", "book").out
    assert set(out.splitlines()) == {*(HEADER + rows).splitlines(), "ana@example.org,,now,host,yes"}
    again = desk.does("member", "import", "book", sheet(desk, out), "--json").json
    assert again == {"added": 0, "again": 0, "already": 3, "bad": []}


def test_ten_thousand_rows_are_one_import(desk: Desk) -> None:
    rows = "".join(f"m{number}@example.org,M {number},,,\n" for number in range(10_000))
    assert desk.does("member", "import", "book", sheet(desk, HEADER + rows), "--json").json["added"] == 10_000
    (told,) = desk.does("list", "ls", "--json").json
    assert told["members"] == 10_001


# -- archives ---------------------------------------------------------------------------------------


def box(*mails: tuple[str, str], day: int = 5) -> bytes:
    """A mailbox of (Message-ID, answered Message-ID or "") pairs."""
    pieces = []
    for name, parent in mails:
        answer = f"In-Reply-To: <{parent}>\n" if parent else ""
        pieces.append(
            f"From ana at example.org  Mon Jan  {day} 12:00:00 2015\nFrom: ana at example.org (Ana)\n"
            f"Date: Mon, {day} Jan 2015 12:00:00 +0000\nSubject: {name}\nMessage-ID: <{name}>\n{answer}\n"
            f"Words of {name}.\n>From the start.\n\n"
        )
    return "".join(pieces).encode()


def threads(desk: Desk) -> dict[str, int]:
    with sqlite3.connect(desk.folder / "data" / "listserv.db") as connection:
        found = dict(connection.execute("SELECT message_id, thread_id FROM posts").fetchall())
    connection.close()
    return found


def bring(desk: Desk, path: str) -> tuple[int, int, list[str]]:
    told = desk.does("import", "mbox", "book", path, "--json").json
    return told["new"], told["known"], told["unread"]


def test_an_archive_comes_over_once_however_often_it_is_imported(desk: Desk) -> None:
    (desk.folder / "a.mbox").write_bytes(box(("1@x", ""), ("2@x", "1@x")))
    assert bring(desk, "a.mbox") == (2, 0, [])
    assert bring(desk, "a.mbox") == (0, 2, [])
    found = threads(desk)
    assert found["1@x"] == found["2@x"]
    (told,) = desk.does("list", "ls", "--json").json
    assert told["posts"] == 2
    status = desk.does("status", "--json").json
    assert status["accepted"] == 0
    assert status["deliveries"]["due"] == 0


def test_a_folder_comes_over_oldest_first_and_packed_files_too(desk: Desk) -> None:
    folder = desk.folder / "archive"
    folder.mkdir()
    (folder / "a-later.mbox").write_bytes(box(("3@x", "2@x"), day=9))
    (folder / "z-earlier.mbox.gz").write_bytes(gzip.compress(box(("1@x", ""), ("2@x", "1@x"))))
    (folder / "notes.html").write_text("<p>no mail</p>")
    assert [found.path.name for found in find_boxes(folder)] == ["z-earlier.mbox.gz", "a-later.mbox"]
    assert bring(desk, "archive") == (3, 0, [])
    assert len(set(threads(desk).values())) == 1


def test_what_cannot_be_read_is_told_with_its_place_and_the_rest_comes(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTSERV_RECEIVE_MAX_MESSAGE_BYTES", "10000")
    big = box(("big@x", "")).replace(b"Words", b"Words\n" * 5000)
    whole = box(("1@x", "")) + big + box(("2@x", ""))
    (desk.folder / "a.mbox").write_bytes(whole)
    new, _, unread = bring(desk, "a.mbox")
    assert new == 2
    assert len(unread) == 1
    assert unread[0].startswith("a.mbox, mail 2: ")
    assert "could not be read: 1" in desk.does("import", "mbox", "book", "a.mbox").out


def test_mailboxes_of_mailman_3_and_of_google_come_over_without_drafts_and_chats(desk: Desk) -> None:
    mailman = (
        "From ana@example.org Mon Jan  5 12:00:00 2015\nFrom: Ana Silva <ana at example.org>\n"
        "To: book at example.org\nSubject: Garlic\nDate: Mon, 05 Jan 2015 12:00:00 -0000\n"
        "Message-ID: <garlic@x>\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\nWhen?\n\n"
    )
    labels = {"soil": "Inbox,Important", "draft": "Draft", "chat": "Chat", "spam": "=?UTF-8?Q?Spam,Opened?="}
    google = "".join(
        f"From 1490000000000000001@xxx Tue Jan 06 12:00:00 +0000 2015\nX-GM-THRID: 1490000000000000001\n"
        f"X-Gmail-Labels: {told}\nFrom: Ben <ben@example.org>\nSubject: Re: Garlic\nMessage-ID: <{name}@x>\n"
        f"In-Reply-To: <garlic@x>\nDate: Tue, 6 Jan 2015 13:00:00 +0100\n\n>From the soil, {name}.\n\n"
        for name, told in labels.items()
    )
    (desk.folder / "mailman.mbox").write_text(mailman)
    (desk.folder / "takeout.mbox").write_bytes(google.replace("\n", "\r\n").encode())
    assert bring(desk, "mailman.mbox") == (1, 0, [])
    new, known, unread = bring(desk, "takeout.mbox")
    assert (new, known) == (1, 0)
    assert [line.partition(": ")[2] for line in unread] == [
        "Google says that it is a draft",
        "Google says that it is a chat",
        "Google says that it is spam",
    ]
    desk.does("export", "book", "out", "--addresses", "--no-search")
    told = [(one["author"], one["address"], one["date"], one["text"]) for one in exported(desk, "out")]
    assert told == [
        ("Ana Silva", "ana@example.org", "2015-01-05T12:00:00Z", "When?"),
        ("Ben", "ben@example.org", "2015-01-06T12:00:00Z", "From the soil, soil."),
    ]
    assert len(set(threads(desk).values())) == 1


def test_a_packed_file_that_breaks_off_gives_what_it_has(desk: Desk) -> None:
    mails = [(f"{number}@x", "") for number in range(2000)]
    (desk.folder / "a.mbox.gz").write_bytes(gzip.compress(box(*mails))[:-2000])
    new, _, unread = bring(desk, "a.mbox.gz")
    assert 0 < new < 2000
    assert "breaks off" in unread[0]


def test_a_path_without_mail_is_refused(desk: Desk) -> None:
    (desk.folder / "empty").mkdir()
    for path in ("missing.mbox", "empty", "listserv.toml"):
        assert path in desk.fails("import", "mbox", "book", path)
    with pytest.raises(BadData, match="From "):
        find_boxes(desk.folder / "empty")


def test_a_list_goes_out_whole_and_comes_back_the_same(desk: Desk) -> None:
    (desk.folder / "a.mbox").write_bytes(box(("1@x", ""), ("2@x", "1@x")) + box(("3@x", ""), day=9))
    bring(desk, "a.mbox")
    desk.does("list", "set", "book", 'footer=Say "hello"\nto \\ all', "guard=off", f"aliases=buch@{DOMAIN}")
    said = desk.does("export", "book", "out", "--no-search").out.split()
    out = desk.folder / "out"
    assert {Path(name) for name in said} == {one.relative_to(desk.folder) for one in out.iterdir()}
    assert {one.name for one in out.iterdir()} == set(WRITTEN)
    assert {one.stat().st_mode & 0o077 for one in (out, *out.glob("*.*"), *out.glob("months/*"))} == {0}
    settings = tomllib.loads((out / "settings.toml").read_text())
    told = desk.does("list", "show", "book", "--json").json
    assert {key: settings[key] for key in told["settings"]} == told["settings"]
    assert settings["aliases"] == [f"buch@{DOMAIN}"]
    assert (out / "members.csv").read_text() == desk.does("member", "export", "book").out
    first = (out / "book.mbox").read_bytes()
    assert b"\n>From the start.\n" in first and b"\nList-Id: " in first
    assert gzip.decompress((out / "months" / "2015-01.mbox.gz").read_bytes()) == first
    assert "nothing is overwritten" in desk.fails("export", "book", "out")
    desk.does("export", "book", "again", "--no-search")
    assert written(desk.folder / "again") == written(out)

    desk.does("list", "create", "copy", "--title", "Copy", "--host", "ana@example.org")
    desk.does("import", "mbox", "copy", "out/book.mbox")
    desk.does("export", "copy", "back", "--no-search")
    told = [(one["message_id"], one["answers"], one["date"]) for one in exported(desk, "back")]
    assert told == [(one["message_id"], one["answers"], one["date"]) for one in exported(desk, "out")]
    assert [name for name, _, _ in told] == ["1@x", "2@x", "3@x"]
    there = [(one["author"], one["subject"], one["text"]) for one in exported(desk, "back")]
    footed = [(one["author"], one["subject"], one["text"] + FOOTER) for one in exported(desk, "out")]
    assert there == footed  # as members got them


FOOTER = '\n\n--\nSay "hello"\nto \\ all'
WRITTEN = ("book.mbox", "members.csv", "months", "posts.jsonl", "settings.toml", "site")


def written(folder: Path) -> dict[str, bytes]:
    files = (one for one in folder.rglob("*") if one.is_file() and "search" not in one.parts)
    return {str(one.relative_to(folder)): one.read_bytes() for one in files}


def exported(desk: Desk, folder: str) -> list[dict[str, str]]:
    lines = (desk.folder / folder / "posts.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_what_goes_out_is_what_these_readers_may_read_and_has_addresses_where_they_were_asked_for(
    desk: Desk,
) -> None:
    """The mails themselves are as members got them."""
    desk.does("list", "create", "open", "--title", "O", "--host", "ana@example.org", "--preset", "public")
    for audience, name in (("public", "4@x"), ("members", "2@x"), ("hosts", "1@x"), ("off", "3@x")):
        desk.does("list", "set", "open", f"archive={audience}")
        mail = box((name, "")).replace(b"Words of", b"Ask ben@example.org of")
        (desk.folder / "a.mbox").write_bytes(mail)
        desk.does("import", "mbox", "open", "a.mbox")
    wanted = {"public": "4", "members": "423", "hosts": "4213"}
    for readers, names in wanted.items():
        desk.does("export", "open", readers, "--for", readers, "--no-search")
        assert [one["message_id"] for one in exported(desk, readers)] == [f"{name}@x" for name in names]
        mails = (desk.folder / readers / "open.mbox").read_bytes()
        assert [name for name in "4213" if f"<{name}@x>".encode() in mails] == list(names)
        assert b"ben@example.org" in mails
        words = (desk.folder / readers / "posts.jsonl").read_text()
        assert "example.org" not in words and "Ask ben@… of" in words
    desk.does("export", "open", "told", "--addresses", "--no-search")
    (first, *_) = exported(desk, "told")
    assert (first["address"], first["author"]) == ("ana@example.org", "Ana")
    assert "Ask ben@example.org of" in first["text"]


def test_an_export_of_a_list_that_hides_addresses_has_none_but_in_its_sheet_of_members(desk: Desk) -> None:
    desk.does("list", "set", "book", "from=relay")
    (desk.folder / "a.mbox").write_bytes(box(("1@x", ""), ("2@x", "1@x")))
    bring(desk, "a.mbox")
    desk.does("export", "book", "out", "--addresses", "--no-search")
    for name, data in written(desk.folder / "out").items():
        whole = gzip.decompress(data) if name.endswith(".gz") else data
        assert (b"ana@example.org" in whole) == (name == "members.csv"), name
    first, second = exported(desk, "out")
    assert (first["author"], first["address"], second["answers"]) == ("Ana", "", first["id"])
    assert first["message_id"] != "1@x"
    assert f"<{first['message_id']}>" in (desk.folder / "out" / "book.mbox").read_text()


def test_an_import_comes_over_on_postgresql_as_well(
    desk: Desk, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LISTSERV_DATABASE_URL", postgres_url)
    desk.does("db", "upgrade")
    desk.does("list", "create", "book", "--title", "Book club", "--host", "ana@example.org")
    (desk.folder / "a.mbox").write_bytes(box(("2@x", "1@x"), ("1@x", ""), ("3@x", "")))
    assert bring(desk, "a.mbox") == (3, 0, [])
    assert bring(desk, "a.mbox") == (0, 3, [])
    desk.does("export", "book", "out", "--no-search")
    assert (desk.folder / "out" / "book.mbox").read_bytes().count(b"From 3@x") == 0


def test_a_real_archive_of_43_months_comes_over_whole_and_twice_adds_nothing(desk: Desk) -> None:
    many = sum(path.read_bytes().count(b"\nFrom: ") for path in TWISTED.glob("*.mbox"))
    assert many > 1000, "the shared corpora are not beside the project"
    new, known, unread = bring(desk, str(TWISTED))
    assert unread == []
    assert (new, known) == (1257, 1)  # one Message-ID is there twice
    assert bring(desk, str(TWISTED)) == (0, 1258, [])
    desk.does("list", "set", "book", "archive=off")  # no pages this time
    desk.does("export", "book", "out", "--no-search")
    with (desk.folder / "out" / "book.mbox").open("rb") as out:
        assert sum(1 for _ in read_mbox(out, 10**8)) == 1257
    assert not (desk.folder / "out" / "site").exists()
    assert _same_threads(desk) > 0.95


def test_an_import_that_was_killed_goes_on_where_it_was_and_ends_with_the_same_rows(desk: Desk) -> None:
    folder = desk.folder / "archive"
    folder.mkdir()
    for month in TWISTED.glob("200[45]-*.mbox"):
        (folder / month.name).symlink_to(month)
    database = desk.folder / "data" / "listserv.db"
    empty = database.read_bytes()
    bring(desk, "archive")
    whole = _rows(desk)
    for file in database.parent.glob("listserv.db*"):
        file.unlink()
    database.write_bytes(empty)
    command = [sys.executable, "-m", "listserv", "import", "mbox", "book", "archive"]
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    with subprocess.Popen(command, cwd=desk.folder, env=environ, stdout=DEVNULL, stderr=DEVNULL) as arriving:
        while not threads(desk):
            assert arriving.poll() is None
            time.sleep(0.005)
        arriving.kill()
    here = len(threads(desk))
    new, known, unread = bring(desk, "archive")
    assert 0 < here < len(threads(desk))
    assert (new + known, unread) == (521, []) and known >= here
    assert _rows(desk) == whole


def _rows(desk: Desk) -> dict[str, list[tuple[object, ...]]]:
    tables = ("posts", "threads", "thread_ids", "attachments", "seen")
    with sqlite3.connect(desk.folder / "data" / "listserv.db") as connection:
        told = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
    connection.close()
    return told


def _same_threads(desk: Desk) -> float:
    """Which share of Pipermail's threads within a month are threads here, no more and no less."""
    ours = {f"<{name}>": thread for name, thread in threads(desk).items()}
    theirs: dict[str, list[list[str]]] = json.loads((TWISTED / "threads.json").read_text())["threads"]
    same = []
    for month in theirs.values():
        here: dict[int, set[str]] = defaultdict(set)
        for name in (name for thread in month for name in thread):
            here[ours[name]].add(name)
        same += [set(thread) in here.values() for thread in month]
    return sum(same) / len(same)


def test_imported_posts_are_for_whom_the_archive_is_for(desk: Desk) -> None:
    (desk.folder / "a.mbox").write_bytes(box(("1@x", "")))
    desk.does("list", "set", "book", "archive=hosts")
    bring(desk, "a.mbox")
    store = open_store(f"sqlite:///{desk.folder}/data/listserv.db")
    with store.read() as tx:
        (row,) = tx.execute(select(posts)).all()
    store.close()
    assert (row.audience, row.author, row.author_name) == ("hosts", "ana@example.org", "Ana")
    assert row.text.startswith("Words of 1@x.")


def box_of(desk: Desk, lines: list[tuple[str, str]]) -> str:
    """A mailbox with a mail for each ``From `` line and Date."""
    told = (
        f"From {line}\nFrom: Ben <ben@example.org>\nTo: book@{DOMAIN}\nSubject: Mail {number}\n"
        f"Message-ID: <{number}@old.example>\nDate: {date}\n\nWords of {number}.\n\n"
        for number, (line, date) in enumerate(lines)
    )
    (desk.folder / "old.mbox").write_text("".join(told))
    return "old.mbox"


def days(desk: Desk) -> list[str]:
    with contextlib.closing(sqlite3.connect(desk.folder / "data" / "listserv.db")) as database:
        rows = database.execute("SELECT at FROM posts ORDER BY message_id")
        return [f"{datetime.fromtimestamp(at / 1e6, UTC):%Y-%m-%d}" for (at,) in rows]


def test_a_boxs_own_clock_says_when_posts_came_and_the_authors_where_it_has_none(desk: Desk) -> None:
    patches = "abc Mon Sep 17 00:00:00 2001"
    lines = [
        (patches, "Wed, 1 May 2019 10:00:00 +0000"),
        (patches, "Thu, 2 May 2019 10:00:00 +0000"),
        ("ben@example.org Sat May  4 09:00:00 2019", "Fri, 3 May 2019 10:00:00 +0000"),
        (patches, "Sun, 5 May 2019 10:00:00 +0000"),
        (patches, "Mon, 6 May 2019 10:00:00 +0000"),
    ]
    desk.does("import", "mbox", "book", box_of(desk, lines))
    assert days(desk) == ["2019-05-01", "2019-05-02", "2019-05-04", "2019-05-05", "2019-05-06"]
