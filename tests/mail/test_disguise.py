"""What a post to a list that hides addresses says of people besides its words."""

from __future__ import annotations

import email
import email.policy
from base64 import b64encode
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv.core.address import Address
from listserv.mail.disguise import disguised, named_in

DOMAIN = "lists.example.org"
FACE = Address("ana.silva.r4k2mmpq", DOMAIN)
FACES = {"ana@ana.example": FACE, "ana+kids@ana.example": FACE}
CALENDAR = (
    "BEGIN:VCALENDAR\nMETHOD:REQUEST\nBEGIN:VEVENT\nUID:4711@macbook.example\n"
    'ORGANIZER;CN="Ana Silva";EMAIL=ana@ana.example:mailto:Ana@Ana.example\n'
    "ATTENDEE;CN=Zoë Müller-Lüdenscheidt;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;R\n"
    " SVP=TRUE:mailto:ana%2Bkids@ana.exam\n ple\n"
    "ATTENDEE:mailto:guest@elsewhere.example\n"
    "DESCRIPTION:A line that is folded\n  because it is long\\nana@ana.example\n"
    "END:VEVENT\nEND:VCALENDAR\n"
).replace("\n", "\r\n")
SEALED = "Content-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n"
CARD = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ana\r\nEMAIL;TYPE=INTERNET:ana@ana.example\r\nEND:VCARD\r\n"


def mail(part: str, head: str = 'boundary="b"', edge: str = "b") -> bytes:
    words = "Content-Type: text/plain; charset=utf-8\r\n\r\nWrite to ana@ana.example\r\n"
    top = f"From: Ana <ana@ana.example>\r\nContent-Type: multipart/mixed; {head}\r\n\r\n"
    return f"{top}--{edge}\r\n{words}--{edge}\r\n{part}\r\n--{edge}--\r\n".encode()


def attached(kind: str, text: str, encoding: str = "8bit", more: str = "") -> str:
    data = b64encode(text.encode()).decode() if encoding == "base64" else text
    return f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n{more}\r\n{data}"


def part_of(raw: bytes, at: int = 1) -> Any:
    found: Any = email.message_from_bytes(raw, policy=email.policy.default)
    return list(found.walk())[1 + at]


@pytest.mark.parametrize("encoding", ["8bit", "base64"])
@pytest.mark.parametrize("kind", ["text/calendar; charset=utf-8", "application/ics; name=x.ics"])
def test_a_calendar_names_relay_addresses_and_can_be_read(kind: str, encoding: str) -> None:
    raw = mail(attached(kind, CALENDAR, encoding))
    new = part_of(disguised(raw, FACES, DOMAIN)).get_payload(decode=True).decode()
    lines = new.split("\r\n")
    assert all(len(line.encode()) <= 75 for line in lines) and "\n" not in "".join(lines)
    whole = new.replace("\r\n ", "")
    assert "ana@ana.example" not in whole.lower() and "kids" not in whole
    assert f'ORGANIZER;CN="Ana Silva";EMAIL={FACE}:mailto:{FACE}\r\n' in whole
    assert f"PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{FACE}\r\n" in whole
    assert "ATTENDEE:mailto:guest@elsewhere.example\r\n" in new and f"\\n{FACE}\r\n" in whole
    assert "UID:4711@macbook.example\r\n" in new  # by which its later versions are known


def test_quoted_printable_stays_that_and_a_vcard_is_looked_through() -> None:
    quoted = attached("text/x-vcard; name=ana.vcf", CARD.replace("ana@", "ana=40"), "quoted-printable")
    new = part_of(disguised(mail(quoted), FACES, DOMAIN))
    assert new["Content-Transfer-Encoding"] == "quoted-printable"
    said = new.get_payload(decode=True).decode()
    assert said.rstrip() == CARD.replace("ana@ana.example", str(FACE)).rstrip()


def test_a_calendar_that_is_the_whole_mail_ends_as_it_did() -> None:
    for encoding in ("8bit", "base64"):
        raw = f"Subject: x\r\n{attached('text/calendar', CALENDAR, encoding)}\r\n".encode()
        new = disguised(raw, FACES, DOMAIN)
        assert new.endswith(b"\r\n") and len(named_in(raw)) == 4
        assert str(FACE).encode() in email.message_from_bytes(new).get_payload(decode=True)


def test_the_words_stay_as_they_are_written() -> None:
    new = disguised(mail(attached("text/vcard", CARD)), FACES, DOMAIN)
    assert b"Write to ana@ana.example\r\n" in new and new.count(b"ana@ana.example") == 2


def test_a_content_id_that_names_a_host_gets_another_and_its_picture_is_still_found() -> None:
    html = attached("text/html", '<img src="cid:part1.x@ana.example"><img src="cid:two%40mac.local">')
    one, two, three = "part1.x@ana.example", "two@mac.local", "image001.png@01DA2B3C.4D5E6F70"
    pictures = (attached("image/png", "x", more=f"Content-ID: <{id_}>\r\n") for id_ in (one, two, three))
    new = disguised(mail("\r\n--b\r\n".join((html, *pictures))), {}, DOMAIN)
    ids = [part_of(new, at)["Content-ID"][1:-1] for at in (2, 3, 4)]
    assert ids[2] == three and all(one_id.endswith(f"@{DOMAIN}") for one_id in ids[:2])
    shown = part_of(new, 1).get_payload(decode=True).decode()
    assert f"cid:{ids[0]}" in shown and f"cid:{ids[1]}" in shown
    assert b"part1" not in new and b"mac.local" not in new


@pytest.mark.parametrize("edge", ["=_12@mac.local", "h9NKx1.12/mail.ana.example"])
def test_a_boundary_that_names_a_host_gets_another(edge: str) -> None:
    raw = mail(attached("text/vcard", "x"), f'boundary="{edge}"', edge)
    new = disguised(raw, {}, DOMAIN)
    assert edge.encode() not in new
    assert [one.get_content_type() for one in email.message_from_bytes(new).walk()] == [
        *("multipart/mixed", "text/plain", "text/vcard")
    ]


@pytest.mark.parametrize(
    "raw",
    [
        mail(attached("text/plain", "ana@ana.example")),
        mail(SEALED + attached("text/calendar", CALENDAR)),
        mail(attached("text/calendar", "no address")),
        mail(attached("message/rfc822", "From: ana@ana.example\r\n\r\nx")),
        b"", b"\r\n", b"Content-Type: multipart/mixed; boundary=\r\n\r\n--\r\n",
    ],
)  # fmt: skip
def test_all_else_keeps_its_bytes(raw: bytes) -> None:
    assert disguised(raw, FACES, DOMAIN) == raw


@settings(max_examples=30)
@given(st.binary(max_size=300), st.sampled_from(["8bit", "base64", "quoted-printable", "x-uue"]))
def test_no_calendar_raises(data: bytes, encoding: str) -> None:
    part = attached("text/calendar", "@@", encoding, "Content-ID: <a@b.example>\r\n")
    raw = mail(part).replace(b"@@", data)
    named_in(raw)
    assert disguised(disguised(raw, FACES, DOMAIN), FACES, DOMAIN) == disguised(raw, FACES, DOMAIN)


def test_hostile_calendars_are_read_in_time_that_grows_with_their_size() -> None:
    for line in ("@" * 50_000, "a" * 50_000, "a@b" * 20_000, "a." * 20_000 + "@", " \r\n" * 20_000):
        raw = mail(attached("text/calendar", line))
        named_in(raw)
        disguised(raw, FACES, DOMAIN)
