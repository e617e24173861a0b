"""The folder of pages, from rows in a real database."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import stat
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from archive_site.build import Builder
from listserv.resources import resource
from listserv.store import schema
from tests.kit.html import read_html, without_ours
from tests.kit.site import NOON, Rows, Said, book_circle, builder

POLYGLOTS = (
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "{{7*7}}{% raw %}",
    "'onmouseover='alert(1)",
    "</title></h1></article></main><script>alert(1)</script>",
    "javascript:alert(1)//\u202e\x00",
    "]]><!--<iframe srcdoc=x>",
)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def pages(folder: Path) -> dict[str, str]:
    return {name: data.decode() for name, data in snapshot(folder).items() if name.endswith(".html")}


def texts(folder: Path) -> str:
    return "\n".join(pages(folder).values())


def two_threads(rows: Rows, list_id: int, **told: object) -> tuple[int, int]:
    made = []
    for number in (1, 2):
        thread = rows.thread(list_id, f"Thread {number}", key=f"key{number}")
        rows.post(list_id, thread, replace(Said(text=f"words {number}", subject=f"Thread {number}"), **told))  # type: ignore[arg-type]
        made.append(thread)
    return made[0], made[1]


def test_a_post_touches_its_thread_its_month_and_the_front_page_and_no_more(rows: Rows, folder: Path) -> None:
    book = book_circle(rows)
    site = builder(rows, folder)
    site.catch_up(NOON)
    before = snapshot(folder)
    thread = rows.thread(book, "A new one", key="fresh")
    rows.post(book, thread, Said(text="entirely new"))
    assert site.catch_up(NOON) == 1
    after = snapshot(folder)
    touched = {name for name in after if before.get(name) != after[name]}
    assert touched == {
        ".cursor.json",
        "book/.months.json",
        "book/index.html",
        "book/2026/11/index.html",
        "book/t/fresh/index.html",
    }
    shared = Said(text="see https://x.example/new there", at=NOON + timedelta(minutes=1))
    rows.post(book, thread, shared)
    site.catch_up(NOON)
    last = snapshot(folder)
    assert {name for name in last if after.get(name) != last[name]} == touched | {"book/resources/index.html"}
    assert len(touched) + 1 <= 6


def test_pages_caught_up_post_by_post_are_those_of_a_full_build_byte_for_byte(
    rows: Rows, tmp_path: Path
) -> None:
    one, two = builder(rows, tmp_path / "one"), builder(rows, tmp_path / "two")
    book = rows.list("book", archive="public")
    one.catch_up(NOON)
    for number in range(25):
        at = NOON - timedelta(days=(number * 37) % 300)
        thread = rows.thread(book, f"T{number % 7}", at, key=f"k{number}") if number < 7 else number % 7 + 1
        audience = ("public", "members", "hosts", "off")[number % 4]
        rows.post(book, thread, Said(text=f"words {number}", at=at, audience=audience))
        one.catch_up(NOON)
    two.build_all(None, None)
    assert pages(tmp_path / "one") == pages(tmp_path / "two")


def test_the_same_rows_give_the_same_bytes_and_nothing_is_written_twice(rows: Rows, folder: Path) -> None:
    book_circle(rows)
    site = builder(rows, folder)
    site.catch_up(NOON)
    first = snapshot(folder)
    times = {f: f.stat().st_mtime_ns for f in folder.rglob("*") if f.is_file()}
    site.build_all(None, None)
    assert snapshot(folder) == first
    assert {f: f.stat().st_mtime_ns for f in folder.rglob("*") if f.is_file()} == times


def test_a_build_that_died_between_write_and_rename_is_resumed(
    rows: Rows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = rows.list("book")
    builder(rows, tmp_path / "before").catch_up(NOON)
    two_threads(rows, book)
    builder(rows, tmp_path / "calm").catch_up(NOON)
    renames, deaths = Path.replace, 0
    for death in range(1, 20):
        folder = tmp_path / f"dies {death}"
        shutil.copytree(tmp_path / "before", folder)
        left = death

        def dies(self: Path, target: Path) -> Path:
            nonlocal left
            left -= 1
            if left == 0:
                raise KeyboardInterrupt
            return renames(self, target)

        monkeypatch.setattr(Path, "replace", dies)
        with suppress(KeyboardInterrupt):
            builder(rows, folder).catch_up(NOON)
        monkeypatch.setattr(Path, "replace", renames)
        deaths += left <= 0
        builder(rows, folder).catch_up(NOON)
        assert pages(folder) == pages(tmp_path / "calm")
    assert deaths == 7  # two threads, a month, the front page, the counts, the cursor, the sure cursor


def test_only_what_is_out_is_shown_and_what_was_taken_out_keeps_its_place(rows: Rows, folder: Path) -> None:
    book = rows.list("book")
    thread = rows.thread(book, "A talk", key="talk")
    parent = rows.post(book, thread, Said(text="first words", message_id="a@b"))
    gone = rows.post(book, thread, Said(text="taken words", state="redacted", name="Gone Author"), parent)
    rows.post(book, thread, Said(text="outbox words", state="outbox"), parent)
    rows.post(book, thread, Said(text="last words", at=NOON + timedelta(hours=1)), gone)
    builder(rows, folder).catch_up(NOON)
    told = texts(folder)
    assert "first words" in told and "last words" in told
    assert "taken words" not in told and "outbox words" not in told and "Gone Author" not in told
    assert f'id="m-{gone}"' in told and "It was taken out" in told


def test_a_list_without_archive_and_a_retired_one_have_no_pages(rows: Rows, folder: Path) -> None:
    quiet, book, other = rows.list("quiet", archive="off"), rows.list("book"), rows.list("other")
    for list_id in (quiet, book):
        thread = rows.thread(list_id, "A talk")
        rows.post(list_id, thread, Said())
    site = builder(rows, folder)
    site.catch_up(NOON)
    ours = {"assets", ".cursor.json", ".lists.json", ".lock"}
    assert {f.name for f in folder.iterdir()} == {"book", "other"} | ours
    rows.set_list(book, archive="off")
    rows.set_list(other, retired=True)
    rows.set_list(quiet, archive="members")
    site.catch_up(NOON)
    assert {f.name for f in folder.iterdir()} == {"quiet"} | ours


def test_a_change_of_title_reaches_every_page_without_a_mark(rows: Rows, folder: Path) -> None:
    book = rows.list("book")
    two_threads(rows, book)
    site = builder(rows, folder)
    site.catch_up(NOON)
    rows.set_list(book, title="Another name")
    site.catch_up(NOON)
    assert all("Another name" in page for page in pages(folder).values())


def test_a_post_for_hosts_is_in_the_hosts_tree_alone(rows: Rows, folder: Path) -> None:
    book = rows.list("book", archive="public")
    open_thread = rows.thread(book, "Open talk", key="open")
    first = rows.post(book, open_thread, Said(text="for everyone", audience="public"))
    rows.post(book, open_thread, Said(text="SECRET-H reply", name="Hidden Host", audience="hosts"), first)
    dark = rows.thread(book, "SECRET-H title", key="dark")
    hers = rows.post(book, dark, Said(text="SECRET-H words", subject="SECRET-H subject", audience="hosts"))
    rows.post(book, dark, Said(text="a member answers", subject="Re: hm", audience="members"), hers)
    never = rows.thread(book, "SECRET-O title", key="never")
    rows.post(book, never, Said(text="SECRET-O words", audience="off"))
    builder(rows, folder).catch_up(NOON)
    for name, page in pages(folder).items():
        assert "SECRET-O" not in page
        assert ("SECRET-H" in page or "Hidden Host" in page) <= name.startswith("book/.hosts/"), name
        assert ("a member answers" in page) <= name.startswith(("book/.hosts/", "book/.members/")), name
    assert not (folder / "book/t/dark").exists()
    assert (
        "answers"
        not in (folder / "book/.members/t/dark/index.html")
        .read_text()
        .split("<article")[1]
        .split("</header>")[0]
    )
    assert not (folder / "book/.members/t/open").exists()
    assert "SECRET-H reply" in (folder / "book/.hosts/t/open/index.html").read_text()


def test_a_long_thread_is_split_and_a_new_post_renders_its_end_only(rows: Rows, folder: Path) -> None:
    book = rows.list("book")
    thread = rows.thread(book, "Long", key="long")
    start = NOON - timedelta(days=400)
    told = [Said(text=f"post {n}.", at=start + timedelta(days=1.7 * n)) for n in range(230)]
    parent = rows.chain(book, thread, told)[-1]
    site = builder(rows, folder)
    site.catch_up(NOON)
    own = folder / "book/t/long"
    assert [
        f"post {n}." in (own / p / "index.html").read_text()
        for n, p in ((0, ""), (99, ""), (100, "2"), (229, "3"))
    ] == [True] * 4
    assert not (own / "4").exists()
    before = snapshot(folder)
    (own / "index.html").write_text("untouched")
    rows.post(book, thread, Said(text="post 230.", at=NOON + timedelta(days=1)), parent)
    site.catch_up(NOON)
    assert (own / "index.html").read_text() == "untouched"
    assert "post 230." in (own / "3/index.html").read_text()
    changed = {n for n, data in snapshot(folder).items() if before.get(n) != data}
    assert len(changed - {"book/t/long/index.html"}) <= 6


def test_a_thread_of_two_thousand_posts_each_answering_the_last_is_flat(rows: Rows, folder: Path) -> None:
    book = rows.list("book")
    thread = rows.thread(book, "Deep", key="deep")
    rows.chain(book, thread, [Said(text="and so on", at=NOON + timedelta(seconds=n)) for n in range(2000)])
    builder(rows, folder).catch_up(NOON)
    assert len(list((folder / "book/t/deep").rglob("index.html"))) == 20
    assert all(read_html(page).balanced for page in pages(folder).values())
    assert max(len(page) for page in pages(folder).values()) < 150_000


def test_a_merged_thread_loses_its_page(rows: Rows, folder: Path) -> None:
    book = rows.list("book")
    one, two = two_threads(rows, book)
    site = builder(rows, folder)
    site.catch_up(NOON)

    def merge(tx) -> None:  # type: ignore[no-untyped-def]
        tx.execute(update(schema.posts).where(schema.posts.c.thread_id == two).values(thread_id=one))
        tx.execute(update(schema.threads).where(schema.threads.c.id == two).values(merged_into=one))

    rows.store.do(merge)
    rows.mark(book, one)
    rows.mark(book, two)
    site.catch_up(NOON)
    assert not (folder / "book/t/key2").exists()
    assert "words 2" in (folder / "book/t/key1/index.html").read_text()
    assert "key2" not in texts(folder)


@pytest.mark.parametrize("broken", ["missing", "garbled", "epoch", "beyond the log", "before the log"])
def test_a_cursor_that_means_nothing_any_more_has_everything_rendered(
    rows: Rows, folder: Path, broken: str
) -> None:
    book = rows.list("book")
    two_threads(rows, book)
    site = builder(rows, folder)
    site.catch_up(NOON)
    page = folder / "book/t/key1/index.html"
    page.unlink()
    cursor = folder / ".cursor.json"
    match broken:
        case "missing":
            cursor.unlink()
        case "garbled":
            cursor.write_text('{"top": 2')
        case "epoch":
            rows.do(schema.meta, key="epoch", value="another")
        case "beyond the log":
            cursor.write_text(json.dumps(json.loads(cursor.read_text()) | {"top": 99}))
        case _:
            rows.store.do(lambda tx: tx.execute(delete(schema.stale)) and None)
            rows.do(schema.stale, id=50, list_id=book, thread_id=None, month="2026-11", at=NOON)
    Builder.catch_up(site, NOON)
    assert page.exists()


def test_a_mark_that_was_committed_late_is_not_overlooked(rows: Rows, folder: Path) -> None:
    book = rows.list("book")
    first, second = two_threads(rows, book)
    site = builder(rows, folder)
    site.catch_up(NOON)
    rows.do(schema.stale, id=10, list_id=book, thread_id=first, month="2026-11", at=NOON)
    site.catch_up(NOON)
    (folder / "book/t/key2/index.html").unlink()
    rows.do(schema.stale, id=7, list_id=book, thread_id=second, month="2026-11", at=NOON)
    assert site.catch_up(NOON) == 1
    assert (folder / "book/t/key2/index.html").exists()
    assert site.catch_up(NOON) == 0


def test_nothing_of_a_hostile_mail_becomes_an_element_an_attribute_or_a_place(
    rows: Rows, folder: Path
) -> None:
    for number, evil in enumerate(POLYGLOTS):
        book = rows.list(f"book{number}", title=evil, description=evil, archive="public")
        thread = rows.thread(book, evil, key=f"k{number}")
        for html in ("", evil, f"<p {evil}>{evil}</p>"):
            rows.post(
                book,
                thread,
                Said(
                    text=f"{evil}\n> {evil}\n-- \n{evil}\nhttps://x.example/{evil}",
                    subject=evil,
                    name=evil,
                    author=f"evil{number}@example.net",
                    html=html,
                    language=evil,
                    audience="public",
                    message_id=f"{evil}{len(html)}",
                    attached=((f"../../{evil}", evil, b""),),
                ),
            )
        odd = rows.thread(book, evil, key=f"../../{evil}")
        rows.post(book, odd, Said(text=evil))
    builder(rows, folder).catch_up(NOON)
    for name, text in pages(folder).items():
        page = read_html(without_ours(text))
        assert page.balanced, name
        assert not {"script", "img", "svg", "iframe", "style"} & set(page.elements), name
        assert not [one for one in page.attributes if one.startswith("on")], name
        assert all(re.match(r"/|#|mailto:book\d@|https://x\.example/", link) for link in page.links), (
            page.links
        )
        assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", text)
    outside = {f.name for f in folder.parent.iterdir()} - {"archive"}
    assert outside <= {"listserv.db", "listserv.db-wal", "listserv.db-shm"}
    assert not list(folder.rglob("*<*"))


def test_nobodys_address_is_on_any_page(rows: Rows, folder: Path) -> None:
    book = rows.list("book", archive="public", title="ask ana@example.org", description="or mei@example.com")
    people = ("ana@example.org", "Mei.Lin@example.com", "x+tag@sub.example.net")
    thread = rows.thread(book, "Write to ana@example.org", key="k")
    parent = ""
    for number, address in enumerate(people * 2):
        parent = rows.post(
            book,
            thread,
            Said(
                text=f"From {address}, (at {address}) mailto:{address} https://x.example/?a={address}\n"
                f"On 1 May {address} wrote:\n> {address}\n> <{address}>\n\n    {address}\n-- \n{address}",
                subject=f"Re: {address}",
                author=address,
                name=address if number % 2 else "",
                audience="public",
                html=f'<p><a href="mailto:{address}">{address}</a> <a href="https://x.example/{address}">x</a></p>'
                if number > 3
                else "",
                attached=((f"{address}.vcf", "text/vcard", b"x"),),
            ),
            parent,
        )
    builder(rows, folder).catch_up(NOON)
    for text in pages(folder).values():
        assert set(re.findall(r"[\w.+-]+@[\w-]+[\w.-]*", text)) == {"book@lists.example.org"}
        for host in ("example.org", "example.com", "example.net"):
            assert f"%40{host}" not in text.replace("lists.example.org", "") and f"%40sub.{host}" not in text


def test_a_thread_of_ten_posts_is_eight_kilobytes_and_the_style_sheet_six(rows: Rows, folder: Path) -> None:
    book = book_circle(rows)
    thread = rows.thread(book, "Ten", key="ten")
    parent = ""
    text = " ".join(f"word{n * 7919 % 997} said{n * 104729 % 991}" for n in range(60))
    for number in range(10):
        parent = rows.post(
            book, thread, Said(text=f"{number} {text}", at=NOON + timedelta(hours=number)), parent
        )
    builder(rows, folder).catch_up(NOON)
    assert len(gzip.compress((folder / "book/t/ten/index.html").read_bytes())) <= 8_000
    assert len(gzip.compress((folder / "assets/site.css").read_bytes())) <= 6_000


def test_progress_counts_threads_and_an_unknown_list_is_an_error(rows: Rows, folder: Path) -> None:
    book = rows.list("book")
    two_threads(rows, book)
    seen: list[tuple[int, int]] = []
    assert (
        builder(rows, folder).build_all("book@lists.example.org", lambda done, of: seen.append((done, of)))
        == 2
    )
    assert seen == [(1, 2), (2, 2)]
    with pytest.raises(LookupError):
        builder(rows, folder).build_all("nobody@lists.example.org", None)


def test_templates_mark_nothing_safe() -> None:
    for file in (resource("templates") / "site").glob("*.html"):
        assert not re.search(r"\|\s*safe|autoescape", file.read_text()), file.name


def test_two_builders_of_one_folder_wait_for_each_other(rows: Rows, folder: Path) -> None:
    book_circle(rows)
    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(builder(rows, folder).build_all, None, None) for _ in range(4)]:
            assert done.result() == 11
    assert not list(folder.rglob("*.new"))


def test_the_folder_of_pages_is_closed_to_other_users_whatever_the_umask(rows: Rows, folder: Path) -> None:
    book_circle(rows)
    before = os.umask(0o022)
    try:
        builder(rows, folder).catch_up(NOON)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o750
        folder.chmod(0o777)  # one of an earlier release
        builder(rows, folder).catch_up(NOON)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o750
        folder.chmod(0o700)  # what is closer than ours stays so
        builder(rows, folder).catch_up(NOON)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    finally:
        os.umask(before)
