"""Asking without a name, from one's mail to the answers: what is found of it afterwards, and by whom."""

from __future__ import annotations

import email
import re
import stat
from dataclasses import replace
from email import policy
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import pytest
import structlog
from sqlalchemy import select, text

from listserv.core.types import Deferred, Failed, MailList, Outcome
from listserv.errors import CannotDo
from listserv.flow.parcel import Parcel
from listserv.mail.vault import KeyVault
from listserv.opening import read_vault
from listserv.settings import read_settings
from listserv.store import deliveries, holds, lists, quiet, schema
from tests.kit.desk import DOMAIN, OWNER, Desk
from tests.kit.world import Mailed, World, open_world, sqlite_in

ANA, BEN, HANNA = "ana@garden.example", "ben@hill.example", "hanna@host.example"
NAMES = {ANA: "Ana Silva", BEN: "Ben Okafor", HANNA: "Hanna Berg"}
QUIETLY = "book+quietly@lists.example.org"
WORDS = "How does one leave a marriage kindly"
SECRETS = (b"Silva & Sons", b"first-try-of-it", b"mail-of-ana-", b"Dovetail")


def circle(world: World, **settings: Any) -> MailList:
    here = world.circle(quietly=True, **settings)
    for address in (ANA, BEN):
        world.member(here, address, name=NAMES[address])
    world.host(here, HANNA, name=NAMES[HANNA])
    return here


class Correspondence:
    """Who writes what to whom; each mail has a Message-ID of its own."""

    def __init__(self, world: World) -> None:
        self.world, self.count = world, 0

    def write(self, who: str, to: str, words: str, subject: str = "Hello", more: str = "") -> None:
        self.count += 1
        name = who.partition("@")[0]
        self.world.receive(
            f"From: {NAMES.get(who, name)} <{who}>\nTo: {to}\nSubject: {subject}\n"
            f"Date: Sat, 21 Nov 2026 08:40:00 +0000\nMessage-ID: <mail-of-{name}-{self.count}@x.example>\n"
            f"{more}\n{words}\n".encode(),
            to,
            who,
        )

    def last(self, who: str) -> Mailed:
        return [mailed for mailed in self.world.outbox if mailed.recipient == who][-1]

    def answer(self, who: str, words: str, more: str = "") -> None:
        self.write(who, answer_to(self.last(who)), words, "Re: Hello", more)

    def asked(self) -> None:
        """Ana has asked, and it waits for a host."""
        self.write(ANA, QUIETLY, f"{WORDS}?\n\nAna\n\n-- \nAna Silva\nSilva & Sons", "My marriage")
        self.answer(ANA, "send")


def answer_to(mailed: Mailed) -> str:
    read = email.message_from_bytes(mailed.raw, policy=policy.default)
    return parseaddr(str(read["Reply-To"] or read["From"]))[1]


def said(mailed: Mailed) -> str:
    read: Any = email.message_from_bytes(mailed.raw, policy=policy.default)
    return f"{read['Subject']}\n{read.get_content()}"


def rows(world: World) -> list[tuple[str, str]]:
    """Every row of every table: the table's name, and all that stands in it."""
    with world.store.read() as tx:
        return [
            (table.name, "\0".join(map(_shown, row)))
            for table in schema.metadata.sorted_tables
            for row in tx.execute(select(table))
        ]


def _shown(value: object) -> str:
    return bytes(value).decode("latin-1") if isinstance(value, bytes | memoryview) else str(value)


def a_whole_conversation(world: World) -> str:
    """Asked, corrected, let out, answered in private, answered back; the seal that stands for the asker."""
    post = Correspondence(world)
    post.write(ANA, QUIETLY, "first-try-of-it by Ana of Dovetail\n\n-- \nSilva & Sons", "My marriage")
    post.answer(ANA, f"{WORDS}?\n\nAna Silva")
    post.answer(ANA, "send")
    post.answer(HANNA, "ask Are you safe?")
    post.answer(ANA, "Yes.\n\nAna")
    post.answer(HANNA, "ok")
    seal = answer_to_of_asker(post)
    post.write(BEN, f"a.member.{seal}@lists.example.org", "Slowly. I did.", "Re: My marriage")
    post.answer(ANA, "Thank you, that helps.")
    return seal


