"""Who pretends to be Ana, row by row, each named after its trick (standards.md S4, S5, S15; §5, 50 to 57)."""

from __future__ import annotations

import hashlib
import time
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from listserv.core.address import Address
from listserv.core.rules import judge
from listserv.core.types import Check, Mail, Policy, Proof
from listserv.core.verdicts import Hold
from listserv.mail.fields import Field
from listserv.mail.parse import parse
from listserv.mail.proof import ProofQuestion, prove
from listserv.mail.signing import Signer, body_hash, load_key, relaxed
from tests.kit.people import BOOK, DOMAIN, a_list, a_member, the_facts
from tests.kit.signed import a_key, a_mail_of, signed_by

VICTIM = Address("kim", "good.example")
NOW = datetime.now(UTC)
ZONE: dict[str, list[str] | None] = {
    "s._domainkey.good.example": [a_key("author")[1]],
    "s._domainkey.evil.example": [a_key("evil")[1]],
    "_dmarc.good.example": ["v=DMARC1; p=reject"],
}

# fmt: off
SPOOFS = [
    # trick                                     header                                                             what it is
    ("two From fields, hers first",             b"From: kim@good.example\r\nFrom: mal@evil.example",               "no clear author"),
    ("two From fields, hers second",            b"From: mal@evil.example\r\nFrom: kim@good.example",               "no clear author"),
    ("the second From in other letters",        b"From: mal@evil.example\r\nfrOM: kim@good.example",               "no clear author"),
    ("a blank before the colon",                b"From : kim@good.example\r\nFrom: mal@evil.example",              "no clear author"),
    ("a bare CR between two",                   b"From: mal@evil.example\rFrom: kim@good.example",                 "no clear author"),
    ("a NUL in the name of the field",          b"From\0: kim@good.example\r\nFrom: mal@evil.example",             "no clear author"),
    ("two authors",                             b"From: kim@good.example, mal@evil.example",                       "no clear author"),
    ("two authors, a semicolon",                b"From: kim@good.example; mal@evil.example",                       "no clear author"),
    ("her address, then brackets",              b"From: kim@good.example <mal@evil.example>",                      "no clear author"),
    ("brackets, then her address",              b"From: <mal@evil.example> kim@good.example",                      "no clear author"),
    ("two pairs of brackets",                   b"From: <kim@good.example><mal@evil.example>",                     "no clear author"),
    ("brackets in brackets",                    b"From: <kim@good.example<mal@evil.example>>",                     "no clear author"),
    ("a bracket that nothing closes",           b"From: Kim <kim@good.example",                                    "no clear author"),
    ("a quote that nothing closes",             b'From: "kim@good.example <mal@evil.example>',                     "no clear author"),
    ("an address in a comment",                 b"From: mal@evil.example (<kim@good.example>)",                    "no clear author"),
    ("a comment within the address",            b"From: kim(x)@good.example",                                      "no clear author"),
    ("a comment that nothing closes",           b"From: kim@good.example (mal@evil.example",                       "no clear author"),
    ("a quoted part with an at sign",           b'From: "kim@good.example"@evil.example',                          "no clear author"),
    ("a quoted part with a bracket",            b'From: "kim@good.example>"@evil.example',                         "no clear author"),
    ("a source route",                          b"From: <@evil.example:kim@good.example>",                         "no clear author"),
    ("three at signs",                          b"From: kim@good.example@evil.example",                            "no clear author"),
    ("an address literal",                      b"From: kim@[192.0.2.1]",                                          "no clear author"),
    ("an encoded word that is the address",     b"From: =?utf-8?q?kim=40good=2Eexample?=",                         "no clear author"),
    ("an encoded word before the at sign",      b"From: =?utf-8?q?kim=40good=2Eexample=00?=@evil.example",         "no clear author"),
    ("an encoded bracket before the at sign",   b"From: <=?utf-8?q?kim=40good=2Eexample=3E?=@evil.example>",       "no clear author"),
    ("a group",                                 b"From: Staff: kim@good.example;",                                 "no clear author"),
    ("an empty group and she",                  b"From: nobody:;, kim@good.example",                               "no clear author"),
    ("only her name",                           b"From: Kim Lee",                                                  "no clear author"),
    ("nothing at all",                          b"Subject: x",                                                     "no clear author"),
    ("invisible letters in the domain",         "From: kim@good.exam\u200bple".encode(),                           "no clear author"),
    ("wide letters in the domain",              "From: kim@\uff47ood.example".encode(),                            "no clear author"),
    ("a full stop of another script",           "From: kim@good\u3002example".encode(),                            "no clear author"),
    ("letters in no known charset",             b"From: k\xefm@good.example",                                      "no clear author"),
    # One clear author, who is not she.
    ("the sign for kelvin for her k",           "From: \u212aim@good.example".encode(),                            "stranger"),
    ("Cyrillic letters in the domain",          "From: kim@g\u043e\u043ed.example".encode(),                       "stranger"),
    ("a dotless i",                             "From: k\u0131m@good.example".encode(),                            "stranger"),
    ("her address as the name",                 b'From: "kim@good.example" <mal@evil.example>',                    "stranger"),
    ("her address as an encoded name",          b"From: =?utf-8?q?=3Ckim=40good=2Eexample=3E?= <mal@evil.example>", "stranger"),
    ("her name, made to be read backwards",     "From: \u202ekim@good.example\u202c <mal@evil.example>".encode(),  "no clear author"),
    ("the percent hack",                        b"From: kim%good.example@evil.example",                            "stranger"),
    ("a bang path",                             b"From: good.example!kim@evil.example",                            "stranger"),
    ("her domain as a subdomain",               b"From: kim@good.example.evil.example",                            "stranger"),
    ("a domain that ends like hers",            b"From: kim@verygood.example",                                     "stranger"),
    ("she as Sender",                           b"From: mal@evil.example\r\nSender: kim@good.example",             "stranger"),
    ("she as Resent-From",                      b"From: mal@evil.example\r\nResent-From: kim@good.example",        "stranger"),
    ("she as Reply-To and X-Original-From",     b"From: mal@evil.example\r\nReply-To: kim@good.example\r\nX-Original-From: kim@good.example", "stranger"),
    # Her very address, and nothing speaks for it.
    ("her address, plainly",                    b"From: Kim <kim@good.example>",                                   "forged"),
    ("in capitals, a full stop at its end",     b"From: KIM@GOOD.EXAMPLE.",                                        "forged"),
    ("an evil domain's signature",              b"From: kim@good.example",                                         "forged"),
]
# fmt: on


