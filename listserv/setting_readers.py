"""How each value of the settings file is read: (what the file or its twin says, folder) -> value.

Every reader raises ValueError with what is allowed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from listserv.core.address import Address, BadAddress, read_address, read_domain

Reader = Callable[[Any, Path], Any]


def one_line(value: Any, _folder: Path) -> str:
    if not isinstance(value, str) or any(ord(c) < 32 for c in value):
        raise ValueError("a text of one line in quotes")
    return value.strip()


def domain(value: Any, folder: Path) -> str:
    try:
        return read_domain(one_line(value, folder))
    except BadAddress:
        raise ValueError("a domain such as lists.example.org") from None


def address(value: Any, folder: Path) -> Address:
    try:
        return read_address(one_line(value, folder))
    except BadAddress:
        raise ValueError("an address such as you@example.org") from None


def base_url(value: Any, folder: Path) -> str:
    text = one_line(value, folder).rstrip("/")
    parts = urlsplit(text)
    odd = parts.path or parts.query or parts.fragment or parts.username
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or odd):
        raise ValueError("http://HOST or https://HOST, with a port if need be and no path")
    return text


def zone(value: Any, folder: Path) -> str:
    text = one_line(value, folder)
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError("a zone of the tz database, such as Europe/Berlin or UTC") from None
    return text


def path(value: Any, folder: Path) -> Path:
    text = one_line(value, folder)
    if not text:
        raise ValueError("a path")
    return (folder / text).resolve()


def maybe_path(value: Any, folder: Path) -> Path | None:
    return path(value, folder) if one_line(value, folder) else None


def database(value: Any, folder: Path) -> str:
    text = one_line(value, folder)
    scheme, _, rest = text.partition(":///")
    if scheme == "sqlite" and rest and rest != ":memory:":
        return f"sqlite:///{(folder / rest).resolve()}"
    if re.match(r"postgresql(\+psycopg)?://", text):
        return text
    raise ValueError("sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME")


def listen(value: Any, folder: Path) -> str:
    text = one_line(value, folder)
    if text and not _host_port(text):
        raise ValueError('HOST:PORT such as 127.0.0.1:8025 or [::1]:8025; "" turns it off')
    return text


def lmtp(value: Any, folder: Path) -> str:
    text = one_line(value, folder)
    if text.startswith("unix:") and len(text) > len("unix:"):
        return f"unix:{(folder / text.removeprefix('unix:')).resolve()}"
    try:
        return listen(text, folder)
    except ValueError:
        raise ValueError('HOST:PORT or unix:PATH; "" turns it off') from None


def _host_port(text: str) -> bool:
    host, colon, port = text.rpartition(":")
    fine = port.isascii() and port.isdigit() and int(port) <= 65535
    plain = re.fullmatch(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]", host)
    return bool(colon and fine and plain)


def relay(value: Any, folder: Path) -> str:
    # Which relays there are is the courier's to say, when `serve` opens it; only the path is ours.
    text = one_line(value, folder)
    if text.startswith("maildir:") and len(text) > len("maildir:"):
        return f"maildir:{(folder / text.removeprefix('maildir:')).resolve()}"
    if ":" not in text:
        raise ValueError("smtp://HOST, smtp+starttls://…, smtps://…, lmtp://… or maildir:PATH")
    return text


def between(low: int, high: int) -> Reader:
    def read(value: Any, _folder: Path) -> int:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value.strip()):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return read


def either(*words: str) -> Reader:
    """One of these words."""

    def check(value: Any, _folder: Path) -> str:
        if value not in words:
            raise ValueError(" or ".join(words))
        return str(value)

    return check


def maybe_date(value: Any, _folder: Path) -> date | None:
    if isinstance(value, date) and not isinstance(value, datetime):  # TOML has dates of its own
        return value
    try:
        return date.fromisoformat(value.strip()) if value.strip() else None
    except (AttributeError, ValueError):
        raise ValueError('a day, such as "2026-12-01", or "" for none') from None


def texts(value: Any, folder: Path) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [item for item in value.split(",") if item.strip()]
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        raise ValueError('a list of texts, such as ["mx.example.org"]')
    return tuple(one_line(item, folder) for item in value)


def domains(value: Any, folder: Path) -> tuple[str, ...]:
    try:
        return tuple(domain(text, folder) for text in texts(value, folder))
    except ValueError:
        raise ValueError('a list of domains, such as ["gmail.com"]') from None


def switch(value: Any, _folder: Path) -> bool:
    said = {"true": True, "false": False}.get(str(value).strip().lower())
    if said is None:
        raise ValueError("true or false")
    return said


def servers(value: Any, folder: Path) -> tuple[str, ...]:
    named = texts(value, folder)
    if not all(_is_server(text) for text in named):
        raise ValueError('a list of IP addresses, each with a port if need be, such as ["127.0.0.1:5353"]')
    return named


def _is_server(text: str) -> bool:
    host = text.rpartition(":")[0].strip("[]") if _host_port(text) else text
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def selector(value: Any, folder: Path) -> str:
    text = one_line(value, folder).lower()
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", text):
        raise ValueError("letters, digits and hyphens, such as ls1")
    return text