def answer_to_of_asker(post: Correspondence) -> str:
    read = email.message_from_bytes(post.last(BEN).raw, policy=policy.default)
    found = re.search(r"a\.member\.([a-z2-7]{8})@", str(read["From"]))
    assert found
    return found[1]


def test_no_row_of_any_table_joins_the_asker_to_the_question(database_url: str) -> None:
    with open_world(database_url) as world:
        circle(world)
        seal = a_whole_conversation(world)
        told = rows(world)
        token = answer_to(Correspondence(world).last(ANA)).partition("=")[2].partition("@")[0]
    of_ana = [(table, row) for table, row in told if ANA in row.lower() or "ana silva" in row.lower()]
    assert {table for table, _ in of_ana} == {"addresses", "people", "subscriptions", "deliveries"}
    # What goes to Ana by name are the copies that everybody gets.
    assert all("post" in row.split("\0") for table, row in of_ana if table == "deliveries")
    assert not any(seal in row or WORDS in row for _, row in of_ana)
    assert any(WORDS in row for table, row in told if table == "posts")
    assert not any(token in row for _, row in told)
    for secret in SECRETS:
        assert not any(secret.decode() in row for _, row in told), secret


def test_no_byte_of_the_database_files_tells_it_either(tmp_path: Path) -> None:
    with open_world(sqlite_in(tmp_path)) as world:
        circle(world)
        a_whole_conversation(world)
        left = b"".join(file.read_bytes() for file in tmp_path.glob("world.db*"))
        with world.store.read() as tx:
            person = tx.scalar(select(schema.addresses.c.person_id).where(schema.addresses.c.key == ANA))
            boxes = [bytes(box) for box in tx.scalars(select(schema.quiet.c.box))]
    assert WORDS.encode() in left
    for secret in SECRETS:
        assert secret not in left, secret
    assert f'"person": {person}'.encode() not in left
    assert boxes and all(KeyVault(b"x" * 32).open(box, "link") is None for box in boxes)
    for found in re.finditer(re.escape(WORDS.encode()), left):
        assert ANA.encode() not in left[max(0, found.start() - 600) : found.end() + 600]


