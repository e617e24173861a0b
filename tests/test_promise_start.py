"""Death while a server starts, a site is founded, a database is upgraded: run it again, and all is well."""

from __future__ import annotations

import multiprocessing
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from sqlalchemy import text

from listserv.database import State, head, state
from listserv.mail.signing import load_key, make_key
from listserv.opening import read_secret
from listserv.resources import resource
from listserv.settings import read_settings
from listserv.store.engine import open_store
from listserv.upgrading import upgrade
from tests.kit import kill_found
from tests.kit.house import House, found
from tests.kit.kill_ledger import LONG, Ledger, bound, kill
from tests.kit.mailroom import Mailroom
from tests.kit.mortal import DIED, points
from tests.kit.server import until
from tests.kit.stubborn import sending
from tests.kit.world import sqlite_in
from tests.test_migrations import put_a_list_with_a_name, with_a_later_one

__all__ = ["found"]  # a fixture

STARTS = 60 if LONG else 4
_LONGEST_START = 1.5 if LONG else 0.5  # seconds: some of the moments lie behind the ready line
_FORK = multiprocessing.get_context("forkserver")
_FORK.set_forkserver_preload(["tests.kit.kill_found"])


def one_life(act: Callable[..., None], *words: object) -> int:
    process = _FORK.Process(target=act, args=words)
    process.start()
    process.join(60)
    assert process.exitcode is not None
    return process.exitcode


def test_a_server_that_is_killed_at_any_moment_of_its_start_loses_and_doubles_nothing_more(
    found: Callable[..., House],
) -> None:
    dice = Random(STARTS)
    with Mailroom() as room:
        house = found(room, members=60)
        ledger = Ledger(house, room)
        letters = [house.letter(number) for number in range(4)]
        with sending(house.port, letters) as work:
            with house.life() as running:
                until(lambda: len(room.mails) >= 30, house.server)
                kill(running)
            ledger.close_life()
            for _ in range(STARTS):
                process = house.server.start("serve")
                time.sleep(dice.random() * _LONGEST_START)
                process.kill()
                process.wait(60)
                assert len(ledger.close_life()) <= bound()
            with house.life():
                until(lambda: len(work.accepted) == len(letters), house.server)
                house.settled()
        ledger.balanced(work.accepted)


def test_a_site_whose_founding_died_over_any_file_is_founded_by_running_it_again(tmp_path: Path) -> None:
    calm = tmp_path / "calm"
    ready(calm)
    assert one_life(kill_found.init, calm, 0) == 0
    for die_at in range(1, points(calm) + 1):
        here = tmp_path / str(die_at)
        ready(here)
        assert one_life(kill_found.init, here, die_at) == DIED
        if not (here / "listserv.toml").exists():  # it is the last of all: with it, the site is founded
            assert one_life(kill_found.init, here, 0) == 0, die_at
        settings = read_settings(here / "listserv.toml", {})
        assert read_secret(settings)
        assert settings.dkim.key
        load_key(settings.dkim.key.read_bytes())
        store = open_store(settings.database.url)
        assert state(store.engine, resource("migrations")) is State.CURRENT
        store.close()


_key = make_key()[0]


def ready(folder: Path) -> None:
    """A folder with a DKIM key of the operator's own: making one takes longer than all the rest."""
    (folder / "dkim").mkdir(parents=True)
    (folder / "dkim" / "ls1.pem").write_bytes(_key)


def test_an_upgrade_that_died_at_any_statement_is_done_by_running_it_again(tmp_path: Path) -> None:
    newer, calm = with_a_later_one(tmp_path), tmp_path / "calm"
    older(calm)
    assert one_life(kill_found.bring_up, calm, 0, newer) == 0
    for die_at in range(1, points(calm) + 1, 1 if LONG else 4):
        here = tmp_path / str(die_at)
        older(here)
        assert one_life(kill_found.bring_up, here, die_at, newer) == DIED
        store = open_store(sqlite_in(here))
        assert state(store.engine, newer) in (State.BEHIND, State.CURRENT)
        upgrade(store.engine, newer)
        assert state(store.engine, newer) is State.CURRENT
        with store.engine.connect() as connection:
            told = connection.execute(text("SELECT title, colour FROM lists")).all()
        assert told == [("Book club", "plain")], die_at
        store.close()
        assert (here / f"world.db.before-{head(newer)}").stat().st_size > 0


def older(folder: Path) -> None:
    """A database of today's schema with a list in it; made once, then copied."""
    first = folder.parent / "older"
    if not first.exists():
        first.mkdir()
        store = open_store(f"sqlite:///{first / 'world.db'}")
        upgrade(store.engine, resource("migrations"))
        put_a_list_with_a_name(store.engine)
        store.close()
    shutil.copytree(first, folder)
