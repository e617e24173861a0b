"""Copies kept in a Maildir, read back with the standard library's reader."""

from __future__ import annotations

import mailbox
import os
from collections import Counter
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest

from listserv.core.types import Deferred, Envelope, Failed, Outcome, Sent
from listserv.flow.courier import open_courier
from listserv.flow.parcel import Parcel, stuff

BODY = b"Subject: tides\r\n\r\n.\r\n..two\r\nhigh at noon\r\n"
Told = list[tuple[int, str, Outcome]]


def parcel(key: int, *recipients: str, sender: str = "book+back=1@lists.example.org") -> Parcel:
    to = recipients or (f"member{key}@example.net",)
    return Parcel(key, Envelope(sender, to), (b"To: member %d\r\n" % key, BODY))


def keep(folder: Path, *parcels: Parcel) -> Told:
    told: Told = []
    courier = open_courier("maildir:outbox", connections=8, hostname="lists.example.org", folder=folder)
    courier.carry(iter(parcels), lambda *said: told.append(said))
    courier.close()
    return told


def files(folder: Path) -> list[bytes]:
    return [file.read_bytes() for file in sorted((folder / "outbox" / "new").iterdir())]


def read(folder: Path) -> list[Message]:
    return list(mailbox.Maildir(folder / "outbox", create=False))


def test_each_copy_is_a_file_that_says_for_whom_it_was_and_where_it_would_bounce_to(tmp_path: Path) -> None:
    told = keep(tmp_path, *map(parcel, range(200)))
    assert [(key, to, type(outcome)) for key, to, outcome in told] == [
        (key, f"member{key}@example.net", Sent) for key in range(200)
    ]
    mails = read(tmp_path)
    assert Counter(str(mail["Delivered-To"]) for mail in mails) == {
        f"member{n}@example.net": 1 for n in range(200)
    }
    assert {str(mail["Return-Path"]) for mail in mails} == {"<book+back=1@lists.example.org>"}
    assert not list((tmp_path / "outbox" / "tmp").iterdir())


def test_behind_those_two_fields_stands_the_message_with_lf_line_ends_and_dots_as_they_were(
    tmp_path: Path,
) -> None:
    plain = parcel(1)
    ready = Parcel(2, plain.envelope, (b"To: member 1\r\n", stuff(b".\r\n" + BODY)), stuffed=True)
    keep(tmp_path, plain, ready)
    first, second = files(tmp_path)
    front = b"Return-Path: <book+back=1@lists.example.org>\nDelivered-To: member1@example.net\nTo: member 1\n"
    assert first == front + BODY.replace(b"\r\n", b"\n")
    assert second == front + b".\n" + BODY.replace(b"\r\n", b"\n")


def test_a_shared_copy_becomes_a_file_for_each_recipient(tmp_path: Path) -> None:
    told = keep(tmp_path, parcel(1, "a@b.example", "c@b.example", sender=""))
    assert [to for _, to, _ in told] == ["a@b.example", "c@b.example"]
    assert sorted(str(mail["Delivered-To"]) for mail in read(tmp_path)) == ["a@b.example", "c@b.example"]
    assert str(read(tmp_path)[0]["Return-Path"]) == "<>"


def test_the_outcome_names_the_file(tmp_path: Path) -> None:
    ((_, _, outcome),) = keep(tmp_path, parcel(7))
    (file,) = (tmp_path / "outbox" / "new").iterdir()
    assert outcome == Sent(250, f"2.0.0 kept as {file.name}")
    assert file.name.startswith("7.0.")
    assert ":" not in file.name


def test_a_copy_that_comes_again_after_a_crash_is_there_once(tmp_path: Path) -> None:
    keep(tmp_path, parcel(1), parcel(2))
    assert isinstance(keep(tmp_path, parcel(2))[0][2], Sent)
    assert len(files(tmp_path)) == 2


