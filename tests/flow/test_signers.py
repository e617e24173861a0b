"""Signing in child processes: the same signatures, whoever makes them and whoever dies."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest

from listserv.core.types import Copy, DeliveryKind
from listserv.flow.signers import CHUNK, Signers
from listserv.flow.signing_ahead import blocks
from listserv.mail.signing import Signer, load_key, make_key

SIGNER = Signer("lists.example.org", "ls1", load_key(make_key()[0]))


@pytest.fixture
def signers() -> Iterator[Signers]:
    with closing(Signers(SIGNER, many=2)) as made:
        made.warm()
        yield made


def digests(many: int) -> list[bytes]:
    return [hashlib.sha256(b"%d" % number).digest() for number in range(many)]


def test_children_sign_as_we_would_and_in_order(signers: Signers) -> None:
    wanted = digests(5 * CHUNK)
    tickets = [signers.sign(wanted[at : at + CHUNK]) for at in range(0, len(wanted), CHUNK)]
    made = [signature for ticket in tickets for signature in ticket.result()]
    assert made == [SIGNER.sign_digest(digest) for digest in wanted]
    assert len(signers.pids) == 2


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_that_dies_with_work_in_hand_costs_no_signature(
    signers: Signers, how: signal.Signals
) -> None:
    wanted = digests(4 * CHUNK)
    tickets = [signers.sign(wanted[at : at + CHUNK]) for at in range(0, len(wanted), CHUNK)]
    for pid in signers.pids:
        os.kill(pid, how)
    made = [signature for ticket in tickets for signature in ticket.result()]
    assert made == [SIGNER.sign_digest(digest) for digest in wanted]
    assert signers.sign(wanted[:1]).result() == made[:1]


def test_with_more_work_than_children_can_hold_we_sign_ourselves(signers: Signers) -> None:
    wanted = digests(1)
    tickets = [signers.sign(wanted) for _ in range(3 * signers.depth)]
    assert {ticket.result()[0] for ticket in tickets} == {SIGNER.sign_digest(wanted[0])}


def test_no_child_outlives_its_signers() -> None:
    with closing(Signers(SIGNER, many=2)) as signers:
        signers.warm()
        signers.sign(digests(1)).result()
        pids = signers.pids
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_little_is_signed_without_a_child_and_children_with_nothing_to_do_are_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with closing(Signers(SIGNER, many=2)) as signers:
        wanted = digests(3)
        assert signers.sign(wanted).result() == [SIGNER.sign_digest(digest) for digest in wanted]
        assert signers.pids == []
        signers.warm()
        signers.rest()
        pids = signers.pids
        assert len(pids) == 2, "they were wanted a moment ago"
        monkeypatch.setattr("listserv.flow.signers._IDLE", 0.0)
        signers.rest()
        assert signers.pids == []
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        assert signers.sign(wanted[:1]).result() == [SIGNER.sign_digest(wanted[0])]
        assert signers.pids == []


def test_small_work_is_shared_among_all_children() -> None:
    signers = Signers(SIGNER, many=4)
    assert [signers.share(many) for many in (1, 4, 10, 10_000)] == [1, 1, 3, CHUNK]


class Plain:
    """Prints a copy's block as its signature alone."""

    def digests(self, own: Iterable[bytes], /) -> list[bytes]:
        return list(own)

    def block(self, own: bytes, signature: bytes | None, /) -> bytes:
        return signature or b""


def post(first: int, copies: int) -> list[Copy]:
    at = datetime(2026, 11, 29, tzinfo=UTC)
    numbers = range(first, first + copies)
    return [Copy(n, DeliveryKind.POST, 1, first, None, n, "ana@example.org", 0, at) for n in numbers]


def own(copies: list[Copy]) -> list[bytes]:
    return [hashlib.sha256(b"%d" % copy.id).digest() for copy in copies]


def test_several_posts_that_are_signed_at_once_get_each_its_own_signatures(signers: Signers) -> None:
    posts = [post(1, 10), post(100, 3), post(200, 5 * CHUNK)]
    begun = [blocks(copies, Plain(), own, signers) for copies in posts]
    for copies, made in zip(posts, begun, strict=True):
        pairs = [pair for few, printed in made for pair in zip(few, printed, strict=True)]
        assert pairs == [(copy, SIGNER.sign_digest(own([copy])[0])) for copy in copies]


def test_a_post_that_was_begun_and_is_not_taken_leaves_nothing_to_the_next(signers: Signers) -> None:
    blocks(post(1, 10), Plain(), own, signers)
    half: Any = blocks(post(100, 5 * CHUNK), Plain(), own, signers)
    next(half)
    half.close()
    taken = [one for _, printed in blocks(post(200, 4), Plain(), own, signers) for one in printed]
    assert taken == [SIGNER.sign_digest(digest) for digest in own(post(200, 4))]
