"""HTML as text, HTML made safe, flowed lines: right on what people send, harmless on what attackers do."""

from __future__ import annotations

import re
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.replies import new_words
from listserv.mail.plain import first_words, is_stub, unflow
from listserv.mail.words import LONGEST_HTML, LONGEST_TEXT, html_to_text, safe_html, tidy


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Hello <b>Ana</b>,<br>bye</p>", "Hello Ana,\nbye"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<ul><li>one<li>two</ul>", "* one\n* two"),
        ("a &amp; b &lt;c&gt; &#8364; &nbsp;", "a & b <c> €"),
        ("<blockquote>old</blockquote>new", "> old\n\nnew"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("2 < 3 and 3 > 2", "2 < 3 and 3 > 2"),
        ("<style>p{}</style><script>x</script><title>t</title>words", "words"),
        ("<!-- no --> yes", "yes"),
        ('<a href="https://x.example/a">here</a>', "here <https://x.example/a>"),
        ('<a href="https://x.example/">x.example</a>', "x.example"),
        ('<a href="javascript:x">here</a>', "here"),
        ("<table><tr><td>a<td>b<tr><td>c</table>", "a b\nc"),
        ("words <unfinished", "words"),
        ("&#9999999999999;", "\ufffd"),
        ("&#0;a&#x1b;b\u202ec", "\ufffdabc"),
    ],
)
def test_html_reads_as_text(html: str, text: str) -> None:
    assert html_to_text(html) == text


SET_APART = {
    "Yahoo": '<div>ok</div><div id="yahoo_quoted_123" class="yahoo_quoted"><div>old<br>words</div></div>',
    "GMX": '<div>ok</div><div name="quote" style="margin:10px"><b>Von:</b> Ana<br/><div>old</div></div>',
    "Outlook on the web": '<p>ok</p><div id="appendonsend"></div><hr>'
    '<div id="divRplyFwdMsg"><b>Nork:</b> Ana</div>old',
    "Outlook quoted by Outlook": '<p>ok</p><div id="x_divRplyFwdMsg"><b>Nork:</b> Ana</div><div>old</div>',
    "Outlook for Windows": "<p>ok</p>"
    "<div style='border:none; border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm'>"
    "<p><b>Nork:</b> Ana</p></div><p>old</p>",
    "Outlook for Mac": '<div>ok</div><span id="OLK_SRC_BODY_SECTION"><div>Nork: Ana</div>old</span>',
    "Hotmail": '<div>ok<br><hr id="stopSpelling">Nork: Ana<br>old</div>',
    "Zimbra": 'ok<br><hr id="zwchr"><b>Nork: </b>ana<br>old',
    "Apple Mail": '<div>ok</div><blockquote type="cite"><div>old</div></blockquote>',
    "Thunderbird": '<p>ok</p><div class="moz-cite-prefix">1/1/24 10 h, Ana:<br></div>'
    '<blockquote type="cite">old</blockquote>',
    "Proton": 'ok<div class="protonmail_quote">On 1 Jan 2024, at 10:00, Ana &lt;a@x.y&gt; wrote:<br>'
    '<blockquote class="protonmail_quote">old</blockquote></div>',
    "Gmail": 'ok<div class="gmail_quote"><div class="gmail_attr">'
    "On Thu, Jun 26, 2014 at 2:14 PM A &lt;a@x.y&gt; wrote:<br></div>"
    '<blockquote class="gmail_quote">old</blockquote></div>',
}


@pytest.mark.parametrize("program", SET_APART)
def test_what_a_mail_program_quotes_in_html_is_told_apart_in_the_text(program: str) -> None:
    assert new_words(html_to_text(SET_APART[program])) == "ok"


def test_an_answer_between_gmails_quotes_stays() -> None:
    text = html_to_text(
        '<div class="gmail_quote"><blockquote>When?</blockquote><div>Now.</div>'
        "<blockquote>Why?</blockquote></div>end"
    )
    assert new_words(text) == "Now.\n\nend"


def test_a_container_that_is_closed_ends_its_quote_and_one_that_is_not_harms_no_other() -> None:
    assert html_to_text('<div class="yahoo_quoted"><div>old</div></div>new') == "> old\nnew"
    assert html_to_text("<div class=yahoo_quoted><span class=gmail_signature>old</div>new").endswith("\nnew")
    assert html_to_text("</div></div><div>new</div>") == "new"


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ('Yes<div class="gmail_signature">Ana<br>Hill 3</div>', "Yes\n--\nAna\nHill 3"),
        ('Yes<div class="moz-signature">-- <br>Ana</div>', "Yes\n--\nAna"),
        ('Yes<br><span>-- </span><br><div class="gmail_signature">Ana</div>', "Yes\n--\nAna"),
        ('Yes<div class="gmail_signature">Ana</div><div>and more</div>', "Yes\n\nAna\nand more"),
        ('Yes<div class="gmail_signature">Ana</div><blockquote>old</blockquote>', "Yes\n--\nAna\n\n> old"),
        ('Yes<div class="gmail_signature"></div>more', "Yes\nmore"),
    ],
)
def test_a_signature_in_html_is_marked_unless_somebody_wrote_on_below_it(html: str, text: str) -> None:
    assert html_to_text(html) == text