def test_another_mail_with_the_same_number_takes_nobodys_place(tmp_path: Path) -> None:
    """A new database begins to count anew; the folder stays."""
    keep(tmp_path, parcel(1))
    other = Parcel(1, parcel(1).envelope, (b"To: member 1\r\n", b"\r\nanother day\r\n"))
    keep(tmp_path, other)
    assert len(files(tmp_path)) == 2


def test_a_reader_who_moves_mail_out_of_new_loses_nothing(tmp_path: Path) -> None:
    keep(tmp_path, parcel(1))
    (file,) = (tmp_path / "outbox" / "new").iterdir()
    file.rename(tmp_path / "outbox" / "cur" / f"{file.name}:2,S")
    keep(tmp_path, parcel(2))
    assert len(read(tmp_path)) == 2


def test_nothing_is_called_sent_before_file_and_folder_are_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counted, not timed: each file, then the folder once for the group, then the words."""
    events: list[str] = []
    sync, rename = os.fsync, Path.rename

    def noted_sync(fd: int) -> None:
        events.append("folder" if os.path.isdir(f"/proc/self/fd/{fd}") else "file")  # noqa: PTH112
        sync(fd)

    def noted_rename(self: Path, target: Path) -> Path:
        events.append("place")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", noted_sync)
    monkeypatch.setattr(Path, "rename", noted_rename)
    courier = open_courier("maildir:outbox", connections=1, hostname="x.example", folder=tmp_path)
    courier.carry(map(parcel, range(3)), lambda *_: events.append("told"))
    assert events == ["file"] * 3 + ["place"] * 3 + ["folder"] + ["told"] * 3


def test_copies_are_drawn_a_group_at_a_time(tmp_path: Path) -> None:
    drawn, told, furthest = 0, 0, 0

    def many() -> Iterator[Parcel]:
        nonlocal drawn, furthest
        for n in range(300):
            drawn += 1
            furthest = max(furthest, drawn - told)
            yield parcel(n)

    def report(*_: object) -> None:
        nonlocal told
        told += 1

    courier = open_courier("maildir:outbox", connections=1, hostname="x.example", folder=tmp_path)
    courier.carry(many(), report)
    assert told == 300
    assert furthest <= 64


def test_a_folder_that_can_not_be_written_defers_everything_as_the_relays_trouble(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file, not a folder")
    told = keep(tmp_path, *map(parcel, range(100)))
    assert len(told) == 100
    for _, _, outcome in told:
        assert isinstance(outcome, Deferred)
        assert outcome.of_relay
        assert not outcome.in_doubt


def test_a_disk_that_is_full_leaves_no_half_written_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        told = keep(tmp_path, parcel(1), parcel(2))
    assert {outcome.text for _, _, outcome in told} == {
        "4.3.1 the Maildir can't be written: No space left on device"
    }
    assert not list((tmp_path / "outbox" / "new").iterdir())
    assert not list((tmp_path / "outbox" / "tmp").iterdir())
    assert isinstance(keep(tmp_path, parcel(1))[0][2], Sent)


@pytest.mark.parametrize("address", ["a@b\r\nBcc: x@y", "a@b\nX: y", "a b@c", "a\x00@b"])
def test_an_address_can_not_break_out_of_its_field(tmp_path: Path, address: str) -> None:
    told = keep(tmp_path, parcel(1, address), parcel(2), parcel(3, sender=address))
    assert [type(outcome) for _, _, outcome in told] == [Failed, Sent, Failed]
    assert len(files(tmp_path)) == 1


def test_the_folder_may_be_anywhere(tmp_path: Path) -> None:
    away = tmp_path / "far" / "away"
    courier = open_courier(f"maildir:{away}", connections=1, hostname="x.example", folder=tmp_path / "here")
    courier.carry([parcel(1)], lambda *_: None)
    assert len(list((away / "new").iterdir())) == 1


def test_bare_line_ends_are_what_the_wire_would_make_of_them(tmp_path: Path) -> None:
    keep(tmp_path, Parcel(1, Envelope("", ("a@b.example",)), (b"To: a\r\n", b"\r\none\ntwo\rthree")))
    assert files(tmp_path)[0].endswith(b"To: a\n\none\ntwo\nthree\n")
