"""ARC sets (RFC 8617): chains judged as they deserve, ours made so that dkimpy agrees, and never a proof."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.decide import kept_post
from listserv.core.rules import judge as posting
from listserv.core.types import Check, Mail, Post
from listserv.core.verdicts import Hold
from listserv.mail.arc import Chain, judge, sealed
from listserv.mail.compose import Frame, HiddenFrom, KeptFrom, Personal, Variant, personal, variant
from listserv.mail.fields import Field, split
from listserv.mail.parse import parse
from listserv.mail.proof import ProofQuestion, prove
from listserv.mail.sealing import ArcSeal, unsealed
from listserv.mail.signing import Signer, body_hash, load_key, relaxed
from tests.kit.people import BOOK, DOMAIN, NOW, a_list, a_member, the_facts
from tests.kit.signed import a_key, a_mail_of, signed_by
from tests.kit.strict_receiver import signers

HOP = Signer("hop.example", "s", load_key(a_key("hop")[0]))
OURS = Signer(DOMAIN, "ls1", load_key(a_key("ours")[0]))
ZONE: dict[str, str] = {
    "s._domainkey.hop.example": a_key("hop")[1],
    "s._domainkey.good.example": a_key("author")[1],
    f"ls1._domainkey.{DOMAIN}": a_key("ours")[1],
    "_dmarc.good.example": "v=DMARC1; p=reject",
}
MAIL = a_mail_of("good.example")
WHEN = 1795900000


def txt(name: str) -> list[str] | None:
    return [ZONE[name]] if name in ZONE else []


def verdict(raw: bytes) -> str:
    """Ours."""
    fields, _, body = split(raw)
    return str(judge(fields, body, txt) or "nobody can go on with it")


def dkimpys(raw: bytes) -> str:
    """The other program's: pass, fail or none."""
    cv, _, _ = dkim.arc_verify(
        raw, dnsfunc=lambda name, timeout=5: ZONE.get(name.decode().rstrip("."), "").encode()
    )
    return "none" if cv is None else str(cv.decode())


def passed_on(raw: bytes, verdict: str = "", times: int = 1) -> bytes:
    """The mail as it leaves a hop that seals."""
    for _ in range(times):
        fields, _, body = split(raw)
        count = sum(field.name == "arc-seal" for field in fields)
        chain = Chain(verdict or ("pass" if count else "none"), count)
        raw = sealed(fields, body_hash(body), chain, "dmarc=pass header.from=good.example", (HOP, WHEN)) + raw
    return raw


def by_dkimpy(raw: bytes) -> bytes:
    """The mail with a set of another program's."""
    srv, key = b"hop.example", a_key("hop")[0]
    said = b"arc=pass; " if b"ARC-Seal" in raw else b""
    results = b"Authentication-Results: hop.example; " + said + b"dmarc=pass header.from=good.example\r\n"
    return b"".join(dkim.arc_sign(results + raw, b"s", b"hop.example", key, srv)) + raw


def without(raw: bytes, name: str, number: int) -> bytes:
    fields, gap, body = split(raw)
    kept = [f for f in fields if not (f.name == name and f"i={number};".encode() in f.raw)]
    return b"".join(f.raw for f in kept) + gap + body


def edited(raw: bytes, name: str, old: bytes, new: bytes, number: int = 1) -> bytes:
    fields, gap, body = split(raw)
    mine = f"i={number};".encode()
    made = [f.raw.replace(old, new) if f.name == name and mine in f.raw else f.raw for f in fields]
    assert b"".join(made) != b"".join(f.raw for f in fields)
    return b"".join(made) + gap + body


def doubled(raw: bytes, name: str) -> bytes:
    fields, gap, body = split(raw)
    return b"".join(f.raw * (1 + (f.name == name)) for f in fields) + gap + body


def shuffled(raw: bytes) -> bytes:
    """The sets in another order: their numbers say how they belong together, not their places."""
    fields, gap, body = split(raw)
    arc = [f for f in fields if f.name.startswith("arc-")]
    return b"".join(f.raw for f in (*reversed(arc), *(f for f in fields if f not in arc))) + gap + body


