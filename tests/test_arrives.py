"""Every copy arrives: what is decided, composed and signed is put before a receiver that takes DMARC at its
word, and the author's own signature is looked at by two programs that share nothing with ours."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from listserv.core.decide import kept_post
from listserv.core.types import Mail, Post
from listserv.mail.compose import Frame, FromChoice, KeptFrom, Personal, RelayedFrom, personal, variant
from listserv.mail.parse import parse
from listserv.mail.proof import ProofQuestion, prove
from listserv.mail.signing import Signer, load_key
from tests.kit.people import ANA, BOOK, DOMAIN, a_list, a_member, the_facts
from tests.kit.signed import PROGRAMS, STYLES, a_key, a_mail_of, signed_by
from tests.kit.strict_receiver import signers, would_reject

RELAY = replace(BOOK, local="ana.silva.r4k2mmpq")
ANN = Personal(f"https://{DOMAIN}/u/aaaabcdefghijklmnopq", f"mailto:book+leave@{DOMAIN}")
SENDER = f"book+back=aaaabcdefghijklmnopq@{DOMAIN}"
OURS = Signer(DOMAIN, "ls1", load_key(a_key("ours")[0]))
DOMAINS = {  # an author's, and what it publishes
    "absent.example": "",
    "none.example": "v=DMARC1; p=none",
    "quarantine.example": "v=DMARC1; p=quarantine",
    "reject.example": "v=DMARC1; p=reject",
    "exact.example": "v=DMARC1; p=reject; adkim=s; aspf=s",
    "gmail.com": "v=DMARC1; p=none; sp=quarantine",
}
ZONE = {
    **{f"s._domainkey.{domain}": a_key("author")[1] for domain in DOMAINS},
    **{f"_dmarc.{domain}": record for domain, record in DOMAINS.items() if record},
    f"ls1._domainkey.{DOMAIN}": a_key("ours")[1],
    f"_dmarc.{DOMAIN}": "v=DMARC1; p=reject",
}
DRESSES: dict[str, dict[str, Any]] = {
    "as it came": {},
    "with a tag": {"subject_tag": "[book]"},
    "with a footer": {"footer": "Book Circle"},
    "with both": {"subject_tag": "[book]", "footer": "Book Circle"},
}


def txt(name: str) -> list[str]:
    return [ZONE[name]] if name in ZONE else []


def posted(raw: bytes, **settings: Any) -> tuple[bytes, str]:
    """A member's copy of a post on a list with these settings, and how its From shows the author."""
    mail = parse(raw, prove(raw, ProofQuestion(datetime.now(UTC), (), txt)))
    assert isinstance(mail, Mail) and mail.author is not None
    list_ = a_list(**settings)
    member = a_member(address=mail.author)
    shown = kept_post(mail, the_facts(list=list_, member=member)).from_
    choice: FromChoice = RelayedFrom(RELAY, mail.author_name) if shown == "relay" else KeptFrom()
    made = variant(raw, _post(mail), Frame(list_, DOMAIN, f"https://{DOMAIN}", "loopmark"), choice)
    return personal(made, OURS, ANN, int(datetime.now(UTC).timestamp())) + made.tail, shown


def _post(mail: Mail) -> Post:
    return Post(1, 1, 1, mail.message_id, "h" * 32, ANA, "Ana", mail.subject, datetime.now(UTC), "0" * 64)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("domain", DOMAINS)
def test_a_strict_receiver_takes_every_copy(domain: str, program: str) -> None:
    came = [signed_by(domain, a_mail_of(domain, program), style) for style in STYLES]
    for raw, dress in product(came, DRESSES.values()):
        copy, _ = posted(raw, **dress)
        assert would_reject(copy, ZONE, SENDER) == "", (raw, dress)
    copy, _ = posted(a_mail_of(domain, program), footer="Book Circle")  # unsigned, let through by a host
    assert would_reject(copy, ZONE, SENDER) == ""