def question(*ids: str, now: datetime = NOW) -> ProofQuestion:
    return ProofQuestion(now, ids, lambda name: ZONE.get(name, []))


@pytest.mark.parametrize(("header", "rule"), [row[1:] for row in SPOOFS], ids=[row[0] for row in SPOOFS])
def test_no_trick_makes_a_mail_hers(header: bytes, rule: str) -> None:
    raw = (
        header + f"\r\nTo: {BOOK}\r\nSubject: money\r\nMessage-ID: <1@x.example>\r\n\r\nSend it.\r\n".encode()
    )
    if b"\0" not in raw:
        raw = signed_by("evil.example", raw, key="evil")  # whoever lies may sign as himself
    mail = parse(raw, prove(raw, question()))
    assert isinstance(mail, Mail)
    hers = mail.author is not None and mail.author.key == VICTIM.key
    member = a_member(address=VICTIM) if hers else None
    assert judge(mail, the_facts(member=member)) in (Hold(rule), Hold("odd mail"))
    assert hers == (rule == "forged")
    assert mail.proof.verdict is not Check.PASSES or not hers


RESULTS = b"Authentication-Results: mx.ours; "
GOOD = RESULTS + b"dmarc=pass header.from=good.example\r\n"
BAD = RESULTS + b"dmarc=fail header.from=good.example\r\n"
HOP = b"Received: from x by y; Sat, 28 Nov 2026 10:00:00 +0000\r\n"
HERS = a_mail_of("good.example")