BROKEN = "nobody can go on with it"
ONE, TWO, FIFTY = passed_on(MAIL), passed_on(MAIL, times=2), passed_on(MAIL, times=50)
AMS, AAR, SEAL = "arc-message-signature", "arc-authentication-results", "arc-seal"
# fmt: off
CHAINS = [
    # a chain                                       the mail                                                ours       dkimpy's
    ("none",                                        MAIL,                                                   "none 0",  "none"),
    ("one set",                                     ONE,                                                    "pass 1",  "pass"),
    ("two sets",                                    TWO,                                                    "pass 2",  "pass"),
    ("of another program",                          by_dkimpy(MAIL),                                        "pass 1",  "pass"),
    ("of two programs",                             passed_on(by_dkimpy(passed_on(MAIL))),                  "pass 3",  "pass"),
    ("fifty sets",                                  FIFTY,                                                  "pass 50", ""),
    ("the sets in another order",                   shuffled(TWO),                                          "pass 2",  ""),
    ("the header folded anew",                      ONE.replace(b"Subject: When do", b"subject:  When\r\n\tdo"), "pass 1", "pass"),
    ("blanks at the ends of lines",                 ONE.replace(b"goes in now.", b"goes  in now. "),        "pass 1",  "pass"),
    ("the body changed",                            ONE.replace(b"Garlic", b"Onions"),                      "fail 1",  "fail"),
    ("the subject changed",                         ONE.replace(b"your garlic", b"your onion"),             "fail 1",  "fail"),
    ("the body changed between two hops",           passed_on(ONE.replace(b"Garlic", b"Onions")),           "pass 2",  "pass"),
    ("the youngest signature's body hash changed",  edited(ONE, AMS, b"bh=", b"bh=A"),                      "fail 1",  "fail"),
    ("an older message signature changed",          edited(TWO, AMS, b" t=1", b" t=2"),                     "fail 2",  "fail"),
    ("an older seal changed",                       edited(TWO, SEAL, b"t=1", b"t=2"),                      "fail 2",  "fail"),
    ("the results of a set changed",                edited(ONE, AAR, b"dmarc=pass", b"dmarc=fail"),         "fail 1",  "fail"),
    ("no key in DNS",                               edited(ONE, SEAL, b"s=s;", b"s=gone;"),                 "fail 1",  "fail"),
    ("an algorithm that there isn't",               edited(ONE, SEAL, b"rsa-sha256", b"rsa-sha1"),          "fail 1",  "fail"),
    ("a canonicalization that there isn't",         edited(ONE, AMS, b"relaxed/relaxed", b"relaxed/fancy"), "fail 1",  ""),
    ("a seal that names fields",                    edited(ONE, SEAL, b" cv=none;", b" cv=none; h=from;"),  "fail 1",  "fail"),
    ("a seal without its signature",                edited(ONE, SEAL, b"\r\n b=", b"\r\n x="),              "fail 1",  ""),
    ("no seal",                                     without(ONE, SEAL, 1),                                  BROKEN,    "fail"),
    ("no message signature",                        without(ONE, AMS, 1),                                   BROKEN,    "fail"),
    ("no results",                                  without(ONE, AAR, 1),                                   BROKEN,    "fail"),
    ("an older set lacks its seal",                 without(TWO, SEAL, 1),                                  BROKEN,    "fail"),
    ("a set twice",                                 doubled(doubled(doubled(ONE, SEAL), AMS), AAR),         BROKEN,    ""),
    ("a seal twice",                                doubled(ONE, SEAL),                                     BROKEN,    "fail"),
    ("a gap in the numbers",                        ONE.replace(b"i=1;", b"i=2;"),                          BROKEN,    "fail"),
    ("numbers from 0",                              ONE.replace(b"i=1;", b"i=0;"),                          BROKEN,    ""),
    ("a number that is none",                       ONE.replace(b"i=1;", b"i=one;"),                        BROKEN,    ""),
    ("the first says pass",                         passed_on(MAIL, "pass"),                                BROKEN,    "fail"),
    ("the second says none",                        passed_on(ONE, "none"),                                 BROKEN,    "fail"),
    ("it has failed before",                        passed_on(ONE, "fail"),                                 BROKEN,    "none"),
    ("fifty-one sets",                              edited(edited(edited(FIFTY, SEAL, b"i=50;", b"i=51;", 50), AMS, b"i=50;", b"i=51;", 50), AAR, b"i=50;", b"i=51;", 50), BROKEN, ""),
]
# fmt: on


@pytest.mark.parametrize(
    ("raw", "ours", "theirs"), [row[1:] for row in CHAINS], ids=[row[0] for row in CHAINS]
)
def test_a_chain_stands_as_it_deserves(raw: bytes, ours: str, theirs: str) -> None:
    assert verdict(raw) == ours
    assert theirs in ("", dkimpys(raw))


