"""The site's settings: one frozen record, read once from one TOML file and its environment twins.

Every key of ``SCHEMA`` may be overruled by ``LISTSERV_SECTION_KEY`` (lists comma separated). Relative
paths are relative to the folder of the file. What is wrong names the key, the value and what is allowed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from listserv.core.address import Address, BadAddress, read_address, read_domain
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
    max_message_bytes: int


@dataclass(frozen=True, slots=True)
class Deliver:
    relay: str = field(repr=False)  # may hold a password
    connections: int


@dataclass(frozen=True, slots=True)
class Web:
    listen: str
    metrics_token: str = field(repr=False)
    metrics_listen: str


@dataclass(frozen=True, slots=True)
class Dkim:
    selector: str
    key: Path | None  # None: the relay signs


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


# -- how a value is read: (what the file or the environment says, folder) -> value, or ValueError(allowed)

Reader = Callable[[Any, Path], Any]


@dataclass(frozen=True, slots=True)
class Key:
    """One key: what it is when nobody says (None: it must be said) and how it is read."""

    default: Any
    read: Reader


def _text(value: Any, _folder: Path) -> str:
    if not isinstance(value, str) or any(ord(c) < 32 for c in value):
        raise ValueError("a text of one line in quotes")
    return value.strip()


def _domain(value: Any, folder: Path) -> str:
    try:
        return read_domain(_text(value, folder))
    except BadAddress:
        raise ValueError("a domain such as lists.example.org") from None


def _address(value: Any, folder: Path) -> Address:
    try:
        return read_address(_text(value, folder))
    except BadAddress:
        raise ValueError("an address such as you@example.org") from None


def _base_url(value: Any, folder: Path) -> str:
    text = _text(value, folder).rstrip("/")
    parts = urlsplit(text)
    odd = parts.path or parts.query or parts.fragment or parts.username
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or odd):
        raise ValueError("http://HOST or https://HOST, with a port if need be and no path")
    return text


def _zone(value: Any, folder: Path) -> str:
    text = _text(value, folder)
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError("a zone of the tz database, such as Europe/Berlin or UTC") from None
    return text


def _path(value: Any, folder: Path) -> Path:
    text = _text(value, folder)
    if not text:
        raise ValueError("a path")
    return (folder / text).resolve()


def _maybe_path(value: Any, folder: Path) -> Path | None:
    return _path(value, folder) if _text(value, folder) else None


def _database(value: Any, folder: Path) -> str:
    text = _text(value, folder)
    scheme, _, rest = text.partition(":///")
    if scheme == "sqlite" and rest and rest != ":memory:":
        return f"sqlite:///{(folder / rest).resolve()}"
    if re.match(r"postgresql(\+psycopg)?://", text):
        return text
    raise ValueError("sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME")


def _listen(value: Any, folder: Path) -> str:
    text = _text(value, folder)
    if text and not _host_port(text):
        raise ValueError('HOST:PORT such as 127.0.0.1:8025 or [::1]:8025; "" turns it off')
    return text


def _lmtp(value: Any, folder: Path) -> str:
    text = _text(value, folder)
    if text.startswith("unix:") and len(text) > len("unix:"):
        return f"unix:{(folder / text.removeprefix('unix:')).resolve()}"
    try:
        return _listen(text, folder)
    except ValueError:
        raise ValueError('HOST:PORT or unix:PATH; "" turns it off') from None


def _host_port(text: str) -> bool:
    host, colon, port = text.rpartition(":")
    fine = port.isascii() and port.isdigit() and int(port) <= 65535
    plain = re.fullmatch(r"[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]", host)
    return bool(colon and fine and plain)


def _relay(value: Any, folder: Path) -> str:
    # Which relays there are is the courier's to say, when `serve` opens it; only the path is ours.
    text = _text(value, folder)
    if text.startswith("maildir:") and len(text) > len("maildir:"):
        return f"maildir:{(folder / text.removeprefix('maildir:')).resolve()}"
    if ":" not in text:
        raise ValueError("smtp://HOST, smtp+starttls://…, smtps://…, lmtp://… or maildir:PATH")
    return text


def _between(low: int, high: int) -> Reader:
    def read(value: Any, _folder: Path) -> int:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,12}", value.strip()):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return value

    return read


def _texts(value: Any, folder: Path) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [item for item in value.split(",") if item.strip()]
    if not isinstance(value, list) or not all(isinstance(item, str) and item.strip() for item in value):
        raise ValueError('a list of texts, such as ["mx.example.org"]')
    return tuple(_text(item, folder) for item in value)


def _servers(value: Any, folder: Path) -> tuple[str, ...]:
    texts = _texts(value, folder)
    if not all(_is_server(text) for text in texts):
        raise ValueError('a list of IP addresses, each with a port if need be, such as ["127.0.0.1:5353"]')
    return texts


def _is_server(text: str) -> bool:
    host = text.rpartition(":")[0].strip("[]") if _host_port(text) else text
    try:
        return bool(ip_address(host))
    except ValueError:
        return False


def _selector(value: Any, folder: Path) -> str:
    text = _text(value, folder).lower()
    if not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", text):
        raise ValueError("letters, digits and hyphens, such as ls1")
    return text


# fmt: off
SCHEMA: dict[str, dict[str, Key]] = {
    "site": {
        "domain":               Key(None, _domain),
        "owner":                Key(None, _address),
        "base_url":             Key("", _base_url),
        "timezone":             Key("UTC", _zone),
        "data_dir":             Key("data", _path),
    },
    "database": {
        "url":                  Key("sqlite:///data/listserv.db", _database),
    },
    "receive": {
        "smtp":                 Key("127.0.0.1:8025", _listen),
        "lmtp":                 Key("", _lmtp),
        "policy":               Key("", _listen),
        "tls_cert":             Key("", _maybe_path),
        "tls_key":              Key("", _maybe_path),
        "trusted_authserv_ids": Key([], _texts),
        "max_message_bytes":    Key(26_214_400, _between(10_000, 1_073_741_824)),
    },
    "deliver": {
        "relay":                Key("maildir:outbox", _relay),
        "connections":          Key(8, _between(1, 256)),
    },
    "web": {
        "listen":               Key("127.0.0.1:8080", _listen),
        "metrics_token":        Key("", _text),
        "metrics_listen":       Key("", _listen),
    },
    "dkim": {
        "selector":             Key("ls1", _selector),
        "key":                  Key("dkim/ls1.pem", _maybe_path),
    },
    "dns": {
        "servers":              Key([], _servers),
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
            values[key] = row.read(value, folder)
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
    for twin in environ:
        section, _, key = twin.removeprefix(PREFIX).lower().partition("_")
        if twin.startswith(PREFIX) and section in SCHEMA and key not in SCHEMA[section]:
            raise BadSettings(
                f"{twin} is set, but there is no setting {section}.{key}; [{section}] has: "
                f"{', '.join(SCHEMA[section])}"
            )
