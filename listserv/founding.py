"""What ``init`` makes: settings file, secret, DKIM key, database. Nothing that is there is overwritten."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from listserv.core.address import Address, BadAddress, read_domain
from listserv.core.records import dataclass
from listserv.dice import draw_secret
from listserv.dns_records import Record, dkim_value, records
from listserv.errors import BadData, CannotDo
from listserv.mail.signing import BadKey, load_key, make_key
from listserv.opening import upgrade_site, write_new
from listserv.resources import resource
from listserv.settings import FILE_NAME, PREFIX, Settings, settings_from

_FOLDER_MODE = 0o750  # members-only pages and keys lie below: nothing for the machine's other users


@dataclass(frozen=True, slots=True)
class Plan:
    """A site to be."""

    domain: str
    owner: Address
    folder: Path
    base_url: str
    timezone: str = "UTC"
    smtp: str = "127.0.0.1:8025"
    web: str = "127.0.0.1:8080"
    database: str = "sqlite:///data/listserv.db"


def found(plan: Plan, environ: Mapping[str, str]) -> tuple[Settings, list[Record]]:
    """Make a site; its settings and the DNS records to publish. Raises CannotDo where one is.

    A database that the environment names is written into the file: without that twin a command would
    look for another one.
    """
    file = plan.folder.resolve() / FILE_NAME
    if file.exists():
        raise CannotDo(f"{file} is there already, and init never overwrites; use another --dir")
    words = settings_text(replace(plan, database=environ.get(f"{PREFIX}DATABASE_URL", plan.database)))
    settings = settings_from(tomllib.loads(words), environ, file.parent)
    try:
        settings.site.data_dir.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        write_new(settings.secret_file, draw_secret())
        write_new(settings.quiet_file, draw_secret())
        told = records(settings.site.domain, settings.dkim.selector, _dkim(settings))
        upgrade_site(settings)
        # Last of all: a site is founded once its settings file is there, and init can be run again till then.
        write_new(file, words.encode())
    except OSError as error:
        raise CannotDo(f"{error.filename or file} can't be written: {error.strerror}") from None
    return settings, told


def settings_text(plan: Plan) -> str:
    """The settings file of a new site."""
    words = (resource("templates") / "setup" / FILE_NAME).read_text("utf-8")
    for key in ("domain", "owner", "base_url", "timezone", "smtp", "web", "database"):
        words = words.replace("{{" + key + "}}", json.dumps(str(getattr(plan, key))))
    return words


def local_zone() -> str:
    """The machine's zone by name, as /etc/localtime points to it; "UTC" where it does not."""
    return os.path.realpath("/etc/localtime").partition("/zoneinfo/")[2] or "UTC"


def _dkim(settings: Settings) -> str:
    file = settings.dkim.key
    if file is None:
        return "v=DKIM1; k=rsa; p=(the relay's key)"
    file.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    if not file.exists():
        write_new(file, make_key()[0])
    try:
        return dkim_value(load_key(file.read_bytes()))
    except BadKey as error:
        raise CannotDo(f"{file} is no DKIM key: {error}") from None


def domain_of(words: str) -> str:
    """A domain to found a site for. Raises BadData."""
    try:
        return read_domain(words.strip())
    except BadAddress as error:
        raise BadData(f"{words[:100]!r} can't be the lists' domain: {error}") from None
