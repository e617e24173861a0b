"""Every real and broken mail that we have, posted by a member: its end, its copies and its page."""

from __future__ import annotations

import base64
import email
import email.policy
import re
import smtplib
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from archive_site.build import Builder, SiteNames
from listserv.core.seals import unseal
from listserv.core.types import Mail
from listserv.flow.door import Refusal
from listserv.flow.postmark import Limits, Trace, postmark
from listserv.mail.disguise import disguised
from listserv.mail.fields import all_of, first_of, split
from listserv.mail.leaves import leaf
from listserv.mail.parse import parse
from listserv.mail.tree import leaves
from listserv.resources import resource
from listserv.store import arrivals, holds, schema
from tests.kit.corpora import corpus
from tests.kit.desk import Desk
from tests.kit.html import read_html, without_ours
from tests.kit.people import NOW, SITE
from tests.kit.server import DOMAIN, Running, Server, until
from tests.kit.world import World, open_world, sqlite_in

FOLDERS = ("mime", "tnef", "calendar", "crypto", "auth")
DOOR = Limits(26_214_400, 1_048_576), Trace("client.example", "127.0.0.1", "mx.example.org", "ESMTP", NOW)
NO_MAILS = (".ics", ".tnef", ".list", ".json", ".xml", ".pub", ".bin", ".out", ".result", ".dns", ".private")
BOUNDARY = b"=_wrapped_by_a_test"
BOOK, OPEN, QUIET = f"book@{DOMAIN}", f"open@{DOMAIN}", f"quiet@{DOMAIN}"


@dataclass(frozen=True, slots=True)
class Copied:
    """One copy that a member got, with the bytes that had come in."""

    list: str
    came: bytes
    went: bytes


@dataclass(slots=True)
class Scene:
    """The world after everything was posted."""

    world: World
    posted: int = 0
    refused: dict[str, str] = field(default_factory=dict)

    def post(self, name: str, raw: bytes, to: str) -> None:
        """As a client gives it to a door: dots stuffed, line ends as they are."""
        kept = postmark(bytearray(b"\r\n" + raw.replace(b"\r\n.", b"\r\n..") + b"\r\n"), *DOOR)
        if isinstance(kept, Refusal):
            self.refused[f"{to}: {name}"] = f"{kept.code} {kept.text}"
        else:
            self.posted += 1
            self.world.accept(kept.raw, to)

    def approve_some(self) -> None:
        """A host lets a third of what waits through."""
        store, now = self.world.store, self.world.clock.now()
        with store.read() as tx:
            waiting = list(tx.scalars(select(schema.holds.c.id)))
        assert all(
            store.do(
                lambda tx: [holds.approve(tx, hold, "operator", now) for hold in waiting if hold % 3 == 0]
            )
        )
        self.world.settle()

    def copies(self) -> Iterator[Copied]:
        """Every copy of a post, found back by the token in its return path."""
        with self.world.store.read() as tx:
            d, p, r = schema.deliveries.c, schema.posts.c, schema.raws.c
            joined = schema.deliveries.join(schema.posts).join(schema.raws, r.hash == p.raw_hash)
            came = {row.id: bytes(row.bytes) for row in tx.execute(select(d.id, r.bytes).select_from(joined))}
        for mailed in self.world.outbox:
            local, _, token = mailed.sender.partition("@")[0].partition("+back=")
            if token:
                number = unseal(self.world.ring, "back", token, max(came))
                assert number is not None
                if number in came:
                    yield Copied(f"{local}@{DOMAIN}", came[number], mailed.raw)

    def untouched(self) -> Iterator[Copied]:
        """Those that are to be as they came: where addresses are hidden, some ids of parts are others."""
        return (
            one
            for one in self.copies()
            if one.list != QUIET or disguised(one.came, {}, SITE.domain) == one.came
        )


def is_mail(name: str, raw: bytes) -> bool:
    return not name.endswith(NO_MAILS) and bool(split(raw)[0])