VECTORS = [
    "<img src=https://evil.example/pixel.gif>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><image href=https://evil.example/x /></svg>",
    "<svg><filter><feImage href='https://evil.example/x'/></filter></svg>",
    "<style>@import url(https://evil.example/x.css);</style>",
    "<p style='background:url(https://evil.example/x)'>a</p>",
    "<table background=https://evil.example/x><tr><td>a</table>",
    "<a href='javascript:alert(1)'>a</a>",
    "<a href='JaVaScRiPt:alert(1)'>a</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>a</a>",
    "<a href='//evil.example/x'>a</a>",
    "<iframe src=https://evil.example/></iframe>",
    "<object data=https://evil.example/></object>",
    "<form action=https://evil.example/><input name=x></form>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<base href=https://evil.example/>",
    "<video src=https://evil.example/x poster=https://evil.example/y></video>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<p id=login class=modal>a</p>",
    "<scr<script>ipt>alert(1)</script>",
    "<a href='https://ok.example' target=_blank ping=https://evil.example>a</a>",
]


@pytest.mark.parametrize("vector", VECTORS)
def test_nothing_active_or_remote_is_left_in_html(vector: str) -> None:
    clean = safe_html(f"<p>before</p>{vector}<p>after</p>")
    assert "evil.example" not in clean
    tags = re.findall(r"<(\w+)([^>]*)>", clean)
    assert {name for name, _ in tags} <= {"p", "a", "table", "tbody", "tr", "td"}
    attributes = {found for _, text in tags for found in re.findall(r"([\w-]+)=", text)}
    assert attributes <= {"href", "rel", "colspan", "rowspan"}


def test_links_stay_and_carry_no_trust() -> None:
    clean = safe_html('<a href="https://x.example/a?b=c">a</a> <a href="mailto:a@x.example">b</a>')
    assert clean.count('rel="noopener noreferrer nofollow"') == 2
    assert 'href="mailto:a@x.example"' in clean


@pytest.mark.parametrize(
    "html",
    ["<div>" * 201, "<div><table></div></table>" * 300, "<b><i></b></i>" * 300, "x" * (LONGEST_HTML + 1)],
)
def test_html_that_is_too_deep_or_too_large_is_not_shown(html: str) -> None:
    assert safe_html(html) == ""


HANG_SECONDS = 15.0  # a guard, not a measure: each takes well under one second
PATHS = {
    "tags that never end": "<a " * 170_000,
    "quotes that never end": '<a "' * 130_000,
    "crossed quotes": "<a '\">" * 85_000,
    "only opening signs": "<" * 500_000,
    "comments that never end": "<!--" * 125_000,
    "scripts that never end": "<script>" * 60_000,
    "100,000 nested blocks": "<div>" * 100_000,
    "ampersands": "&" * 500_000,
    "a number of 500,000 digits": "&#" + "1" * 500_000,
    "nested quotes": "<blockquote>" * 40_000,
    "500,000 blanks": " " * 500_000,
    "500,000 line ends": "\n" * 500_000,
    "links": "a <a href=http://x.example/>b</a>" * 15_000,
    "closing links": "x</a>" * 100_000,
    "quoted containers": "<div class=yahoo_quoted>" * 20_000,
    "signatures": "<div class=gmail_signature>a</div>b" * 15_000,
    "attributes": "<p " + "class=a " * 60_000,
    "digits in names": ("<p id=" + "1" * 1900 + "a>") * 250,
    "blanks in styles": ("<p style='" + " " * 1900 + "a'>") * 250,
}


@pytest.mark.parametrize("name", PATHS)
def test_hostile_html_ends_quickly_and_stays_small(name: str) -> None:
    done: list[tuple[str, str]] = []
    worker = threading.Thread(target=lambda: done.append(read_all_ways(PATHS[name])), daemon=True)
    worker.start()
    worker.join(HANG_SECONDS)
    assert done, "it hangs"
    text, clean = done[0]
    assert len(text.encode()) <= LONGEST_TEXT
    assert len(clean) <= 2 * LONGEST_HTML


def read_all_ways(html: str) -> tuple[str, str]:
    tidy(unflow(html, "yes"))
    return html_to_text(html), safe_html(html)


@given(st.text(alphabet="<>/!-\"'&;=abpre #\n", max_size=200))
def test_no_html_makes_it_raise(html: str) -> None:
    html_to_text(html)
    assert "<script" not in safe_html(html)


@pytest.mark.parametrize(
    ("flowed", "delsp", "text"),
    [
        ("one \ntwo", "", "one two"),
        ("one \ntwo", "yes", "onetwo"),
        ("> one \n> two\nthree", "", "> one two\nthree"),
        ("> one \n>> two", "", "> one \n>> two"),
        (" From here\n >no quote", "", "From here\n>no quote"),
        ("words \n-- \nAna", "", "words \n-- \nAna"),
    ],
)
def test_flowed_lines_are_joined_as_rfc_3676_says(flowed: str, delsp: str, text: str) -> None:
    assert unflow(flowed, delsp) == text


def test_an_apology_for_html_is_a_stub_and_a_post_about_html_is_not() -> None:
    assert is_stub("Your email client does not support HTML.")
    assert is_stub("  \n")
    assert not is_stub("I wrote some HTML yesterday, have a look?")


def test_first_words_say_that_there_are_more() -> None:
    assert first_words("one two\nthree four", 3) == "one two three …"
    assert first_words("one two", 3) == "one two"
