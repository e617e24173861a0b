"""The site's settings: one frozen record, read once from one TOML file and its environment twins.

Every key of ``SCHEMA`` may be overruled by ``LISTSERV_SECTION_KEY`` (lists comma separated). Relative
paths are relative to the folder of the file. What is wrong names the key, the value and what is allowed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import field
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from listserv import setting_readers as read
from listserv.core.address import Address
from listserv.core.records import dataclass
from listserv.errors import BadSettings

PREFIX = "LISTSERV_"
FILE_NAME = "listserv.toml"
SYSTEM_FILE = Path("/etc/listserv") / FILE_NAME


@dataclass(frozen=True, slots=True)
class Site:
    domain: str
    owner: Address
    base_url: str  # without a slash at its end
    timezone: str
    data_dir: Path


@dataclass(frozen=True, slots=True)
class Database:
    url: str = field(repr=False)  # may hold a password


@dataclass(frozen=True, slots=True)
class Receive:
    """``smtp``, ``lmtp``, ``policy``: HOST:PORT, "" for a closed door; ``lmtp`` also "unix:PATH"."""

    smtp: str
    lmtp: str
    policy: str
    tls_cert: Path | None
    tls_key: Path | None
    trusted_authserv_ids: tuple[str, ...]
    spam_fields: tuple[str, ...]  # in which the server before us says that a mail is spam
    max_message_bytes: int


@dataclass(frozen=True, slots=True)
class Deliver:
    relay: str = field(repr=False)  # may hold a password
    connections: int
    treat_as_reject: tuple[str, ...]  # domains, lower-case A-labels
    per_minute: int  # copies, 0: as fast as the relay takes them
    per_domain_per_minute: int  # to one provider
    warm_up: date | None  # from when on core/pace.py's ramp holds


@dataclass(frozen=True, slots=True)
class Web:
    """``pages_from``: who sends the bytes of pages that a reader may see: "gate", or "proxy", the nginx or
    Caddy before it, told by X-Accel-Redirect which."""

    listen: str
    pages_from: str
    metrics_token: str = field(repr=False)
    metrics_listen: str


@dataclass(frozen=True, slots=True)
class Dkim:
    selector: str
    key: Path | None  # None: the relay signs
    arc: bool


@dataclass(frozen=True, slots=True)
class Dns:
    servers: tuple[str, ...]  # IP or IP:PORT; none: the system's


@dataclass(frozen=True, slots=True)
class Settings:
    site: Site
    database: Database
    receive: Receive
    deliver: Deliver
    web: Web
    dkim: Dkim
    dns: Dns
    folder: Path  # of the file; what relative paths are relative to

    @property
    def secret_file(self) -> Path:
        """32 random bytes, mode 0600: every seal hangs on them."""
        return self.site.data_dir / "secret"

    @property
    def quiet_file(self) -> Path:
        """32 random bytes, mode 0600, in no backup: who asks without a name (mail/vault.py)."""
        return self.site.data_dir / "quiet.key"


@dataclass(frozen=True, slots=True)
class Key:
    """One key: what it is when nobody says (None: it must be said) and how it is read."""

    default: Any
    reader: read.Reader


_SPAM_FIELDS = (
    *("X-Spam", "X-Spam-Flag", "X-Spam-Status", "X-Spam-Level", "X-Spam-Score"),
    *("X-Spamd-Result", "X-Rspamd-Action"),
)

# fmt: off
SCHEMA: dict[str, dict[str, Key]] = {
    "site": {
        "domain":               Key(None, read.domain),
        "owner":                Key(None, read.address),
        "base_url":             Key("", read.base_url),
        "timezone":             Key("UTC", read.zone),
        "data_dir":             Key("data", read.path),
    },
    "database": {
        "url":                  Key("sqlite:///data/listserv.db", read.database),
    },
    "receive": {
        "smtp":                 Key("127.0.0.1:8025", read.listen),
        "lmtp":                 Key("", read.lmtp),
        "policy":               Key("", read.listen),
        "tls_cert":             Key("", read.maybe_path),
        "tls_key":              Key("", read.maybe_path),
        "trusted_authserv_ids": Key([], read.texts),
        "spam_fields":          Key(list(_SPAM_FIELDS), read.texts),
        "max_message_bytes":    Key(26_214_400, read.between(10_000, 1_073_741_824)),
    },
    "deliver": {
        "relay":                Key("maildir:outbox", read.relay),
        "connections":          Key(8, read.between(1, 256)),
        "treat_as_reject":      Key(["gmail.com", "googlemail.com"], read.domains),
        "per_minute":           Key(0, read.between(0, 1_000_000)),
        "per_domain_per_minute": Key(0, read.between(0, 1_000_000)),
        "warm_up":              Key("", read.maybe_date),
    },
    "web": {
        "listen":               Key("127.0.0.1:8080", read.listen),
        "pages_from":           Key("gate", read.either("gate", "proxy")),
        "metrics_token":        Key("", read.one_line),
        "metrics_listen":       Key("", read.listen),
    },
    "dkim": {
        "selector":             Key("ls1", read.selector),
        "key":                  Key("dkim/ls1.pem", read.maybe_path),
        "arc":                  Key(False, read.switch),
    },
    "dns": {
        "servers":              Key([], read.servers),
    },
}
# fmt: on


def find_file(given: str | None, environ: Mapping[str, str], here: Path) -> Path:
    """The settings file: ``given``, $LISTSERV_CONFIG, ./listserv.toml, /etc/listserv/listserv.toml."""
    named = given or environ.get(f"{PREFIX}CONFIG")
    if named:
        if not Path(named).is_file():
            raise BadSettings(f"there is no settings file {named}; `listserv init` makes one")
        return Path(named)
    for path in (here / FILE_NAME, SYSTEM_FILE):
        if path.is_file():
            return path
    raise BadSettings(
        f"there is no {FILE_NAME} here nor in {SYSTEM_FILE.parent}; "
        "run `listserv init --domain DOMAIN --owner EMAIL`, or name one with --config"
    )


def read_settings(path: Path, environ: Mapping[str, str]) -> Settings:
    """Read a settings file with its environment twins. Raises BadSettings, in one line."""
    try:
        said = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise BadSettings(f"{path} can't be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(f"{path} is no TOML: {error}") from None
    return settings_from(said, environ, path.resolve().parent)


def settings_from(said: Mapping[str, Any], environ: Mapping[str, str], folder: Path) -> Settings:
    """Settings from a parsed file (``{}`` for none), its environment twins and its folder."""
    _refuse_unknown(said, environ)
    read = {section: _section(section, said.get(section, {}), environ, folder) for section in SCHEMA}
    receive, site = read["receive"], read["site"]
    if bool(receive["tls_cert"]) != bool(receive["tls_key"]):
        raise BadSettings("receive.tls_cert and receive.tls_key go together: set both, or neither")
    site["base_url"] = site["base_url"] or f"https://{site['domain']}"
    return Settings(
        Site(**site),
        Database(**read["database"]),
        Receive(**receive),
        Deliver(**read["deliver"]),
        Web(**read["web"]),
        Dkim(**read["dkim"]),
        Dns(**read["dns"]),
        folder,
    )


def _section(name: str, said: Mapping[str, Any], environ: Mapping[str, str], folder: Path) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, row in SCHEMA[name].items():
        twin = f"{PREFIX}{name}_{key}".upper()
        value = environ[twin] if twin in environ else said.get(key, row.default)
        where = f"{name}.{key}" + (f" (from {twin})" if twin in environ else "")
        if value is None:
            raise BadSettings(f"{where} is missing; set it in the file or as {twin}")
        try:
            values[key] = row.reader(value, folder)
        except ValueError as allowed:
            raise BadSettings(f"{where} is {_shown(key, value)}; allowed: {allowed}") from None
    return values


def _shown(key: str, value: Any) -> str:
    if isinstance(value, str) and key in ("url", "relay"):
        return repr(re.sub(r"(://[^:/@]*):[^@]*@", r"\1:…@", value))
    return repr(value)


def _refuse_unknown(said: Mapping[str, Any], environ: Mapping[str, str]) -> None:
    for section, keys in said.items():
        if section not in SCHEMA:
            raise BadSettings(f"there is no section [{section}]; there are: {', '.join(SCHEMA)}")
        if not isinstance(keys, Mapping):
            raise BadSettings(f"{section} is {keys!r}; it is a section, written [{section}]")
        for key in keys:
            if key not in SCHEMA[section]:
                raise BadSettings(
                    f"there is no setting {section}.{key} (it is {keys[key]!r}); "
                    f"[{section}] has: {', '.join(SCHEMA[section])}"
                )
    _refuse_unknown_twins(environ)


def _refuse_unknown_twins(environ: Mapping[str, str]) -> None:
    """A misspelt twin that nobody reads would leave a setting as it was, without a word."""
    twins = {f"{section}_{key}".upper() for section, keys in SCHEMA.items() for key in keys}
    for name in environ:
        twin = name.removeprefix(PREFIX)
        if name.startswith(PREFIX) and twin not in {*twins, "CONFIG"}:
            (near,) = get_close_matches(twin.upper(), sorted(twins), 1, cutoff=0.0)
            raise BadSettings(
                f"{name} is set, but there is no such setting; did you mean {PREFIX}{near}? "
                f"Allowed: {PREFIX}CONFIG and {PREFIX}SECTION_KEY"
            )
