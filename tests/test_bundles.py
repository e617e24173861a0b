"""The child that builds the search without a server: when it is started, and what happens to it."""

from __future__ import annotations

import gzip
import os
import resource
import smtplib
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import update

from archive_site.folder import Folder
from listserv.clock import SystemClock
from listserv.flow.bundles import Bundles, Patience
from listserv.store import schema
from listserv.store.engine import open_store
from tests.kit.desk import OWNER, Desk
from tests.kit.server import HANG, Server, until
from tests.kit.site import DOMAIN, Rows, Said, fresh_rows
from tests.test_renderer import Heard

NEVER = 10**9
AT_ONCE = Patience(new=0, trouble=0, haste=0)


@dataclass
class Site:
    rows: Rows
    folder: Path
    url: str
    book: int
    log: Heard = field(default_factory=Heard)
    closing: threading.Event = field(default_factory=threading.Event)

    def bundles(self, patience: Patience = AT_ONCE) -> Bundles:
        about = {"url": self.url, "folder": str(self.folder), "domain": DOMAIN}
        made = Bundles(self.rows.store, about, SystemClock(), self.closing, self.log)
        made.patience = patience
        return made

    def say(self, *texts: str) -> None:
        thread = self.rows.thread(self.book, "A talk")
        for text in texts:
            self.rows.post(self.book, thread, Said(text=text))

    def take_out(self, post: int) -> None:
        own = schema.posts.c
        gone = {"state": "redacted", "text": "", "subject": ""}
        self.rows.store.do(
            lambda tx: tx.execute(update(schema.posts).where(own.id == post).values(**gone)) and None
        )
        self.rows.mark(self.book, 1)

    def words(self) -> str:
        return words(self.folder)

    def troubles(self) -> list[object]:
        return [told["why"] for told in self.log.of("search files not built, will be tried again")]


def words(folder: Path) -> str:
    """All that stands in any search file, unpacked."""
    found = []
    for file in sorted(folder.rglob("search/**/*")):
        with suppress(FileNotFoundError):  # it may be built just now
            if file.is_file():
                data = file.read_bytes()
                found.append(gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data)
    return b"\n".join(found).decode("utf-8", "replace")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    rows = fresh_rows(tmp_path)
    made = Site(rows, tmp_path / "archive", f"sqlite:///{tmp_path}/listserv.db", rows.list("book"))
    Folder(made.folder).begin("book", "members")
    yield made
    rows.store.close()


def run_dry(bundles: Bundles) -> None:
    while bundles.step():
        pass


def test_new_posts_are_built_together_after_some_time_and_what_was_taken_out_goes_at_once(site: Site) -> None:
    site.say("oldword", "marzipan", "otherword")
    first = site.bundles()
    run_dry(first)
    assert "oldword" in site.words() and "marzipan" in site.words()
    bundles = site.bundles(Patience(new=NEVER))
    bundles.step()
    site.say("newword")
    bundles.step()
    assert "newword" not in site.words()
    site.take_out(2)
    bundles.step()
    assert "marzipan" not in site.words()
    assert "oldword" in site.words()
    site.say("lastword")
    run_dry(first)
    assert "newword" in site.words() and "lastword" in site.words()
    assert site.troubles() == []


def test_it_is_the_same_on_postgresql(postgres_url: str, tmp_path: Path) -> None:
    store = open_store(postgres_url)
    schema.metadata.create_all(store.engine)
    rows = Rows(store)
    site = Site(rows, tmp_path / "archive", postgres_url, rows.list("book"))
    Folder(site.folder).begin("book", "members")
    site.say("oldword", "marzipan")
    bundles = site.bundles()
    run_dry(bundles)
    assert "oldword" in site.words() and "marzipan" in site.words()
    site.take_out(2)
    run_dry(bundles)
    assert "marzipan" not in site.words() and "oldword" in site.words()
    assert site.troubles() == []
    store.close()


