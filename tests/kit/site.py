"""Rows for the archive, made directly in a real database, and a site rendered from them."""

# ruff: noqa: E501  (mails as people write them)

from __future__ import annotations

import json
import socket
import threading
from base64 import b32encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any

import uvicorn
from sqlalchemy import Connection, insert, update
from starlette.types import ASGIApp

from archive_site.build import Builder, SiteNames
from archive_site.gate import GateParts, make_gate
from listserv.core.address import read_address
from listserv.core.seals import Keyring
from listserv.core.settings_table import dump, preset_settings
from listserv.resources import resource
from listserv.store import schema, sessions
from listserv.store.engine import Store, open_store
from listserv.store.feeds import Feeds
from listserv.store.months import month_of

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
DOMAIN = "lists.example.org"
BASE = "https://lists.example.org"


def message_hash(message_id: str) -> str:
    """The archive's key of a Message-ID without <>."""
    return b32encode(sha1(message_id.encode("utf-8", "replace")).digest()).decode().lower()


@dataclass(frozen=True)
class Said:
    """A post to be kept; what is left out is ordinary."""

    text: str = "Good morning, all."
    subject: str = "Good morning"
    author: str = "ana@example.org"
    name: str = "Ana Silva"
    at: datetime = NOON
    html: str = ""
    language: str = ""
    state: str = "posted"
    audience: str = "members"
    from_: str = "author"
    public_id: str = ""
    message_id: str = ""
    attached: tuple[tuple[str, str, bytes], ...] = ()
    zone: int | None = None
    raw: bytes = b""  # the mail itself; else an attachment is known to ``Rows.leaf`` alone


def with_files(said: Said, *files: tuple[str, str, bytes]) -> Said:
    """A post with these files, and the mail in which they lie as mail programs put them: behind the text."""
    mail = EmailMessage()
    mail.set_content(said.text)
    for name, type_, data in files:
        mail.add_attachment(data, *type_.split("/"), filename=name)
    return replace(said, raw=mail.as_bytes(), attached=files)


@dataclass
class Rows:
    """A small site in a real database. Ids are handed back; nothing is mocked."""

    store: Store
    now: datetime = NOON
    leaves: dict[tuple[str, int], tuple[str, str, bytes]] = field(default_factory=dict)
    _number: int = 0

    def do(self, table: Any, **values: Any) -> int:
        def step(tx: Connection) -> int:
            key = tx.execute(insert(table).values(**values)).inserted_primary_key
            return int(key[0]) if key and isinstance(key[0], int) else 0

        return self.store.do(step)

    def list(self, local: str, *, title: str = "", domain: str = DOMAIN, **settings: Any) -> int:
        told = json.dumps(dump(replace(preset_settings("circle"), **settings)))
        made = self.do(
            schema.lists,
            local=local,
            domain=domain,
            list_id=f"{local}.{domain}",
            title=title or f"The {local} circle",
            settings=told,
            created=self.now,
        )
        self.do(schema.list_names, local=local, domain=domain, list_id=made, kind="own")
        return made

    def set_list(self, list_id: int, *, retired: bool = False, title: str = "", **settings: Any) -> None:
        told = json.dumps(dump(replace(preset_settings("circle"), **settings)))
        values: dict[str, Any] = {"settings": told, "retired": self.now if retired else None}
        if title:
            values["title"] = title
        self.store.do(
            lambda tx: (
                tx.execute(update(schema.lists).where(schema.lists.c.id == list_id).values(**values)) and None
            )
        )

    def person(self, written: str, name: str = "") -> tuple[int, int]:
        """A person with one confirmed address: (person, address)."""
        person = self.do(schema.people, name=name, created=self.now)
        key = read_address(written).key
        address = self.do(schema.addresses, key=key, written=written, person_id=person, confirmed=self.now)
        return person, address

    def join(self, list_id: int, who: tuple[int, int], *, role: str = "member", state: str = "active") -> int:
        return self.do(
            schema.subscriptions,
            list_id=list_id,
            person_id=who[0],
            address_id=who[1],
            role=role,
            rhythm="now",
            state=state,
            joined=self.now,
        )

    def session(self, who: tuple[int, int], secret: str) -> str:
        """A signed-in browser's cookie value."""
        self.do(
            schema.sessions,
            hash=sessions.hashed(secret),
            person_id=who[0],
            made=self.now,
            expires=self.now + timedelta(days=90),
        )
        return secret

    def thread(self, list_id: int, title: str, at: datetime = NOON, key: str = "") -> int:
        self._number += 1
        own = key or message_hash(f"thread {self._number}")[:16]
        return self.do(schema.threads, list_id=list_id, key=own, title=title, first=at, last=at, posts=0)

    def post(self, list_id: int, thread_id: int, said: Said, parent: str = "") -> str:
        """Keep a post and mark what it touches, as the server does; its hash."""
        return self.store.do(lambda tx: self._keep(tx, (list_id, thread_id), said, parent))

    def chain(self, list_id: int, thread_id: int, told: Sequence[Said]) -> Sequence[str]:
        """Many posts in one transaction, each answering the one before; their hashes."""

        def step(tx: Connection) -> Sequence[str]:
            hashes = [""]
            for said in told:
                hashes.append(self._keep(tx, (list_id, thread_id), said, hashes[-1]))
            return hashes[1:]

        return self.store.do(step)

    def _keep(self, tx: Connection, place: tuple[int, int], said: Said, parent: str) -> str:
        list_id, thread_id = place
        self._number += 1
        message_id = said.message_id or f"{self._number}.mail@client.example"
        raw_hash = sha256(f"{self._number} {said.text[:100]!r}".encode("utf-8", "replace")).hexdigest()
        tx.execute(insert(schema.raws).values(hash=raw_hash, size=1, bytes=said.raw or b"x", kept=said.at))
        made = tx.execute(
            insert(schema.posts).values(
                list_id=list_id,
                thread_id=thread_id,
                parent_hash=parent,
                message_id=message_id,
                hash=message_hash(message_id),
                author=said.author,
                author_key=said.author.casefold(),
                author_name=said.name,
                subject=said.subject,
                date=said.at,
                zone=said.zone,
                shares=bool(said.attached) or "://" in said.text + said.html,
                at=said.at,
                raw_hash=raw_hash,
                size=1,
                state=said.state,
                audience=said.audience,
                from_=said.from_,
                public_id=said.public_id,
                proved=True,
                text=said.text,
                html=said.html,
                language=said.language,
            )
        ).inserted_primary_key
        for position, (name, type_, data) in enumerate(said.attached, 1 if said.raw else 0):
            hung = {"position": position, "name": name, "type": type_, "size": len(data)}
            tx.execute(insert(schema.attachments).values(post_id=made[0] if made else 0, **hung))
            self.leaves[raw_hash, position] = (name, type_, data)
        own = schema.threads.c
        tx.execute(
            update(schema.threads).where(own.id == thread_id).values(posts=own.posts + 1, last=said.at)
        )
        if said.state == "posted":
            mark(tx, list_id, thread_id, month_of(said.at), said.at)
        return message_hash(message_id)

    def mark(self, list_id: int, thread_id: int | None = None, month: str = "") -> None:
        self.store.do(lambda tx: mark(tx, list_id, thread_id, month))

    def leaf(self, raw_hash: str, position: int) -> tuple[str, str, bytes] | None:
        return self.leaves.get((raw_hash, position))


