"""Our DKIM signatures, as another program (dkimpy) sees them."""

from __future__ import annotations

import base64
import hashlib
import pickle
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from dkim.canonicalization import Relaxed
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.address import Address
from listserv.core.types import ListSettings, MailList, Post
from listserv.mail.compose import Frame, KeptFrom, Personal, Variant, personal, shared, variant
from listserv.mail.fields import Field, write_field
from listserv.mail.signing import BadKey, Press, Signer, body_hash, cover, load_key, make_key

GOLDEN = Path(__file__).parent / "golden"
CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
BOOK = MailList(1, Address("book", "lists.example.org"), "book.lists.example.org", "Book", ListSettings())
FRAME = Frame(BOOK, "lists.example.org", "https://lists.example.org")
AT = datetime(2026, 11, 23, 7, 0, tzinfo=UTC)
WHEN = 1577836800  # long past: dkimpy looks at the clock
POST = Post(7, 1, 3, "made-7@lists.example.org", "q" * 32, Address("a", "b.example"), "Ana", "", AT, "0" * 64)
ANN = Personal("https://lists.example.org/u/aaaabcdefghijklmnopq", "mailto:book+leave@lists.example.org")
PLAIN = (
    b"From: Ana <a@b.example>\r\nTo: book@lists.example.org\r\nSubject: Hi\r\n there\r\n"
    b"Date: Mon, 23 Nov 2026 07:59:00 +0100\r\nMessage-ID: <1@b.example>\r\n\r\nHello \t world \r\n\r\n\r\n"
)


@pytest.fixture(scope="module")
def key() -> tuple[bytes, str]:
    return make_key()


@pytest.fixture(scope="module")
def signer(key: tuple[bytes, str]) -> Signer:
    return Signer("lists.example.org", "ls1", load_key(key[0]))


@pytest.fixture(scope="module")
def verifies(key: tuple[bytes, str]) -> Callable[[bytes], bool]:
    """Whether the topmost signature is good, asking no network."""

    def ask(name: bytes, timeout: int = 5) -> bytes:
        assert name == b"ls1._domainkey.lists.example.org."
        return key[1].encode()

    def check(raw: bytes) -> bool:
        try:
            return bool(dkim.DKIM(raw).verify(dnsfunc=ask))
        except dkim.ValidationError:  # raised where the body doesn't fit, returned where the header doesn't
            return False

    return check


def post(raw: bytes) -> Variant:
    return variant(raw, POST, FRAME, KeptFrom())


def tag(copy: bytes, name: str) -> str:
    """One tag of the topmost signature, without blanks."""
    field = re.sub(rb"\s", b"", copy[: copy.index(b"\r\nList-")])
    return dict(piece.split("=", 1) for piece in field.decode().partition(":")[2].split(";"))[name]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*/in.eml")), ids=lambda p: p.parent.name)
def test_every_golden_mail_verifies_for_a_member_and_for_many(
    path: Path, signer: Signer, verifies: Callable[[bytes], bool]
) -> None:
    made = post(path.read_bytes())
    assert verifies(personal(made, signer, ANN, WHEN) + made.tail)
    assert verifies(shared(made, signer, ANN.leave_mailto, WHEN) + made.tail)


def test_every_known_mail_verifies_and_any_change_to_its_body_shows(
    signer: Signer, verifies: Callable[[bytes], bool]
) -> None:
    paths = sorted(p for folder in ("mime", "crypto") for p in (CORPORA / folder).rglob("*") if p.is_file())
    assert len(paths) > 500, f"{CORPORA} is missing: put the shared corpora beside the project"
    for path in paths:
        lines = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        made = post(b"\r\n".join(lines) + b"\r\n")  # as SMTP brings them: the last line has an end
        copy = personal(made, signer, ANN, WHEN) + made.tail
        assert verifies(copy), path
        assert not verifies(copy + b"x"), path


