"""How From shows an author: each policy with each change and each signature (standards.md A3, A4)."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from listserv.core.address import Address
from listserv.core.showing import PUT_ON, PUT_ON_WHERE_MISSING, shown_from
from listserv.core.types import Check, Part, Policy, Post, Proof
from listserv.mail.compose import Frame, KeptFrom, Personal, personal, variant
from listserv.mail.fields import split
from tests.kit.people import ANA, BOOK, DOMAIN, NOW, SITE, a_list, a_mail, a_member, the_facts
from tests.kit.signed import a_mail_of

ATTACHED = (Part(1, "image/png", "a.png", 9, attached=True),)
CHANGES: dict[str, dict[str, Any]] = {
    "none": {},
    "tag": {"subject_tag": "[book]"},
    "footer": {"footer": "Book Circle"},
    "attachments": {"attachments": "drop"},
}
SIGNED: dict[str, dict[str, Any]] = {
    "intact": {"dkim": Check.PASSES, "intact": True},
    "broken": {"dkim": Check.FAILS},
    "absent": {},
    "guards Reply-To": {"dkim": Check.PASSES, "intact": True, "guards": ("from", "reply-to")},
    "guards List-Id": {"dkim": Check.PASSES, "intact": True, "guards": ("from", "list-id")},
    "guards what we don't touch": {
        "dkim": Check.PASSES,
        "intact": True,
        "guards": ("cc", "from", "resent-to"),
    },
}


@pytest.mark.parametrize("policy", Policy)
def test_from_changes_where_the_policy_and_our_own_changes_ask_for_it(policy: Policy) -> None:
    demands = policy in (Policy.QUARANTINE, Policy.REJECT, Policy.UNKNOWN)
    for change, signed, sealed in product(CHANGES, SIGNED, (True, False)):
        mail = a_mail(proof=Proof(policy=policy, **SIGNED[signed]), as_it_is=sealed, parts=ATTACHED)
        survives = signed in ("intact", "guards what we don't touch") and (sealed or change == "none")
        shown = shown_from(mail, the_facts(list=a_list(**CHANGES[change])))
        assert shown == ("relay" if demands and not survives else "author"), (change, signed, sealed)


# fmt: off
MORE = [
    # what                                    mail                                                         settings                   From shows
    ("no policy, taken for reject",           {"author": Address("ana", "gmail.com")},                     {},                        "relay"),
    ("the same, signed",                      {"author": Address("ana", "gmail.com"), "proof": Proof(intact=True)}, {},               "author"),
    ("a subdomain of one taken for reject",   {"author": Address("ana", "x.gmail.com")},                   {},                        "author"),
    ("the tag is there",                      {"subject": "Re: [Book] x", "proof": Proof(policy=Policy.REJECT, intact=True)}, {"subject_tag": "[book]"}, "author"),
    ("the tag is there twice",                {"subject": "[book] [book]", "proof": Proof(policy=Policy.REJECT, intact=True)}, {"subject_tag": "[book]"}, "relay"),
    ("a subject that can't be read",          {"subject": "\ufffd", "proof": Proof(policy=Policy.REJECT, intact=True)}, {"subject_tag": "[book]"}, "author"),
    ("a subject too long to be known",        {"subject": "[book]" + "x" * 994, "proof": Proof(policy=Policy.REJECT, intact=True)}, {"subject_tag": "[book]"}, "relay"),
    ("nothing is attached",                   {"proof": Proof(policy=Policy.REJECT, intact=True)},         {"attachments": "archive"}, "author"),
    ("it has a Reply-To",                     {"reply_to": (ANA,), "proof": Proof(policy=Policy.REJECT, intact=True, guards=("reply-to",))}, {}, "author"),
    ("its Reply-To is the list",              {"reply_to": (BOOK,), "proof": Proof(policy=Policy.REJECT, intact=True)}, {},           "author"),
    ("its Reply-To is a command of the list", {"reply_to": (replace(BOOK, local="book+leave"),), "proof": Proof(policy=Policy.REJECT, intact=True)}, {}, "relay"),
    ("it has no Message-ID and guards it",    {"made_id": True, "proof": Proof(policy=Policy.REJECT, intact=True, guards=("message-id",))}, {}, "relay"),
    ("the list hides its authors",            {"proof": Proof(policy=Policy.REJECT, intact=True)},         {"from_": "relay"},        "hidden"),
    ("the list always shows them",            {"proof": Proof(policy=Policy.REJECT)},                      {"from_": "author"},       "author"),
    # Ours is lists.example.org: what example.org says through our signature must be its own word.
    ("our organization, unproven",            {"proof": Proof(policy=Policy.NONE, organization="example.org")}, {},                   "relay"),
    ("our organization, signed",              {"proof": Proof(dkim=Check.PASSES, policy=Policy.NONE, organization="example.org")}, {}, "author"),
    ("a domain that ends like ours",          {"proof": Proof(policy=Policy.NONE, organization="ample.org")}, {},                     "author"),
    ("another organization",                  {"proof": Proof(policy=Policy.NONE, organization="other.org")}, {},                     "author"),
]
# fmt: on


@pytest.mark.parametrize(
    ("mail", "settings", "shown"), [row[1:] for row in MORE], ids=[row[0] for row in MORE]
)
def test_from_shows(mail: dict[str, Any], settings: dict[str, Any], shown: str) -> None:
    assert shown_from(a_mail(**mail), the_facts(list=a_list(**settings))) == shown


def test_which_domains_are_taken_for_reject_is_the_sites_to_say() -> None:
    facts = the_facts(site=replace(SITE, strict_domains=("strict.example",)))
    assert shown_from(a_mail(author=Address("ana", "strict.example")), facts) == "relay"
    assert shown_from(a_mail(author=Address("ana", "gmail.com")), facts) == "author"


def test_what_is_put_on_a_copy_is_known_by_name() -> None:
    """Else a signature that allows no such field would break unseen."""
    raw = a_mail_of("good.example")
    post = Post(1, 1, 1, "garlic@good.example", "h" * 32, ANA, "Ana", "x", NOW, "0" * 64)
    to = Personal(f"https://{DOMAIN}/u/aaaabcdefghijklmnopq", f"mailto:book+leave@{DOMAIN}")
    for raw_, reply_to in product((raw, b"From: a@b.example\r\n\r\nx"), ("list", "author")):
        frame = Frame(a_list(reply_to=reply_to), DOMAIN, f"https://{DOMAIN}", "loopmark")
        made = variant(raw_, post, frame, KeptFrom(BOOK))
        copy = personal(made, None, to, 0) + made.tail
        names = {field.name for field in split(copy)[0]} - {field.name for field in split(raw_)[0]}
        assert names - {"reply-to"} <= PUT_ON | PUT_ON_WHERE_MISSING
    assert a_member().address == ANA