# fmt: off
TRUSTED = [
    # what stands on top                                                                              counts as
    ("the hop's own, on top",                   HOP + GOOD,                                           Check.PASSES),
    ("the hop's, under its Received",           HOP + HOP + GOOD,                                     Check.PASSES),
    ("one like it below the hop's",             HOP + BAD + HOP + GOOD,                               Check.FAILS),
    ("one like it directly below the hop's",    HOP + BAD + GOOD,                                     Check.FAILS),
    ("a hundred below the hop's",               HOP + BAD + GOOD * 100,                               Check.FAILS),
    ("below a third Received",                  HOP * 3 + GOOD,                                       Check.NONE),
    ("below a stranger's result",               HOP + b"Authentication-Results: mx.evil; none\r\n" + GOOD, Check.NONE),
    ("a name that ours is part of",             HOP + GOOD.replace(b"mx.ours", b"mx.ours.evil"),      Check.NONE),
    ("a name that is part of ours",             HOP + GOOD.replace(b"mx.ours", b"ours"),              Check.NONE),
    ("our name in a comment",                   HOP + GOOD.replace(b"mx.ours;", b"(mx.ours;) mx.evil;"), Check.NONE),
    ("about another domain",                    HOP + GOOD.replace(b"good.ex", b"evil.ex"),           Check.NONE),
    ("about a domain that ends like hers",      HOP + GOOD.replace(b"good.ex", b"verygood.ex"),       Check.NONE),
    ("her domain's pass in a comment",          HOP + RESULTS + b"dmarc=fail (dmarc=pass) header.from=good.example\r\n", Check.FAILS),
    ("her domain's pass as a reason",           HOP + RESULTS + b'dmarc=fail reason="dmarc=pass" header.from=good.example\r\n', Check.FAILS),
    ("a pass for nobody in particular",         HOP + RESULTS + b"dmarc=pass\r\n",                     Check.NONE),
    ("comments nested ninety deep",             HOP + RESULTS + b"(" * 90 + b")" * 90 + b" dmarc=pass\r\n", Check.NONE),
    ("SPF of an evil domain",                   HOP + RESULTS + b"spf=pass smtp.mailfrom=evil.example\r\n", Check.NONE),
    ("SPF of the greeting only",                HOP + RESULTS + b"spf=pass smtp.helo=good.example\r\n", Check.NONE),
    ("SPF of her organization",                 HOP + RESULTS + b"spf=pass smtp.mailfrom=x@mail.good.example\r\n", Check.PASSES),
    ("SPF that wavers",                         HOP + RESULTS + b"spf=softfail smtp.mailfrom=good.example\r\n", Check.NONE),
    ("DKIM of an evil domain",                  HOP + RESULTS + b"dkim=pass header.d=evil.example\r\n", Check.NONE),
    ("DKIM by i= of her domain",                HOP + RESULTS + b"dkim=pass header.i=@good.example\r\n", Check.PASSES),
    ("an ARC chain that is perfect",            HOP + RESULTS + b"arc=pass header.from=good.example\r\n", Check.NONE),
    ("one broken and one whole signature",      HOP + RESULTS + b"dkim=fail header.d=good.example; dkim=pass header.d=good.example\r\n", Check.PASSES),
]
# fmt: on


@pytest.mark.parametrize(("top", "said"), [row[1:] for row in TRUSTED], ids=[row[0] for row in TRUSTED])
def test_results_count_where_the_hop_put_them(top: bytes, said: Check) -> None:
    assert prove(top + HERS, question("mx.ours")).trusted is said


