"""Paths: a closed set of shapes, and names that say nothing of anybody."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive_site import hiding, urls
from listserv.core.address import BadAddress, read_address

HASH = "a" * 32


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "root"),
        ("/in", "in"),
        ("/healthz", "healthz"),
        ("/book/", "front"),
        ("/book@other.example/", "front"),
        ("/book/2026/11/", "month"),
        ("/book/t/abc-D_9/", "thread"),
        ("/book/t/abc/2/", "thread"),
        (f"/book/m/{HASH}", "post"),
        (f"/book/m/{HASH.upper()}", "post"),
        (f"/book/a/{HASH}/3/any name.pdf", "attachment"),
        ("/u/" + "a2" * 10, "leave"),
        ("/assets/site.css", "asset"),
        ("/assets/archive.js", "asset"),
        ("/book/search/tiers.json", "tiers"),
        ("/book/search/0123456789abcdef/pagefind.js", "tier-file"),
        ("/book/search/0123456789abcdef/pagefind-entry.json", "tier-file"),
        ("/book/search/0123456789abcdef/wasm.en.pagefind", "tier-file"),
        ("/book/search/0123456789abcdef/pagefind.en_2353e8d997.pf_meta", "tier-file"),
        ("/book/search/0123456789abcdef/fragment/en_014a1a5.pf_fragment", "tier-file"),
        ("/book/search/0123456789abcdef/index/de_014a1a5.pf_index", "tier-file"),
    ],
)
def test_a_path_of_ours_is_read(path: str, kind: str) -> None:
    assert urls.read_path(path).kind == kind


@pytest.mark.parametrize(
    "path",
    [
        "/book",
        "/Book/",
        "/book/2026/13/",
        "/book/2026/1/",
        "/book/t/../",
        "/book/t/a.b/",
        "/book/t/abc/1/",
        "/book/t/abc/0/",
        "/book/.hosts/",
        "/book/.search.json",
        "/book/search/.new/0123456789abcdef/pagefind.js",
        "/book/search/0123456789abcdeg/pagefind.js",
        "/book/search/0123456789abcdef/",
        "/book/search/0123456789abcdef/../tiers.json",
        "/book/search/0123456789abcdef/index.html",
        "/book/search/0123456789abcdef/fragment/../pagefind.js",
        "/book/search/0123456789abcdef/fragment/en_x.pf_fragment",
        "/book/.months.json",
        "/.cursor.json",
        "/../",
        "/..%2f/",
        "//",
        "/book//",
        "/book/m/short",
        "/assets/../site.css",
        "/assets/gate.py",
        "/u/short",
        "/book\x00/",
        "/bo ok/",
        "/in/x",
        f"/book/a/{HASH}/x/n",
        f"/book/a/{HASH}/1/",
        "/book/index.html",
        "",
        "/book/t/" + "a" * 65 + "/",
        "/-book/",
    ],
)
def test_any_other_path_is_nowhere(path: str) -> None:
    assert urls.read_path(path).kind == "nowhere"


@given(st.text(max_size=80))
def test_reading_a_path_never_fails_and_what_it_names_is_safe(path: str) -> None:
    route = urls.read_path("/" + path)
    assert route.kind == "nowhere" or ".." not in route.key
    assert urls.local_path(path) == "/" or urls.read_path(path).kind != "nowhere"


@pytest.mark.parametrize(
    "path", ["https://evil.example/", "//evil.example/", "/in?t=x", "/u/" + "a" * 20, "\\evil"]
)
def test_signing_in_leads_on_to_no_place_but_ours(path: str) -> None:
    assert urls.local_path(path) == "/"


@given(st.emails())
def test_no_address_is_shown_wherever_it_stands(address: str) -> None:
    try:
        domain = read_address(address).domain
    except BadAddress:
        return
    for text in (
        address,
        f"see <{address}>, please",
        f"({address})",
        f"mailto:{address}",
        address.upper(),
        address.replace("@", "%40"),
        address.replace("@", "\uff20"),
        address.replace("@", "&#64;"),
    ):
        assert f"@{domain}" not in hiding.hide(text).lower().replace("%40", "@").replace("\uff20", "@")


def test_names_tell_no_address_and_play_no_tricks() -> None:
    assert hiding.name("", "ana@example.org", hidden=False) == "ana"
    assert hiding.name("", "ana@example.org", hidden=True) == ""
    assert hiding.name("boss@good.example", "mal@evil.example", hidden=False) == "boss"
    assert (
        hiding.name("\u202egnp.exe\u2066\x07 Ana\n Silva", "a@b.example", hidden=False) == "gnp.exe Ana Silva"
    )
    assert hiding.line("x" * 1000, 10) == "xxxxxxxxx…"


def test_initials_stand_in_place_of_a_face() -> None:
    assert [hiding.initials(name) for name in ("Ana Maria Silva", "noor", "林 美", "", "“…” !")] == [
        "AS",
        "N",
        "林美",
        "",
        "",
    ]


def test_a_title_has_no_re_in_front() -> None:
    assert hiding.title("Re: AW: Re[2]: The key") == "The key"
    assert hiding.title("Regarding the key") == "Regarding the key"
    assert hiding.title("Re: [Book] Re: [book] The [old] key", {"book"}) == "The [old] key"
    assert hiding.title("[Other] The key", {"book"}) == "[Other] The key"
    assert hiding.title("Re: [book]", {"book"}) == "[book]"
