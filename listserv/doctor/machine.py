"""Settings, keys, disk and clock: what lies on this machine."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.x509 import load_pem_x509_certificate

from listserv.doctor.finding import Finding, failed, ok, warning
from listserv.doctor.inner import is_inner
from listserv.doctor.seen import File, Machine, Seen
from listserv.errors import CannotDo
from listserv.flow.health import LEAST_ROOM, free
from listserv.mail.signing import BadKey, PrivateKey, load_key
from listserv.opening import read_secret
from listserv.settings import Settings

_LITTLE_ROOM = 1_073_741_824
_NOBODY_KNOWS = 2**62  # as flow/health.py says it
_OTHERS, _OTHERS_WRITE = 0o077, 0o022
_EVERYWHERE = ("0.0.0.0", "::")
_SOON_OVER = timedelta(days=10)
_OFF, _FAR_OFF = timedelta(seconds=60), timedelta(minutes=5)


# -- the looking ------------------------------------------------------------------------------------


def look_around(settings: Settings, settings_file: Path) -> Machine:
    """What lies here. Raises nothing: what can't be read is told."""
    signer, key_trouble = _signer(settings)
    ends, certificate_trouble = _certificate(settings)
    data = settings.site.data_dir
    sqlite = Path(settings.database.url.removeprefix("sqlite:///"))
    dated = [data, settings.secret_file, sqlite, sqlite.with_name(f"{sqlite.name}-wal")]
    return Machine(
        settings=_file(settings_file),
        secret=_file(settings.secret_file),
        key=_file(settings.dkim.key) if settings.dkim.key else None,
        free=free(data),
        newest=max((at for at in map(_changed, dated) if at is not None), default=None),
        signer=signer,
        key_trouble=key_trouble,
        certificate_ends=ends,
        certificate_trouble=certificate_trouble,
        secret_trouble=_secret_trouble(settings),
    )


def _file(path: Path) -> File:
    try:
        return File(path, stat.S_IMODE(path.stat().st_mode))
    except OSError:
        return File(path)


def _changed(path: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError):
        return None


def _signer(settings: Settings) -> tuple[PrivateKey | None, str]:
    if settings.dkim.key is None:
        return None, ""
    try:
        return load_key(settings.dkim.key.read_bytes()), ""
    except OSError as error:
        return None, error.strerror or str(error)
    except BadKey as error:
        return None, str(error)


def _certificate(settings: Settings) -> tuple[datetime | None, str]:
    """When the doors' certificate ends. It is the first in its file; others vouch for it."""
    if settings.receive.tls_cert is None:
        return None, ""
    try:
        return load_pem_x509_certificate(settings.receive.tls_cert.read_bytes()).not_valid_after_utc, ""
    except OSError as error:
        return None, error.strerror or str(error)
    except ValueError as error:
        return None, str(error)


def _secret_trouble(settings: Settings) -> str:
    try:
        read_secret(settings)
    except CannotDo as error:
        return str(error)
    return ""


# -- the judging ------------------------------------------------------------------------------------


def settings_file(seen: Seen) -> list[Finding]:
    """Readable (or there would be no checks), and nobody else's to write or, with a password, to read."""
    file, settings = seen.machine.settings, seen.settings
    if file.mode is None:
        return [warning("settings gone", file=file.path)]
    if file.mode & _OTHERS_WRITE:
        return [failed("settings written by others", file=file.path)]
    secrets = (
        _password(settings.deliver.relay),
        _password(settings.database.url),
        settings.web.metrics_token,
    )
    if file.mode & _OTHERS and any(secrets):
        return [failed("settings read by others", file=file.path)]
    return [ok("settings ok", file=file.path)]


def _password(url: str) -> str:
    try:
        return urlsplit(url).password or ""
    except ValueError:  # the check of the relay says what is wrong with it
        return ""


def keys(seen: Seen) -> list[Finding]:
    """The secret and the DKIM key: there, good, and for their owner alone."""
    machine = seen.machine
    found = [_secret(machine)]
    if machine.key is not None:
        found.append(_key(machine, machine.key))
    return found


def _secret(machine: Machine) -> Finding:
    says, _, remedy = machine.secret_trouble.partition("; ")
    if says:
        return failed("secret bad", why=says, remedy=remedy)
    return _closed(machine.secret) or ok("secret ok", file=machine.secret.path)


def _key(machine: Machine, key: File) -> Finding:
    if machine.key_trouble:
        return failed("key bad", file=key.path, why=machine.key_trouble)
    return _closed(key) or ok("key ok", file=key.path)


def _closed(file: File) -> Finding | None:
    if file.mode is not None and file.mode & _OTHERS:
        return failed("open to others", file=file.path, mode=f"{file.mode:04o}")
    return None


def tls(seen: Seen) -> list[Finding]:
    """Whether mail that comes straight to our doors may come by TLS."""
    receive, machine = seen.settings.receive, seen.machine
    if receive.tls_cert is None:
        host = receive.smtp.rpartition(":")[0].strip("[]")
        is_inside = not receive.smtp or host == "localhost" or is_inner(host) and host not in _EVERYWHERE
        return [ok("tls in front") if is_inside else warning("tls none", listen=receive.smtp)]
    if machine.certificate_ends is None:
        return [failed("tls bad", file=receive.tls_cert, why=machine.certificate_trouble)]
    left = machine.certificate_ends - seen.now
    facts = {"file": receive.tls_cert, "day": f"{machine.certificate_ends:%Y-%m-%d}"}
    if left <= timedelta(0):
        return [failed("tls over", **facts)]
    return [warning("tls soon over", **facts) if left < _SOON_OVER else ok("tls ok", **facts)]


def disk(seen: Seen) -> list[Finding]:
    """Room for more mail."""
    if seen.machine.free >= _NOBODY_KNOWS:  # the folder is not there: other lines say so
        return []
    facts = {"place": seen.settings.site.data_dir, "free": size_of(seen.machine.free)}
    if seen.machine.free < LEAST_ROOM:
        return [failed("disk full", **facts)]
    return [warning("disk low", **facts) if seen.machine.free < _LITTLE_ROOM else ok("disk ok", **facts)]


def clock(seen: Seen) -> list[Finding]:
    """Against the database server's clock where it has one, and what was written lately."""
    database, off = seen.database, timedelta(0)
    if database is not None and database.clock is not None:
        off = abs(seen.now - database.clock)
    if off > _OFF:
        facts = {"off": int(off.total_seconds())}
        return [failed("clock off", **facts) if off > _FAR_OFF else warning("clock off", **facts)]
    written = (seen.machine.newest, database.newest if database else None)
    ahead = max((at - seen.now for at in written if at is not None), default=timedelta(0))
    if ahead > _OFF:
        return [failed("clock behind", off=int(ahead.total_seconds()))]
    return [ok("clock ok", now=f"{seen.now:%Y-%m-%d %H:%M}")]


def size_of(octets: int) -> str:
    """ "12 GB": rounded down, in powers of a thousand."""
    for unit in ("bytes", "kB", "MB"):
        if octets < 10_000:
            return f"{octets} {unit}"
        octets //= 1000
    return f"{octets} GB"