def test_without_a_hop_that_is_trusted_no_result_counts() -> None:
    assert prove(HOP + GOOD + HERS, question()).trusted is Check.NONE


KEY = a_key("author")[1]
PUBLIC = KEY.partition("p=")[2]
# fmt: off
KEYS = [
    # what DNS says at the selector                                           of a good signature    of a broken one
    ("a plain key",                        [KEY],                                Check.PASSES,          Check.FAILS),
    ("no version",                         [f"k=rsa; p={PUBLIC}"],               Check.PASSES,          Check.FAILS),
    ("no record",                          [],                                   Check.FAILS,           Check.FAILS),
    ("DNS failed",                         None,                                 Check.NONE,            Check.NONE),
    ("revoked",                            ["v=DKIM1; p="],                      Check.FAILS,           Check.FAILS),
    ("of a version that there isn't",      [f"v=DKIM2; p={PUBLIC}"],             Check.FAILS,           Check.FAILS),
    ("of another kind",                    [f"v=DKIM1; k=ed25519; p={PUBLIC}"],  Check.FAILS,           Check.FAILS),
    ("for another service",                [f"v=DKIM1; s=tlsrpt; p={PUBLIC}"],   Check.FAILS,           Check.FAILS),
    ("for mail alone",                     [f"v=DKIM1; s=email; p={PUBLIC}"],    Check.PASSES,          Check.FAILS),
    ("for SHA-1 alone",                    [f"v=DKIM1; h=sha1; p={PUBLIC}"],     Check.FAILS,           Check.FAILS),
    ("a tag twice",                        [f"v=DKIM1; p=; p={PUBLIC}"],         Check.FAILS,           Check.FAILS),
    ("only tried out",                     [f"v=DKIM1; t=y; p={PUBLIC}"],        Check.PASSES,          Check.NONE),
    ("no key at all",                      ["v=DKIM1; p=AAAA"],                  Check.FAILS,           Check.FAILS),
    ("a word about something else",        ["v=spf1 -all"],                      Check.FAILS,           Check.FAILS),
    ("of 60 kB",                           ["v=DKIM1; p=" + "A" * 60_000],       Check.NONE,            Check.NONE),
]
# fmt: on


@pytest.mark.parametrize(
    ("records", "whole", "broken"), [row[1:] for row in KEYS], ids=[row[0] for row in KEYS]
)
def test_a_key_says_what_it_is_for(records: list[str] | None, whole: Check, broken: Check) -> None:
    dns = {**ZONE, "s._domainkey.good.example": records}
    asked = ProofQuestion(NOW, (), lambda name: dns.get(name, []))
    raw = signed_by("good.example", HERS)
    assert prove(raw, asked).dkim is whole
    assert prove(raw.replace(b"Garlic", b"Onions"), asked).dkim is broken


def test_a_key_of_less_than_1024_bits_proves_nothing() -> None:
    short = "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK7mGUM6lV1E6f5zQK1Yg0pO1pHnC3ykGbYlHcPzUOqQ9gS1l8FvZ2J2xw5Cw7o4uVb6m0c3b1s8q3m2o1UCAwEAAQ=="
    dns = {**ZONE, "s._domainkey.good.example": [f"v=DKIM1; p={short}"]}
    raw = signed_by("good.example", HERS)
    assert prove(raw, ProofQuestion(NOW, (), lambda name: dns.get(name, []))).dkim is Check.FAILS


