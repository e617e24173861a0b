"""The site's settings: one file, its environment twins; errors name key, value and what is allowed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

from listserv.app import site_of
from listserv.core.address import Address
from listserv.errors import BadSettings
from listserv.founding import Plan, found, settings_text
from listserv.settings import SCHEMA, find_file, read_settings, settings_from

LEAST = {"site": {"domain": "lists.example.org", "owner": "you@example.org"}}


def complaint(said: Mapping[str, object], environ: dict[str, str] | None = None) -> str:
    with pytest.raises(BadSettings) as caught:
        settings_from(said, environ or {}, Path("/srv"))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_domain_and_owner_are_enough() -> None:
    settings = settings_from(LEAST, {}, Path("/srv"))
    assert settings.site.base_url == "https://lists.example.org"
    assert settings.site.owner == Address("you", "example.org")
    assert settings.database.url == "sqlite:////srv/data/listserv.db"
    assert settings.deliver.relay == "maildir:/srv/outbox"
    assert settings.receive.tls_cert is None
    assert settings.dkim.key == Path("/srv/dkim/ls1.pem")
    assert settings.secret_file == Path("/srv/data/secret")


def test_which_domains_are_treated_as_reject_and_whether_we_seal_is_the_operators_to_say() -> None:
    settings = settings_from(LEAST, {}, Path("/srv"))
    assert site_of(settings).strict_domains == ("gmail.com", "googlemail.com")
    assert settings.dkim.arc is False
    environ = {
        "LISTSERV_DELIVER_TREAT_AS_REJECT": "Strict.example, bücher.example",
        "LISTSERV_DKIM_ARC": "true",
    }
    settings = settings_from(LEAST, environ, Path("/srv"))
    assert site_of(settings).strict_domains == ("strict.example", "xn--bcher-kva.example")
    assert settings.dkim.arc is True
    assert (
        site_of(settings_from({**LEAST, "deliver": {"treat_as_reject": []}}, {}, Path("/srv"))).strict_domains
        == ()
    )


def test_a_new_sites_file_says_every_key_with_its_default(tmp_path: Path) -> None:
    plan = Plan("lists.example.org", Address("you", "example.org"), tmp_path, "https://lists.example.org")
    said = tomllib.loads(settings_text(plan))
    assert {section: set(keys) for section, keys in said.items()} == {
        section: set(keys) for section, keys in SCHEMA.items()
    }
    assert settings_from(said, {}, tmp_path) == settings_from(LEAST, {}, tmp_path)


def test_a_new_sites_file_says_the_database_that_it_was_founded_with(tmp_path: Path) -> None:
    owner, url = Address("you", "example.org"), f"sqlite:///{tmp_path}/else/where.db"
    plan = Plan("lists.example.org", owner, tmp_path / "site", "https://lists.example.org")
    plan.folder.mkdir()
    made, _ = found(plan, {"LISTSERV_DATABASE_URL": url})
    assert made.database.url == url
    assert read_settings(plan.folder / "listserv.toml", {}).database.url == url
    assert (tmp_path / "else" / "where.db").is_file()


def test_the_environment_wins_over_the_file() -> None:
    environ = {
        "LISTSERV_SITE_DOMAIN": "other.example.org",
        "LISTSERV_DELIVER_CONNECTIONS": "3",
        "LISTSERV_RECEIVE_TRUSTED_AUTHSERV_IDS": "mx.example.org, mx2.example.org",
        "LISTSERV_DNS_SERVERS": "127.0.0.1:5353",
        "LISTSERV_RECEIVE_SMTP": "",
        "LISTSERV_CONFIG": "elsewhere.toml",
    }
    settings = settings_from(LEAST, environ, Path("/srv"))
    assert settings.site.domain == "other.example.org"
    assert settings.deliver.connections == 3
    assert settings.receive.trusted_authserv_ids == ("mx.example.org", "mx2.example.org")
    assert settings.dns.servers == ("127.0.0.1:5353",)
    assert settings.receive.smtp == ""


def test_every_key_has_a_twin() -> None:
    for section, keys in SCHEMA.items():
        for key in keys:
            twin = f"LISTSERV_{section}_{key}".upper()
            bad = "\x07"
            assert twin in complaint(LEAST, {twin: bad})


def test_unix_sockets_and_postgresql_are_understood() -> None:
    said = LEAST | {
        "receive": {"lmtp": "unix:run/lmtp.sock"},
        "database": {"url": "postgresql+psycopg://user@host/name"},
    }
    settings = settings_from(said, {}, Path("/srv"))
    assert settings.receive.lmtp == "unix:/srv/run/lmtp.sock"
    assert settings.database.url == "postgresql+psycopg://user@host/name"


@pytest.mark.parametrize(
    ("section", "key", "value", "allowed"),
    [
        ("site", "domain", "not a domain", "a domain such as"),
        ("site", "owner", "you", "an address such as"),
        ("site", "base_url", "ftp://x", "http://HOST"),
        ("site", "base_url", "https://x/path", "no path"),
        ("site", "timezone", "Mars/Olympus", "tz database"),
        ("site", "timezone", "../../etc/passwd", "tz database"),
        ("site", "data_dir", "", "a path"),
        ("database", "url", "mysql://x", "sqlite:///FILE"),
        ("database", "url", "sqlite:///:memory:", "sqlite:///FILE"),
        ("receive", "smtp", "8025", "HOST:PORT"),
        ("receive", "smtp", "127.0.0.1:99999", "HOST:PORT"),
        ("receive", "lmtp", "unix:", "unix:PATH"),
        ("receive", "policy", 8026, "one line in quotes"),
        ("receive", "max_message_bytes", "big", "a whole number from"),
        ("receive", "max_message_bytes", True, "a whole number from"),
        ("receive", "trusted_authserv_ids", [1], "a list of texts"),
        ("deliver", "connections", 0, "a whole number from 1 to 256"),
        ("deliver", "relay", "nowhere", "maildir:PATH"),
        ("deliver", "treat_as_reject", ["not a domain"], "a list of domains"),
        ("web", "pages_from", "nginx", "gate or proxy"),
        ("dkim", "selector", "a.b", "letters, digits and hyphens"),
        ("dkim", "arc", "maybe", "true or false"),
        ("dns", "servers", ["dns.example.org"], "IP addresses"),
    ],
)
def test_a_bad_value_is_named_with_its_key_and_what_is_allowed(
    section: str, key: str, value: object, allowed: str
) -> None:
    said = {**LEAST, section: {**LEAST.get(section, {}), key: value}}
    words = complaint(said)
    assert words.startswith(f"{section}.{key} is {value!r}; allowed: ")
    assert allowed in words


def test_what_is_unknown_is_named_with_what_there_is() -> None:
    assert complaint(LEAST | {"sites": {}}) == (
        f"there is no section [sites]; there are: {', '.join(SCHEMA)}"
    )
    assert "site.domian" in complaint(LEAST | {"site": {"domian": "x"}})
    assert "LISTSERV_SITE_DOMIAN" in complaint(LEAST, {"LISTSERV_SITE_DOMIAN": "x"})
    assert complaint(LEAST | {"dns": 1}).startswith("dns is 1")
    assert complaint({}).startswith("site.domain is missing")


@pytest.mark.parametrize(
    ("twin", "nearest"),
    [
        ("LISTSERV_DATABSE_URL", "LISTSERV_DATABASE_URL"),
        ("LISTSERV_SITE_DOMIAN", "LISTSERV_SITE_DOMAIN"),
        ("LISTSERV_DELIVERY_RELAY", "LISTSERV_DELIVER_RELAY"),
        ("LISTSERV_web_listen", "LISTSERV_WEB_LISTEN"),
        ("LISTSERV_FOO_BAR", "LISTSERV_"),
        ("LISTSERV_URL", "LISTSERV_"),
        ("LISTSERV_", "LISTSERV_"),
    ],
)
def test_a_twin_of_no_setting_is_refused_with_the_nearest_one(twin: str, nearest: str) -> None:
    words = complaint(LEAST, {twin: "x", "LISTSERVER_HOME": "/", "LISTSERV_CONFIG": "listserv.toml"})
    assert words.startswith(f"{twin} is set, but there is no such setting; did you mean {nearest}")


def test_a_certificate_goes_with_its_key() -> None:
    assert "go together" in complaint(LEAST | {"receive": {"tls_cert": "cert.pem"}})


def test_a_password_is_never_shown() -> None:
    said = LEAST | {"deliver": {"relay": "smtp+starttls://me:hunter2@host:587"}}
    assert "hunter2" not in repr(settings_from(said, {}, Path("/srv")))
    assert "hunter2" not in complaint(LEAST | {"database": {"url": "mysql://me:hunter2@host/x"}})


def test_the_file_is_looked_for_where_it_is_said_to_be(tmp_path: Path) -> None:
    here = tmp_path / "listserv.toml"
    here.write_text('\ufeff[site]\ndomain = "lists.example.org"\nowner = "you@example.org"\n', "utf-8")
    assert find_file(None, {}, tmp_path) == here
    assert find_file(str(here), {"LISTSERV_CONFIG": "/other"}, Path("/")) == here
    assert find_file(None, {"LISTSERV_CONFIG": str(here)}, Path("/")) == here
    assert read_settings(here, {}).folder == tmp_path.resolve()
    for given in ("missing.toml", None):
        with pytest.raises(BadSettings, match="listserv init"):
            find_file(given, {}, tmp_path / "nowhere")


@pytest.mark.parametrize("words", [b"[site", b"\xff\xfe", b"a = 1\na = 2"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, words: bytes) -> None:
    file = tmp_path / "listserv.toml"
    file.write_bytes(words)
    with pytest.raises(BadSettings, match=re.escape(str(file))):
        read_settings(file, {})