def head(to: str) -> bytes:
    return b"From: Ana Silva <ana@ana.example>\r\nTo: %s\r\n" % to.encode()


def by_ana(raw: bytes, to: str) -> bytes:
    """The same mail with Ana as its author and the list as its recipient."""
    # A mail program turns a file's line ends into the network's; what mixes them stays as it is.
    raw = raw if b"\r\n" in raw else raw.replace(b"\n", b"\r\n")
    fields, separator, body = split(raw)
    rest = b"".join(one.raw for one in fields if one.name not in ("from", "to", "sender"))
    return head(to) + rest + separator + body


def attached(files: list[tuple[str, bytes]], to: str) -> bytes:
    """Files that are no mails, as the attachments of one."""
    more = b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=%s\r\n\r\n" % BOUNDARY
    parts = b"".join(b"--%s\r\n%s" % (BOUNDARY, part(*file)) for file in files)
    return b"%sSubject: %s\r\n%s%s--%s--\r\n" % (head(to), files[0][0].encode(), more, parts, BOUNDARY)


def part(name: str, raw: bytes) -> bytes:
    kind = b"text/calendar; charset=utf-8" if name.endswith(".ics") else b"application/octet-stream"
    return (
        b"Content-Type: %s\r\nContent-Disposition: attachment; filename=%s\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n%s"
    ) % (kind, Path(name).name.encode(), base64.encodebytes(raw).replace(b"\n", b"\r\n"))