def test_a_key_that_cannot_be_looked_up_leaves_a_chain_alone() -> None:
    fields, _, body = split(ONE)
    assert judge(fields, body, lambda name: None) is None


def test_a_set_more_than_fifty_is_not_added() -> None:
    fields, _, body = split(FIFTY)
    assert sealed(fields, body_hash(body), Chain("pass", 50), "none", (OURS, WHEN)) == b""


def test_no_header_makes_judging_raise() -> None:
    for trash in (
        b"",
        b"i=1",
        b"i=1; a",
        b"i=1; b=\xff; d=\xff; s=",
        b"i=" + b"9" * 5000,
        b"=" * 3000,
        b";" * 3000,
    ):
        raw = b"".join(name.encode() + b": " + trash + b"\r\n" for name in (SEAL, AMS, AAR)) + MAIL
        assert verdict(raw) in (BROKEN, "fail 1")


@given(st.sampled_from((SEAL, AMS, AAR)), st.binary(max_size=80), st.integers(0, 400))
def test_no_bytes_put_into_a_chain_make_judging_raise(name: str, trash: bytes, at: int) -> None:
    fields, gap, body = split(ONE)
    made = [f.raw[:at] + trash + f.raw[at:] if f.name == name else f.raw for f in fields]
    assert verdict(b"".join(made) + gap + body) in (BROKEN, "none 0", "pass 1", "fail 1")


def test_a_message_signature_in_simple_form_is_read_too() -> None:
    head, _, words = MAIL.partition(b"\r\n\r\n")
    subject = next(line for line in head.split(b"\r\n") if line.startswith(b"Subject:"))
    digest = b64encode(hashlib.sha256(words.rstrip(b"\r\n") + b"\r\n").digest()).decode()
    own = (
        f"ARC-Message-Signature: i=1; a=rsa-sha256; c=simple; d=hop.example; s=s; h=subject; bh={digest}; b="
    )
    signed = hashlib.sha256(subject + b"\r\n" + own.encode()).digest()
    made = own.encode() + b64encode(HOP.sign_digest(signed)) + b"\r\n"
    answers = b"ARC-Authentication-Results: i=1; hop.example; none\r\n"
    seal = "arc-seal:i=1; a=rsa-sha256; cv=none; d=hop.example; s=s; b="
    text = relaxed(Field(AAR, answers)) + relaxed(Field(AMS, made)) + seal.encode()
    sealed_by = seal.encode() + b64encode(HOP.sign_digest(hashlib.sha256(text).digest())) + b"\r\n"
    raw = sealed_by + made + answers + MAIL
    assert (verdict(raw), dkimpys(raw)) == ("pass 1", "pass")
    assert verdict(raw.replace(b"Subject: When", b"Subject:  When")) == "fail 1"


# -- our own copies ---------------------------------------------------------------------------------


def a_variant(raw: bytes, **settings: str) -> tuple[Variant, Post]:
    """A post with what was seen of its chain when it came, and what all its copies share."""
    mail = parse(raw, prove(raw, ProofQuestion(datetime.now(UTC), (), txt, arc=True)))
    assert isinstance(mail, Mail) and mail.author is not None
    kept = kept_post(mail, the_facts(member=a_member(address=mail.author)))
    post = Post(7, 1, 3, mail.message_id, "h" * 32, mail.author, "Ana", "x", NOW, "0" * 64, chain=kept.chain)
    return variant(raw, post, Frame(a_list(**settings), DOMAIN, f"https://{DOMAIN}"), KeptFrom()), post


def the_copy(made: Variant, token: str = "aaaabcdefghijklmnopq") -> bytes:
    to = Personal(f"https://{DOMAIN}/u/{token}", f"mailto:book+leave@{DOMAIN}")
    return personal(made, OURS, to, WHEN) + made.tail


SIGNED = signed_by("good.example", MAIL)
# fmt: off
SEALED = [
    # what came                       settings               ours is    and says   of DMARC
    ("a plain mail",                  SIGNED,                      {},                    1, "none", "dmarc=pass"),
    ("an unsigned mail",              MAIL,                        {},                    1, "none", "dmarc=none"),
    ("a broken signature",            SIGNED.replace(b"Gar", b"Bar"), {},                 1, "none", "dmarc=fail"),
    ("with a footer",                 SIGNED,                      {"footer": "Bye"},     1, "none", "dmarc=pass"),
    ("one that was sealed before",    passed_on(SIGNED),           {},                    2, "pass", "dmarc=pass"),
    ("sealed before, with a footer",  passed_on(SIGNED, times=2),  {"footer": "Bye"},     3, "pass", "dmarc=pass"),
]
# fmt: on


