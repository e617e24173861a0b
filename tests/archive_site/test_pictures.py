"""Pictures of posts: drawn anew by us within bounds, shown to who may read the post, gone with it."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import httpx
import pytest
from PIL import Image
from sqlalchemy import update

from archive_site.pictures import redrawn
from listserv.store import schema
from tests.kit.site import BASE, NOON, Door, Rows, Said, builder, fresh_rows, with_files

SECRET = "a garden gate in Lisbon"


def picture(kind: str = "PNG", size: tuple[int, int] = (120, 80), mode: str = "RGB", **more: object) -> bytes:
    """A picture, red above and blue below, with a secret beside it."""
    one = Image.new("RGB", size, "red")
    one.paste("blue", (0, size[1] // 2, *size))
    exif = Image.Exif()
    exif[0x010E] = SECRET
    exif[0x0112] = more.get("turned", 1)
    out = BytesIO()
    if kind in ("JPEG", "PNG", "WEBP"):
        one.convert(mode).save(out, kind, exif=exif)
    else:
        one.convert(mode).save(out, kind)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        *(("JPEG", mode) for mode in ("RGB", "L", "CMYK")),
        *(("PNG", mode) for mode in ("RGB", "P", "RGBA", "1")),
        ("GIF", "P"),
        ("WEBP", "RGB"),
    ],
)
def test_what_is_shown_is_a_picture_of_ours_with_nothing_beside_it(kind: str, mode: str) -> None:
    given = picture(kind, mode=mode)
    drawn = redrawn(given)
    assert drawn is not None and drawn[1] == (120, 80) and SECRET.encode() not in drawn[0]
    assert drawn == redrawn(given), "the same bytes each time"
    shown = Image.open(BytesIO(drawn[0]))
    assert shown.format == "WEBP" and not shown.getexif() and "icc_profile" not in shown.info
    red, _, blue = shown.convert("RGB").getpixel((60, 10))  # type: ignore[misc]
    assert mode in ("L", "1") or (red > 200 and blue < 100)


def test_a_turned_picture_stands_upright_and_a_large_one_is_made_smaller() -> None:
    turned = redrawn(picture("JPEG", turned=6))
    assert turned is not None and turned[1] == (80, 120)
    large = redrawn(picture("JPEG", (5000, 2500)))
    assert large is not None and large[1] == (1600, 800)


def bomb() -> bytes:
    """A PNG of 4 kB that says it is 100,000 pixels wide and high."""
    head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", head), (b"IDAT", zlib.compress(bytes(4_000_000), 9)), (b"IEND", b"")
    told = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(told)


ODD: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "a page": lambda: b"GIF89a<script>alert(1)</script>",
    "an SVG": lambda: b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "a bomb": bomb,
    "half of one": lambda: picture("PNG", (400, 400))[:300],
    "one with a broken middle": lambda: (lambda one: one[:60] + b"\0" * 40 + one[100:])(picture("PNG")),
    "another kind": lambda: picture("TIFF"),
    "a bitmap": lambda: picture("BMP"),
    "a beacon": lambda: picture("GIF", (1, 1), "P"),
    "a line": lambda: picture("PNG", (3000, 2)),
    "PostScript": lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n",
}


@pytest.mark.parametrize("what", ODD)
def test_whatever_is_doubtful_is_not_shown(what: str) -> None:
    assert redrawn(ODD[what]()) is None


# -- on a page ---------------------------------------------------------------------------------------


@dataclass
class World:
    rows: Rows
    folder: Path
    book: int
    cookies: dict[str, str]

    def client(self, who: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=Door(self.rows, self.folder).app())
        cookies = {"__Host-session": self.cookies[who]} if who else {}
        return httpx.AsyncClient(transport=transport, base_url=BASE, cookies=cookies)

    def send(self, key: str, *files: tuple[str, str, bytes], audience: str = "members") -> str:
        """A post with files; its hash."""
        said = with_files(Said(text="See the garden.", audience=audience), *files)
        return self.rows.post(self.book, self.rows.thread(self.book, key, key=key), said)

    def build(self) -> None:
        builder(self.rows, self.folder).catch_up(NOON)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    rows = fresh_rows(tmp_path)
    book = rows.list("book")
    people = {name: rows.person(f"{name}@example.org") for name in ("member", "host", "other")}
    rows.join(book, people["member"])
    rows.join(book, people["host"], role="host")
    cookies = {name: rows.session(who, f"{name}-cookie-of-a-browser") for name, who in people.items()}
    yield World(rows, tmp_path / "archive", book, cookies)
    rows.store.close()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def images(page: str) -> list[str]:
    return re.findall(r'<img src="([^"]*)"', page)


@pytest.mark.anyio
async def test_a_picture_is_seen_by_who_sees_its_post_and_goes_when_that_is_taken_out(
    world: World,
) -> None:
    files = (("gate.jpg", "image/jpeg", picture("JPEG")), ("odd.png", "image/png", b"GIF89a<script>"))
    digest = world.send("garden", *files)
    dark = world.send("dark", files[0], audience="hosts")
    world.build()
    async with world.client("member") as member, world.client("host") as host, world.client("other") as other:
        page = (await member.get("/book/t/garden/")).text
        (at,) = images(page)
        assert at == f"/book/i/{digest}/1-120x80.webp"
        assert 'width="120" height="80" alt="gate.jpg"' in page and page.count("download>") == 3
        shown = await member.get(at)
        assert (shown.status_code, shown.headers["content-type"]) == (200, "image/webp")
        assert "sandbox" in shown.headers["content-security-policy"]
        assert Image.open(BytesIO(shown.content)).size == (120, 80)
        hidden = at.replace(digest, dark)
        assert images((await host.get("/book/t/dark/")).text) == [hidden]
        assert (await host.get(hidden)).status_code == 200
        assert (await member.get(hidden)).status_code == 404
        missing = await other.get("/absent/")
        for path in (at, hidden):
            answer = await other.get(path)
            assert (answer.status_code, answer.content) == (404, missing.content)
        before = {file: file.stat().st_mtime_ns for file in world.folder.rglob("*.webp")}
        builder(world.rows, world.folder).build_all(None, None)
        assert {file: file.stat().st_mtime_ns for file in world.folder.rglob("*.webp")} == before
        own = schema.posts
        taken = update(own).where(own.c.hash == digest).values(state="redacted", text="")
        world.rows.store.do(lambda tx: tx.execute(taken) and None)
        assert (await member.get(at)).status_code == 404, "at once, whatever lies on the disk"
        world.rows.mark(world.book, 1)
        world.build()
        assert [file.parent.name for file in world.folder.rglob("*.webp")] == [dark]
        assert images((await member.get("/book/t/garden/")).text) == []
