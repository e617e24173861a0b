"""What an operator waits for: the start, members and posts that move in, the archive's pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from listserv.benching.children import run
from listserv.benching.fan_out import SMALL
from listserv.benching.figures import Wanted, middle
from listserv.benching.load import text_of
from listserv.benching.place import DOMAIN, Place, member, place
from listserv.benching.processes import Meanwhile

_BEGINS = datetime(2020, 1, 1, tzinfo=UTC)
_IN_A_THREAD = 8
_POSTERS = 50


def measure_start(wanted: Wanted) -> None:
    """From the start of the process until every door is open; and what it takes when it idles."""
    with place(wanted) as site:
        site.make_lists({"ten": range(1, 11)})
        meanwhile, seconds = Meanwhile(), []
        for _ in range(wanted.rounds):
            with site.live() as live:
                seconds.append(live.server.seconds)
        wanted.figure("start to ready", seconds=middle(seconds), runs=seconds, **meanwhile.cores())
        with site.live() as live:
            live.calm()
            idle = live.memory()
            wanted.figure("memory, idle", idle_mb=idle.megabytes, idle_processes=idle.processes)


def measure_import(wanted: Wanted) -> None:
    """Members from CSV, posts from an mbox, then all pages of their archive."""
    posts = max(20, wanted.members // 10)
    with place(wanted) as site:
        site.make_lists({"big": range(1, 2)})
        sheet, mbox = site.settings.folder / "members.csv", site.settings.folder / "posts.mbox"
        rows = (f"{member(number)}\n" for number in range(2, wanted.members + 2))
        sheet.write_text("email\n" + "".join(rows))
        _write_mbox(mbox, posts)
        _tell_members(wanted, site, sheet)
        _tell_posts(wanted, site, mbox, posts)
        _tell_pages(wanted, site, posts)


def _tell_members(wanted: Wanted, site: Place, sheet: Path) -> None:
    meanwhile = Meanwhile()
    seconds = run(site.file, site.twins, "member", "import", "big", str(sheet))
    wanted.figure("import, members from CSV", members=wanted.members, seconds=seconds, **meanwhile.cores())


def _tell_posts(wanted: Wanted, site: Place, mbox: Path, posts: int) -> None:
    meanwhile = Meanwhile()
    seconds = run(site.file, site.twins, "import", "mbox", "big", str(mbox))
    rate, octets = posts / seconds, mbox.stat().st_size
    wanted.figure(
        "import, posts from mbox",
        posts=posts,
        seconds=seconds,
        per_second=rate,
        mb_per_second=octets / 1e6 / seconds,
        **meanwhile.cores(),
    )


def _tell_pages(wanted: Wanted, site: Place, posts: int) -> None:
    meanwhile = Meanwhile()
    seconds = run(site.file, site.twins, "archive", "build", "big")
    pages = sum(1 for path in (site.settings.site.data_dir / "archive").rglob("*.html") if path.is_file())
    wanted.figure(
        "render, an archive anew",
        posts=posts,
        pages=pages,
        seconds=seconds,
        posts_per_second=posts / seconds,
        **meanwhile.cores(),
    )


def _write_mbox(file: Path, posts: int) -> None:
    """Conversations of a few posts each, years of them."""
    body = text_of(SMALL).replace(b"\r\n", b"\n")
    with file.open("wb") as out:
        for number in range(posts):
            out.write(_head(number).encode() + body + b"\n")


def _head(number: int) -> str:
    at, sender = _BEGINS + timedelta(hours=number), member(1 + number % _POSTERS)
    thread, place_in_it = divmod(number, _IN_A_THREAD)
    answers = f"In-Reply-To: <{number - 1}@import.example>\n" if place_in_it else ""
    return (
        f"From {sender} {at:%a %b %d %H:%M:%S %Y}\nFrom: A Member <{sender}>\nTo: big@{DOMAIN}\n"
        f"Subject: {'Re: ' if place_in_it else ''}Talk {thread}\nDate: {format_datetime(at)}\n"
        f"Message-ID: <{number}@import.example>\n{answers}\n"
    )
