"""The site of docs/hosting.md: its configuration files, as they stand there, with real Postfix on loopback.

``REPLACED`` is all in which they differ here from a real server's. Debian's own main.cf and master.cf stand
beneath them there, and those of ``postfix.py`` here.
"""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.kit.postfix import Postfix, free_port, running
from tests.kit.server import DOMAIN

FILES = Path(__file__).parent.parent.parent / "docs" / "site"
# What a client says of itself with XCLIENT is believed: mail can come from any address.
_LOOPBACK = "smtpd_authorized_xclient_hosts = 127.0.0.0/8\n"


@dataclass(frozen=True, slots=True)
class Ports:
    """Free ones, chosen before anything starts, as the parts of a site name each other."""

    smtp: int
    lmtp: int
    policy: int


def ports() -> Ports:
    return Ports(free_port(), free_port(), free_port())


def replaced(text: str, here: Ports, folder: Path) -> str:
    """A file of the site as it runs here. ``folder``: with ``spf``, ``site.pem`` and ``site.key`` in it."""
    for real, ours in (
        ("127.0.0.1:8024", f"127.0.0.1:{here.lmtp}"),
        ("127.0.0.1:8026", f"127.0.0.1:{here.policy}"),
        ("127.0.0.1:25", f"127.0.0.1:{here.smtp}"),
        ("/etc/postfix/", "{folder}/etc/"),
        ("/etc/ssl/lists.example.org.pem", f"{folder}/site.pem"),
        ("/etc/ssl/private/lists.example.org.key", f"{folder}/site.key"),
        ("user=policyd-spf argv=/usr/bin/policyd-spf", f"user=nobody argv={folder}/spf"),
    ):
        text = text.replace(real, ours)
    return text


def settings(here: Ports, folder: Path) -> dict[str, str]:
    """``listserv.toml`` of the site, as environment twins."""
    told = tomllib.loads(replaced((FILES / "listserv.toml").read_text(), here, folder))
    return {
        f"LISTSERV_{section}_{key}".upper(): ",".join(value) if isinstance(value, list) else str(value)
        for section, keys in told.items()
        for key, value in keys.items()
    }


def certify(folder: Path) -> None:
    """A certificate of a day for the site's Postfix."""
    made = ("-keyout", folder / "site.key", "-out", folder / "site.pem", "-days", "1", "-subj", "/CN=mx")
    kind = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    subprocess.run(["openssl", "req", *kind, *made], check=True, capture_output=True, timeout=60)


_SPF = """\
#!/usr/bin/python3
import sys
sys.modules["dns"] = None  # the library that Debian asks by, whatever else is installed
import DNS
DNS.defaults.update(server=["127.0.0.1"], port={port})
DNS.DiscoverNameServers = lambda: None
from spf_engine.policyd_spf import main
main()
"""


def ask_zone(folder: Path, port: int) -> None:
    """Debian's SPF check as it is, but that it asks the DNS server at ``port``."""
    program = folder / "spf"
    program.write_text(_SPF.format(port=port))
    program.chmod(0o755)


@contextmanager
def site_postfix(here: Ports, folder: Path, hops: Mapping[str, str]) -> Iterator[Postfix]:
    """The site's Postfix. ``hops``: how mail goes to each domain of the world outside."""
    texts = {
        file.name: replaced(file.read_text(), here, folder) for file in sorted((FILES / "postfix").iterdir())
    }
    texts["transport"] += "".join(f"{domain} {hop}\n" for domain, hop in hops.items())
    main, master = texts.pop("main.cf"), texts.pop("master.cf")
    with running(_LOOPBACK + main, master, texts, here.smtp) as postfix:
        yield postfix


def address(local: str) -> str:
    """An address of the site."""
    return f"{local}@{DOMAIN}"
