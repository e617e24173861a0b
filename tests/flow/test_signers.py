"""Signing in child processes: the same signatures, whoever makes them and whoever dies."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator
from contextlib import closing

import pytest

from listserv.flow.signers import CHUNK, Signers
from listserv.mail.signing import Signer, load_key, make_key

SIGNER = Signer("lists.example.org", "ls1", load_key(make_key()[0]))


@pytest.fixture
def signers() -> Iterator[Signers]:
    with closing(Signers(SIGNER, many=2)) as made:
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
        signers.sign(digests(1)).result()
        pids = signers.pids
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_small_work_is_shared_among_all_children() -> None:
    signers = Signers(SIGNER, many=4)
    assert [signers.share(many) for many in (1, 4, 10, 10_000)] == [1, 1, 3, CHUNK]