@pytest.mark.parametrize(
    ("raw", "settings", "number", "says", "found"),
    [row[1:] for row in SEALED],
    ids=[row[0] for row in SEALED],
)
def test_every_copy_carries_a_set_that_dkimpy_verifies_beside_our_signature(
    raw: bytes, settings: dict[str, str], number: int, says: str, found: str
) -> None:
    made, post = a_variant(raw, **settings)
    made = ArcSeal(OURS)(made, post, WHEN)
    for token in ("aaaabcdefghijklmnopq", "bbbbcdefghijklmnopqr"):
        copy = the_copy(made, token)
        assert (verdict(copy), dkimpys(copy)) == (f"pass {number}", "pass")
        assert DOMAIN in signers(copy, ZONE)
    assert made.body == a_variant(raw, **settings)[0].body
    (answers,) = [
        f for f in split(copy)[0] if f.name == AAR and f.raw.startswith(b"ARC-A") and DOMAIN in f.text
    ]
    assert f"i={number}; {DOMAIN}; {found} header.from=good.example; arc={says}" == re.sub(
        r"\s+", " ", answers.text
    )
    (seal, *_) = [f for f in split(copy)[0] if f.name == SEAL]
    assert f"cv={says};" in seal.text


def test_a_chain_that_fails_gets_a_set_that_says_so() -> None:
    made, post = a_variant(passed_on(SIGNED).replace(b"Subject: When", b"Subject: Then"))
    copy = the_copy(ArcSeal(OURS)(made, post, WHEN))
    assert b" cv=fail;" in copy and dkimpys(copy) == "none"  # it goes no further


@pytest.mark.parametrize("raw", [without(ONE, SEAL, 1), passed_on(ONE, "fail"), FIFTY])
def test_a_chain_that_is_broken_or_full_is_left_alone(raw: bytes) -> None:
    made, post = a_variant(raw)
    assert ArcSeal(OURS)(made, post, WHEN) == made


def test_a_list_that_hides_its_authors_seals_nothing_for_a_set_would_name_them() -> None:
    _, post = a_variant(SIGNED)
    hidden = HiddenFrom(replace(BOOK, local="ana.r4k2mmpq"), "Ana", f"public@{DOMAIN}")
    made = variant(passed_on(SIGNED), post, Frame(a_list(), DOMAIN, f"https://{DOMAIN}"), hidden)
    assert ArcSeal(OURS)(made, replace(post, from_="hidden"), WHEN) == made
    assert b"ARC-" not in made.tail and b"good.example" not in made.tail


def test_without_the_setting_nobody_looks_at_a_chain_and_nothing_is_added() -> None:
    mail = parse(ONE, prove(ONE, ProofQuestion(datetime.now(UTC), (), txt)))
    assert isinstance(mail, Mail) and mail.proof.chain == ""
    made, post = a_variant(SIGNED)
    assert unsealed(made, post, WHEN) is made
    assert ArcSeal(OURS)(made, replace(post, chain=""), WHEN) is made


def test_a_perfect_chain_proves_nothing_a_forged_from_is_held() -> None:
    raw = passed_on(MAIL, times=3)
    proof = prove(raw, ProofQuestion(datetime.now(UTC), ("mx.ours",), txt, arc=True))
    assert (proof.chain, proof.verdict) == ("pass 3", Check.NONE)
    mail = parse(raw, proof)
    assert isinstance(mail, Mail)
    assert posting(mail, the_facts(member=a_member(address=mail.author))) == Hold("forged")


def test_fifty_sets_of_fifty_domains_ask_ten_names_at_most() -> None:
    asked: list[str] = []

    def ask(name: str) -> list[str]:
        asked.append(name)
        return [a_key("hop")[1]]

    fields, gap, body = split(FIFTY)
    many = [
        Field(f.name, f.raw.replace(b"d=hop.example", b"d=n%d.example" % n)) for n, f in enumerate(fields)
    ]
    prove(b"".join(f.raw for f in many) + gap + body, ProofQuestion(datetime.now(UTC), (), ask, arc=True))
    assert len([name for name in asked if "_domainkey" in name]) <= 10
