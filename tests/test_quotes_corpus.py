"""Every real reply of the quotes corpora: how many are read right, and that no author's word is ever lost.

Right: the new words are the expected ones, in order, whatever the white space between them. Lost: a word of
the expected answer that is not among the new ones. The corpora want three things that we don't, and they are
not counted against either side:

- lines marked ``>`` that email_reply_trimmer leaves in an answer, so that it is understood: they are quoted;
- a closing and a name without "-- " in front, which talon takes off as a signature: they are the author's;
- an attribution with no mail around it: it is nobody's word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pytest

from listserv.core.replies import Piece, pieces, read_reply
from listserv.core.types import Mail
from listserv.mail.parse import parse
from listserv.mail.words import html_to_text
from tests.kit.corpora import CORPORA, corpus

WORD = re.compile(r"\w+")
# Read by us: which of a mail's lines (empty ones not counted) are its author's new words.
ANSWERS = {
    "crisp": """correct_sig 1 | email_10 1-5 | email_14 1-5 | email_16 1-5 | email_2 1,8-24
        | email_21 1-497
        | email_22 1-5 | email_23 1-5 | email_24 1-5 | email_3 1-3 | email_5 1-12
        | email_6 1-2 | email_7 1-5 | email_8 1-5 | email_9 1-5 | email_blackberry 1
        | email_bullets 1-5 | email_customer_quote_header_2 1
        | email_danish_dash_separator 1-5 | email_finnish 1-5 | email_french_2 1-5
        | email_french_dash_separator 1-5 | email_german 1-5 | email_german_2 1-5
        | email_ios_outlook 1-5 | email_msn 1-5
        | email_multi_word_sent_from_my_mobile_device 1 | email_norwegian_gmail 1-5
        | email_not_a_signature_2 1-7 | email_outlook_split_line_from 1-5
        | email_reply_header 1-6 | email_russian 1-5 | email_sent_from 1
        | email_tricky_11_double_signature 1-3 | email_tricky_14_long_quote_header 1-5
        | email_tricky_18_inline_reply 3,5,7 | email_tricky_1_on_false_positive 1-4
        | email_tricky_20_html_entities 1-2 | email_tricky_2_url_with_wrote 1-5
        | email_tricky_3_code_block 1-10 | email_tricky_4_from_in_body 1-3
        | email_tricky_6_regards_in_sentence 1-4 | email_tricky_7_multiple_dashes 1-9
        | email_tricky_8_sent_from_in_content 1-3 | email_tricky_9_nested_quotes 1
        | email_unquoted_reply 1 | email_zoho 1-2 | sig_no_empty_line 1""",
    "github": """correct_sig 1 | email_1_3 1-3 | email_1_6 1 | email_1_7 1 | email_2_2 1 | email_2_3 1
        | email_BlackBerry 1 | email_bullets 1-5
        | email_multi_word_sent_from_my_mobile_device 1 | greedy_on 1-4""",
    "mail-parser-reply": """begins_with_signature 1-7 | correct_sig 1 | email_1_3 1-3 | email_1_6 1
        | email_1_7 1
        | email_2_2 1 | email_2_3 1 | email_bullets 1-5 | email_danish_1 1-4
        | email_danish_2 1-4 | email_danish_5 1-4 | email_ja_1_1 1 | email_ja_1_2 1-4
        | email_partial_quote_header 1-4 | email_sent_from_multi_word_mobile_device 1
        | email_sent_from_not_signature 1-2 | greedy_on 1-4 | multiline_on 0 | outlook 1-5""",
}

UNCERTAIN = {  # what stays though somebody who reads the whole mail would know better
    "email_reply_trimmer/embedded_email_1": "words below a quote may be an answer as well as a signature",
    "crisp/email_7": "two lines that broke out of a quote might be answers; what we sent would tell",
    "crisp/email_8": "the same",
    "crisp/email_unquoted_reply": "a person may write 'On Nov 26, 2013 you wrote:' as well",
    "github/email_1_6": "'Sent from a magnificent torch of pixels' names nothing that sends mail",
    "mail-parser-reply/email_1_6": "the same",
    "mail-parser-reply/begins_with_signature": "its quoted-printable was not decoded: the lines are broken",
    "mail-parser-reply/multiline_on": "an attribution with nothing above and no quote below",
}


def read(name: str) -> str:
    return (CORPORA / "quotes" / name).read_bytes().decode().replace("\r\n", "\n")


def trimmer() -> Iterator[tuple[str, str, str]]:
    for path in sorted((CORPORA / "quotes/email_reply_trimmer/emails").iterdir()):
        answer = read(f"email_reply_trimmer/trimmed/{path.name}").split("\n")
        new = "\n".join(line for line in answer if not line.startswith(">"))
        yield f"email_reply_trimmer/{path.stem}", read(f"email_reply_trimmer/emails/{path.name}"), new


def numbered() -> Iterator[tuple[str, str, str]]:
    for folder, rows in ANSWERS.items():
        for row in rows.split("|"):
            name, ranges = row.split()
            text = read(f"{folder}/{name}.txt")
            lines = [line for line in text.split("\n") if line.strip()]
            chosen = [one.split("-") for one in ranges.split(",") if one != "0"]
            new = [line for one in chosen for line in lines[int(one[0]) - 1 : int(one[-1])]]
            yield f"{folder}/{name}", text, "\n".join(new)


def talon() -> Iterator[tuple[str, str, str]]:
    for name, raw in corpus("quotes/talon/standard_replies"):
        mail = parse(raw) if name.endswith(".eml") else raw.decode()
        yield name, mail.text if isinstance(mail, Mail) else str(mail), "Hello"
    for name, raw in corpus("quotes/talon/html_replies"):
        yield name, html_to_text(raw.decode()), "Hi. I am fine.\nThanks,\nAlex"


SETS = {"trimmer": list(trimmer()), "numbered": list(numbered()), "talon": list(talon())}
MAILS = [mail for mails in SETS.values() for mail in mails]
SIZES = {"email_reply_trimmer": 33, "crisp": 48, "github": 10, "mail-parser-reply": 19, "quotes": 13}


def test_the_corpora_are_whole() -> None:
    assert Counter(name.partition("/")[0] for name, _, _ in MAILS) == SIZES


@pytest.mark.parametrize(("name", "text", "answer"), MAILS, ids=[name for name, _, _ in MAILS])
def test_each_reply_is_read_right_or_keeps_more_than_it_must(name: str, text: str, answer: str) -> None:
    new = read_reply(text).new
    assert not Counter(WORD.findall(answer)) - Counter(WORD.findall(new)), "an author's word is lost"
    assert (new.split() == answer.split()) is (name not in UNCERTAIN), new


def test_forwards_with_words_above_are_cut_where_their_authors_cut_them() -> None:
    for path in sorted((CORPORA / "quotes/email_reply_trimmer/before").iterdir()):
        words = read_reply(read(f"email_reply_trimmer/emails/{path.name}"))
        assert words.new.split() == read(f"email_reply_trimmer/before/{path.name}").split()
        embedded = read(f"email_reply_trimmer/embedded/{path.name}").split()
        assert " ".join(embedded) in " ".join(words.quoted.split())


def test_of_mails_with_a_signature_no_word_of_the_text_is_lost() -> None:
    """Talon's answers are a learned model's; ours stops at what a name without "-- " may be."""
    for name, raw in corpus("quotes/talon/signature/emails"):
        if not name.endswith("_body"):
            continue
        text = raw.decode()
        path = CORPORA / name.replace("_body", "_signature")
        cut = path.read_bytes().decode() if path.exists() else ""
        kept = Counter(WORD.findall(read_reply(text).new))
        assert not Counter(WORD.findall(text)) - Counter(WORD.findall(cut)) - kept, name


def test_a_reply_in_html_is_read_as_its_plain_text_is() -> None:
    """Mails that have both: what the HTML says as text leaves the same new words."""
    seen = 0
    for name, raw in corpus("quotes/talon/standard_replies"):
        html = re.search(rb"(?s)Content-Type: text/html[^\n]*\n(?:[^\n]+\n)*\n(.*?)\n--=", raw)
        if html and b"base64" not in raw:
            seen += 1
            assert read_reply(html_to_text(html[1].decode())).new.split()[:1] == ["Hello"], name
            assert len(read_reply(html_to_text(html[1].decode())).new.split()) == 1, name
    assert seen >= 3


def test_in_every_mail_of_all_corpora_each_character_is_in_one_piece() -> None:
    kinds: Counter[str] = Counter()
    for name, raw in corpus("quotes", "mime", "bounces/sisimai", "archives/twisted-web"):
        text = raw.decode("utf-8", "replace")[:100_000]
        cut: tuple[Piece, ...] = pieces(text)
        assert "".join(piece.text for piece in cut) == text, name
        kinds.update(piece.kind for piece in cut)
    assert kinds["new"] > 500
