"""A post as members get it: golden mails byte for byte, and what holds for every mail there is."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.address import Address
from listserv.core.types import ListSettings, Mail, MailList, Post
from listserv.mail.compose import (
    Frame,
    FromChoice,
    HiddenFrom,
    KeptFrom,
    Personal,
    RelayedFrom,
    Variant,
    personal,
    shared,
    variant,
)
from listserv.mail.fields import Field, all_of, decode_words, first_of, read_mailboxes, split
from listserv.mail.names import list_id, relay_local, shown_name
from listserv.mail.parse import parse

GOLDEN = Path(__file__).parent / "golden"
CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
BOOK = MailList(
    1, Address("book", "lists.example.org"), "book.lists.example.org", "Book Circle", ListSettings()
)
RELAY = Address("ana.silva.r4k2mmpq", "lists.example.org")
POST = Post(
    id=7,
    list_id=1,
    thread_id=3,
    message_id="made-0123@lists.example.org",
    hash="qlmtexvrzw5kb7znhcvzqlmtexvrzw5k",
    author=Address("ana", "home.example"),
    author_name="Ana Silva",
    subject="unused here",
    at=datetime(2026, 11, 23, 7, 0, tzinfo=UTC),
    raw_hash="0" * 64,
)
ANN = Personal("https://lists.example.org/u/aaaabcdefghijklmnopq", "mailto:book+leave@lists.example.org")
WHEN = 1795417200


def frame(**settings: Any) -> Frame:
    return Frame(
        replace(BOOK, settings=ListSettings(**settings)), "lists.example.org", "https://lists.example.org"
    )


def copy(made: Variant) -> bytes:
    return personal(made, None, ANN, WHEN) + made.tail


def composed(raw: bytes, from_: FromChoice = KeptFrom(RELAY), **settings: Any) -> bytes:  # noqa: B008
    return copy(variant(raw, POST, frame(**settings), from_))


def fields_of(raw: bytes) -> tuple[Field, ...]:
    return split(raw)[0]


def value(raw: bytes, name: str) -> str | None:
    """The one value of a field; None where absent; an error where there are two."""
    found = all_of(fields_of(raw), name.lower())
    assert len(found) <= 1, f"{name} stands there {len(found)} times"
    return found[0].text if found else None


def mail(*header: str, body: str = "Hello,\r\nI am Ana.\r\n") -> bytes:
    return "".join(f"{line}\r\n" for line in (*header, "", "")).encode()[:-2] + body.encode()


USUAL = (
    "From: Ana Silva <ana@home.example>",
    "To: book@lists.example.org",
    "Subject: Which book next?",
    "Date: Mon, 23 Nov 2026 07:59:00 +0100",
    "Message-ID: <one@home.example>",
)


# ---- golden mails


def from_choice(case: dict[str, Any]) -> FromChoice:
    match case.get("from", {}):
        case {"choice": "relayed", "name": name}:
            return RelayedFrom(RELAY, name)
        case {"choice": "hidden", "name": name}:
            return HiddenFrom(
                RELAY, name, "public-7@lists.example.org", tuple(case["from"].get("references", ()))
            )
        case _:
            return KeptFrom(RELAY)


@pytest.mark.parametrize("folder", sorted(p.parent for p in GOLDEN.glob("*/in.eml")), ids=lambda p: p.name)
def test_a_member_gets_these_very_bytes(folder: Path, request: pytest.FixtureRequest) -> None:
    case = tomllib.loads((folder / "case.toml").read_text(encoding="utf-8"))
    where = frame(**case.get("settings", {}))
    where = replace(where, list=replace(where.list, title=case.get("title", BOOK.title)))
    got = copy(variant((folder / "in.eml").read_bytes(), POST, where, from_choice(case)))
    if request.config.getoption("--accept", default=False):
        (folder / "out.eml").write_bytes(got)
    assert got.decode("utf-8", "surrogateescape") == (folder / "out.eml").read_bytes().decode(
        "utf-8", "surrogateescape"
    )


# ---- the body and the author's fields


def test_the_author_s_fields_keep_their_bytes_and_their_order() -> None:
    odd = (
        "Received: from a by b;\r\n\tMon, 23 Nov 2026 07:59:00 +0100",
        "DKIM-Signature: v=1; d=home.example;\r\n   b=abc",
        "X-Odd:no blank",
        "fRoM:   Ana   <ana@home.example>",
        "Subject: =?utf-8?Q?caf=C3=A9?=  \r\n  folded   oddly",
        "Message-ID:<x@home.example>",
        "Date: some day",
        "To: book@lists.example.org",
    )
    assert mail(*odd).partition(b"\r\n\r\n")[0] in composed(mail(*odd))


@pytest.mark.parametrize(
    "name",
    [
        *("Return-Path", "Bcc", "Approved", "X-Approved", "Disposition-Notification-To", "Return-Receipt-To"),
        *("X-Confirm-Reading-To", "X-PMRQC", "Errors-To", "X-Listserv-Trust", "List-Unsubscribe-Extra"),
    ],
)
def test_what_would_give_members_away_or_command_us_is_gone(name: str) -> None:
    assert value(composed(mail(*USUAL, f"{name}: mal@evil.example")), name) is None


def test_a_forged_result_of_ours_is_gone_and_others_stay() -> None:
    raw = mail(
        "Authentication-Results: lists.example.org; dmarc=pass",
        "Authentication-Results: (x) Lists.Example.ORG 1; dmarc=pass",
        "Authentication-Results: mx.home.example; dkim=pass",
        "Delivered-To: book@lists.example.org",
        "Delivered-To: someone@far.example",
        "X-Loop: book@lists.example.org",
        *USUAL,
    )
    out = composed(raw)
    assert value(out, "Authentication-Results") == "mx.home.example; dkim=pass"
    assert value(out, "Delivered-To") == "someone@far.example"
    assert value(out, "X-Loop") is None


OURS = (
    *(
        "List-Id",
        "List-Post",
        "List-Help",
        "List-Subscribe",
        "List-Owner",
        "List-Archive",
        "List-Unsubscribe",
    ),
    *("List-Unsubscribe-Post", "Precedence", "Feedback-ID", "X-Listserv-Kind"),
)


@pytest.mark.parametrize("name", OURS)
def test_of_each_list_field_only_ours_is_left(name: str) -> None:
    raw = mail(*USUAL, f"{name}: <mailto:other@far.example>", f"{name.upper()}: <mailto:third@far.example>")
    found = value(composed(raw), name)
    assert found and "far.example" not in found


def test_no_field_that_may_stand_once_goes_out_twice() -> None:
    doubled = [line for line in USUAL for _ in range(2)]
    out = composed(mail(*doubled, "Cc: b@b.example", "cc:", "CC: Cy <c@c.example>,", " d@d.example"))
    for name in ("From", "Subject", "Date", "Message-ID"):
        assert value(out, name)
    assert [m.address.local for m in read_mailboxes(value(out, "To") or "").found] == ["book", "book"]
    assert [m.address.local for m in read_mailboxes(value(out, "Cc") or "").found] == ["b", "c", "d"]


def test_a_mail_whose_header_just_ends_still_goes_out_whole() -> None:
    assert copy(variant(b"From: a@b.example", POST, frame(), KeptFrom())).endswith(
        b"From: a@b.example\r\n\r\n"
    )
    broken = mail(*USUAL, body="x").replace(b"Date:", b"no colon here\r\nDate:")
    assert composed(broken, footer="Bye", subject_tag="[b]").endswith(broken[broken.index(b"no colon") :])


# ---- list settings


def test_an_announce_list_says_that_nobody_can_post() -> None:
    assert value(composed(mail(*USUAL), posting="hosts"), "List-Post") == "NO"
    assert value(composed(mail(*USUAL)), "List-Post") == "<mailto:book@lists.example.org>"


def test_a_post_is_linked_to_only_where_it_is_kept() -> None:
    page = "<https://lists.example.org/book/m/qlmtexvrzw5kb7znhcvzqlmtexvrzw5k>"
    assert value(composed(mail(*USUAL)), "Archived-At") == page
    assert value(composed(mail(*USUAL, "X-No-Archive: Yes")), "Archived-At") is None
    assert value(composed(mail(*USUAL), archive="off"), "Archived-At") is None
    assert value(composed(mail(*USUAL), archive="off"), "List-Archive") is None


REPLIES = [
    # policy    author's Reply-To   From            answers go to
    ("list", None, "kept", "book@lists.example.org"),
    ("list", None, "relayed", "book@lists.example.org"),
    ("list", None, "hidden", "book@lists.example.org"),
    ("list", "x@y.example", "kept", "x@y.example"),
    ("list", "x@y.example", "relayed", "x@y.example"),
    ("list", "x@y.example", "hidden", "book@lists.example.org"),
    ("author", None, "kept", str(RELAY)),
    ("author", None, "relayed", str(RELAY)),
    ("author", None, "hidden", str(RELAY)),
    ("author", "x@y.example", "kept", "x@y.example"),
    ("author", "x@y.example", "relayed", "x@y.example"),
    ("author", "x@y.example", "hidden", str(RELAY)),
    ("list", "book+leave@lists.example.org", "kept", "book@lists.example.org"),
    ("author", "book-unsubscribe@lists.example.org", "kept", str(RELAY)),
    ("list", "a@y.example, b@y.example", "kept", "a@y.example, b@y.example"),
    ("list", "", "kept", "book@lists.example.org"),
]
CHOICES: dict[str, FromChoice] = {
    "kept": KeptFrom(RELAY),
    "relayed": RelayedFrom(RELAY, "Ana Silva"),
    "hidden": HiddenFrom(RELAY, "Ana Silva", "public-7@lists.example.org"),
}


@pytest.mark.parametrize(("policy", "own", "shown", "expected"), REPLIES)
def test_an_answer_reaches_whom_policy_and_author_want(
    policy: str, own: str | None, shown: str, expected: str
) -> None:
    raw = mail(*USUAL) if own is None else mail(*USUAL, f"Reply-To: {own}")
    assert value(composed(raw, CHOICES[shown], reply_to=policy), "Reply-To") == expected


def test_without_a_relay_address_an_answer_goes_to_from() -> None:
    assert value(composed(mail(*USUAL), KeptFrom(), reply_to="author"), "Reply-To") is None


# ---- From


def test_a_list_that_hides_addresses_sends_nothing_that_leads_to_the_author() -> None:
    raw = mail(
        "Received: from ana-laptop (dsl.home.example [192.0.2.7]) by lists.example.org",
        "DKIM-Signature: v=1; d=home.example",
        "ARC-Seal: i=1; d=home.example",
        "X-Original-From: ana@home.example",
        "X-Originating-IP: [192.0.2.7]",
        "Sender: ana@home.example",
        "In-Reply-To: <zero@home.example>",
        "References: <zero@home.example>",
        "Cc: bea@home.example, book@lists.example.org",
        "X-Anything: home.example",
        *USUAL,
        body="Hi\r\n",
    )
    out = composed(raw, HiddenFrom(RELAY, "Ana Silva", "public-7@lists.example.org", ("p1@l", "p2@l")))
    assert b"home.example" not in out and b"192.0.2.7" not in out
    assert value(out, "From") == f"Ana Silva <{RELAY}>"
    assert value(out, "To") == "book@lists.example.org"
    assert value(out, "Message-ID") == "<public-7@lists.example.org>"
    assert value(out, "References") == "<p1@l> <p2@l>"
    assert value(out, "In-Reply-To") == "<p2@l>"


def test_a_relayed_from_keeps_the_true_one_readable() -> None:
    out = composed(mail(*USUAL, "X-Original-From: mal@evil.example"), RelayedFrom(RELAY, "Ana Silva"))
    assert value(out, "X-Original-From") == "Ana Silva <ana@home.example>"
    assert value(out, "From") == f"Ana Silva <{RELAY}>"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("boss@good.example", "boss at good.example"),
        ("Ana ＠ home", "Ana at home"),
        ('Silva, Ana "the" O\'Neil', 'Silva, Ana "the" O\'Neil'),
        ("Ana\r\nBcc: x@y", "Ana Bcc: x at y"),
        ("\u202eanA", "anA"),
        ("Ünal Ωmega", "Ünal Ωmega"),
        ("", ""),
    ],
)
def test_a_name_is_never_an_address_and_never_a_field(name: str, shown: str) -> None:
    out = composed(mail(*USUAL), RelayedFrom(RELAY, name))
    (mailbox,) = read_mailboxes(value(out, "From") or "").found
    assert (mailbox.name, mailbox.address) == (shown, RELAY)
    assert value(out, "Bcc") is None


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("Ana Silva", "ana.silva.r4k2mmpq"),
        ("Jürgen Groß", "jurgen.gross.r4k2mmpq"),
        ("O'Neil, Łukasz (x)", "o.neil.lukasz.r4k2mmpq"),
        ("王小明", "member.r4k2mmpq"),
        ("..@..", "member.r4k2mmpq"),
    ],
)
def test_a_relay_address_reads_like_the_name(name: str, local: str) -> None:
    assert relay_local(name, "r4k2mmpq") == local


@given(st.text(max_size=300))
def test_a_relay_address_fits_whatever_the_name(name: str) -> None:
    local = relay_local(name, "r4k2mmpq")
    assert len(local) <= 64 and local.isascii() and ".." not in local and local.endswith(".r4k2mmpq")


# ---- tag and footer


@pytest.mark.parametrize(
    ("subject", "tagged"),
    [
        ("Which book?", "[book] Which book?"),
        ("Re: Which book?", "Re: [book] Which book?"),
        ("AW: Re: Fwd: Which book?", "AW: Re: Fwd: [book] Which book?"),
        ("Re: [book] Which book?", "Re: [book] Which book?"),
        ("AW: [BOOK] Which book?", "AW: [BOOK] Which book?"),
        ("[book] [book] Re: [Book] AW: x", "Re: AW: [book] x"),
        ("=?utf-8?q?Re=3A_caf=C3=A9?=", "Re: [book] café"),
        ("", "[book]"),
    ],
)
def test_the_tag_stands_there_once(subject: str, tagged: str) -> None:
    raw = mail(*(f"Subject: {subject}" if line.startswith("Subject") else line for line in USUAL))
    found = first_of(fields_of(composed(raw, subject_tag="[book]")), "subject")
    assert found and decode_words(found.text) == tagged


def test_a_subject_that_can_t_be_read_is_not_rewritten() -> None:
    raw = mail("Subject: =?utf-8?q?=FF=FE?=", *USUAL[:2])
    assert b"\r\nSubject: =?utf-8?q?=FF=FE?=\r\n" in composed(raw, subject_tag="[book]")


SEALED = [
    'Content-Type: multipart/signed; boundary="b"; micalg=pgp-sha256',
    'Content-Type:\r\n multipart/encrypted; boundary="b"',
    "Content-Type: application/pkcs7-mime; smime-type=signed-data",
    "Content-Type: application/x-pkcs7-mime; smime-type=enveloped-data",
    "Content-Type: text/calendar; method=REQUEST",
]


@pytest.mark.parametrize("kind", SEALED)
def test_nothing_is_added_to_what_is_sealed(kind: str) -> None:
    plain = mail(*USUAL, kind, body="anything\r\n")
    assert composed(plain, footer="Bye", subject_tag="[b]") == composed(plain)


@pytest.mark.parametrize(
    "inside", ["-----BEGIN PGP SIGNED MESSAGE-----", "--b\r\nContent-Type: text/calendar"]
)
def test_nothing_is_added_to_what_is_sealed_within(inside: str) -> None:
    raw = mail(*USUAL, body=f"Hi\r\n{inside}\r\nmore\r\n")
    assert composed(raw, footer="Bye", subject_tag="[b]") == composed(raw)


FOOTERS = [
    # content fields                                              appended?
    ((), True),
    (("Content-Type: text/plain",), True),
    (('Content-Type: text/plain; charset="UTF-8"', "Content-Transfer-Encoding: 8bit"), True),
    (("Content-Type: text/plain; charset=iso-8859-1",), False),
    (("Content-Type: text/plain; format=flowed",), False),
    (("Content-Transfer-Encoding: quoted-printable",), False),
    (("Content-Transfer-Encoding: base64",), False),
    (("Content-Type: text/html",), False),
    (("Content-Disposition: attachment; filename=x.txt",), False),
    (('Content-Type: multipart/mixed; boundary="b"',), False),
]


@pytest.mark.parametrize(("content", "appended"), FOOTERS)
def test_a_footer_never_changes_the_author_s_part(content: tuple[str, ...], appended: bool) -> None:
    raw = mail(*USUAL, "MIME-Version: 1.0", *content, body="caf=E9\r\nlast line")
    out = composed(raw, footer="Book Circle\nhttps://lists.example.org")
    body = split(out)[2]
    footer = b"-- \r\nBook Circle\r\nhttps://lists.example.org\r\n"
    if appended:
        assert body == b"caf=E9\r\nlast line\r\n\r\n" + footer
    else:
        edge = (value(out, "Content-Type") or "").partition('boundary="')[2].rstrip('"').encode()
        first, second = body.split(b"--" + edge)[1:3]
        head = "".join(f"{line}\r\n" for line in content).encode()
        assert first == b"\r\n" + head + b"\r\ncaf=E9\r\nlast line\r\n"
        assert second.endswith(b"\r\n\r\n" + footer + b"\r\n")
        assert body.endswith(b"--" + edge + b"--\r\n")
        assert value(out, "MIME-Version") == "1.0" and value(out, "Content-Transfer-Encoding") is None


def test_a_footer_beside_eight_bit_says_eight_bit_and_none_goes_beside_binary() -> None:
    out = composed(mail(*USUAL, "Content-Type: text/html; charset=utf-8", body="é"), footer="ü")
    assert value(out, "Content-Transfer-Encoding") == "8bit"
    raw = mail(*USUAL, "Content-Type: text/html", "Content-Transfer-Encoding: binary")
    assert composed(raw, footer="Bye") == composed(raw)


# ---- shared copies, flags


def test_a_shared_copy_has_no_token_and_no_one_click() -> None:
    made = variant(mail(*USUAL), POST, frame(personal=False), KeptFrom())
    block = shared(made, None, "mailto:book+leave@lists.example.org", WHEN)
    assert block == b"List-Unsubscribe: <mailto:book+leave@lists.example.org>\r\n"


def test_what_the_relay_must_be_able_to_carry_is_known() -> None:
    def flags(*header: str, body: str = "x\r\n") -> tuple[bool, bool]:
        made = variant(mail(*header, body=body), POST, frame(), KeptFrom())
        return made.eightbit, made.smtputf8

    assert flags(*USUAL) == (False, False)
    assert flags(*USUAL, body="café\r\n") == (True, False)
    assert flags("From: José <jose@home.example>") == (True, False)
    assert flags("From: José <josé@home.example>") == (True, True)
    assert flags("From: a@bücher.example") == (True, True)


# ---- what holds for every mail there is

ANYTHING = st.text(max_size=400)


@given(
    title=ANYTHING,
    name=ANYTHING,
    tag=ANYTHING,
    footer=ANYTHING,
    label=st.sampled_from(["b.c", "b" * 60 + ".c"]),
)
def test_no_text_of_ours_ever_makes_a_field_of_its_own(
    title: str, name: str, tag: str, footer: str, label: str
) -> None:
    list_ = replace(BOOK, title=title, list_id=label, settings=ListSettings(subject_tag=tag, footer=footer))
    raw = mail(*USUAL, "Content-Type: text/html")
    made = variant(
        raw, POST, Frame(list_, "lists.example.org", "https://l.example"), RelayedFrom(RELAY, name)
    )
    names = [f.name for f in fields_of(copy(made))]
    assert set(names) <= {n.lower() for n in OURS} | {
        *("from", "to", "subject", "date", "message-id", "x-original-from", "archived-at", "reply-to"),
        *("content-type", "mime-version"),
    }
    assert len(names) == len(set(names))
    assert made.fields.count(b"\n") == made.fields.count(b"\r\n") and b"\0" not in made.fields
    assert all(len(line) <= 998 for line in made.fields.split(b"\r\n"))
    assert len(list_id(list_)) <= 255 and list_id(list_).endswith(f"<{label}>")


@pytest.mark.parametrize("title", ["書" * 80, 'Say "hi" \\ =?', "x" * 300, ""])
@pytest.mark.parametrize("label", ["b.c", "b" * 63 + ".c" * 80, "b" * 63 + ".c" * 95])
def test_a_list_id_is_never_too_long_and_never_without_its_label(title: str, label: str) -> None:
    got = list_id(replace(BOOK, title=title, list_id=label))
    assert len(got) <= 255 and got.isascii() and got.endswith(f"<{label}>")


@given(ANYTHING)
def test_a_shown_name_has_no_at_sign(name: str) -> None:
    assert not set("@＠﹫\r\n\0") & set(shown_name(name))


ODD_LINES = st.lists(
    st.one_of(
        st.sampled_from([line.encode() for line in USUAL]),
        st.sampled_from(
            [b"To: x@y.z", b"cc:", b"Cc: \xff@\xe9", b"Reply-To: <", b"Content-Type: multipart/mixed", b" f"]
        ),
        st.binary(max_size=60).map(lambda b: b.replace(b"\n", b"").replace(b"\r", b"")),
    ),
    max_size=12,
)


@given(
    lines=ODD_LINES,
    body=st.binary(max_size=200),
    choice=st.sampled_from(sorted(CHOICES)),
    dressed=st.booleans(),
)
def test_any_bytes_at_all_make_a_mail_with_one_of_each(
    lines: list[bytes], body: bytes, choice: str, dressed: bool
) -> None:
    raw = b"\r\n".join([*lines, b"", body])
    out = composed(raw, CHOICES[choice], subject_tag="[b]" if dressed else "", footer="é" if dressed else "")
    for name in (*OURS, "Message-ID", "Date", "Reply-To", "To", "Cc", "Subject", "Archived-At"):
        value(out, name)
    assert value(out, "Message-ID") and value(out, "Date")
    if not dressed:
        assert split(out)[2] == split(raw)[2]


CORPUS = sorted(
    p for folder in ("mime", "crypto", "auth", "tnef") for p in (CORPORA / folder).rglob("*") if p.is_file()
)


def test_the_corpora_are_there() -> None:
    assert len(CORPUS) > 500, f"{CORPORA} is missing: put the shared corpora beside the project"


def test_the_body_and_the_thread_of_every_known_mail_come_through() -> None:
    for path in CORPUS:
        raw = b"\r\n".join(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"))
        came, _, body = split(raw)
        out = composed(raw)
        gone, _, same = split(out)
        assert same == body, path
        for name in ("message-id", "references", "in-reply-to", "subject", "from", "content-type"):
            before, after = first_of(came, name), first_of(gone, name)
            if before and before.value not in (b"", b"<>"):
                assert after and after.value.startswith(before.value), (path, name)


def test_what_is_read_from_a_copy_is_what_was_read_from_the_post() -> None:
    for path in CORPUS[::4]:
        raw = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
        before = parse(raw)
        if not isinstance(before, Mail):
            continue
        after = parse(copy(variant(raw, replace(POST, message_id=before.message_id), frame(), KeptFrom())))
        assert isinstance(after, Mail), path
        for name in ("message_id", "references", "subject", "author", "text", "parts"):
            assert getattr(after, name) == getattr(before, name), (path, name)