@pytest.mark.parametrize(
    "name",
    [
        *(
            "From",
            "Sender",
            "Reply-To",
            "To",
            "Cc",
            "Subject",
            "Date",
            "Message-ID",
            "In-Reply-To",
            "References",
        ),
        *("MIME-Version", "Content-Type", "Content-Transfer-Encoding", "List-Id", "List-Post", "List-Help"),
        *("List-Subscribe", "List-Owner", "List-Archive", "List-Unsubscribe", "List-Unsubscribe-Post"),
        "Feedback-ID",
    ],
)
def test_nobody_can_add_a_field_to_a_signed_copy(
    name: str, signer: Signer, verifies: Callable[[bytes], bool]
) -> None:
    made = post(PLAIN)
    for block in (personal(made, signer, ANN, WHEN), shared(made, signer, ANN.leave_mailto, WHEN)):
        assert verifies(block + made.tail)
        added = f"{name}: mal@evil.example\r\n".encode()
        assert not verifies(added + block + made.tail)
        assert not verifies(block + made.fields + added + b"\r\n" + made.body)


def test_both_one_click_fields_are_covered_as_gmail_wants(signer: Signer) -> None:
    copy = personal(post(PLAIN), signer, ANN, WHEN)
    covered = tag(copy, "h").split(":")
    assert {"list-unsubscribe", "list-unsubscribe-post", "list-id"} <= set(covered)
    assert covered[-1] == "list-unsubscribe-post"


def test_a_signature_says_when_and_how_and_never_how_much(signer: Signer) -> None:
    copy = personal(post(PLAIN), signer, ANN, WHEN)
    said = {name: tag(copy, name) for name in ("v", "a", "c", "d", "s", "t")}
    assert said == {
        **{"v": "1", "a": "rsa-sha256", "c": "relaxed/relaxed"},
        **{"d": "lists.example.org", "s": "ls1", "t": str(WHEN)},
    }
    with pytest.raises(KeyError):
        tag(copy, "l")


def test_the_same_copy_is_signed_the_same_again(signer: Signer) -> None:
    assert personal(post(PLAIN), signer, ANN, WHEN) == personal(post(PLAIN), signer, ANN, WHEN)


def test_one_member_s_token_does_not_fit_another_s_signature(
    signer: Signer, verifies: Callable[[bytes], bool]
) -> None:
    made = post(PLAIN)
    copy = personal(made, signer, ANN, WHEN) + made.tail
    assert not verifies(copy.replace(b"aaaabcdefghijklmnopq", b"aaaabcdefghijklmnopr"))


def test_lines_of_a_signature_fit_in_78_columns(signer: Signer) -> None:
    assert all(len(line) <= 78 for line in personal(post(PLAIN), signer, ANN, WHEN).split(b"\r\n"))


