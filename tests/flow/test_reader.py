"""The child that reads: what it reads is what parse reads; what kills it kills nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from listserv.core.types import Automatic, Check, Mail, Malformed, Policy, Proof
from listserv.flow.mail_json import mail_from_json, mail_to_json
from listserv.flow.reader import Limits, Reader, ReaderDied
from listserv.mail.parse import as_sent, parse
from tests.kit.corpora import corpus

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MAIL = b"From: Ana <ana@x.example>\r\nSubject: hi\r\nMessage-ID: <1@x.example>\r\n\r\nhello\r\n"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    reader = Reader(trusted_authserv_ids=("mx.ours",))
    yield reader
    reader.close()


def test_what_the_child_reads_is_what_parse_reads(reader: Reader) -> None:
    mails = list(corpus("mime/stalwart", "crypto", "bounces/flanker", "auth/chasquid-dkim"))
    assert len(mails) > 40
    for name, raw in mails:
        expected = parse(raw)
        found = reader.read(raw, "ana@x.example", NOW)
        if isinstance(expected, Mail) and isinstance(found, Mail):
            assert (found.message_id, found.text, found.parts) == (
                expected.message_id,
                expected.text,
                expected.parts,
            ), name
        else:
            assert found == expected


def test_one_child_serves_many_mails(reader: Reader) -> None:
    reader.read(MAIL, "ana@x.example", NOW)
    pid = reader.pid
    for _ in range(20):
        assert isinstance(reader.read(MAIL, "ana@x.example", NOW), Mail)
    assert reader.pid == pid


def test_a_chain_is_judged_only_where_copies_will_carry_one(reader: Reader) -> None:
    sealing = Reader(arc=True)
    found = [one.read(MAIL, "ana@x.example", NOW) for one in (reader, sealing)]
    sealing.close()
    assert [one.proof.chain for one in found if isinstance(one, Mail)] == ["", "none 0"]


def test_what_is_known_of_a_signature_comes_back_from_the_child() -> None:
    proof = Proof(Check.PASSES, Check.NONE, Policy.REJECT, True, ("from", "reply-to"), "x.example", "pass 2")
    mail = parse(MAIL.replace(b"Subject", b"Reply-To: b@x.example\r\nSubject"), proof)
    assert mail_from_json(json.loads(json.dumps(mail_to_json(mail)))) == mail


def test_the_null_senders_mail_is_a_report(reader: Reader) -> None:
    mail = reader.read(MAIL, "", NOW)
    assert isinstance(mail, Mail)
    assert mail.automatic is Automatic.REPORT


def test_a_trusted_hops_word_and_the_policy_come_with_the_mail(reader: Reader) -> None:
    results = b"Authentication-Results: mx.ours; dmarc=pass header.from=x.example\r\n"
    mail = reader.read(results + MAIL, "ana@x.example", NOW)
    assert isinstance(mail, Mail)
    assert (mail.proof.trusted, mail.proof.policy) == (Check.PASSES, Policy.ABSENT)


def test_a_bomb_is_malformed_and_the_child_lives(reader: Reader) -> None:
    reader.read(MAIL, "", NOW)
    pid = reader.pid
    assert reader.read(b"a: b\r\n" * 2000, "", NOW) == Malformed("too many header fields")
    assert reader.pid == pid


def test_25_megabytes_are_read_within_the_limits(reader: Reader) -> None:
    line = b"QUJD" * 19 + b"\r\n"
    raw = (
        MAIL.replace(b"\r\n\r\n", b"\r\nContent-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\n")
        + line * 325_000
    )
    mail = reader.read(raw, "ana@x.example", NOW)
    assert isinstance(mail, Mail)
    assert mail.parts[0].size > 18_000_000


def test_a_mail_that_takes_too_long_kills_the_child_and_the_next_is_read() -> None:
    reader = Reader(limits=Limits(read_seconds=0.001))
    with pytest.raises(ReaderDied, match="too long"):
        reader.read(MAIL + b"words \r\n" * 2_000_000, "", NOW)
    assert reader.pid is None
    reader.close()


def test_a_child_that_is_killed_is_replaced() -> None:
    reader = Reader()
    reader.read(MAIL, "", NOW)
    assert reader.pid is not None
    os.kill(reader.pid, signal.SIGKILL)
    for _ in range(2):  # the first may still find the dead child's pipe
        try:
            mail = reader.read(MAIL, "", NOW)
        except ReaderDied:
            continue
    assert isinstance(mail, Mail)
    reader.close()


def test_a_child_without_memory_ends_that_mail_only() -> None:
    reader = Reader(limits=Limits(memory=30_000_000))
    huge = MAIL + b"x" * 60_000_000
    with pytest.raises(ReaderDied, match="ended the process"):
        reader.read(huge, "", NOW)
    assert isinstance(reader.read(MAIL, "", NOW), Mail)
    reader.close()


def test_the_child_dies_with_its_parent() -> None:
    script = """
        import sys, time
        from datetime import UTC, datetime
        from listserv.flow.reader import Reader
        reader = Reader()
        reader.read(b"From: a@x.example\\r\\n\\r\\nx", "", datetime(2026, 1, 1, tzinfo=UTC))
        print(reader.pid, flush=True)
        time.sleep(60)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(script)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    until = time.monotonic() + 20
    while alive(child) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(child)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state not in "ZX"


def test_a_mail_as_json_is_the_same_mail() -> None:
    for _, raw in corpus("mime/stalwart", "bounces/flanker"):
        mail = parse(raw)
        for one in (mail, as_sent(mail, "") if isinstance(mail, Mail) else mail):
            assert mail_from_json(mail_to_json(one)) == one


@pytest.mark.parametrize("data", [{}, {"proof": {}}, {"author": 1}])
def test_json_that_is_no_mail_is_an_error(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a mail"):
        mail_from_json(data)


def test_what_the_server_before_us_calls_spam_is_marked_where_the_site_names_the_field() -> None:
    marked = b"X-Spam: Yes\r\nFrom: ana@example.org\r\n\r\nHello"
    for fields, spam in ((("X-Spam",), True), ((), False)):
        reader = Reader(spam_fields=fields)
        try:
            mail = reader.read(marked, "ana@example.org", NOW)
            assert isinstance(mail, Mail) and mail.spam is spam
        finally:
            reader.close()