def test_the_strict_receiver_is_strict() -> None:
    """Else the test above would prove nothing."""
    raw = signed_by("reject.example", a_mail_of("reject.example"))
    assert would_reject(raw, ZONE) == ""
    assert would_reject(raw.replace(b"Garlic", b"Onions"), ZONE, SENDER)
    assert would_reject(a_mail_of("reject.example"), ZONE, SENDER)
    assert would_reject(a_mail_of("gmail.com"), ZONE, SENDER)
    assert would_reject(b"From: x@none.example\r\n" + raw, ZONE)
    assert would_reject(a_mail_of("reject.example"), ZONE, "ana@reject.example") == ""
    assert would_reject(a_mail_of("none.example"), ZONE) == ""


# fmt: off
FROM_STAYS = [
    #  domain               program          style         settings                                              From shows
    ("reject.example",     "plain",         "usual",      {},                                                   "author"),
    ("reject.example",     "plain",         "simple",     {},                                                   "author"),
    ("reject.example",     "plain",         "usual",      {"subject_tag": "[book]"},                            "relay"),
    ("reject.example",     "plain",         "usual",      {"footer": "Book"},                                   "relay"),
    ("reject.example",     "HTML",          "usual",      {"footer": "Book"},                                   "relay"),
    ("quarantine.example", "plain",         "usual",      {},                                                   "author"),
    ("quarantine.example", "plain",         "usual",      {"footer": "Book"},                                   "relay"),
    ("none.example",       "plain",         "usual",      {"subject_tag": "[b]", "footer": "Book"},             "author"),
    ("absent.example",     "plain",         "like Exim",  {"subject_tag": "[b]", "footer": "Book"},             "author"),
    # Tag and footer never go into sealed mail.
    ("reject.example",     "PGP-signed",    "usual",      {"subject_tag": "[b]", "footer": "Book"},             "author"),
    ("reject.example",     "S/MIME-signed", "usual",      {"subject_tag": "[b]", "footer": "Book"},             "author"),
    ("reject.example",     "encrypted",     "simple",     {"subject_tag": "[b]", "footer": "Book"},             "author"),
    # The tag is there already; nothing is attached that could be taken off.
    ("reject.example",     "plain",         "usual",      {"subject_tag": "garlic"},                            "author"),
    ("reject.example",     "plain",         "usual",      {"attachments": "drop"},                              "author"),
    # Its signature says that there is no Reply-To, no List-Id: a copy has them.
    ("reject.example",     "plain",         "like Gmail", {},                                                   "relay"),
    ("reject.example",     "plain",         "like Exim",  {},                                                   "relay"),
    ("reject.example",     "encrypted",     "like Exim",  {},                                                   "relay"),
    # Taken for reject, whatever it publishes.
    ("gmail.com",          "plain",         "usual",      {},                                                   "author"),
    ("gmail.com",          "plain",         "like Gmail", {},                                                   "relay"),
    ("gmail.com",          "plain",         "usual",      {"footer": "Book"},                                   "relay"),
    # The list's own wish.
    ("reject.example",     "plain",         "usual",      {"from_": "author", "footer": "Book"},                "author"),
    ("none.example",       "plain",         "usual",      {"from_": "relay"},                                   "hidden"),
]
# fmt: on


@pytest.mark.parametrize(("domain", "program", "style", "settings", "shown"), FROM_STAYS)
def test_from_changes_only_where_policy_and_our_own_changes_ask_for_it(
    domain: str, program: str, style: str, settings: dict[str, Any], shown: str
) -> None:
    raw = signed_by(domain, a_mail_of(domain, program), style)
    copy, got = posted(raw, **settings)
    assert got == shown
    if (
        shown == "author"
        and settings.get("from_") != "author"
        and domain not in ("none.example", "absent.example")
    ):
        assert domain in signers(copy, ZONE)  # the author's own signature still verifies