def mark(tx: Connection, list_id: int, thread_id: int | None, month: str, at: datetime = NOON) -> None:
    tx.execute(insert(schema.stale).values(list_id=list_id, thread_id=thread_id, month=month, at=at))


def fresh_rows(folder: Path) -> Rows:
    """An empty site in an SQLite file of its own."""
    store = open_store(f"sqlite:///{folder}/listserv.db")
    schema.metadata.create_all(store.engine)
    return Rows(store)


def builder(rows: Rows, folder: Path) -> Builder:
    return Builder(rows.store, folder, resource("templates"), SiteNames(DOMAIN, BASE, "Europe/Berlin"))


def book_circle(rows: Rows, *, archive: str = "members") -> int:
    """A list as a reading circle would have it: a few months, threads, quotes, a patch, attachments."""
    audience = archive
    book = rows.list(
        "book",
        title="The Wednesday book circle",
        description="Eleven neighbours, one book a month. We read slowly and write about it by mail.",
        archive=archive,
    )
    for months_ago, count in ((1, 4), (2, 14), (4, 2), (9, 45), (14, 3), (26, 6)):
        at = NOON - timedelta(days=30 * months_ago)
        thread = rows.thread(book, f"What we read {months_ago} months ago", at)
        for number in range(count):
            rows.post(
                book,
                thread,
                Said(text=LINES[number % len(LINES)], subject=f"What we read {months_ago} months ago",
                     at=at + timedelta(hours=number), audience=audience, **PEOPLE[number % len(PEOPLE)]),
            )  # fmt: skip
    for days_ago, title, texts in TALKS:
        at = NOON - timedelta(days=days_ago)
        thread, parent = rows.thread(book, title, at), ""
        for number, text in enumerate(texts):
            files = (("map of the walk.png", "image/png", b"\x89PNG"),) if "map" in text else ()
            parent = rows.post(
                book,
                thread,
                Said(text=text, subject=title if not number else f"Re: {title}", audience=audience,
                     at=at + timedelta(hours=5 * number, minutes=13 * number), attached=files,
                     **PEOPLE[(number + days_ago) % len(PEOPLE)]),
                parent,
            )  # fmt: skip
    return book


