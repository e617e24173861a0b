"""The books of a house after trouble: what was promised is there, and nothing is there twice."""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from listserv.store.balance import unbalanced
from listserv.store.engine import open_store
from tests.kit.house import House
from tests.kit.mailroom import Mailroom
from tests.kit.server import HANG
from tests.kit.stubborn import Senders


def message_id(raw: bytes) -> str:
    """A copy's Message-ID, without <>."""
    found = re.search(rb"^Message-ID: <(.*)>\r$", raw, re.M)
    assert found
    return found[1].decode()


def crlf(file: Path) -> bytes:
    """A copy out of a Maildir as it would be on the wire."""
    return file.read_bytes().replace(b"\n", b"\r\n")


def delivered_to(file: Path) -> str:
    """For whom a copy out of a Maildir is."""
    return file.read_bytes().split(b"\nDelivered-To: ")[1].partition(b"\n")[0].decode()


def unsigned(raw: bytes) -> bytes:
    """A copy without our signature, which names the second in which it was made."""
    return re.sub(rb"^DKIM-Signature:.*\r\n([ \t].*\r\n)*", b"", raw, flags=re.M)


def doubles(room: Mailroom, ids: Iterable[str], members: Iterable[str]) -> int:
    """How many copies came more than once. Every member has every post, the same bytes each time."""
    seen: dict[tuple[str, str], list[bytes]] = defaultdict(list)
    for mail in room.mails:
        for to in mail.recipients:
            seen[to, message_id(mail.data)].append(unsigned(mail.data))
    missing = {(to, id_) for to in members for id_ in ids} - set(seen)
    assert missing == set()
    assert all(len(set(versions)) == 1 for versions in seen.values())
    return sum(len(versions) - 1 for versions in seen.values())


def checked(url: str) -> None:
    """Every mail and every copy is in exactly one state, in the counters and in the rows."""
    store = open_store(url)
    try:
        assert unbalanced(store) == []
    finally:
        store.close()


def settled(house: House) -> dict[str, Any]:
    """The counters, once nothing waits and no copy is under way; however long, if only something happens."""
    told, since = house.status(), time.monotonic()
    while told["waiting"] or told["deliveries"]["due"] or told["deliveries"]["sending"]:
        before, told = told, house.status()
        since = since if told == before else time.monotonic()
        assert time.monotonic() < since + HANG, house.server.log
        time.sleep(0.1)
    return told


def balanced(house: House, room: Mailroom, work: Senders) -> int:
    """Every post that had a 250 is posted once, its copies are sent and written down; how many came twice."""
    status = settled(house)
    assert house.posts() == Counter(work.accepted)
    assert status["posted"] == len(work.accepted)
    assert status["accepted"] == status["posted"] + status["discarded"]  # sent again by a sender in doubt
    copies = len(work.accepted) * len(house.members)
    assert status["deliveries"] == {"due": 0, "sending": 0, "sent": copies, "deferred": 0, "failed": 0}
    checked(house.url)
    return doubles(room, work.accepted, house.members)