def test_an_author_who_says_where_answers_go_keeps_from_though_gmail_guards_reply_to() -> None:
    raw = a_mail_of("gmail.com", "plain", "Reply-To: ana@else.example")
    copy, shown = posted(signed_by("gmail.com", raw, "like Gmail"))
    assert shown == "author" and "gmail.com" in signers(copy, ZONE)


def test_a_reply_to_of_ours_may_be_taken_out_so_from_does_not_rely_on_it() -> None:
    raw = a_mail_of("reject.example", "plain", f"Reply-To: book+leave@{DOMAIN}")
    copy, shown = posted(signed_by("reject.example", raw, "like Gmail"))
    assert shown == "relay" and would_reject(copy, ZONE, SENDER) == ""


@pytest.mark.parametrize(
    "field",
    [
        *("Disposition-Notification-To: ana@reject.example", "List-Unsubscribe: <mailto:x@reject.example>"),
        *("Precedence: bulk", "Approved: secret", "X-Loop: book@lists.example.org", "To: ben@ben.example"),
    ],
)
def test_from_does_not_stay_where_we_take_out_what_its_signature_covers(field: str) -> None:
    raw = a_mail_of("reject.example", "plain", field)
    name = field.partition(":")[0].lower()
    copy, shown = posted(signed_by("reject.example", raw, more=name))
    assert shown == "relay" and would_reject(copy, ZONE, SENDER) == ""


def test_opendkim_too_finds_the_authors_signature_and_ours_valid(tmp_path: Path) -> None:
    cases = [
        case for case in FROM_STAYS if case[4] == "author" and case[0] in ("reject.example", "gmail.com")
    ]
    for number, (domain, program, style, settings, _) in enumerate(cases):
        if settings.get("from_"):
            continue
        copy, _ = posted(signed_by(domain, a_mail_of(domain, program), style), **settings)
        first, _, rest = copy.partition(b"List-Unsubscribe:")
        assert first.startswith(b"DKIM-Signature:")
        (tmp_path / f"{number}-author.eml").write_bytes(b"List-Unsubscribe:" + rest)
        theirs = rest.index(b"DKIM-Signature:")
        end = rest.index(b"From:", theirs)
        (tmp_path / f"{number}-ours.eml").write_bytes(
            first + b"List-Unsubscribe:" + rest[:theirs] + rest[end:]
        )
    judged = opendkim(tmp_path)
    assert judged and all(said.endswith("succeeded") for said in judged), judged
    assert len(judged) == len(list(tmp_path.glob("*.eml")))


def opendkim(folder: Path) -> list[str]:
    """What OpenDKIM says of each mail in a folder, by the keys of our zone."""
    keys = [f"{name} {record}\n" for name, record in ZONE.items() if "_domainkey" in name]
    (folder / "keys").write_text("".join(keys))
    (folder / "conf").write_text(f"Mode v\nSyslog no\nTestPublicKeys {folder}/keys\n")
    files = ",".join(str(file) for file in sorted(folder.glob("*.eml")))
    ran = subprocess.run(
        ["opendkim", "-x", str(folder / "conf"), "-t", files],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    lines = (ran.stdout + ran.stderr).splitlines()
    return [line for line in lines if "verification" in line or "error" in line.lower()]


def test_opendkim_says_no_to_a_copy_with_a_second_subject_or_from_in_front(tmp_path: Path) -> None:
    copy, _ = posted(a_mail_of("none.example"))
    for name in ("Subject", "From", "List-Unsubscribe", "List-Id", "Reply-To", "To"):
        (tmp_path / f"{name}.eml").write_bytes(f"{name}: <mailto:x@evil.example>\r\n".encode() + copy)
    judged = opendkim(tmp_path)
    assert len(judged) == 6 and not any(said.endswith("succeeded") for said in judged), judged
    assert all(DOMAIN not in signers(file.read_bytes(), ZONE) for file in tmp_path.glob("*.eml"))