def posts_of_ana(to: str) -> Iterator[tuple[str, bytes]]:
    """Every file of the corpora: each mail as Ana's own, and what is no mail in bundles of ten."""
    others: list[tuple[str, bytes]] = []
    for name, raw in corpus(*FOLDERS):
        if is_mail(name, raw):
            yield name, by_ana(raw, to)
        else:
            others.append((name, raw))
    for at in range(0, len(others), 10):
        yield f"{others[at][0]} and more", attached(others[at : at + 10], to)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Posted three times: as Ana's; untouched, a host approving; and as Ana's where addresses are hidden."""
    with open_world(sqlite_in(tmp_path_factory.mktemp("corpora"))) as world:
        wide = {"storm": "0", "archive": "public"}
        for here in (
            world.circle("book", **wide),
            world.circle("open", **wide, posting="anyone", visible="listed"),
            world.circle("quiet", **wide, from_="relay"),
        ):
            world.member(here, "ana@ana.example", name="Ana Silva")
            world.member(here, "ben@ben.example", name="Ben")
        scene = Scene(world)
        for number, (name, raw) in enumerate(posts_of_ana(BOOK)):
            scene.post(name, raw, BOOK)
            if number % 10 == 0:
                scene.post(name, raw.replace(BOOK.encode(), QUIET.encode(), 1), QUIET)
        for name, raw in corpus(*FOLDERS):
            if is_mail(name, raw):
                scene.post(name, raw, OPEN)
        world.settle()
        yield scene


# The tests below stand in the order in which things happen.


def test_each_mail_ends_in_one_state_and_all_of_them_add_up(scene: Scene) -> None:
    ends = scene.world.ends()
    assert sum(ends.values()) == scene.posted > 850
    assert set(ends) == {"posted", "held", "discarded"}
    assert all(scene.world.why())
    assert ends["posted"] > 350


def test_nothing_is_set_aside_for_what_a_parser_cannot_read_was_refused_at_the_door(scene: Scene) -> None:
    with scene.world.store.read() as tx:
        assert [row.why for row in arrivals.aside(tx)] == []
    assert set(scene.refused.values()) <= {
        "554 A header field has a stray line break in it",
        "554 MIME boundary too long",
        "554 header field too long",
    }
    assert len(scene.refused) < 25


def test_a_host_can_let_through_whatever_waits(scene: Scene) -> None:
    scene.approve_some()
    assert set(scene.world.ends()) == {"posted", "held", "discarded"}
    assert set(scene.world.totals()) >= {"delivery:sent"}
    assert not {"delivery:due", "delivery:deferred", "delivery:failed"} & {
        state for state, count in scene.world.totals().items() if count
    }


def test_every_member_gets_every_post_once(scene: Scene) -> None:
    posts = scene.world.ends()["posted"]
    assert sum(1 for _ in scene.copies()) == 2 * posts
    assert {mailed.recipient for mailed in scene.world.outbox} >= {"ana@ana.example", "ben@ben.example"}


def test_each_copy_has_the_body_as_it_came_to_the_last_byte(scene: Scene) -> None:
    for copied in scene.untouched():
        before, after = split(copied.came), split(copied.went)
        assert after[2] == before[2]
        assert after[1] == b"\r\n"  # one empty line ends the header, even where the author's had none
        for name in ("content-type", "content-transfer-encoding", "mime-version"):
            assert values(after[0], name) == values(before[0], name)


def values(fields: tuple[object, ...], name: str) -> list[bytes]:
    return [one.value for one in all_of(fields, name)]  # type: ignore[arg-type]


def test_the_leaves_of_each_copy_are_those_that_came(scene: Scene) -> None:
    seen = 0
    for copied in every_other(scene):
        count = len(leaves(copied.came))
        assert len(leaves(copied.went)) == count
        for position in range(count):
            assert leaf(copied.went, position) == leaf(copied.came, position)
            seen += 1
    assert seen > 900


def every_other(scene: Scene) -> Iterator[Copied]:
    """One copy of each post: the two differ in a few lines of the header that other tests look at."""
    return (copied for number, copied in enumerate(scene.untouched()) if number % 2 == 0)


def test_the_standard_library_finds_the_same_parts_before_and_after(scene: Scene) -> None:
    for copied in every_other(scene):
        before, after = read(copied.came), read(copied.went)
        if not before.defects:  # what ends a broken header is anybody's guess
            assert parts(after) == parts(before)


def read(raw: bytes) -> Message:
    return email.message_from_bytes(raw, policy=email.policy.compat32)


def parts(mail: Message) -> list[tuple[str, object, str | None]]:
    found = []
    for part in mail.walk():
        payload = None if part.is_multipart() else part.get_payload(decode=True)
        found.append((part.get_content_type(), payload, part.get_filename()))
    return found


def test_what_is_signed_or_encrypted_goes_on_byte_for_byte(scene: Scene) -> None:
    sealed = 0
    for copied in scene.copies():
        mail = parse(copied.came)
        assert isinstance(mail, Mail)
        if mail.sealed:
            sealed += 1
            assert copied.went.endswith(b"\r\n\r\n" + split(copied.came)[2])
    assert sealed > 10


def test_each_copy_says_once_which_list_it_is_from_and_has_one_of_each(scene: Scene) -> None:
    for copied in scene.copies():
        fields, _, _ = split(copied.went)
        assert b"<" + copied.list.replace("@", ".").encode() + b">" in values(fields, "list-id")[0]
        for name in ("list-id", "list-unsubscribe", "list-unsubscribe-post", "from", "date", "message-id"):
            assert len(values(fields, name)) == 1 or (name == "from" and copied.list == OPEN), name
        for name in ("subject", "to", "cc", "reply-to", "sender", "references", "in-reply-to"):
            assert len(values(fields, name)) <= 1, name
        for line in copied.went.partition(b"\r\n\r\n")[0].split(b"\r\n"):
            assert b"\r" not in line and b"\n" not in line


def test_where_addresses_are_hidden_no_copy_leads_to_the_author(scene: Scene) -> None:
    seen = 0
    for copied in scene.copies():
        if copied.list == QUIET:
            seen += 1
            header = copied.went.partition(b"\r\n\r\n")[0]
            assert b"ana@ana.example" not in header
            assert not {one.name for one in split(copied.went)[0]} & {"received", "cc", "sender", "x-mailer"}
    assert seen > 30


# -- the archive ----------------------------------------------------------------------------------------

ADDRESS = re.compile(r"[A-Za-z0-9_.+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
OURS = {BOOK, OPEN, QUIET}
FORBIDDEN = {"script", "img", "iframe", "style", "svg", "object", "embed", "base", "link:stylesheet", "video"}


def test_the_archive_shows_all_of_them_with_no_address_and_nothing_that_acts(
    scene: Scene, tmp_path: Path
) -> None:
    names = SiteNames(SITE.domain, SITE.base_url, "Europe/Berlin")
    builder = Builder(scene.world.store, tmp_path / "archive", resource("templates"), names)
    threads = builder.build_all(None, None)
    assert threads > 400
    pages = sorted((tmp_path / "archive").rglob("*.html"))
    shown = 0
    for path in pages:
        text = path.read_bytes().decode("utf-8", "strict")
        page = read_html(without_ours(text))
        shown += sum(mark.startswith("m-") for mark in page.ids)
        assert page.balanced, path
        assert not FORBIDDEN & set(page.elements), path
        assert not [name for name in page.attributes if name.startswith("on") or name == "srcdoc"], path
        assert {scheme(link) for link in page.links} <= {"", "http", "https", "mailto"}, path
        assert set(ADDRESS.findall(text)) <= OURS, path
        words = " ".join(page.words)
        assert set(ADDRESS.findall(words)) <= OURS, path
    assert shown == scene.world.ends()["posted"]


def scheme(link: str) -> str:
    match = re.match(r"\s*([A-Za-z][A-Za-z0-9+.-]*):", link)
    return match[1].lower() if match else ""


# -- the real thing -------------------------------------------------------------------------------------


def test_sixty_of_them_go_through_a_real_server_with_its_real_reader(tmp_path: Path) -> None:
    server = Server(tmp_path / "site")
    server.found()
    desk = Desk(tmp_path / "site")
    desk.does("list", "create", "book", "--title", "Book", "--host", "ana@ana.example")
    desk.does("list", "set", "book", "outbox_minutes=0", "guard=off", "storm=0")
    desk.does("member", "add", "book", "ben@ben.example")
    chosen = [raw for number, (_, raw) in enumerate(posts_of_ana(BOOK)) if number % 8 == 0]
    with server.serving() as running:
        taken = sum(submit(running, raw) for raw in chosen)
        until(lambda: told(desk)["waiting"] == 0, server)
        until(lambda: not undelivered(desk), server)
        status = told(desk)
    assert 50 < taken <= len(chosen)
    ends = ("posted", "held", "refused", "discarded", "commands", "aside")
    assert status["accepted"] == taken == sum(status[state] for state in ends)
    assert status["aside"] == 0
    assert status["posted"] > 40
    assert status["deliveries"]["sent"] >= 2 * status["posted"]  # and a notice where one waits
    assert "our error" not in server.log
    assert "Traceback" not in server.log
    assert_delivered(tmp_path / "site", status["posted"])


def submit(running: Running, raw: bytes) -> bool:
    with smtplib.SMTP("127.0.0.1", running.doors["smtp"], timeout=30) as client:
        try:
            client.sendmail("ana@ana.example", [BOOK], raw, mail_options=["BODY=8BITMIME"])
        except smtplib.SMTPDataError as error:
            assert error.smtp_code == 554, error
            return False
    return True


def told(desk: Desk) -> Any:
    return desk.does("status", "--json").json


def undelivered(desk: Desk) -> int:
    deliveries = told(desk)["deliveries"]
    return sum(deliveries.get(state, 0) for state in ("due", "sending", "deferred"))


def assert_delivered(site: Path, posts: int) -> None:
    mails = [path.read_bytes() for path in (site / "outbox").rglob("*") if path.is_file()]
    mails = [raw for raw in mails if b"X-Listserv-Kind: post" in raw]
    assert len(mails) == 2 * posts
    for raw in mails:
        assert first_of(split(raw)[0], "list-id") is not None
        assert read(raw)["List-Id"]