def by_hand(
    tags: str, when: datetime, names: str = "from:to:date:subject:message-id:content-type", raw: bytes = HERS
) -> bytes:
    """A signature of good.example with tags of one's choice."""
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = {line.partition(b":")[0].lower(): line for line in head.split(b"\r\n")}
    signer = Signer("good.example", "s", load_key(a_key("author")[0]))
    value = (
        f" v=1; a=rsa-sha256; c=relaxed/relaxed; d=good.example; s=s; t={int(when.timestamp())};{tags}"
        f" h={names}; bh={body_hash(body)}; b="
    ).encode()
    there = [name for name in dict.fromkeys(names.split(":")) if name.encode() in lines]
    fields = [Field(name, lines[name.encode()] + b"\r\n") for name in there]
    own = relaxed(Field("dkim-signature", b"dkim-signature:" + value))
    text = b"".join(map(relaxed, fields)) + own.removesuffix(b"\r\n")
    made = b64encode(signer.sign_digest(hashlib.sha256(text).digest()))
    return b"DKIM-Signature:" + value + made + b"\r\n" + raw


SOON, LONG = int((NOW + timedelta(hours=2)).timestamp()), int((NOW + timedelta(days=7)).timestamp())
PAST = int((NOW - timedelta(hours=1)).timestamp())
# fmt: off
AGES = [
    # signed                                        tags               counts          From can stay
    ("just now",              NOW,                       "",                Check.PASSES,   True),
    ("six days ago",          NOW - timedelta(days=6),   "",                Check.PASSES,   True),
    ("eight days ago",        NOW - timedelta(days=8),   "",                Check.NONE,     True),
    ("tomorrow",              NOW + timedelta(days=1),   "",                Check.FAILS,    False),
    ("for a week",            NOW,                       f" x={LONG};",     Check.PASSES,   True),
    ("for two hours more",    NOW,                       f" x={SOON};",     Check.PASSES,   False),
    ("till an hour ago",      NOW - timedelta(hours=2),  f" x={PAST};",     Check.NONE,     False),
    ("for part of the body",  NOW,                       " l=5;",           Check.FAILS,    False),
    ("for somebody within",   NOW,                       " i=@mail.good.example;", Check.PASSES, True),
    ("for somebody outside",  NOW,                       " i=@evil.example;", Check.FAILS,  False),
    ("by a version to come",  NOW,                       " q=carrier/pigeon;", Check.FAILS, False),
]
# fmt: on


@pytest.mark.parametrize(
    ("when", "tags", "counts", "stays"), [row[1:] for row in AGES], ids=[r[0] for r in AGES]
)
def test_a_signature_counts_while_it_lives(when: datetime, tags: str, counts: Check, stays: bool) -> None:
    proof = prove(by_hand(tags, when), question())
    assert (proof.dkim, proof.intact) == (counts, stays)


def test_what_a_signature_allows_no_more_of_is_known() -> None:
    raw = by_hand("", NOW, "from:to:date:subject:message-id:content-type:from:list-id:reply-to:cc")
    assert prove(raw, question()).guards == ("cc", "from", "list-id", "reply-to")


def test_a_signature_by_ed25519_passes_and_one_of_another_key_does_not() -> None:
    key = Ed25519PrivateKey.generate()
    raw_key = key.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
    public = b64encode(key.public_key().public_bytes_raw()).decode()
    raw = _by_ed25519(raw_key)
    for published, said in ((public, Check.PASSES), (b64encode(bytes(32)).decode(), Check.FAILS)):
        dns = {**ZONE, "e._domainkey.good.example": [f"v=DKIM1; k=ed25519; p={published}"]}
        assert prove(raw, ProofQuestion(NOW, (), lambda name, dns=dns: dns.get(name, []))).dkim is said  # type: ignore[misc]


def _by_ed25519(private: bytes) -> bytes:
    head, _, body = HERS.partition(b"\r\n\r\n")
    names = ("from", "to", "date", "subject", "message-id", "content-type")
    lines = {line.partition(b":")[0].lower().decode(): line for line in head.split(b"\r\n")}
    value = (
        f" v=1; a=ed25519-sha256; c=relaxed/relaxed; d=good.example; s=e; t={int(NOW.timestamp())};"
        f" h={':'.join(names)}; bh={body_hash(body)}; b="
    ).encode()
    own = relaxed(Field("dkim-signature", b"dkim-signature:" + value)).removesuffix(b"\r\n")
    text = b"".join(relaxed(Field(n, lines[n] + b"\r\n")) for n in names) + own
    made = Ed25519PrivateKey.from_private_bytes(private).sign(hashlib.sha256(text).digest())
    return b"DKIM-Signature:" + value + b64encode(made) + b"\r\n" + HERS


