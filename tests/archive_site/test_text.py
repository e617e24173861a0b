"""Plain text of strangers becomes pieces of safe HTML."""

from __future__ import annotations

import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_site.markup import sieve, stretches
from archive_site.text import Piece, excerpt, pieces
from tests.kit.html import read_html


def kinds(text: str) -> list[str]:
    return [piece.kind for piece in pieces(text)]


def html(text: str) -> str:
    return "".join(piece.html for piece in pieces(text))


def one(text: str, kind: str) -> Piece:
    (found,) = [piece for piece in pieces(text) if piece.kind == kind]
    return found


LONG_QUOTE = "".join(f"> line {number} of what was said before\n" for number in range(9))


def test_a_short_quote_between_new_words_stays_open() -> None:
    assert kinds("> Is seven good?\n\nYes.\n\n> And the chess people?\n\nYes.") == [
        "quote",
        "words",
        "quote",
        "words",
    ]


def test_a_long_quote_is_folded_and_a_short_one_at_the_end_too() -> None:
    assert kinds(LONG_QUOTE + "\nYes.") == ["folded", "words"]
    assert kinds("Yes.\n\n> short") == ["words", "folded"]


def test_a_mail_that_is_nothing_but_a_quote_is_shown_open() -> None:
    assert kinds(LONG_QUOTE) == ["quote"]


def test_the_line_that_introduces_a_quote_is_its_label_without_an_address() -> None:
    piece = one("Fine.\n\nOn 19 November, Ana Silva\n<ana@example.org> wrote:\n" + LONG_QUOTE, "folded")
    assert piece.label == "On 19 November, Ana Silva wrote"
    assert (
        one("Fine.\n\nOn 19 November, Ana wrote:\n" + LONG_QUOTE, "words").html == '<p dir="auto">Fine.</p>'
    )


def test_a_forwarded_head_folds_all_that_follows() -> None:
    text = "See below.\n\n-----Original Message-----\nFrom: Ana\nSubject: room\n\nDear all"
    assert kinds(text) == ["words", "folded"]
    assert "Dear all" in one(text, "folded").html


def test_a_signature_is_folded_and_a_quote_after_it_is_seen() -> None:
    assert kinds("Hi.\n-- \nAna\n\n> old\n") == ["words", "signature", "folded"]


def test_a_list_servers_foot_counts_as_signature() -> None:
    foot = "_" * 47 + "\nBook mailing list\nhttps://lists.example.org/book\n"
    assert kinds(f"Hi.\n\n{foot}") == ["words", "signature"]


def test_lines_broken_by_a_program_are_one_and_lines_ended_by_a_person_stay() -> None:
    wrapped = "The library called this morning and told us that we may keep\nthe room for another year.\n"
    assert "\n" not in html(wrapped)
    assert 'class="v"' in html("Roses are red,\nviolets are blue.")
    assert html("Roses are red,\nviolets are blue.").count("\n") == 1


def test_tables_and_patches_are_kept_as_they_are() -> None:
    table = "Chapter      Liked    Did not\nOne          7        2\n"
    patch = "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-\told\n+\tnew\n\n context\n"
    assert table.strip() in html(table)
    assert "-\told\n+\tnew\n\n context" in html(patch)
    assert html(patch).count("<pre") == 1


def test_only_http_and_https_are_linked_and_the_sentences_punctuation_stays_outside() -> None:
    told = html("See (https://a.example/x_(y)), javascript:alert(1), data:text/html,x, //evil.example.")
    assert 'href="https://a.example/x_(y)"' in told
    assert told.count("<a ") == 1
    assert 'rel="noopener noreferrer nofollow"' in told


def test_a_look_alike_host_shows_its_true_letters_and_credentials_are_no_link() -> None:
    assert "xn--" in html("https://\u0430pple.example/")
    assert "<a " not in html("https://ana:secret@bank.example/")
    assert "<a " not in html("https://x.example/?mail=ana%40example.org")
    assert '<a href="https://medium.example/@ana"' in html("https://medium.example/@ana")


