"""The SQL idioms that both databases share."""

from __future__ import annotations

from listserv.store import schema
from listserv.store.rows import insert_new
from tests.kit.people import NOW
from tests.kit.world import open_world


def test_how_many_rows_were_new_is_told_alike_by_both_databases(laid_url: str) -> None:
    with open_world(laid_url) as world:
        rows = [{"hash": f"h{n}", "size": 1, "bytes": b"x", "kept": NOW} for n in range(3)]
        new = [
            world.store.do(lambda tx, some=some: insert_new(tx, schema.raws, some))  # type: ignore[misc]
            for some in (rows[:1], rows[:1], rows[1:], rows)
        ]
    assert new == [1, 0, 2, 0]