def test_who_comes_before_the_pages_waits_for_them(site: Site) -> None:
    site.say("oldword")
    Folder(site.folder).drop_list("book")
    bundles = site.bundles()
    bundles.step()
    assert site.words() == "" and site.troubles() == []
    Folder(site.folder).begin("book", "members")
    bundles.step()
    assert "oldword" in site.words()


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """From now on children find another Pagefind."""
    package = folder / "pagefind_bin"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(
        f"from pathlib import Path\ndef get_executable():\n    return Path({str(package / 'program')!r})\n"
    )
    (package / "program").write_text(f"#!/bin/sh\n{script}\n")
    (package / "program").chmod(0o755)
    monkeypatch.setenv("PYTHONPATH", str(folder))


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("kill -9 $PPID", "the process died"),
        ("cat >/dev/null; true", "it took too long"),
    ],
)
def test_a_child_that_dies_or_hangs_is_told_and_tried_again_and_what_was_there_stays(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, why: str
) -> None:
    site.say("oldword", "marzipan")
    run_dry(site.bundles())
    before = site.words()
    site.say("newword")
    silence = 3.0 if why == "it took too long" else 60.0
    bundles = site.bundles(Patience(new=0, trouble=0, haste=0, silence=silence))
    with monkeypatch.context() as patch:
        stand_in(tmp_path / "stand-in", patch, script)
        bundles.step()
        assert site.troubles() == [why]
        assert site.words() == before
        site.take_out(2)  # what was taken out goes all the same
        while "marzipan" in site.words():
            bundles.step()
    bundles.patience = AT_ONCE
    run_dry(bundles)
    assert "newword" in site.words() and "oldword" in site.words()


def test_a_full_disk_is_told_and_what_was_there_stays(site: Site) -> None:
    site.say("oldword")
    run_dry(site.bundles())
    before = site.words()
    site.say("newword")
    bundles = site.bundles()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, limits[1]))  # of a file: as if no more were there
    try:
        bundles.step()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len(site.troubles()) == 1 and "OSError" in str(site.troubles()[0])
    assert site.words() == before
    run_dry(bundles)
    assert "newword" in site.words()


def test_it_stands_behind_everybody_and_who_closes_need_not_wait_for_it_and_nothing_is_left(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.say("oldword")
    told = tmp_path / "pid"
    humble = tmp_path / "humble"
    stands = f"cut -d' ' -f19 /proc/$$/stat > {humble}; cat /proc/$$/oom_score_adj >> {humble}"
    stand_in(tmp_path / "stand-in", monkeypatch, f"{stands}; echo $$ > {told}; cat >/dev/null; true")
    bundles = site.bundles()
    step = threading.Thread(target=bundles.step)
    step.start()
    until(lambda: told.exists() and told.read_text().endswith("\n"))
    assert humble.read_text().split() == ["19", "900"]
    site.closing.set()
    step.join(30)
    assert not step.is_alive()
    until(lambda: not alive(int(told.read_text())))
    assert site.troubles() == []


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


# -- beside a running server ------------------------------------------------------------------------

POST = b"""From: Ana Silva <ana@ana.example>
To: book@lists.example.org
Subject: The %s of it
Message-ID: <%s@k.example>

Hello all, the %s lies under the third stone.
"""


def test_what_is_redacted_beside_a_running_server_is_in_no_search_file_soon(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.does("init", "--domain", DOMAIN, "--owner", OWNER)
    desk.does("list", "create", "book", "--title", "Book Circle", "--host", "hanna@host.example")
    desk.does("list", "set", "book", "outbox_minutes=0", "guard=off", "probation=0")
    desk.does("member", "add", "book", "ana@ana.example")
    server = Server(tmp_path, {"LISTSERV_DELIVER_RELAY": "smtp://127.0.0.1:1"})
    folder = desk.folder / "data/archive"
    with server.serving() as running:
        for word in (b"marzipan", b"quince"):
            with smtplib.SMTP("127.0.0.1", running.doors["smtp"], timeout=HANG) as client:
                client.sendmail("ana@ana.example", ["book@lists.example.org"], POST % (word, word, word))
        until(lambda: b"quince" in b"".join(one.read_bytes() for one in folder.rglob("t/*/*.html")), server)
        desk.does("archive", "build")
        assert "marzipan" in words(folder) and "quince" in words(folder)
        desk.does("redact", "book", "marzipan@k.example")
        until(lambda: "marzipan" not in words(folder), server)
        until(lambda: "quince" in words(folder), server)
