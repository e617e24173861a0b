"""What must hold for any input, a function for each kind of thing that strangers write. They raise if not."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import UTC, datetime

from listserv.core.address import Address, BadAddress, bare_sender, read_address, read_domain
from listserv.core.replies import pieces
from listserv.core.routing import is_guess, readings
from listserv.core.seals import looks_like_seal, seal, unseal
from listserv.core.types import Failed, Mail, Malformed, Sent
from listserv.flow.door import Refusal, reply
from listserv.flow.mail_json import mail_from_json, mail_to_json
from listserv.flow.offer import read_offer
from listserv.flow.path import read_argument, read_mail_parameters, read_recipient, read_sender
from listserv.flow.postmark import Limits, Trace, postmark
from listserv.flow.relay import Lost
from listserv.flow.replies import Replies, Reply, insist, outcome_of, too_many
from listserv.mail.encoded import decode_words
from listserv.mail.fields import read_mailboxes, split, start_of, write_field, write_mailbox
from listserv.mail.leaves import leaf
from listserv.mail.mbox import read_mbox, write_mbox
from listserv.mail.names import discreet, relay_local, shown_name
from listserv.mail.params import read_params
from listserv.mail.parse import as_sent, parse
from listserv.mail.plain import first_words, is_stub, unflow
from listserv.mail.proof import ProofQuestion, prove
from listserv.mail.reports import kind_of_report, read_report
from listserv.mail.returned import read_returned, with_report
from listserv.mail.words import LONGEST_HTML, LONGEST_TEXT, html_to_text, safe_html, tidy
from tests.fuzz.dialogue import dialogue
from tests.fuzz.pipeline import pipeline
from tests.kit.people import DOMAIN, NOW, RING

Try = Callable[[bytes], None]
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_TAG = re.compile(r"<\s*/?\s*([a-z][\w-]*)[^>]*>", re.I)
_ACTIVE = re.compile(r"<\s*/?\s*(?:script|style|img|iframe|object|form|input|meta|link|svg|base)\b", re.I)
_HANDLER = re.compile(r"\s(?:on\w+|style|src|class|id)\s*=", re.I)


def header(data: bytes) -> None:
    """Fields are cut without loss; what they say is one clean line; what we write is read the same."""
    fields, blank, body = split(data)
    assert b"".join((*(field.raw for field in fields), blank, body)) == data[start_of(data) :]
    for field in fields[:100]:
        said = decode_words(field.text)
        assert not _UNSEEN.search(said), said
        read_params(field.text)
        _mailboxes(field.text)
        _written(said)


def _mailboxes(text: str) -> None:
    for box in read_mailboxes(text).found:
        assert not _UNSEEN.search(box.name), box
        again = read_mailboxes(write_mailbox(box.name, box.address))
        assert not again.trouble, (box, again)
        assert [each.address for each in again.found] == [box.address]


def _written(said: str) -> None:
    with suppress(ValueError):  # a line break, or a word that no line can hold
        raw = write_field("Subject", said)
        (field,), _, rest = split(raw)
        assert not rest
        assert not _BARE.search(raw)
        assert max(map(len, raw.split(b"\r\n"))) <= 998
        assert decode_words(field.text) == said, (said, raw)


def addresses(data: bytes) -> None:
    """An address, a path, a token: what is read is read the same again; what is none is told so."""
    text = data.decode("utf-8", "surrogateescape")
    with suppress(BadAddress):
        address = read_address(text)
        assert read_address(str(address)) == address
        assert read_address(address.key).key == address.key
        assert readings(address)
        is_guess(address)
    with suppress(BadAddress):
        assert read_domain(read_domain(text)) == read_domain(text)
    bare_sender(text)
    _argument(text)
    assert looks_like_seal(text) in (True, False)
    number = unseal(RING, "back", text, 3_000_000)
    assert number is None or seal(RING, "back", number) == text.lower()
    name = text.encode("utf-8", "replace").decode()
    local = relay_local(discreet(name), "abcdefgh")
    assert read_address(f"{local}@{DOMAIN}") == Address(local, DOMAIN)
    assert "@" not in shown_name(name)


def _argument(text: str) -> None:
    for keyword in ("FROM:", "TO:"):
        found = read_argument(text, keyword)
        if isinstance(found, Refusal):
            assert reply(found).isascii()
            continue
        for utf8 in (False, True):
            sender = read_sender(found.path, utf8=utf8)
            assert isinstance(sender, Refusal) or sender.isascii() or utf8
            recipient = read_recipient(found.path, DOMAIN, utf8=utf8)
            assert isinstance(recipient, Refusal) or read_address(str(recipient)) == recipient
        read_mail_parameters(found.rest)


def mime(data: bytes) -> None:
    """Any bytes are a mail or Malformed for a reason that we foresaw, as JSON too, and so is its proof."""
    mail = parse(data, prove(data, ProofQuestion(NOW, (DOMAIN,), lambda _: [])))
    if isinstance(mail, Malformed):
        assert not mail.why.startswith("it could not be read"), mail
        return
    mail = with_report(as_sent(mail, ""), data)
    assert isinstance(mail, Mail)
    assert mail_from_json(mail_to_json(mail)) == mail
    assert len(mail.text.encode()) <= LONGEST_TEXT
    assert not any(map(_UNSEEN.search, (mail.subject, mail.author_name, *mail.list_ids, *mail.references)))
    _is_safe(mail.html)
    for part in mail.parts:
        found = leaf(data, part.position)
        assert found is not None
        assert found[0] == part
        assert len(found[1]) == part.size
        assert not re.search(r"[/\\\x00-\x1f]", part.name)
    assert leaf(data, 1_000_000) is None


def words(data: bytes) -> None:
    """HTML becomes text, or HTML in which nothing happens; text becomes tidy; all of it within limits."""
    text = data.decode("utf-8", "replace")
    for made in (html_to_text(text), tidy(text)):
        assert len(made.encode()) <= LONGEST_TEXT
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", made)
    _is_safe(safe_html(text))
    unflow(text, "yes")
    is_stub(text)
    first_words(text, 100)
    cut = pieces(text, (text[: len(text) // 2],))
    assert "".join(piece.text for piece in cut) == text


def _is_safe(html: str) -> None:
    assert len(html.encode()) <= LONGEST_HTML
    assert not _ACTIVE.search(html), html
    assert not any(_HANDLER.search(re.sub(r'"[^"]*"', '""', tag[0])) for tag in _TAG.finditer(html)), html


def bounces(data: bytes) -> None:
    """A report names at most so many, in small letters, and is always of a kind that we know."""
    kinds = ("bounce", "complaint", "receipt", "auto-reply", "delivered", "other")
    assert kind_of_report(data) in kinds
    found = read_report(data)
    if found is not None:
        assert len(found.recipients) <= 100
        assert all(to == to.lower() for to in found.recipients)
        assert found.action in ("failed", "delayed", "other")
        assert found.kind in ("hard", "policy", "delayed", "soft")
        assert not _UNSEEN.search(found.diagnostic)
    returned = read_returned(data)
    assert len(returned.traces) <= 8
    assert all(kind in ("back", "leave") and looks_like_seal(token) for kind, token in returned.traces)


def replies(data: bytes) -> None:
    """What a relay says means the same in whatever pieces it comes; nonsense is Lost and nothing else."""
    step = 1 + data[0] % 16 if data else 1
    whole, ended = _heard([data])
    pieces, ended_too = _heard([data[at : at + step] for at in range(0, len(data), step)])
    assert (whole, ended) == (pieces, ended_too) or (ended and whole == pieces[: len(whole)])
    for said in whole:
        assert said.text.isprintable()
        assert len(said.text) <= 500
        read_offer(said)
        assert too_many(said) in (True, False)
        with suppress(Lost):
            assert not isinstance(outcome_of(said, "RCPT"), Sent | Failed) or said.code // 100 in (2, 5)
        with suppress(Lost):
            insist(said, 250)
            assert said.code == 250


def _heard(pieces: list[bytes]) -> tuple[list[Reply], str]:
    heard: list[Reply] = []
    cutter = Replies()
    try:
        for piece in pieces:
            heard += cutter.feed(piece)
    except Lost as lost:
        return heard, lost.text
    return heard, ""


def mbox(data: bytes) -> None:
    """Messages come out one by one with clean line ends; what is written is read the same again."""
    for place, found in enumerate(read_mbox(io.BytesIO(data), 20_000), 1):
        assert found.position == place
        assert not _BARE.search(found.raw)
        if found.raw and split(found.raw)[0] and not start_of(found.raw):
            at = found.at if found.at and found.at.year > 1970 else NOW
            box = write_mbox(found.raw, "ana@ana.example", at)
            (again,) = read_mbox(io.BytesIO(box), 100_000)
            assert again.raw.rstrip(b"\r\n") == found.raw.rstrip(b"\r\n")


def postmarks(data: bytes) -> None:
    """What is kept has CRLF line ends only and our Received field; what isn't kept is refused in one line."""
    trace = Trace("client.example", "192.0.2.1", DOMAIN, "ESMTP", datetime(2026, 11, 21, tzinfo=UTC))
    made = postmark(bytearray(b"\r\n" + data + b"\r\n"), Limits(60_000, 10_000), trace)
    if isinstance(made, Refusal):
        assert made.code // 100 == 5
    else:
        assert not _BARE.search(made.raw)
        assert b"\tby " + DOMAIN.encode() in made.raw[:2_000]


def alone(what: Try) -> Callable[[], AbstractContextManager[Try]]:
    """A target that needs no house around it."""
    return lambda: nullcontext(what)


TARGETS: dict[str, Callable[[], AbstractContextManager[Try]]] = {
    **{each.__name__: alone(each) for each in (header, addresses, mime, words)},
    **{each.__name__: alone(each) for each in (bounces, replies, mbox, postmarks)},
    "dialogue": dialogue,
    "pipeline": pipeline,
}
