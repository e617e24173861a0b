"""A Brief as a mail, whole but for what is one copy's own."""

from __future__ import annotations

from email.utils import format_datetime

from listserv.core.brief import Brief
from listserv.mail.notices import Words


def write(brief: Brief, words: Words, base_url: str, domain: str) -> bytes:
    """The bytes that all share who read the same."""
    here = brief.list
    lines = [
        f"From: <{here.at('ask')}>",
        f"Subject: {len(brief.items)} threads",
        f"Date: {format_datetime(brief.at)}",
        "X-Listserv-Kind: digest",
        "Precedence: list",
        "",
        *(f"{item.number} {post.words.strip()}" for item in brief.items for post in item.posts),
    ]
    return "\r\n".join([*lines, ""]).encode("ascii", "replace")