def test_the_log_and_what_the_relay_said_name_neither(tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = []

    def keep(_logger: Any, _name: str, event: Any) -> Any:
        lines.append(dict(event))
        raise structlog.DropEvent

    def refuse(parcel: Parcel) -> Outcome:
        to = parcel.envelope.recipients[0]
        return Failed(550, f"5.1.1 <{to}> unknown") if b"This is what people" in parcel.message[0] else SENT

    with open_world(sqlite_in(tmp_path)) as world:
        world.log = structlog.wrap_logger(None, processors=[keep])
        circle(world)
        SENT = world.pigeons.answer(Parcel(0, None, (b"",)))  # type: ignore[arg-type]
        world.pigeons.answer = lambda parcel: Deferred(451, f"try later, {parcel.envelope.recipients}")
        post = Correspondence(world)
        post.write(ANA, QUIETLY, f"{WORDS}?", "My marriage")
        world.pigeons.answer = refuse
        world.pass_time(hours=2)
        with world.store.read() as tx:
            told = list(tx.execute(select(schema.deliveries.c.to, schema.deliveries.c.answer)))
    assert lines and told
    for word in (ANA, "Ana", WORDS, "marriage"):
        assert word not in repr(lines) and word not in repr(told)


def test_a_forged_from_gets_nothing_shown_and_the_known_address_hears_of_it_once(tmp_path: Path) -> None:
    fails = "Authentication-Results: mx.example.org; dmarc=fail header.from=garden.example\n"
    with open_world(sqlite_in(tmp_path)) as world:
        circle(world)
        post = Correspondence(world)
        for _ in range(2):
            post.write(ANA, QUIETLY, WORDS, "My marriage", fails)
        (told,) = world.outbox
        assert told.recipient == ANA and WORDS not in said(told) and "re=" not in answer_to(told)
        assert world.why() == ["forged", "forged"]
        # A forged answer to what the real Ana was shown does not send it.
        post.write(ANA, QUIETLY, WORDS, "My marriage")
        post.answer(ANA, "send", fails)
        assert world.ends() == {"commands": 4}


def test_hosts_are_not_flooded_by_somebody_whom_they_cannot_name(tmp_path: Path) -> None:
    with open_world(sqlite_in(tmp_path)) as world:
        circle(world)
        post = Correspondence(world)
        for number in range(4):
            post.write(ANA, QUIETLY, f"Question {number}?", "A question")
            if number < 3:
                post.answer(ANA, "send")
        assert "three at a time" in said(post.last(ANA))
        assert world.ends() == {"held": 3, "commands": 7}
        for hold in (1, 2, 3):
            world.approve(hold)
        for number in (5, 6, 7):
            post.write(ANA, QUIETLY, f"Question {number}?", "A question")
        assert world.why()[-3:] == ["shown to its author", "shown to its author", "too many"]
        post.write(BEN, QUIETLY, "And mine?", "A question")
        world.pass_time(days=8)
        post.write(ANA, QUIETLY, "Question 8?", "A question")
        assert world.why()[-2:] == ["shown to its author", "shown to its author"]


def test_after_thirty_days_the_link_and_all_that_went_by_it_are_gone(tmp_path: Path) -> None:
    with open_world(sqlite_in(tmp_path)) as world:
        circle(world)
        post = Correspondence(world)
        post.asked()
        world.pass_time(days=40)  # hosts take their time: till then it stays
        world.approve(1)
        seal = answer_to_of_asker(post)
        world.pass_time(days=29)
        post.write(BEN, f"a.member.{seal}@lists.example.org", "Slowly.", "Re: My marriage")
        assert "Slowly." in said(post.last(ANA))
        token = answer_to(post.last(ANA))
        world.pass_time(days=2)
        with world.store.read() as tx:
            assert tx.execute(select(schema.quiet)).all() == []
            letters = tx.scalars(select(schema.letters.c.bytes).where(schema.letters.c.quiet != "")).all()
        assert letters
        assert not any(map(bytes, letters))
        before = len(world.outbox)
        post.write(BEN, f"a.member.{seal}@lists.example.org", "Still slowly.", "Re: My marriage")
        post.write(ANA, token, "Thank you!", "Re: Hello")
        assert world.outbox[before:] == [] and world.why()[-1] == "the link is gone"
        assert ANA not in repr([row for table, row in rows(world) if table == "arrivals"])


@pytest.mark.parametrize("how", ["bye", "forgotten"])
def test_a_question_of_who_is_gone_stays_and_answers_reach_nobody(tmp_path: Path, how: str) -> None:
    with open_world(sqlite_in(tmp_path)) as world:
        circle(world)
        post = Correspondence(world)
        post.asked()
        drafted = post.last(ANA)
        if how == "bye":
            post.write(ANA, "book+leave@lists.example.org", "bye", "bye")
            post.answer(ANA, "yes")
        else:
            post.write(ANA, "book+ask@lists.example.org", "forget me", "Hello")
            post.answer(ANA, "yes")
            post.answer(ANA, "yes anonymise")
        # To vanish now would tell everybody who sees the card whose it was.
        post.answer(HANNA, "ok")
        assert WORDS in said(post.last(BEN))
        before = len(world.outbox)
        seal = answer_to_of_asker(post)
        post.write(BEN, f"a.member.{seal}@lists.example.org", "Slowly.", "Re: My marriage")
        post.write(ANA, answer_to(drafted), "Thank you!", "Re: Hello")
        assert world.outbox[before:] == []
        with world.store.read() as tx:
            kept = tx.scalars(select(schema.quiet.c.whose)).all()
        assert list(map(bool, kept)) == [how == "bye"]


def test_without_its_key_a_restored_site_lets_questions_out_and_knows_nobody(tmp_path: Path) -> None:
    with open_world(sqlite_in(tmp_path)) as world:
        circle(world)
        post = Correspondence(world)
        post.asked()
        world.ring = replace(world.ring, vault=KeyVault(b"n" * 32))
        world.approve(1)
        assert WORDS in said(post.last(BEN))
        with world.store.read() as tx:
            assert quiet.reach(tx, world.ring, answer_to_of_asker(post)) is None


def test_what_waits_for_its_author_or_a_host_is_told_of_by_the_link_alone(tmp_path: Path) -> None:
    with open_world(sqlite_in(tmp_path)) as world:
        here = circle(world)
        post = Correspondence(world)
        post.write(ANA, QUIETLY, f"{WORDS}?", "My marriage")
        drafted = answer_to(post.last(ANA))
        # The list has it no longer, so what was shown can't be sent.
        off = replace(here, settings=replace(here.settings, quietly=False))
        world.store.do(lambda tx: lists.set_list(tx, here, off, world.hand))
        post.write(ANA, drafted, "send", "Re: Hello")
        assert world.why()[-1] == "off" and world.ends() == {"commands": 2}
        world.store.do(lambda tx: lists.set_list(tx, off, here, world.hand))
        post.write(ANA, drafted, "send", "Re: Hello")
        world.pass_time(days=3)
        assert "has waited 3 days" in said(post.last(ANA)) and "book+host@" not in said(post.last(ANA))
        # The operator decides, on the command line.
        row = world.store.do(lambda tx: holds.waiting(tx, here.id)[0])
        world.store.do(lambda tx: holds.decline(tx, row.id, "operator", world.clock.now()))
        letter = world.pen.declined(here, row)
        world.store.do(lambda tx: deliveries.post_letter(tx, letter, world.clock.now()))
        world.settle()
        assert said(post.last(ANA)).startswith("Not posted: My marriage")
        with world.store.read() as tx:
            letters = tx.scalars(select(schema.letters.c.bytes).where(schema.letters.c.quiet != "")).all()
        assert len(letters) == 5 and not any(map(bytes, letters))  # once they were sent


def test_a_hidden_list_is_none_to_strangers_here_too(tmp_path: Path) -> None:
    passes = "Authentication-Results: mx.example.org; dmarc=pass header.from=cy.example\n"
    with open_world(sqlite_in(tmp_path)) as world:
        circle(world, visible="hidden", from_="relay", reply_to="author", subject_tag="[Book]")
        post = Correspondence(world)
        post.write("cy@cy.example", QUIETLY, "Is there a list?", "Hello", passes)
        assert world.outbox == []
        post.asked()
        post.answer(HANNA, "ok")
        # Who answers the author there reaches the asker, and the address in From is the only one that shows.
        at = answer_to(post.last(BEN))
        assert at.startswith("a.member.")
        post.write(BEN, at, "Slowly.", "Re: My marriage")
        assert "Slowly." in said(post.last(ANA))


def test_the_database_of_an_operator_shows_what_the_promise_says_and_no_more(tmp_path: Path) -> None:
    with open_world(sqlite_in(tmp_path)) as world:
        circle(world)
        Correspondence(world).asked()
        with world.store.read() as tx:
            (row,) = tx.execute(text("SELECT * FROM quiet")).all()
        assert set(row._mapping) == {
            *("id", "list_id", "seal", "box", "whose", "arrival_id", "writer", "host_id", "made", "expires")
        }
        assert world.ends() == {"held": 1, "commands": 2}


def test_its_key_is_made_once_for_its_owner_alone_and_a_broken_one_is_named(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.does("init", "--domain", DOMAIN, "--owner", OWNER)
    settings = read_settings(tmp_path / "listserv.toml", {})
    first = read_vault(settings)
    settings.quiet_file.unlink()  # as on a site that an earlier program founded, or that was restored
    second = read_vault(settings)
    assert first != second == read_vault(settings)
    assert stat.S_IMODE(settings.quiet_file.stat().st_mode) == 0o600
    settings.quiet_file.write_bytes(b"short")
    with pytest.raises(CannotDo, match="no key of ours"):
        read_vault(settings)
