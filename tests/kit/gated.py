"""Browsers at the gate of a world, and the links of its mails."""

from __future__ import annotations

import email
import email.policy
import hashlib
import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import httpx
from sqlalchemy import select

from archive_site.build import Builder, SiteNames
from archive_site.gate import GateParts, make_gate
from listserv.flow.as_sent import House
from listserv.flow.boxed import Boxed
from listserv.flow.one_click import OneClick
from listserv.resources import resource
from listserv.store import schema, sessions
from listserv.store.feeds import Feeds
from tests.kit.people import DOMAIN, SITE
from tests.kit.world import World

URL = re.compile(r"https://lists\.example\.org[^\s<>\"]*")
PREFETCH = {"purpose": "prefetch", "sec-purpose": "prefetch;prerender"}


def links_in(raw: bytes) -> set[str]:
    """All addresses of ours in a mail: in its header, and in its words as their reader has them."""
    found = email.message_from_bytes(raw, policy=email.policy.default)
    texts = [str(part.get_content()) for part in found.walk() if part.get_content_maintype() == "text"]
    unfolded = " ".join(str(value) for value in found.values())
    return {url.rstrip(".,;)") for text in (*texts, unfolded) for url in URL.findall(text)}


def gate_of(world: World, folder: Path, *, pages: bool = True) -> Callable[..., httpx.AsyncClient]:
    """Browsers at the gate of this world, with its pages rendered unless told otherwise."""
    if pages:
        names = SiteNames(DOMAIN, SITE.base_url, "UTC")
        Builder(world.store, folder, resource("templates"), names).build_all(None, None)
    drawn = iter(range(10_000))
    parts = GateParts(
        store=world.store,
        sessions=sessions.Sessions(world.store),
        folder=folder,
        templates=resource("templates"),
        base_url=SITE.base_url,
        domain=DOMAIN,
        now=world.clock.now,
        draw=lambda: hashlib.sha256(b"%d" % next(drawn)).hexdigest(),
        leaf=lambda _hash, _position: ("x", "text/plain", b"x"),
        mail_link=lambda _address, _url, _code: None,
        leave=OneClick(world.pen, world.bells),
        own_data=lambda _person: b"x",
        copy=Boxed(world.store, House(world.ring, DOMAIN, SITE.base_url)),
        feeds=Feeds(world.store),
        ring=world.ring,
    )
    transport = httpx.ASGITransport(app=make_gate(parts))
    return partial(httpx.AsyncClient, transport=transport, base_url=SITE.base_url)


async def follow(browser: Callable[..., httpx.AsyncClient], urls: Iterable[str]) -> set[int]:
    """What a machine does that looks behind every link; the statuses it got."""
    found = set()
    async with browser() as client:
        for url in sorted(urls):
            for method in ("HEAD", "GET"):
                answer = await client.request(method, url, headers=PREFETCH)
                assert "set-cookie" not in answer.headers
                found.add(answer.status_code)
    return found


def dump(world: World) -> str:
    with world.store.read() as tx:
        told = [tx.execute(select(table)).all() for table in schema.metadata.sorted_tables]
    return hashlib.sha256(repr(told).encode()).hexdigest()
