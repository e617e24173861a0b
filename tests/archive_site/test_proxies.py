"""nginx and Caddy with the files of docs/site before a gate whose pages they send: the same answers."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, product
from pathlib import Path

import httpx
import pytest
import structlog

from listserv import app
from listserv.settings import read_settings
from tests.kit.desk import DOMAIN, OWNER, Desk
from tests.kit.mail_site import FILES, certify
from tests.kit.matrix import COOKIE, World, matrix, samples
from tests.kit.postfix import free_port
from tests.kit.server import HANG, until
from tests.kit.site import Door, served

# What every server says for itself.
OWN = {"date", "server", "connection", "keep-alive", "via", "transfer-encoding", "alt-svc"}
READERS = ("anonymous", "member", "host")
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
SAMPLE = 17  # of the paths that are alike


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("matrix")
    with matrix(folder) as made:
        yield made


def as_nginx(folder: Path, archive: Path, gate: str, port: int) -> list[str]:
    certify(folder)
    text = (FILES / "nginx.conf").read_text()
    for real, ours in (
        ("/etc/ssl/lists.example.org.pem", f"{folder}/site.pem"),
        ("/etc/ssl/private/lists.example.org.key", f"{folder}/site.key"),
        ("listen 80;", f"listen 127.0.0.1:{free_port()};"),
        ("listen [::]:80;", ""),
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("listen [::]:443 ssl;", ""),
        ("/var/lib/listserv/data/archive", f"{archive}"),
        ("http://127.0.0.1:8080", gate),
    ):
        assert real in text
        text = text.replace(real, ours)
    paths = "".join(f"{one}_temp_path {folder}/{one};" for one in TEMPORARY)
    whole = f"user root; daemon off; pid {folder}/pid; error_log {folder}/log; worker_processes 1;\n"
    types = "include /etc/nginx/mime.types; default_type application/octet-stream;"
    whole += f"events {{}}\nhttp {{ {types} {paths}\n{text}}}\n"
    (folder / "nginx.conf").write_text(whole)
    return ["nginx", "-c", str(folder / "nginx.conf")]


def as_caddy(folder: Path, archive: Path, gate: str, port: int) -> list[str]:
    text = (FILES / "Caddyfile").read_text()
    for real, ours in (
        ("lists.example.org {", f"http://127.0.0.1:{port} {{"),
        ("/var/lib/listserv/data/archive", f"{archive}"),
        ("127.0.0.1:8080", gate.removeprefix("http://")),
    ):
        assert real in text
        text = text.replace(real, ours)
    (folder / "Caddyfile").write_text(f"{{\n    admin off\n    auto_https off\n}}\n{text}")
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


How = Callable[[Path, Path, str, int], list[str]]


@contextmanager
def running(how: How, world: World, gate: str, folder: Path) -> Iterator[str]:
    """A proxy that answers, until it is no longer needed."""
    port = free_port()
    command = how(folder, world.folder, gate, port)
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            command, stdout=said, stderr=said, env={"HOME": str(folder), "PATH": "/usr/sbin:/usr/bin:/bin"}
        )
    base = f"{'https' if command[0] == 'nginx' else 'http'}://127.0.0.1:{port}"
    try:
        until(lambda: process.poll() is not None or is_up(base), (folder / "said").read_text)
        assert process.poll() is None, (folder / "said").read_text()
        yield base
    finally:
        process.terminate()
        process.wait(HANG)


def is_up(base: str) -> bool:
    try:
        return httpx.get(f"{base}/healthz", verify=False).status_code == 200
    except httpx.HTTPError:
        return False


def told(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    fields = {name.lower(): value for name, value in answer.headers.items() if name.lower() not in OWN}
    if answer.request.method == "HEAD":
        fields.pop("content-length", None)
    return answer.status_code, answer.content, fields


@pytest.mark.parametrize("how", [as_nginx, as_caddy], ids=["nginx", "Caddy"])
def test_who_sends_the_pages_can_not_be_told_from_bytes_or_header_fields(
    world: World, tmp_path: Path, how: How
) -> None:
    behind = Door(world.rows, world.folder)
    behind.hand_over = True
    every = samples(world)
    shown = (path for path in every["thread"] if path.startswith(("/open/", "/book/t/hosts", "/book/t/m")))
    pages = [*every["front"], *every["month"][::2], *shown, *every["asset"], "/_pages/", "/nothing"]
    inner = [f"/_pages{path}" for path in every["file"]]
    paths = [
        *pages,
        *inner[::SAMPLE],
        *chain(*(every[kind][::SAMPLE] for kind in every if kind != "healthz")),
    ]
    alone, gate = served(world.door.app()), served(behind.app())
    with alone as plain, gate as handing, running(how, world, handing, tmp_path) as front:
        for who in READERS:
            cookies = {} if who == "anonymous" else {COOKIE: f"{who}-cookie-of-a-browser"}
            with httpx.Client(verify=False, cookies=cookies) as client:
                for path, method in product(paths, ("GET", "HEAD") if who == "host" else ("GET",)):
                    handed, sent = (told(client.request(method, base + path)) for base in (front, plain))
                    assert handed == sent, f"{method} {path} for {who}"
                    assert path not in inner or handed[0] == 404
        answer = httpx.get(f"{handing}/open/")
        assert (answer.content, answer.headers["x-accel-redirect"]) == (b"", "/_pages/open/index.html")


@pytest.mark.parametrize(("said", "body"), [("gate", True), ("proxy", False)])
def test_the_setting_says_who_sends_them(tmp_path: Path, said: str, body: bool) -> None:
    desk = Desk(tmp_path)
    desk.does("init", "--domain", DOMAIN, "--owner", OWNER)
    desk.does("list", "create", "open", "--title", "Open", "--host", "hanna@example.org")
    desk.does("list", "set", "open", "archive=public")
    desk.does("archive", "build")
    settings = read_settings(tmp_path / "listserv.toml", {"LISTSERV_WEB_PAGES_FROM": said})
    with app.open_app(settings, structlog.wrap_logger(None)) as site, served(app._gate(site)) as base:
        answer = httpx.get(f"{base}/open/")
    assert (answer.status_code, bool(answer.content)) == (200, body)
    assert ("x-accel-redirect" in answer.headers) != body
