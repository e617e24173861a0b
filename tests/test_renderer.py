"""The child that renders: what it does is what a build does; what happens to it harms nobody else."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import smtplib
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from archive_site.build import Builder, SiteNames
from archive_site.folder import Folder
from listserv.errors import StoreBusy, StoreFull
from listserv.flow.renderer import Renderer, Rhythm
from listserv.resources import resource as shipped
from listserv.store import schema
from listserv.store.engine import open_store
from tests.kit.server import DOMAIN, Server, until
from tests.kit.site import BASE, NOON, Rows, Said, book_circle

ROOT = Path(__file__).resolve().parents[1]
QUICK = Rhythm(apart=0.02, apart_in_a_rush=0.05, after_trouble=0.05)
DEATHS = 60 if os.environ.get("LISTSERV_LONG") else 4


@dataclass(slots=True)
class Heard:
    """A log that remembers."""

    events: list[tuple[str, dict[str, object]]] = field(default_factory=list)

    def info(self, event: str, **fields: object) -> None:
        self.events.append((event, fields))

    warning = error = info

    def of(self, event: str) -> list[dict[str, object]]:
        return [fields for told, fields in self.events if told == event]


@dataclass(slots=True)
class Site:
    """Rows in a real database, a folder of pages, and the renderer of both."""

    rows: Rows
    folder: Path
    url: str
    templates: Path
    log: Heard = field(default_factory=Heard)
    closing: threading.Event = field(default_factory=threading.Event)
    opened: list[Renderer] = field(default_factory=list)

    def renderer(self, rhythm: Rhythm = QUICK) -> Renderer:
        about = {
            "url": self.url,
            "folder": str(self.folder),
            "templates": str(self.templates),
            "domain": DOMAIN,
            "base_url": BASE,
            "timezone": "Europe/Berlin",
        }
        self.opened.append(Renderer(self.rows.store, about, self.closing, self.log, rhythm))
        return self.opened[-1]

    def rendered(self) -> dict[str, bytes]:
        return pages(self.folder)

    def calm(self) -> dict[str, bytes]:
        """The pages as one build makes them of the same rows."""
        folder = self.folder.with_name("calm")
        shutil.rmtree(folder, ignore_errors=True)
        names = SiteNames(DOMAIN, BASE, "Europe/Berlin")
        Builder(self.rows.store, folder, shipped("templates"), names).build_all(None, None)
        return pages(folder)

    def page(self, path: str) -> str:
        return (self.folder / path / "index.html").read_text()


def pages(folder: Path) -> dict[str, bytes]:
    files = (file for file in folder.rglob("*.html") if file.is_file())
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def run_dry(renderer: Renderer) -> int:
    """Steps until there is nothing to do; how many marks were rendered."""
    done = 0
    while marks := renderer.step():
        done += marks
    return done


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    yield from founded(tmp_path, f"sqlite:///{tmp_path}/listserv.db")


@pytest.fixture
def site_on_postgres(tmp_path: Path, postgres_url: str) -> Iterator[Site]:
    yield from founded(tmp_path, postgres_url)


def founded(folder: Path, url: str) -> Iterator[Site]:
    store = open_store(url)
    schema.metadata.create_all(store.engine)
    made = Site(Rows(store), folder / "archive", url, shipped("templates"))
    yield made
    for renderer in made.opened:
        renderer.close()
    store.close()


# -- what it does -----------------------------------------------------------------------------------


def test_what_the_child_renders_is_what_a_build_renders(site: Site) -> None:
    book = book_circle(site.rows)
    renderer = site.renderer()
    run_dry(renderer)
    assert site.rendered() == site.calm()
    site.rows.post(book, site.rows.thread(book, "A new one", key="fresh"), Said(text="entirely new"))
    assert renderer.step() == 1
    assert "entirely new" in site.page("book/t/fresh")
    assert site.rendered() == site.calm()


def test_it_is_the_same_on_postgresql(site_on_postgres: Site) -> None:
    site = site_on_postgres
    book = book_circle(site.rows)
    renderer = site.renderer()
    run_dry(renderer)
    site.rows.post(book, site.rows.thread(book, "A new one", key="fresh"), Said(text="entirely new"))
    assert renderer.step() == 1
    assert site.rendered() == site.calm()


def test_a_list_that_is_described_anew_is_rendered_anew(site: Site) -> None:
    book = book_circle(site.rows)
    renderer = site.renderer()
    run_dry(renderer)
    site.rows.set_list(book, title="Another name")
    site.rows.do(schema.acts, at=NOON, who="operator", act="setting changed", list_id=book, detail="title")
    run_dry(renderer)
    assert all(b"Another name" in page for page in site.rendered().values())


def test_a_list_under_load_costs_its_pages_and_not_its_posts(site: Site) -> None:
    """While many posts come, rounds are two seconds apart at least."""
    book = site.rows.list("book")
    threads = [site.rows.thread(book, f"T{n}") for n in range(3)]
    renderer = site.renderer(Rhythm())
    run_dry(renderer)
    begins = time.monotonic()
    posted = rounds = rendered = 0
    while time.monotonic() - begins < 1.5 or posted < 60:
        for _ in range(20):
            site.rows.post(book, threads[posted % 3], Said(text=f"poured {posted}"))
            posted += 1
        rendered += renderer.step()
        rounds += 1
    rendered += run_dry(renderer)
    assert rendered == posted
    assert rounds <= (time.monotonic() - begins) / 2 + 2
    assert site.rendered() == site.calm()


def test_the_child_can_change_nothing_in_the_database(site: Site, postgres_url: str) -> None:
    """It opens it so that the database itself refuses."""
    postgres = open_store(postgres_url)
    schema.metadata.create_all(postgres.engine)
    postgres.close()
    for url in (site.url, postgres_url):
        tries = f"""
            from sqlalchemy import text
            from listserv.store import reading
            store = reading.open_read_only({url!r})
            with store.read() as tx:
                tx.execute(text("DELETE FROM stale"))
        """
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(tries)], cwd=ROOT, capture_output=True, text=True
        )
        assert done.returncode and ("readonly" in done.stderr or "read-only" in done.stderr), done.stderr


def test_the_child_stands_behind_the_server_and_before_search_files_and_loads_no_server(site: Site) -> None:
    book_circle(site.rows)
    renderer = site.renderer()
    renderer.step()
    assert renderer.pid is not None
    own = os.getpriority(os.PRIO_PROCESS, 0)
    assert own < os.getpriority(os.PRIO_PROCESS, renderer.pid) == own + 10 < 19
    shown = (
        "import sys, archive_site.rendering; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", shown], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.split())
    assert {"archive_site", "jinja2"} <= loaded
    assert loaded & {"aiosmtpd", "alembic", "click", "cryptography", "dns", "psycopg", "uvicorn"} == set()


def test_an_idle_child_is_ended_and_the_next_post_starts_another(site: Site) -> None:
    book = book_circle(site.rows)
    renderer = site.renderer(Rhythm(apart=0.0, apart_in_a_rush=0.0, after_trouble=0.0, idle=0.0))
    run_dry(renderer)
    until(lambda: renderer.step() == 0 and renderer.pid is None)
    assert not (site.folder / ".cursor.now.json").exists()  # all of it has reached the disk
    site.rows.post(book, site.rows.thread(book, "A new one", key="fresh"), Said())
    assert renderer.step() == 1
    assert renderer.pid is not None


# -- what happens to it -----------------------------------------------------------------------------


def test_a_child_killed_at_any_moment_loses_nothing_and_harms_nobody(site: Site) -> None:
    book = site.rows.list("book")
    threads = [site.rows.thread(book, f"T{n}") for n in range(40)]
    renderer = site.renderer()
    for number in range(DEATHS):
        for thread in threads:
            site.rows.post(book, thread, Said(text=f"round {number}"))
        killer = threading.Timer(0.01 + 0.02 * (number % 8), lambda: kill(renderer.pid or 0))
        killer.start()
        renderer.step()
        killer.join()
    run_dry_after_deaths(renderer)
    assert site.rendered() == site.calm()


def kill(pid: int) -> None:
    """0: nobody. It may be gone already."""
    if pid:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def run_dry_after_deaths(renderer: Renderer, enough: Callable[[], bool] = lambda: True) -> None:
    """Steps until two in a row find nothing: a step over which the child died did nothing either."""
    quiet = 0
    while quiet < 3 or not enough():
        quiet = 0 if renderer.step() else quiet + 1


def test_the_child_dies_with_its_parent(tmp_path: Path) -> None:
    script = f"""
        import os, threading
        from pathlib import Path
        from tests.test_renderer import *
        folder = Path({str(tmp_path)!r})
        made = next(founded(folder, f"sqlite:///{{folder}}/listserv.db"))
        book_circle(made.rows)
        renderer = made.renderer()
        renderer.step()
        print(renderer.pid, flush=True)
        os.kill(os.getpid(), 9)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    pid = int(done.stdout)
    until(lambda: not running(pid))


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_page_that_raises_is_told_and_given_up_and_the_others_go_on(site: Site) -> None:
    book = site.rows.list("book")
    renderer = site.renderer()
    run_dry(renderer)
    stone = site.folder / "book/t/key/index.html"
    (stone / "in the way").mkdir(parents=True)
    site.rows.post(book, site.rows.thread(book, "A talk", key="key"), Said())
    site.rows.post(book, site.rows.thread(book, "Another", key="other"), Said(text="other words"))
    run_dry_after_deaths(renderer, lambda: bool(site.log.of("page given up")))
    assert [told["tries"] for told in site.log.of("page not rendered, will be tried again")] == [1, 2]
    (given_up,) = site.log.of("page given up")
    assert given_up["page"] == f"{book} thread 1" and "IsADirectoryError" in str(given_up["why"])
    assert "other words" in site.page("book/t/other") and "Another" in site.page("book")
    shutil.rmtree(stone)
    run_dry_after_deaths(site.renderer())  # the next start tries it once more
    assert site.rendered() == site.calm()


