"""Only what an author wrote for this post stands in a Brief, and all of that."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import pytest

from listserv.core.own_words import Heard, own_words
from listserv.core.replies import new_words
from listserv.core.sent_words import match_sent
from tests.kit.briefs import mails_of
from tests.test_quotes_corpus import MAILS, WORD

ANA = """\
Hello all,

our cold room is full, and the county offers a grant for cold storage. Has anybody here
applied for it, and was it worth the work that they ask for? I would need a yes by Friday.

Ana
"""
REWRAPPED = """\
our cold room is full, and the county offers
a grant for cold storage. Has anybody here applied
for it, and was it worth the work that they ask
for? I would need a yes by Friday."""
MARKED = "\n".join(f"> {line}".rstrip() for line in ANA.strip().split("\n"))
INTRODUCED = "On Tue, 24 Nov 2026 at 10:00, Ana Silva <ana@ana.example> wrote:"
OUTLOOK = """\
From: Ana Silva <ana@ana.example>
Sent: Tuesday, November 24, 2026 10:00 AM
To: book@lists.example.org
Subject: Cold storage
"""
VON = OUTLOOK.replace("From:", "Von:").replace("Sent:", "Gesendet:").replace("To:", "An:")
VON = VON.replace("Subject:", "Betreff:")
DISCLAIMER = (
    "This e-mail and any attachments are confidential and intended only for the recipient. If you received "
    "it in error, please notify the sender and delete it; any copying or distribution is prohibited."
)
THANKS = "That works for me, thanks!"
CODE = 'def f(a):\n    b = g(a, 1)\n    return h(b, "some words in here")\n\ndef g(a, n):\n    return a[n]'


def heard(*texts: str) -> Heard:
    made = Heard()
    for text in texts:
        made.add(text)
    return made


CASES: tuple[tuple[str, str, Sequence[str], str], ...] = (
    ("words above a quote", f"We did.\n\n{INTRODUCED}\n{MARKED}", [ANA], "We did."),
    ("the same where the quoted post is not known", f"We did.\n\n{INTRODUCED}\n{MARKED}", [], "We did."),
    ("a quote without a mark, wrapped anew", f"We did.\n\n{REWRAPPED}", [ANA], "We did."),
    ("the same above the words", f"{REWRAPPED}\n\nWe did.", [ANA], "We did."),
    ("all of a mail below Outlook's header", f"We did.\n\n{OUTLOOK}\n{ANA}", [ANA], "We did."),
    ("in German", f"Wir auch.\n\n{VON}\n{REWRAPPED}", [ANA], "Wir auch."),
    ("that mail, if nobody heard it", f"We did.\n\n{OUTLOOK}\n{ANA}", [], "We did."),
    ("a signature", "We did.\n\n-- \nBen Okafor\nYakima Food Bank", [ANA], "We did."),
    ("a telephone", "We did.\n\nSent from my iPhone", [ANA], "We did."),
    ("a disclaimer", f"We did.\n\n{DISCLAIMER}", [ANA], "We did."),
    ("Mailman's foot", f"We did.\n{'_' * 47}\nBook mailing list\nhttps://x.example/book", [], "We did."),
    (
        "groups.io's foot",
        "We did.\n\n-=-=-=-=-\nGroups.io Links: You get all of it.\n-=-=-",
        [],
        "We did.",
    ),
    ("LISTSERV's foot", f"We did.\n\n{'#' * 60}\n\nTo unsubscribe from the BOOK list, click", [], "We did."),
    (
        "Pipermail's note of an attachment",
        "Here.\n-------------- next part --------------\nA non-text attachment was scrubbed...\nName: a.pdf\n"
        "Type: application/pdf\nSize: 9 bytes\nDesc: not available\nURL: <http://x.example/a.pdf>\n",
        [],
        "Here.",
    ),
    (
        "the armour of a signed post",
        "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA1\n\nWe did.\n-----BEGIN PGP SIGNATURE-----\n"
        "Version: GnuPG\n\niQEcBAEB\n=Attd\n-----END PGP SIGNATURE-----\n",
        [],
        "We did.",
    ),
    ("where Outlook had a logo", "We did.\n\n[cid:image001.png@01DA2.B3C]\n\nBen", [], "We did.\n\nBen"),
    # what an answer stands under
    (
        "answers between quotes, each under what it answers",
        f"{INTRODUCED}\n> our cold room is full\n\nOurs too.\n\n> I would need a yes by\n> Friday.\n\nYes!\n",
        [ANA],
        "> our cold room is full\n\nOurs too.\n\n> I would need a yes by Friday.\n\nYes!",
    ),
    (
        "of a long passage the last sentence",
        "> our cold room is full, and the county offers a grant for cold storage. Has anybody here\n"
        "> applied for it, and was it worth the work that they ask for? I would need a yes by Friday.\n\n"
        "You have it.\n\n> Ana\n\nBen",
        [ANA],
        "> … I would need a yes by Friday.\n\nYou have it.\n\n> Ana\n\nBen",
    ),
    ("below a whole post none", f"{INTRODUCED}\n{MARKED}\n\nWe did.", [ANA], "We did."),
    ("no passage that is only an introduction", f"{INTRODUCED}\n\n> [...]\n\nWe did.", [ANA], "We did."),
    (
        "nothing that was a quote in the quote",
        "> > our cold room is full\n> Ours, too.\n\nEverybody's.\n\n> Ana\n\nBen",
        [ANA],
        "> Ours, too.\n\nEverybody's.\n\n> Ana\n\nBen",
    ),
    # what must not go
    ("what somebody else said in the same few words", f"{THANKS}\n\nBea", [THANKS], f"{THANKS}\n\nBea"),
    ("a post that was sent twice", ANA, [ANA], ANA.strip()),
    ("code that was put right", f"Nearly:\n\n{CODE}\n\nNot n.", [CODE], f"Nearly:\n\n{CODE}\n\nNot n."),
    (
        "a paragraph that takes up another one",
        f"Let me say it so:\n{REWRAPPED}\nAnd so it was.",
        [ANA],
        f"Let me say it so:\n{REWRAPPED}\nAnd so it was.",
    ),
    ("two friendly lines", "Thanks,\nAna", [ANA], "Thanks,\nAna"),
)


@pytest.mark.parametrize(
    ("text", "earlier", "told"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_of_a_reply_only_the_author_s_new_words_are_told(
    text: str, earlier: Sequence[str], told: str
) -> None:
    assert own_words(text, "Re: Cold storage", heard(*earlier)) == told


def test_what_opens_a_thread_may_quote_from_outside_and_that_is_new_to_its_readers() -> None:
    article = "The county says:\n\n> No grant this year.\n> Ask again in May.\n\nWhat now?"
    assert own_words(article, "No grant") == article
    told = "The county says:\n\n> No grant this year. Ask again in May.\n\nWhat now?"
    assert own_words(article, "Re: No grant") == told


PASSED_ON = ["Fwd: Cold storage", "[Book] WG: Cold storage", "[Book] Cold storage", "Re: Cold storage"]


@pytest.mark.parametrize("subject", PASSED_ON)
def test_what_is_passed_on_is_told(subject: str) -> None:
    letter = "Dear all, the county has decided to pay for twelve freezers. Please write to us by May, M. Gray"
    text = f"For your files.\n\n---------- Forwarded message ----------\n{OUTLOOK}\n{letter}"
    assert letter in own_words(text, subject)
    assert letter not in own_words(text, subject, heard(letter))


def test_of_a_very_long_thread_the_last_posts_are_remembered() -> None:
    known = Heard()
    for number in range(16):
        known.add(" ".join(f"{number}w{word}" for word in range(9_000)))
        assert len(known.known.rows) < 140_000
    known.add(ANA)
    assert own_words(f"We did.\n\n{REWRAPPED}", "Re: it", known) == "We did."


def test_a_post_that_says_nothing_new_says_nothing() -> None:
    assert own_words(f"{INTRODUCED}\n{MARKED}", "Re: Cold storage", heard(ANA)) == ""
    assert own_words("", "Re: Cold storage", heard(ANA)) == own_words("\n \n") == ""


# ---- real mail


def test_of_no_reply_of_the_quotes_corpora_a_word_is_lost() -> None:
    for name, text, answer in MAILS:
        told = own_words(text, "Re: it")
        assert not Counter(WORD.findall(answer)) - Counter(WORD.findall(told)), name


@pytest.mark.parametrize("month", ["2004-July", "2009-February", "2013-November"])
def test_of_a_real_month_only_what_others_have_read_is_cut_besides_marked_quotes(month: str) -> None:
    threads: dict[str, Heard] = {}
    of: dict[str, str] = {}
    for mail in mails_of(month):
        key = next((of[id_] for id_ in reversed(mail.references) if id_ in of), mail.message_id)
        of[mail.message_id] = key
        known = threads.setdefault(key, Heard())
        told = {line.strip() for line in own_words(mail.text, mail.subject, known).split("\n")}
        by_marks = [line.strip() for line in new_words(mail.text).split("\n")]
        gone = [line for line in by_marks if line not in told and re.search(r"\w{3}", line)]
        match = match_sent(gone, known.known)
        for line, words, ours in zip(gone, match.words, match.ours, strict=True):
            assert is_no_word_of_theirs(line) or 2 * ours >= words or words < 5, (mail.subject, line)
        known.add(mail.text)


def is_no_word_of_theirs(line: str) -> bool:
    return re.search(r"PGP|scrubbed|next part|^\w+: |^Version|^[A-Za-z0-9+/=]{20,}$|^http", line) is not None


# ---- anything


@pytest.mark.parametrize(
    "piece",
    [
        "> ",
        ">" * 50 + "\n",
        "> x\ny\n",
        "-" * 14 + " next part " + "-" * 14 + "\n",
        "-----BEGIN PGP SIGNATURE-----\nx\n",
        f"{INTRODUCED}\n",
        "From: a\nSent: b\nSubject: c\n\n",
        "word " * 12 + "\n",
        "\u202e\x00\ud800",
    ],
)
def test_nothing_that_strangers_send_takes_long_or_raises(piece: str) -> None:
    text = piece * (20_000 // len(piece))
    own_words(text, "Re: x", heard(text))
    own_words(text, piece)
