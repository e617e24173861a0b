"""What is kept of a person as one zip: README.txt, posts.mbox (mboxrd), settings.toml, acts.csv.

The same data and the same moment give the same bytes.
"""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, date, datetime
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from listserv.mail.mbox import write_mbox
from listserv.mail.notices import Words
from listserv.store.own_data import Act, Membership, OwnData

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would obey


def pack(own: OwnData, now: datetime, words: Words, domain: str, language: str = "en") -> bytes:
    """The zip, its README in that language. Mails are read one by one; only what is packed is in memory."""
    made = io.BytesIO()
    with ZipFile(made, "w", ZIP_DEFLATED) as out:
        posts = 0
        with out.open(_file("posts.mbox", now), "w") as box:
            for post in own.posts:
                box.write(write_mbox(post.raw, post.author, post.at))
                posts += 1
        told: dict[str, str | int | date] = {"domain": domain, "posts": posts, "day": now.date()}
        readme = words.page("readme.txt", told, language)
        out.writestr(_file("README.txt", now), readme.encode())
        out.writestr(_file("settings.toml", now), settings_toml(own).encode())
        out.writestr(_file("acts.csv", now), _acts(own.acts).encode())
    return made.getvalue()


def _file(name: str, now: datetime) -> ZipInfo:
    at = now.astimezone(UTC)
    told = ZipInfo(name, (at.year, at.month, at.day, at.hour, at.minute, at.second))
    told.compress_type = ZIP_DEFLATED
    told.external_attr = 0o600 << 16
    told.create_system = 3
    return told


def settings_toml(own: OwnData) -> str:
    """Who they are, and what is set for them on each list."""
    person = {
        "name": own.name,
        "addresses": list(own.addresses),
        "timezone": own.timezone,
        "language": own.language,
        "since": own.since,
    }
    return _toml(person) + "".join(f"\n[[list]]\n{_toml(_settings(one))}" for one in own.memberships)


def _settings(one: Membership) -> dict[str, object]:
    told: dict[str, object] = {
        "address": one.list,
        "title": one.title,
        "name": one.name,
        "role": one.role,
        "rhythm": one.rhythm,
        "state": one.state,
        "copies": one.copies,
        "joined": one.joined,
    }
    return told if one.left is None else told | {"left": one.left}


def _toml(values: dict[str, object]) -> str:
    return "".join(f"{key} = {_value(value)}\n" for key, value in values.items())


def _value(value: object) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds")
    # A JSON string, truth or list of strings is TOML too, but for DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _acts(acts: tuple[Act, ...]) -> str:
    out = io.StringIO(newline="")
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(("at", "who", "act", "list", "detail"))
    for one in acts:
        detail = f"'{one.detail}" if one.detail.startswith(_FORMULA) else one.detail
        rows.writerow((_value(one.at), one.who, one.act, one.list, detail))
    return out.getvalue()