def test_a_whole_mail_of_ours_can_be_signed(signer: Signer, verifies: Callable[[bytes], bool]) -> None:
    signed = signer.sign(PLAIN, WHEN)
    assert signed.endswith(PLAIN) and verifies(signed)
    assert not verifies(b"Subject: Free money\r\n" + signed)
    one_click = (
        b"List-Unsubscribe: <https://l.example/u/x>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    )
    signed = signer.sign(one_click + PLAIN, WHEN)
    assert verifies(signed) and not verifies(signed.replace(b"/u/x", b"/u/y"))


def test_a_variant_can_be_handed_to_another_process(signer: Signer) -> None:
    made = post(PLAIN)
    there = pickle.loads(pickle.dumps(made))
    assert there == made and hash(there) == hash(made)
    assert personal(there, signer, ANN, WHEN) == personal(made, signer, ANN, WHEN)


@given(
    st.lists(st.sampled_from([b" ", b"\t", b"\r\n", b"a", b"  ", b"\xff", b".", b" \r\n"]), max_size=30).map(
        b"".join
    )
)
def test_the_body_is_hashed_as_others_hash_it(body: bytes) -> None:
    # Left out: blanks before the very end without a line end, which SMTP can't carry.
    body = body.rstrip(b" \t") + b"\r\n" if body.endswith((b" ", b"\t")) else body
    expected = hashlib.sha256(Relaxed.canonicalize_body(body)).digest()
    assert body_hash(body) == base64.b64encode(expected).decode()


@pytest.mark.parametrize("nasty", [b" ", b"\t", b" \t", b"\r\n", b" \r\n"])
def test_a_body_of_nothing_but_blanks_is_hashed_at_once(nasty: bytes) -> None:
    assert len(body_hash(nasty * 2_000_000)) == 44


def pem_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


SHORT = b"""
-----BEGIN RSA PRIVATE KEY-----
MIIBzAIBAAJhALz1U46HVHOSiJy4B+AF8tGT23aBgvrcNvqVVqzFiGgyEyWLT15C
gcd5XZq6GY98o/zg1G1GTdt/hCyCoOBpJyVuMabZw37IJNqseLdsdDxAAoECSuF9
gYOyyb3x3lkETQIDAQABAmEAg3psPnM5twUR24JNsHpTH7Ky9P1exvCtrKR239a+
eEnHess5WYwLQ2HWWM/+8xE00u2xqYF+qLO0ap3EUOvBwRMWSp1+/VzTWQl70MfP
5At4i5VCzP1JZedY6P6OwkDhAjEA6/uVLeMa5L7zJAzl0tgUIxGDvV7nhq7lKib+
Yvoi9YQpOfxydBsQ9gS8NFbWXASVAjEAzPyY/ZBBYomLPkj4qWziGJ3QxT5JkJFh
7IeJ+t+BGh4073sHLySBOzaEU3N/2hrZAjBQAVSbYRK+GMsAHutQJ3f0R7zdWC6w
p90EBIJcdieiC3OauC7plD+U2RghuoskWV0CMQCkKAlQziw+gA2ddIyGCadKtV9S
Bd6dwn9cDvMFj+VwiA42VhzbuO0xASiZN96ESIkCMQCs0Ei960qGL/VQlamMZJ3j
/ZXxSa7eI9zSOJZFcNwx/NcjBcadQE89RQ4z8EvoZos=
-----END RSA PRIVATE KEY-----
"""


@pytest.mark.parametrize(
    ("pem", "why"),
    [
        (SHORT, "768 bits"),
        (b"", "PEM"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "PEM"),
        (pem_of(ec.generate_private_key(ec.SECP256R1())), "not an RSA key"),
    ],
)
def test_what_is_no_key_is_refused_in_words(pem: bytes, why: str) -> None:
    with pytest.raises(BadKey, match=why):
        load_key(pem)


def test_a_made_key_reads_back_and_fits_its_dns_record(key: tuple[bytes, str]) -> None:
    assert load_key(key[0]).key_size == 2048
    assert re.fullmatch(r"v=DKIM1; k=rsa; p=[A-Za-z0-9+/]{300,}=*", key[1])


@given(
    token=st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=20, max_size=20), when=st.integers(0, 2**33)
)
def test_a_press_prints_what_the_signer_signs(signer: Signer, token: str, when: int) -> None:
    common = (Field("from", b"From: ana@ana.example\r\n"), Field("subject", b"Subject: One\r\n"))
    covered = cover(common, body_hash(b"Words\r\n"))

    def fields(place: str) -> tuple[Field, ...]:
        leave = f"<https://lists.example.org/u/{place}>, <mailto:book+leave@lists.example.org>"
        click = write_field("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
        return (
            Field("list-unsubscribe", write_field("List-Unsubscribe", leave)),
            Field("list-unsubscribe-post", click),
        )

    place = "~" * 20
    printed = Press(signer, covered, fields(place), place.encode(), when)
    signature = signer.sign_digest(*printed.digests([token.encode()]))
    own = fields(token)
    expected = signer.signature(covered, own, when) + b"".join(field.raw for field in own)
    assert printed.block(token.encode(), signature) == expected
    assert printed.block(token.encode(), None) == b"".join(field.raw for field in own)


def test_a_press_refuses_fields_without_one_place_for_the_token() -> None:
    covered = cover((), body_hash(b""))
    for value in ("nothing", "~~ and ~~"):
        field = Field("list-unsubscribe", write_field("List-Unsubscribe", value))
        with pytest.raises(ValueError, match="no place of its own"):
            Press(None, covered, (field,), b"~~", 0)
