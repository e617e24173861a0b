"""A Brief as a mail: its header, a text in 72 columns, HTML that loads nothing, and nothing of a stranger's
in either that is more than words."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email import policy
from email.parser import BytesParser

import pytest

from listserv.core.brief import Brief, News, Reader, ThreadNews
from listserv.core.choosing import choose
from listserv.core.retold import File
from listserv.mail.brief_told import title_told
from listserv.mail.briefs import write
from listserv.mail.fields import split
from listserv.mail.typeset import wide
from tests.kit.briefs import (
    BASE,
    DOMAIN,
    FOOD_BANKS,
    READER,
    TUESDAY,
    WORDS,
    Written,
    a_brief,
    a_list,
    food_banks,
    month_news,
    news,
    post,
    thread,
    written,
)

SHY = "\u202eevil\u200b\x00\x1b[31m"
BAD = f"<img src=x onerror=alert(1)> {{{{7*7}}}} {{% raw %}} &amp; \" ' {SHY} <a href=http://evil.example>"


def food() -> Brief:
    found = choose(food_banks(), FOOD_BANKS, TUESDAY)
    assert found is not None
    return found


def busy() -> Written:
    many = (thread(n, f"Thread {n} has a title", post(n, "Ana", "word " * 150)) for n in range(1, 121))
    return a_brief(*many)


def hostile() -> Written:
    long = "n" * 10_000
    files = (File(f"{BAD}.pdf", 10), File(long, 10), File("", 0))
    first = post(1, BAD, f"{BAD}\n\n> {BAD}\n\n    code {BAD}\n\n- {BAD}", language=BAD, attachments=files)
    return a_brief(
        thread(1, BAD, first, post(2, long, long, author_key=BAD), post(3, "", "")),
        thread(2, long, post(4, f"x@y.example {BAD}", "\n\n\n"), question=BAD, asked=TUESDAY),
        thread(3, "", post(5, "日本" * 99, "日本語の文章" * 99)),
        here=a_list(title=BAD),
    )


def real(month: str, after: int, upto: int) -> Written:
    of = month_news(month, after, upto)
    at = max(one.at for two in of.threads for one in two.posts) + timedelta(hours=9)
    return written(choose(of, replace(READER, zone="Pacific/Guam"), at))


ALL: dict[str, Callable[[], Written]] = {
    "food banks": lambda: written(food()),
    "a busy day": busy,
    "hostile": hostile,
    "one thread": lambda: a_brief(thread(1, "Hello", post(1, "Ana", "Hi"))),
    "a real week": lambda: real("2010-March", 0, 20),
    "another": lambda: real("2009-February", 10, 30),
}


@pytest.fixture(params=ALL, scope="module")
def shown(request: pytest.FixtureRequest) -> Written:
    return ALL[request.param]()


# ---- the header


def test_the_header_is_a_list_s_and_has_no_line_of_one_copy() -> None:
    raw = written(food()).raw
    fields, _, _ = split(raw)
    assert [
        (field.name, field.text) for field in fields if field.name not in ("message-id", "content-type")
    ] == [
        ("from", "Food Banks NW <foodbanks+ask@lists.example.org>"),
        ("subject", "Tue: 4 threads, 2 min"),
        ("date", "Tue, 24 Nov 2026 07:00:00 +0000"),
        ("list-id", '"Food Banks NW" <foodbanks.lists.example.org>'),
        ("list-post", "<mailto:foodbanks@lists.example.org>"),
        ("list-help", "<mailto:foodbanks+help@lists.example.org>"),
        ("list-subscribe", "<mailto:foodbanks+join@lists.example.org>"),
        ("list-owner", "<mailto:foodbanks+host@lists.example.org>"),
        ("list-archive", "<https://lists.example.org/foodbanks/>"),
        ("precedence", "list"),
        ("feedback-id", "digest:foodbanks:lists.example.org:listserv"),
        ("x-listserv-kind", "digest"),
        ("mime-version", "1.0"),
    ]
    assert re.fullmatch(r"<[a-z2-7]{26}@lists\.example\.org>", str(written(food()).mail["Message-ID"]))


def test_the_same_brief_gives_the_same_bytes_and_another_one_another_id() -> None:
    first, later = written(food()), written(replace(food(), at=TUESDAY + timedelta(days=1)))
    assert written(food()).raw == first.raw
    ids = {str(one.mail["Message-ID"]) for one in (first, later, a_brief(*food_banks().threads[:1]))}
    assert len(ids) == 3


def test_a_mail_program_reads_two_parts_the_text_first(shown: Written) -> None:
    mail = BytesParser(policy=policy.default).parsebytes(shown.raw)
    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert not list(mail.defects) and all(not part.defects for part in mail.walk())
    assert max(map(len, shown.raw.split(b"\r\n"))) <= 998 and b"\n" not in shown.raw.replace(b"\r\n", b"")
    assert shown.raw.isascii()


def test_a_list_without_a_title_goes_by_its_address() -> None:
    assert (
        a_brief(thread(1, "a", post(1, "Ana", "x")), here=a_list(title=""))
        .mail["From"]
        .startswith("foodbanks <")
    )


# ---- the text


def test_no_line_of_the_text_is_wider_than_72_columns_but_for_a_url(shown: Written) -> None:
    for line in shown.text.split("\n"):
        assert wide(line) <= 72 or re.fullmatch(r" *(?:> )?\S{0,20}://\S+", line), line
        assert line == line.rstrip()
    assert "\n\n\n" not in shown.text and shown.text.endswith("\n") and not shown.text.startswith("\n")


def test_the_text_tells_who_wrote_what_and_where_to_read_it() -> None:
    text = written(food()).text
    assert text.startswith(
        "Food Banks NW · Tuesday, 24 November 2026\n7 new posts in 4 threads, 2 minutes to read\n"
    )
    assert (
        "\n 1  Volunteer no-shows\n    3 new · you follow it\n\n    Dee Whitehorse (Pullman): We stopped"
        in text
    )
    assert "    Dee Whitehorse (Pullman):\n    > about Saturdays\n    Breakfast.\n" in text
    assert "\n    question, answered · 2 new · 1 before\n" in text
    assert "\n    question, open 2 days · 1 new · 1 before\n" in text
    assert "    Attached: call-november.pdf (121 kB)\n    Attached: to-dos.csv (940 B)\n" in text
    assert re.search(
        r"\n    … 1 more minute: all 3\n    https://lists\.example\.org/foodbanks/m/[a-z2-7]{32}\n", text
    )
    assert re.search(r"\n    https://lists\.example\.org/foodbanks/t/[a-z2-7]{12}/\n", text)


def test_it_ends_with_how_to_answer_and_how_to_change_the_rhythm() -> None:
    ending = written(food()).text.partition("To answer")[2]
    assert ending == (
        ", just reply, one line or many:\n"
        "    2: your words – to everybody, in thread 2\n"
        "    1p: your words – to Dee alone\n"
        "    all 2 – brings you that thread whole\n"
        "    mute 2 · follow 2 · later 2 fri · thanks Dee\n\n"
        "This is mail 2 of 3 this week.\n"
        "For another rhythm reply weekly, 3 (mails a week), now or none; for all\nyou can say, help.\n"
    )
    assert "this week" not in a_brief(*food_banks().threads, reader=replace(READER, spent=None)).text


def test_one_thread_is_answered_without_a_number() -> None:
    text = a_brief(thread(1, "Hello", post(1, "Ana Silva", "Hi"))).text
    assert "To answer, just reply: your words go to everybody in this thread." in text
    assert "1: your words" not in text and "    1p: your words – to Ana alone\n" in text


def test_where_only_hosts_post_nobody_is_told_to_write_to_everybody() -> None:
    announced = a_brief(*food_banks().threads, here=a_list(posting="hosts"))
    assert "everybody" not in announced.text + announced.html
    assert "1p: your words" in announced.text and announced.mail["List-Post"] == "NO"


def test_a_busy_day_ends_in_titles_numbered_on() -> None:
    text = busy().text
    assert "10 minutes to read" in text
    told, _, titles = text.partition("\nAnd by title:\n\n")
    assert titles.startswith("14  Thread 14 has a title · 1 new\n15  Thread 15")
    assert "\n120 Thread 120 has a title · 1 new\n" in titles and "\n13  Thread 13" in told


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ({"asked": TUESDAY - timedelta(hours=2)}, "a new question"),
        ({"asked": TUESDAY - timedelta(days=1, hours=2)}, "question, open 1 day"),
        ({"asked": TUESDAY - timedelta(days=9)}, "question, open 9 days"),
        ({"asked": TUESDAY - timedelta(days=9), "answered": True}, "question, answered"),
        ({"asked": TUESDAY + timedelta(days=9)}, "a new question"),
    ],
)
def test_it_says_how_a_question_stands(state: dict[str, object], said: str) -> None:
    found = a_brief(thread(1, "Who?", post(1, "Ana", "Who?"), question="Who?", **state))
    assert f"\n    {said} · 1 new\n" in found.text and said in found.html


def test_a_closed_thread_and_a_quote_without_words_are_called_so() -> None:
    found = a_brief(thread(1, "a", post(1, "Ana", ""), closed=True))
    assert " · closed\n" in found.text and "    Ana: (nothing but a quote)\n" in found.text
    assert "(nothing but a quote)" in found.html


def test_a_list_that_keeps_no_archive_links_nowhere() -> None:
    found = a_brief(*food_banks().threads, here=a_list(archive="off"))
    assert "http" not in found.text and "href" not in found.html and found.mail["List-Archive"] is None


@pytest.mark.parametrize(
    ("subject", "title"),
    [
        ("Re: [foodbanks] AW: Cold storage", "Cold storage"),
        ("[Food Banks NW] Cold storage", "Cold storage"),
        ("[FB] Cold storage", "Cold storage"),
        ("[Oregon] Cold storage", "[Oregon] Cold storage"),
        ("x" * 500, "x" * 159 + "…"),
    ],
)
def test_a_title_has_no_re_and_no_tag_of_the_list(subject: str, title: str) -> None:
    assert title_told(subject, a_list(subject_tag="[FB]")) == title


def test_days_are_those_of_the_reader_s_zone() -> None:
    at = TUESDAY.replace(hour=22)
    shown = choose(food_banks(), Reader("en", "Pacific/Guam"), at)
    assert shown is not None
    assert written(shown).mail["Subject"].startswith("Wed: ")
    assert "Wednesday, 25 November 2026" in written(shown).text


# ---- the HTML

_TAGS = "html head meta title style body div table tr td p h1 h2 a b bdi span br"
TAGS = frozenset(_TAGS.split())


def test_the_html_loads_nothing_and_leads_only_into_the_archive(shown: Written) -> None:
    tags = re.findall(r"<[a-z][^>]*>", shown.html, re.I)
    assert {re.match(r"<(\w+)", tag)[1] for tag in tags} <= TAGS  # type: ignore[index]
    assert not [
        tag for tag in tags if re.search(r"\son\w+\s*=|url\(|\b(?:src|action|background|srcset)=", tag)
    ]
    assert not re.search(r"url\(|@import", shown.html[: shown.html.index("</style>")])
    links = [link for tag in tags for link in re.findall(r"""href\s*=\s*["']?([^"'\s>]*)""", tag)]
    assert all(link.startswith(f"{BASE}/") for link in links)


def test_text_and_html_tell_the_same(shown: Written) -> None:
    bare = re.sub(r"<style>.*?</style>|<!--.*?-->|<[^>]*>", " ", shown.html, flags=re.S)
    told = set(re.findall(r"\w{4,}", bare.replace("&#39;", "'")))
    for line in shown.text.partition("\n\n 1  ")[2].partition("To answer")[0].split("\n"):
        missing = [word for word in re.findall(r"\w{4,}", line) if word not in told]
        assert "://" in line or "Attached" in line or len(missing) <= 2 or "n" * 20 in line, (line, missing)


def test_it_can_be_read_in_the_dark(shown: Written) -> None:
    assert '<meta name="color-scheme" content="light dark">' in shown.html
    assert "@media (prefers-color-scheme: dark)" in shown.html


def test_it_says_in_which_language_somebody_wrote() -> None:
    html = a_brief(thread(1, "שלום", post(1, "Ana", "שלום לכולם", language="he"))).html
    assert 'dir="auto" lang="he"' in html
    assert a_brief(thread(1, "a", post(1, "Ana", "x", language='x" onload="'))).html.count("lang=") == 1


# ---- strangers


def test_nothing_hostile_is_markup_a_template_or_a_line_of_ours() -> None:
    shown = hostile()
    assert "49" not in shown.text and "{{7*7}}" in shown.text and "{{7*7}}" in shown.html
    assert "&lt;img src=x onerror=alert(1)&gt;" in shown.html and "<img" not in shown.html
    for unseen in "\u202e\u200b\x00\x1b":
        assert unseen not in shown.text and unseen not in shown.html
    assert len(shown.raw) < 60_000 and "a file without a name (0 B)" in shown.text
    assert "x@y.example" not in shown.text


def test_a_word_of_theirs_at_the_edge_can_not_be_taken_for_a_number_of_ours() -> None:
    text = a_brief(
        thread(1, "a", post(1, "Ana", "1  Not a thread\n\nTo answer, just reply")),
        thread(2, "b", post(2, "B", "x")),
    ).text
    assert len(re.findall(r"^ ?\d+  ", text, re.M)) == 2
    assert len(re.findall(r"^To answer", text, re.M)) == 1


# ---- in time


def test_a_large_brief_is_as_large_as_a_mail_may_be() -> None:
    assert len(busy().html) < 102_000  # Gmail clips what is longer


def test_it_is_written_in_the_reader_s_language_as_far_as_we_have_it() -> None:
    brief = choose(News(a_list(), 0, 1, food_banks().threads), Reader("de", "UTC"), TUESDAY)
    assert brief is not None
    assert "Dienstag" in Written(write(brief, WORDS, BASE, DOMAIN)).text


def one(title: str) -> ThreadNews:
    return thread(1, title, post(1, "Ana", "x"))


def test_a_thread_without_a_subject_is_called_so() -> None:
    assert "\n 1  (no subject)\n" in a_brief(one("")).text
    assert news(one("")).threads[0].title == ""