def test_an_extract_has_new_words_only() -> None:
    assert excerpt("> old\n\nNew  words,\nana@example.org.\n\n-- \nAna", 100) == "New words, ana@…."
    assert excerpt("word " * 500, 40) == "word word word word word word word word…"


@given(st.text(alphabet=st.sampled_from("> -_\n\tab.:@/<&\"'|+[]()1*hteps"), max_size=300))
def test_any_text_becomes_nothing_but_our_own_elements(text: str) -> None:
    page = read_html(html(text))
    assert set(page.elements) <= {"p", "pre", "a"}
    assert page.attributes <= {"class", "dir", "tabindex", "href", "rel"}
    assert page.balanced


@given(st.text(max_size=200))
def test_no_visible_letter_of_a_text_without_addresses_is_lost(text: str) -> None:
    plain = (
        text.replace("@", "").replace("&", "").replace("%", "").replace("\uff20", "").replace("\ufe6b", "")
    )
    letters = [c for c in plain if c.isalpha()]
    shown = [c for c in "".join(read_html(html(plain)).words) if c.isalpha()]
    assert sorted(shown) == sorted(letters)


def test_hostile_text_takes_linear_time() -> None:
    for text in (
        ">" * 250_000,
        "> a\n\n" * 50_000,
        "a@" * 120_000,
        "https://" * 30_000,
        "(" * 200_000,
        "https://a/" + ")" * 200_000,
        " \n" * 120_000,
        "_" * 250_000,
        "-" * 250_000,
        "\t" * 250_000,
        "@a" + "." * 200_000,
        "On x:\n" * 40_000,
        "&#64;" * 50_000,
        "a  " * 80_000,
        "+ " * 100_000,
    ):
        pieces(text)


def test_html_keeps_structure_and_loses_everything_that_acts() -> None:
    told = sieve(
        '<h1 onclick="x()">Hi</h1><script>alert(1)</script><p style="x">a <b>b</b>'
        '<a href="mailto:a@b.example">'
        '<img src="https://evil.example/p.png">a@b.example</a></p><a href="javascript:x">j</a>'
        "<svg><p>in</p></svg>"
        '<ul><li>one<li>two</ul><li>stray</li></div></article></main><a href="https://ok.example/">ok</a>'
    )
    page = read_html(told)
    assert page.balanced
    assert page.elements == ["h3", "p", "b", "ul", "li", "li", "a"]
    assert "b.example" not in told
    assert "alert" not in told


@given(
    st.lists(
        st.sampled_from(
            [
                "<p>",
                "</p>",
                "<div>",
                "</div>",
                "<a href='https://x.example/'>",
                "</a>",
                "<b>",
                "</b>",
                "<table>",
                "<td>",
                "</table>",
                "<script>",
                "</script>",
                "<li>",
                "<ul>",
                "</ul>",
                "x@y.example",
                "text",
                "<!--",
                "-->",
                "<",
                ">",
                "<blockquote>",
                "</blockquote>",
                "<svg/onload=x>",
                "&lt;img&gt;",
                '"',
                "</main>",
                "<h2>",
                "</h2>",
            ]
        ),
        max_size=40,
    )
)
def test_any_html_comes_out_well_nested_and_within_the_list(parts: list[str]) -> None:
    page = read_html(sieve("".join(parts)))
    assert page.balanced
    assert not {"script", "svg", "img", "main", "style", "form", "iframe"} & set(page.elements)
    assert page.attributes <= {"href", "rel", "dir", "tabindex"}


def test_html_nested_a_hundred_thousand_deep_is_flat() -> None:
    assert read_html(sieve("<div><b>" * 50_000 + "x")).balanced


