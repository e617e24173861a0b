"""A real archive of 43 months, in which one of its people is forgotten."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from listserv.core.address import read_address
from listserv.mail.washing import Washer
from listserv.store import erasing, lists, rosters, schema
from listserv.store.acts import Hand
from listserv.store.engine import open_store
from listserv.store.scrubbing import scrub
from tests.kit.corpora import CORPORA
from tests.kit.desk import DOMAIN, OWNER, Desk
from tests.kit.people import NOW

TWISTED = CORPORA / "archives" / "twisted-web"
HAND = Hand("operator", NOW)


def said(row: Any, key: str) -> list[str]:
    """The lines of a post that are new, but for addresses and for whom they answer."""
    new = [line for line in row.text.split("\n") if not line.lstrip().startswith(">")]
    named = ("wrote:", "@", "Perillo", "a member")
    return [line for line in new if not any(word in line for word in (*named, key))]


@pytest.mark.parametrize("how", [erasing.anonymise, erasing.erase], ids=lambda how: how.__name__)
def test_who_wrote_most_is_forgotten_and_the_others_keep_their_words(
    tmp_path: Path, how: Callable[..., erasing.Erased]
) -> None:
    desk = Desk(tmp_path)
    desk.does("init", "--domain", DOMAIN, "--owner", OWNER)
    desk.does("list", "create", "book", "--title", "Book club", "--host", "hanna@example.org")
    desk.does("import", "mbox", "book", str(TWISTED))
    store = open_store(f"sqlite:///{tmp_path}/data/listserv.db")
    own, many = schema.posts.c, func.count()
    with store.read() as tx:
        whose = select(own.author_key).where(own.author_key.like("manlio%")).group_by(own.author_key)
        key = tx.scalars(whose.order_by(many.desc())).first() or ""
        before = {row.id: row for row in tx.execute(select(schema.posts))}
    theirs = {number for number, row in before.items() if row.author_key == key}
    assert len(theirs) > 50

    def step(tx: Connection) -> erasing.Erased:
        new = rosters.NewMember(read_address(key), "Manlio Perillo")
        (joined,) = rosters.add_members(tx, lists.all_lists(tx)[0], [new], HAND)
        return how(tx, joined.member.person_id, HAND, Washer("a member"))

    done = store.do(step)
    assert done.posts == len(theirs) and done.quotes > 20
    assert scrub(store)
    with store.read() as tx:
        after = {row.id: row for row in tx.execute(select(schema.posts))}
    store.close()
    for number in before.keys() - theirs:
        assert said(after[number], key) == said(before[number], key)
    for file in (tmp_path / "data").glob("listserv.db*"):
        left = file.read_bytes().lower()
        assert key.encode() not in left
        # Twice where somebody speaks of him in words of their own, once where a mail program tore his name.
        assert left.count(b"manlio perillo") <= 6
    desk.does("archive", "build")