def test_a_page_over_which_the_child_hangs_is_given_up_after_three_children(
    site: Site, tmp_path: Path
) -> None:
    site.templates = tmp_path / "templates"
    shutil.copytree(shipped("templates"), site.templates)
    article = site.templates / "site/article.html"
    endless = '{% if "poison" in a.reply %}{% for _ in range(10 ** 15) %}{% endfor %}{% endif %}'
    article.write_text(endless + article.read_text())
    book = site.rows.list("book")
    site.rows.post(book, site.rows.thread(book, "Poison", key="bad"), Said(subject="poison"))
    site.rows.post(book, site.rows.thread(book, "Good", key="good"), Said(text="good words"))
    renderer = site.renderer(Rhythm(apart=0.0, apart_in_a_rush=0.0, after_trouble=0.0, silence=3.0))
    run_dry_after_deaths(renderer, lambda: bool(site.log.of("page given up")))
    run_dry_after_deaths(renderer)
    died = [told["page"] for told in site.log.of("rendering process died")]
    assert died.count(f"{book} thread 1") == 3
    assert "good words" in site.page("book/t/good")
    assert not (site.folder / "book/t/bad").exists()


def test_a_full_disk_is_told_as_such_and_nothing_is_lost(site: Site) -> None:
    book = book_circle(site.rows)
    renderer = site.renderer()
    run_dry(renderer)
    site.rows.post(book, site.rows.thread(book, "A new one", key="fresh"), Said(text="entirely new"))
    assert renderer.pid is not None
    resource.prlimit(renderer.pid, resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
    for _ in range(4):
        with pytest.raises(StoreFull):
            renderer.step()
    assert not (site.folder / "book/t/fresh/index.html").exists()
    resource.prlimit(renderer.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert renderer.step() == 1
    assert site.rendered() == site.calm()


def test_a_database_that_does_not_answer_the_child_is_waited_for(site_on_postgres: Site) -> None:
    site = site_on_postgres
    book = book_circle(site.rows)
    renderer = site.renderer()
    run_dry(renderer)
    site.rows.post(book, site.rows.thread(book, "A new one", key="fresh"), Said())
    with site.rows.store.engine.connect() as cutter:
        # Whoever reads now loses the connection; the child's is the one that may only read.
        cutter.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    for _ in range(20):
        try:
            if renderer.step():
                break
        except StoreBusy:
            continue
    assert site.rendered() == site.calm()


def test_a_stop_does_not_wait_for_a_long_round(site: Site) -> None:
    book = site.rows.list("book")
    for number in range(300):
        site.rows.post(book, site.rows.thread(book, f"T{number}"), Said())
    renderer = site.renderer()
    threading.Timer(0.2, site.closing.set).start()
    while not site.closing.is_set():
        renderer.step()
    assert renderer.step() == 0
    renderer.close()
    site.closing.clear()
    run_dry(site.renderer())
    assert site.rendered() == site.calm()


def test_a_build_by_hand_is_waited_for_however_long_it_takes(site: Site) -> None:
    book = book_circle(site.rows)
    renderer = site.renderer(Rhythm(apart=0.0, apart_in_a_rush=0.0, silence=3.0))
    run_dry(renderer)
    site.rows.post(book, site.rows.thread(book, "A new one", key="fresh"), Said())
    rendering = threading.Thread(target=run_dry, args=(renderer,))
    with Folder(site.folder).alone():
        rendering.start()
        rendering.join(5.0)
        assert rendering.is_alive()
    rendering.join()
    assert not site.log.of("rendering process died")
    assert site.rendered() == site.calm()


# -- in the server ----------------------------------------------------------------------------------


def test_a_server_renders_each_post_whatever_becomes_of_its_child(tmp_path: Path) -> None:
    server = Server(tmp_path, {"LISTSERV_DELIVER_RELAY": "maildir:outbox"})
    server.found()
    server.run("list", "create", f"book@{DOMAIN}", "--title", "Books", "--host", "ana@ana.example")
    server.run("list", "set", f"book@{DOMAIN}", "outbox_minutes=0")
    with server.serving() as running_server:
        for number in range(3):
            said(running_server.doors["smtp"], number)
            until(partial(shows, tmp_path, f"Number {number}"), server)
            kill(child_of(running_server.process.pid))
    assert "rendering process died" in server.log
    server.run("archive", "build", "--all")


def said(port: int, number: int) -> None:
    raw = (
        f"From: ana@ana.example\r\nTo: book@{DOMAIN}\r\nSubject: Number {number}\r\n"
        f"Message-ID: <n{number}@ana.example>\r\n\r\nWords of {number}.\r\n"
    )
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        client.sendmail("ana@ana.example", [f"book@{DOMAIN}"], raw)


def shows(folder: Path, words: str) -> bool:
    """Whether the list's front page has these words."""
    file = folder / "data/archive/book/index.html"
    return file.exists() and words in file.read_text()


def child_of(pid: int) -> int:
    """The renderer of a server."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes()
            parent = (place / "stat").read_text().rpartition(")")[2].split()[1]
        except (FileNotFoundError, ProcessLookupError):
            continue
        if b"archive_site.rendering" in words and int(parent) == pid:
            return int(place.name)
    raise AssertionError("the server has no renderer")