@pytest.mark.parametrize("kilobytes", [4, 200])
def test_two_thousand_signatures_cost_ten_questions_and_less_than_a_second(kilobytes: int) -> None:
    asked: list[str] = []

    def txt(name: str) -> list[str] | None:
        asked.append(name)
        return [KEY] if "_domainkey" in name else ZONE.get(name, [])

    one = signed_by("good.example", HERS).partition(b"From: ")[0]
    bombs = b"".join(one.replace(b" s=s;", b" s=s%d;" % n).replace(b"b=", b"b=A") for n in range(400))
    raw = bombs + HERS + b"Words, words, words.\r\n" * (kilobytes * 48)
    began = time.process_time()
    proof = prove(raw, ProofQuestion(NOW, (), txt))
    assert time.process_time() - began < 5
    assert proof.dkim is Check.FAILS and len(asked) <= 10


def test_signatures_of_a_thousand_subdomains_ask_no_more_than_ten_names() -> None:
    asked: list[str] = []

    def txt(name: str) -> list[str] | None:
        asked.append(name)
        return []

    one = signed_by("good.example", HERS).partition(b"From: ")[0]
    many = b"".join(one.replace(b"d=good", b"d=n%d.good" % n) for n in range(300))
    prove(many + HERS, ProofQuestion(NOW, (), txt))
    assert len(asked) <= 10


def test_a_signed_mail_that_is_replayed_to_the_list_proves_nothing() -> None:
    private = signed_by("good.example", a_mail_of("good.example", to="mal@evil.example"))
    replayed = f"To: {BOOK}\r\nSubject: wire the money\r\n".encode() + private
    mail = parse(replayed, prove(replayed, question()))
    assert isinstance(mail, Mail) and mail.proof.dkim is Check.NONE
    assert isinstance(judge(mail, the_facts(member=a_member(address=mail.author))), Hold)


@pytest.mark.parametrize("author", [f"owner@{DOMAIN}", f"book@{DOMAIN}", f"kim@{DOMAIN}"])
def test_a_from_of_our_own_domain_is_held_and_not_signed_unless_it_is_proven(author: str) -> None:
    """A16: our signature would make it pass. It is asked about where it is a member's."""
    raw = a_mail_of("x.example").replace(b"ana@x.example", author.encode())
    mail = parse(raw, prove(raw, question()))
    assert isinstance(mail, Mail) and mail.author is not None
    assert judge(mail, the_facts(member=None)) == Hold("stranger")
    member = a_member(address=mail.author)
    assert judge(mail, the_facts(member=member)) == Hold("unproven")
    assert judge(mail, the_facts(member=member, list=a_list(probation=0))) == Hold("unproven")


def test_a_strict_own_domain_is_forged_as_any_other() -> None:
    assert Proof().policy is Policy.ABSENT
    raw = a_mail_of(DOMAIN)
    dns = {f"_dmarc.{DOMAIN}": ["v=DMARC1; p=reject"]}
    mail = parse(raw, prove(raw, ProofQuestion(NOW, (), lambda name: dns.get(name, []))))
    assert isinstance(mail, Mail)
    assert judge(mail, the_facts(member=a_member(address=mail.author))) == Hold("forged")


def test_dkimpy_reads_the_signatures_made_by_hand_as_we_do() -> None:
    raw = by_hand("", NOW)
    assert dkim.DKIM(raw).verify(0, dnsfunc=lambda name, timeout=5: KEY.encode())