@pytest.mark.parametrize(
    "html",
    [
        "cyn@<b>home.test</b>",
        "<span>cyn</span>@home.test",
        "cyn<span>@</span>home.test",
        "<p>cyn<b>@</b>ho<i>me.</i>test</p>",
        "<code>cyn</code><em>@</em>home.<sub>test</sub>",
        "cyn<!-- x -->@<!---->home.test",
        "cyn@<script>a<b</script>home.test",
        "cyn@&#8203;home.test",
        "<i>cyn</i>&#64;<td>home.test",
        '<a href="https://x.example/">cyn@home</a>.test',
        'cyn@<a href="http://home.test">home.test</a>',
        'cyn<a href="http://home.test">@home.test</a>',
    ],
)
def test_no_tag_within_an_address_has_it_shown(html: str) -> None:
    told = sieve(html)
    assert "cyn@…" in "".join(read_html(told).words)
    assert not {"home", "test"} & set(re.findall(r"\w+", told))


def test_tags_around_an_address_keep_their_places_and_all_other_words() -> None:
    for one, two, three in product(["", "<b>", "</b>", "<span>", "<br>x", "<p>"], repeat=3):
        page = read_html(sieve(f"<p>Ask {one}cyn@{two}home.test{three} at <i>noon</i>, please.</p>"))
        assert page.balanced
        words = "".join(page.words)
        assert words.startswith("Ask ") and words.endswith(" at noon, please.")
        assert "i" in page.elements
        assert ("home" in words) == (two in ("<br>x", "<p>"))  # on another line it is no address


def test_words_on_two_lines_are_not_taken_for_an_address() -> None:
    told = sieve("<p>write to cyn@</p><p>home is where</p><ul><li>a@<li>b</ul>")
    assert "".join(read_html(told).words) == "write to cyn@home is wherea@b"


def test_a_link_is_that_of_its_own_attribute_and_no_number_of_a_character_is_too_long() -> None:
    told = sieve(
        '<a title=" href=https://no.example/" href="https://x.example/?a&amp;b">x</a>&#' + "9" * 9000
    )
    assert read_html(told).links == ["https://x.example/?a&b"]


def test_hostile_html_takes_linear_time() -> None:
    for html in (
        "<http://" * 31_000,
        "<a x='" * 50_000,
        "<a x=\"'>" * 50_000,
        "<!--" * 100_000,
        "<?" * 150_000,
        "</" * 150_000,
        "<script>" * 50_000,
        "<script " * 50_000,
        "<a " * 100_000,
        "<a" + " x=" * 100_000 + ">",
        "<a " + " " * 500_000 + "=>",
        "x<i>@" * 50_000,
        "<b>a</b>@" * 30_000,
        "&#" * 200_000,
        "<" * 500_000,
        "a" * 500_000 + "@<b>b",
    ):
        sieve(html)


def folded(html: str) -> list[tuple[str, bool]]:
    return [("".join(read_html(one.html).words).strip(), one.folded) for one in stretches(html)]


def test_quotes_of_html_mails_are_folded_unless_they_are_short_and_stand_between_own_words() -> None:
    mail = (
        "<p>Yes.</p><blockquote>Is seven good?<blockquote>Older</blockquote></blockquote><p>It is.</p>"
        f"<blockquote><p>{'long ' * 80}</p></blockquote><div>So long"
        "<div class='gmail_quote'>On Monday Ana wrote:<blockquote>Last words"
    )
    assert folded(mail) == [
        ("Yes.", False),
        ("Is seven good?Older", False),
        ("It is.", False),
        (("long " * 80).strip(), True),
        ("So longOn Monday Ana wrote:", False),
        ("Last words", True),
    ]
    assert folded("<blockquote>Nothing but a quote</blockquote>") == [("Nothing but a quote", False)]
    assert folded("<ul><li><blockquote>in a list</blockquote></ul>a") == [("in a lista", False)]
    assert all(read_html(one.html).balanced for one in stretches(mail + "</blockquote>" * 9 + "<b>"))
    assert stretches("<br><hr><blockquote></blockquote>") == ()
    assert [one.html for one in stretches("<p>ana@x.example <b>b</b></p>")] == [
        sieve("<p>ana@x.example <b>b</b></p>")
    ]