PEOPLE: tuple[dict[str, Any], ...] = (
    {"author": "ana@example.org", "name": "Ana Silva"},
    {"author": "jonas.berg@example.net", "name": "Jonas Berg"},
    {"author": "mei@example.com", "name": "林 美"},
    {"author": "noor@example.org", "name": "Noor"},
    {"author": "tomas@example.net", "name": "Tomás Ó Briain"},
)
LINES = (
    "I finished it on the train and missed my stop, which tells you enough.\n\nThe middle part drags, "
    "though. Did anybody else skip the letters?",
    "On Tuesday Ana Silva wrote:\n> Did anybody else skip the letters?\n\nNever! The letters are the book.\n\n-- \nJonas\nBerlin",
    "我也喜歡那些信。Especially the second one.",
    "+1",
)
TALKS: tuple[tuple[int, str, tuple[str, ...]], ...] = (
    (
        1,
        "The library wants an answer by Friday: may we keep the upstairs room?",
        (
            "Dear all,\n\nMs. Okafor from the library called this morning. They can give us the upstairs room for\n"
            "another year, every first Wednesday from seven to nine, but they need to know by Friday\nwhether we want it, "
            "and somebody has to take the key.\n\nI think the room is worth it: it is warm, it is free, and the stairs are "
            "the only\nexercise some of us get. Three questions:\n\n- Who can take the key?\n- Is seven still good for everybody?\n"
            "- Do we want to share it with the chess people (they asked again)?\n\n"
            "The rules are at https://library.example.org/rooms/upstairs?year=2027 and short.\n\nAna\n\n-- \nAna Silva\nana@example.org",
            "I can take the key, I live across the street.\n\nOn 19 November 2026, Ana Silva <ana@example.org> wrote:\n"
            "> Dear all,\n>\n> Ms. Okafor from the library called this morning. They can give us the upstairs room for\n> another year, every first "
            "Wednesday from seven to nine, but they need to know by Friday\n> whether we want it, and somebody has to take the key.\n>\n> I think the room is worth it.\n",
            "> Is seven still good for everybody?\n\nHalf past would be kinder to those who cook.\n\n> Do we want to share it with the chess people?\n\n"
            "They are quiet, they bring biscuits. Yes.",
            "Agreed on all three, and thank you, Jonas. I drew a map of the way to the back door, which is open after six.",
        ),
    ),
    (3, "December: Middlemarch, or something shorter?", ("Middlemarch is eight hundred pages. I am only asking.\n\nWho is for saving it for the summer?",) * 3),
    (6, "Notes from Wednesday", ("We were nine. Noor brought figs. What follows is what I could read of my own handwriting.\n\n"
        "Chapter      Liked it    Did not\nOne          7           2\nTwo          3           6\nThree        9           -",)),
    (8, "A patch for the reading calendar", ("The calendar is off by one in leap years. This mends it:\n\ndiff --git a/cal.py b/cal.py\n"
        "--- a/cal.py\n+++ b/cal.py\n@@ -1,4 +1,4 @@\n def days(year):\n-    return 365\n+    return 366 if leap(year) else 365\n\n-- \n2.39.2",)),
    (12, "Who has my copy of Gilead?", ("It has a tram ticket in it, and my heart.", "I do. Sorry. Wednesday!")),
)  # fmt: skip


@dataclass
class Door:
    """The gate over a site, as an ASGI application; what it mailed and who left."""

    rows: Rows
    folder: Path
    base_url: str = BASE
    mailed: list[tuple[str, str, str]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    drawn: int = 0
    hand_over: bool = False

    def draw(self) -> str:
        self.drawn += 1
        return sha256(f"drawn {self.drawn}".encode()).hexdigest()[:40]

    def leave(self, token: str) -> bool:
        self.left.append(token)
        return token.startswith("a")

    def copy(self, post: int) -> bytes | None:
        """Stands for ``flow.boxed``: these posts have no mails behind them."""
        return f"From book@{DOMAIN} Fri Nov 20 12:00:00 2026\n\nmail {post}\n\n".encode()

    def app(self) -> ASGIApp:
        return make_gate(
            GateParts(
                store=self.rows.store,
                sessions=sessions.Sessions(self.rows.store),
                folder=self.folder,
                templates=resource("templates"),
                base_url=self.base_url,
                domain=DOMAIN,
                now=lambda: self.rows.now,
                draw=self.draw,
                leaf=self.rows.leaf,
                mail_link=lambda address, url, code: self.mailed.append((address, url, code)),
                leave=self.leave,
                own_data=lambda person: f"all of {person}".encode(),
                copy=self.copy,
                feeds=Feeds(self.rows.store),
                ring=Keyring(b"a key of 32 octets for the tests.", "epoch"),
                hand_over=self.hand_over,
            )
        )


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """An application on a free port of 127.0.0.1, by uvicorn; its base URL."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(60)
        listener.close()
