"""public-inbox (Debian's package) with the same real posts as `listserv bench archive`, in one run.

    python -m bench.peers.public_inbox FOLDER [POSTS]    figures go to FOLDER/public-inbox.jsonl

They come over by its own importer with a full Xapian index, one more by public-inbox-mda, and are read from
public-inbox-httpd. CPU seconds are those of all its processes. Its page is a whole conversation, as ours is.
"""

from __future__ import annotations

import json
import os
import re
import resource
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from time import monotonic, sleep
from urllib.parse import quote

from listserv.benching.figures import part
from listserv.benching.old_posts import old_posts, write_old_posts

_IMPORT = """use strict; use warnings; use PublicInbox::InboxWritable;
my ($dir, $mbox) = @ARGV;
my $ibx = PublicInbox::InboxWritable->new({ inboxdir => $dir, name => 'old', version => 2,
    indexlevel => 'full', -primary_address => 'old@bench.example' });
open(my $fh, '<', $mbox) or die $!;
$ibx->import_mbox($fh, 'mboxrd');
"""
_CONFIG = "[publicinboxmda]\n\tspamcheck = none\n"
_QUESTIONS = (  # those of listserv/benching/archived.py, in its words
    "twisted",
    "http client",
    '"web server"',
    "deferred NOT nevow",
    "f:glyph",
    "s:release",
    "n:patch",
    "d:2000-01-01..2002-01-01 session",
    "websocket",
    "f:jean s:twisted",
    "zzznotfound",
    "certificate ssl",
)
_NEW, _ASKED = 20, 50
_PATIENCE = 60.0


def main(folder: Path, posts: int) -> None:
    """Measure, and write the figures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="public-inbox-bench-") as made, _home(Path(made)) as home:
        told = [*_moved(home, posts), *_new(home, posts), *_read(home, posts)]
    lines = [json.dumps({"peer": "public-inbox", "variant": str(posts)} | one) for one in told]
    (folder / "public-inbox.jsonl").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


@contextmanager
def _home(home: Path) -> Iterator[Path]:
    """Its settings and its inbox, where nobody else's are."""
    (home / "config").write_text(_CONFIG)
    os.environ |= {"HOME": str(home), "PI_CONFIG": str(home / "config"), "PI_EMERGENCY": str(home / "lost")}
    told = ("old", str(home / "old"), "http://bench.example/old", "old@bench.example")
    _run("public-inbox-init", "-V2", "-L", "full", *told)
    yield home


def _run(*words: str, mail: bytes = b"") -> tuple[float, float]:
    """A command: wall and CPU seconds."""
    before, began = _cpu(), monotonic()
    subprocess.run(words, input=mail, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return monotonic() - began, _cpu() - before


def _cpu() -> float:
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def _figure(measure: str, values: list[float]) -> dict[str, object]:
    told = {"min": min(values), "median": median(values), "max": max(values), "p95": part(values, 0.95)}
    return {"measure": measure, **told}


def _moved(home: Path, posts: int) -> Iterator[dict[str, object]]:
    mbox = home / "posts.mbox"
    write_old_posts(mbox, posts)
    (home / "import.pl").write_text(_IMPORT)
    _, cpu = _run("perl", str(home / "import.pl"), str(home / "old"), str(mbox))
    with sqlite3.connect(home / "old" / "msgmap.sqlite3") as kept:
        ((count,),) = kept.execute("SELECT count(*) FROM msgmap")
    kept.close()
    if count != posts:
        raise SystemExit(f"{count} of {posts} posts came over")
    yield _figure("archive_import_per_cpu_second", [posts / cpu])


def _new(home: Path, posts: int) -> Iterator[dict[str, object]]:
    """One more post, again and again: it can be read and found when public-inbox-mda has ended."""
    os.environ["ORIGINAL_RECIPIENT"] = "old@bench.example"
    seconds, cpus = [], []
    for number in range(_NEW):
        mail = (
            f"From: A <a@bench.example>\nTo: old@bench.example\nSubject: New {number}\n"
            f"Date: Mon, 5 Jan 2026 12:00:{number:02} +0000\nMessage-ID: <new.{number}@bench.example>\n\n"
            f"Visible {number}.\n"
        )
        spent, cpu = _run("public-inbox-mda", "--no-precheck", mail=mail.encode())
        seconds.append(spent * 1000)
        cpus.append(cpu * 1000)
    yield _figure("archive_new_ms", seconds)
    yield _figure("archive_new_cpu_ms", cpus)


def _read(home: Path, posts: int) -> Iterator[dict[str, object]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["public-inbox-httpd", "-W0", "-l", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            line = _line(port)
            for _ in range(2):  # what is loaded but once
                _get(line, "/old/?q=warm")
            sizes = [len(_get(line, f"/old/{quote(name)}/T/")[1]) / 1000 for name in _tens(posts)]
            yield _figure("archive_conversation_of_ten_kb", sizes)
            waits = [
                _get(line, f"/old/?q={quote(_QUESTIONS[number % len(_QUESTIONS)])}")[0] * 1000
                for number in range(_ASKED)
            ]
            yield _figure("archive_search_ms", waits)
        finally:
            server.terminate()


def _line(port: int) -> HTTPConnection:
    until = monotonic() + _PATIENCE
    while True:
        try:
            line = HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
            line.connect()
            return line
        except OSError:
            if monotonic() > until:
                raise
            sleep(0.05)


def _get(line: HTTPConnection, path: str) -> tuple[float, bytes]:
    began = monotonic()
    line.request("GET", path, headers={"Accept-Encoding": "gzip"})
    answer = line.getresponse()
    body = answer.read()
    if answer.status not in (200, 404):  # 404: nothing was found
        raise SystemExit(f"{path}: {answer.status}")
    return monotonic() - began, body


def _tens(posts: int) -> list[str]:
    """The first mails of conversations of ten: by the oldest that each mail names."""
    ids = re.compile(rb"^(?:References|In-Reply-To|Message-ID):\s*<([^>\s]+)>", re.M | re.I)
    roots: Counter[str] = Counter()
    first: dict[str, str] = {}
    for raw, _ in old_posts(min(posts, 2_000)):
        head = raw.partition(b"\r\n\r\n")[0]
        own = re.search(rb"^Message-ID:\s*<([^>\s]+)>", head, re.M | re.I)
        named = re.search(rb"^References:\s*<([^>\s]+)>", head, re.M | re.I) or ids.search(head)
        if own and named:
            name = own[1].decode("ascii", "replace")
            first[name] = root = first.get(named[1].decode("ascii", "replace"), name)
            roots[root] += 1
    near = min(abs(10 - count) for count in roots.values())
    return [name for name, count in roots.items() if abs(10 - count) == near][:20]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int((*sys.argv, "10000")[2]))
