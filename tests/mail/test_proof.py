"""What counts as proof of From, and what never does. Signatures are made by dkimpy; DNS is a table."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.types import Check, Policy, Proof
from listserv.mail.dmarc import organization_of, published
from listserv.mail.proof import ProofQuestion, prove
from tests.kit.corpora import corpus

ODD = Path(__file__).parent / "odd"

# dkimpy signs and verifies by the machine's clock.
NOW = datetime.now(UTC)
Dns = Mapping[str, list[str] | None]
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
)
PUBLIC = KEY.public_key().public_bytes(
    serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
)
RECORD = "v=DKIM1; k=rsa; p=" + base64.b64encode(PUBLIC).decode()
MAIL = (
    b"From: Ana <ana@good.example>\r\nTo: book@lists.example\r\nSubject: hi\r\n"
    b"Date: "
    + NOW.strftime("%a, %d %b %Y %H:%M:%S +0000").encode()
    + b"\r\nMessage-ID: <1@good.example>\r\n\r\nhello\r\n"
)
ALL = (b"from", b"to", b"subject", b"date", b"message-id")
ORGANIZATION = "good.example"
REJECT = {"_dmarc.good.example": ["v=DMARC1; p=reject"]}


def signed(
    raw: bytes = MAIL, domain: str = "good.example", headers: tuple[bytes, ...] = ALL, **how: Any
) -> bytes:
    field: bytes = dkim.sign(raw, b"s", domain.encode(), PEM, include_headers=list(headers), **how)
    return field + raw


def ask(raw: bytes, dns: Dns | None = None, *ids: str, now: datetime = NOW) -> Proof:
    known: Dns = {"s._domainkey.good.example": [RECORD], **(dns or {})}
    return prove(raw, ProofQuestion(now, ids, lambda name: known.get(name, [])))


def test_an_aligned_signature_that_covers_what_matters_passes() -> None:
    assert ask(signed(), REJECT) == Proof(
        Check.PASSES, Check.NONE, Policy.REJECT, intact=True, organization=ORGANIZATION
    )


def test_a_mail_that_was_changed_fails() -> None:
    changed = signed().replace(b"hello", b"hallo")
    assert ask(changed, REJECT) == Proof(
        Check.FAILS, Check.NONE, Policy.REJECT, intact=False, organization=ORGANIZATION
    )


@pytest.mark.parametrize("missing", [b"to", b"date"])
def test_a_signature_that_leaves_out_what_matters_only_keeps_the_from(missing: bytes) -> None:
    proof = ask(signed(headers=tuple(name for name in ALL if name != missing)))
    assert (proof.dkim, proof.intact) == (Check.NONE, True)


@pytest.mark.parametrize(
    "field",
    [
        b"Cc: book@lists.example\r\n",
        b"To: book@lists.example\r\n",
        b"Subject: something else\r\n",
        b"Message-ID: <2@good.example>\r\n",
        b"Content-Type: text/html\r\n",
    ],
)
def test_a_signed_mail_with_an_unsigned_field_put_in_front_proves_nothing(field: bytes) -> None:
    assert ask(field + signed(), REJECT).dkim is Check.NONE


@pytest.mark.parametrize("missing", [b"subject", b"message-id"])
def test_a_field_that_says_what_a_mail_is_must_be_signed_where_it_is_there(missing: bytes) -> None:
    assert ask(signed(headers=tuple(name for name in ALL if name != missing))).dkim is Check.NONE


def test_a_signature_over_part_of_the_body_proves_nothing() -> None:
    raw = signed(length=True) + b"and a command\r\n"
    assert ask(raw).dkim is Check.NONE


def test_a_signature_older_than_seven_days_proves_nothing() -> None:
    assert ask(signed(), now=NOW + timedelta(days=8)).dkim is Check.NONE
    assert ask(signed(), now=NOW + timedelta(days=6)).dkim is Check.PASSES


def test_somebody_elses_signature_says_nothing_of_the_from() -> None:
    dns: dict[str, list[str] | None] = {"s._domainkey.evil.example": [RECORD]}
    assert ask(signed(domain="evil.example"), dns) == Proof(organization=ORGANIZATION)


@pytest.mark.parametrize("first", [b"From: boss@good.example\r\n", b"From: Boss <boss@other.example>\r\n"])
def test_with_two_from_fields_nothing_counts(first: bytes) -> None:
    assert ask(first + signed(), REJECT) == Proof()


@pytest.mark.parametrize(
    "value", [b"ana@good.example <mal@evil.example>", b"Team:;", b"a@x.example, b@y.example"]
)
def test_an_ambiguous_from_has_no_proof_and_no_policy(value: bytes) -> None:
    assert ask(b"From: " + value + b"\r\n\r\nx", REJECT) == Proof()


def test_a_key_that_cannot_be_looked_up_is_no_failure() -> None:
    assert ask(signed(), {"s._domainkey.good.example": None}).dkim is Check.NONE


def test_hundreds_of_signatures_cost_five_checks_and_ten_questions() -> None:
    asked: list[str] = []

    def txt(name: str) -> list[str] | None:
        asked.append(name)
        return [RECORD] if "_domainkey" in name else []

    field, _, _ = signed().partition(b"From: ")
    many = b"".join(field.replace(b"s=s;", b"s=s%d;" % n) for n in range(400))
    assert prove(many + MAIL, ProofQuestion(NOW, (), txt)).dkim is Check.FAILS
    assert len(asked) <= 10


def test_a_body_made_to_be_slow_is_not_checked_at_all() -> None:
    raw = signed(MAIL, canonicalize=(b"relaxed", b"relaxed")) + b"a b  c \r\n" * 2_000_000
    assert ask(raw).dkim is Check.NONE


def test_a_subdomain_is_aligned_unless_the_domain_wants_it_exact() -> None:
    raw = signed(MAIL.replace(b"ana@good", b"ana@mail.good"))
    assert ask(raw, REJECT).dkim is Check.PASSES
    strict: dict[str, list[str] | None] = {"_dmarc.good.example": ["v=DMARC1; p=reject; adkim=s"]}
    assert ask(raw, strict).dkim is Check.NONE


def test_the_ed25519_sample_whose_key_wants_the_exact_domain_fails() -> None:
    raw = (ODD / "dkim-key-wants-the-exact-domain.msg").read_bytes()
    raw = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n").replace(b"joe@football.", b"joe@")
    record = "v=DKIM1; k=ed25519; t=s; p=SvoPT692bVrQBT8UNxt6SF538O3snA4fE3/i/glCxwQ="
    assert ask(raw, {"selector._domainkey.example.com": [record]}).dkim is Check.FAILS


def test_five_of_the_samples_seven_ed25519_signatures_are_tried_and_verify() -> None:
    raw = (ODD / "dkim-seven-ed25519-signatures.msg").read_bytes()
    raw = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    record = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
    proof = ask(raw, {"brisbane._domainkey.football.example.com": [record]})
    assert (proof.dkim, proof.intact) == (Check.NONE, True)  # intact, but years old


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        (b"mx.ours; dmarc=pass header.from=good.example", Check.PASSES),
        (b"mx.ours; dmarc=fail header.from=good.example; spf=pass smtp.mailfrom=x@good.example", Check.FAILS),
        (b"mx.ours; dmarc=pass header.from=evil.example", Check.NONE),
        (b"mx.ours; dkim=pass header.d=good.example", Check.PASSES),
        (b"mx.ours; dkim=pass header.d=evil.example", Check.NONE),
        (b"mx.ours; spf=pass smtp.mailfrom=bounce@good.example", Check.PASSES),
        (b"mx.ours; spf=fail smtp.mailfrom=ana@good.example", Check.FAILS),
        (b"mx.ours; none", Check.NONE),
        (b"mx.theirs; dmarc=pass header.from=good.example", Check.NONE),
        (b"mx.ours" + b"(" * 90, Check.NONE),
        (b"mx.ours; dmarc==;;pass", Check.NONE),
    ],
)
def test_a_trusted_hops_results_count_and_no_others(results: bytes, verdict: Check) -> None:
    raw = b"Authentication-Results: " + results + b"\r\n" + MAIL
    assert ask(raw, None, "MX.ours").trusted is verdict


def test_results_below_a_strangers_or_below_the_hop_are_forged() -> None:
    good = b"Authentication-Results: mx.ours; dmarc=pass header.from=good.example\r\n"
    other = b"Authentication-Results: mx.theirs; none\r\n"
    hop = b"Received: from x by y\r\n"
    assert ask(other + good + MAIL, None, "mx.ours").trusted is Check.NONE
    assert ask(hop * 3 + good + MAIL, None, "mx.ours").trusted is Check.NONE
    assert ask(hop + good + hop + MAIL, None, "mx.ours").trusted is Check.PASSES
    assert ask(good + MAIL).trusted is Check.NONE


@pytest.mark.parametrize(
    ("dns", "domain", "policy"),
    [
        ({}, "good.example", Policy.ABSENT),
        ({"_dmarc.good.example": ["v=DMARC1; p=none"]}, "good.example", Policy.NONE),
        ({"_dmarc.good.example": ["v=DMARC1; p=reject; t=y"]}, "good.example", Policy.QUARANTINE),
        ({"_dmarc.good.example": ["v=DMARC1; p=reject; sp=none"]}, "a.b.good.example", Policy.NONE),
        ({"_dmarc.good.example": ["v=DMARC1; p=none; np=reject"]}, "gone.good.example", Policy.REJECT),
        (
            {"_dmarc.good.example": ["v=DMARC1; p=none; np=reject"], "mail.good.example": ["v=spf1 -all"]},
            "mail.good.example",
            Policy.NONE,
        ),
        ({"_dmarc.good.example": ["v=DMARC1; p=none", "v=DMARC1; p=reject"]}, "good.example", Policy.ABSENT),
        (
            {"_dmarc.good.example": ["v=spf1 -all", "v=DMARC1; p=quarantine"]},
            "good.example",
            Policy.QUARANTINE,
        ),
        ({"_dmarc.good.example": ["v=DMARC1; p=odd; rua=mailto:x@y"]}, "good.example", Policy.NONE),
        ({"_dmarc.good.example": ["v=DMARC1; p=odd"]}, "good.example", Policy.ABSENT),
        ({"_dmarc.good.example": ["v=DMARC1; p=reject; sp=odd"]}, "good.example", Policy.ABSENT),
        (
            {"_dmarc.good.example": ["v=DMARC1; p=reject; np=odd; rua=mailto:x@y"]},
            "good.example",
            Policy.NONE,
        ),
        ({"_dmarc.good.example": ["v=DMARC1; rua=mailto:x@y"]}, "good.example", Policy.NONE),
        ({"_dmarc.good.example": ["v=DMARC1"]}, "good.example", Policy.NONE),
        ({"_dmarc.good.example": ["v=dmarc1; p=reject"]}, "good.example", Policy.ABSENT),
        ({"_dmarc.good.example": ["p=reject; v=DMARC1"]}, "good.example", Policy.ABSENT),
        ({"_dmarc.good.example": ["V = DMARC1 ;P= Reject "]}, "good.example", Policy.REJECT),
        ({"_dmarc.good.example": ["v=DMARC1; p=reject; p=none"]}, "good.example", Policy.REJECT),
        ({"_dmarc.good.example": ["v=DMARC1; p=quarantine; t=y"]}, "good.example", Policy.NONE),
        ({"_dmarc.good.example": ["v=DMARC1; p=reject; pct=0"]}, "good.example", Policy.REJECT),
        ({"_dmarc.good.example": ["v=DMARC1; p=none; sp=reject"]}, "good.example", Policy.NONE),
        ({"_dmarc.good.example": ["v=DMARC1; p=none; sp=reject"]}, "a.good.example", Policy.REJECT),
        # Two records are none; the walk goes on above them.
        (
            {
                "_dmarc.a.good.example": ["v=DMARC1; p=none"] * 2,
                "_dmarc.good.example": ["v=DMARC1; p=reject"],
            },
            "a.good.example",
            Policy.REJECT,
        ),
        # What fails above a record of one's own changes nothing; what fails below one may hide it.
        (
            {"_dmarc.good.example": ["v=DMARC1; p=reject"], "_dmarc.example": None},
            "good.example",
            Policy.REJECT,
        ),
        (
            {"_dmarc.good.example": ["v=DMARC1; p=none"], "_dmarc.example": None},
            "a.good.example",
            Policy.UNKNOWN,
        ),
        ({"_dmarc.a.good.example": None, **REJECT}, "a.good.example", Policy.UNKNOWN),
        (
            {"_dmarc.good.example": ["v=DMARC1; p=none; np=reject"], "x.good.example": None},
            "x.good.example",
            Policy.REJECT,
        ),
        ({"_dmarc.good.example": None}, "good.example", Policy.UNKNOWN),
        ({"_dmarc.example": ["v=DMARC1; p=reject; psd=y"]}, "good.example", Policy.REJECT),
        ({"_dmarc.example": ["v=DMARC1; psd=y; np=reject"]}, "gone.example", Policy.REJECT),
    ],
)
def test_a_policy_is_found_as_rfc_9989_walks(
    dns: dict[str, list[str] | None], domain: str, policy: Policy
) -> None:
    assert published(domain, lambda name: dns.get(name, [])).policy is policy


def test_an_organization_ends_where_a_registry_begins() -> None:
    dns = {"_dmarc.uk": ["v=DMARC1; p=none; psd=y"], "_dmarc.a.good.uk": ["v=DMARC1; p=none"]}
    assert organization_of("x.a.good.uk", lambda name: dns.get(name, [])) == "good.uk"
    own = {"_dmarc.a.good.uk": ["v=DMARC1; p=none; psd=n"], **dns}
    own["_dmarc.a.good.uk"] = ["v=DMARC1; p=none; psd=n"]
    assert organization_of("x.a.good.uk", lambda name: own.get(name, [])) == "a.good.uk"


# fmt: off
ALIGNED = [
    # From at                 signed by               what is published                                    it speaks for From
    ("good.example",         "good.example",         {},                                                   True),
    ("mail.good.example",    "good.example",         {},                                                   False),
    ("mail.good.example",    "good.example",         {"good": "p=none"},                                   True),
    ("good.example",         "mail.good.example",    {"good": "p=none"},                                   True),
    ("a.good.example",       "b.good.example",       {"good": "p=none"},                                   True),
    ("a.good.example",       "b.good.example",       {"good": "p=none; adkim=s"},                          False),
    ("good.example",         "evil.example",         {"good": "p=none", "evil": "p=none"},                 False),
    ("good.example",         "evil.example",         {"": "p=reject; psd=y"},                              False),
    ("a.good.example",       "b.good.example",       {"good": "p=none", "b.good": "p=none; psd=n"},        False),
    ("a.good.example",       "b.good.example",       {"good": "p=none; psd=y"},                            False),
    ("good.example",         "verygood.example",     {"good": "p=none"},                                   False),
    ("good.example",         "example",              {"good": "p=none", "": "p=none; psd=y"},              False),
]
# fmt: on


@pytest.mark.parametrize(("domain", "signer", "records", "speaks"), ALIGNED)
def test_who_speaks_for_a_from_is_of_its_organization(
    domain: str, signer: str, records: dict[str, str], speaks: bool
) -> None:
    dns = {
        f"_dmarc.{name + '.' if name else ''}example": [f"v=DMARC1; {tags}"] for name, tags in records.items()
    }
    keys = {f"s._domainkey.{signer}": [RECORD]}
    raw = signed(MAIL.replace(b"ana@good.example", f"ana@{domain}".encode()), signer)
    proof = prove(raw, ProofQuestion(NOW, (), lambda name: {**dns, **keys}.get(name, [])))
    assert (proof.dkim is Check.PASSES) is speaks


def test_a_name_of_forty_labels_is_asked_about_at_most_eight_times() -> None:
    asked: list[str] = []

    def txt(name: str) -> list[str] | None:
        asked.append(name)
        return []

    published(".".join("a" * 40), txt)
    assert len(asked) == 8


@given(st.binary(max_size=600))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    start = b"From: a@good.example\r\nDKIM-Signature: v=1; a=rsa-sha256; d=good.example; s=s; "
    assert isinstance(ask(raw, None, "mx.ours"), Proof)
    assert isinstance(ask(start + raw, None, "mx.ours"), Proof)
    assert isinstance(ask(b"Authentication-Results: mx.ours; " + raw, None, "mx.ours"), Proof)


def test_every_sample_of_the_corpus_is_judged_without_an_exception() -> None:
    for _, raw in corpus("auth"):
        assert isinstance(ask(raw, {}, "lists.example.org", "mx.google.com"), Proof)
