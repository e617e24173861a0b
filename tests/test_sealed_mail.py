"""Signed and encrypted mail reaches members so that openssl and gpg say the same as before."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from listserv.core.types import Mail, Post
from listserv.mail.compose import (
    Frame,
    FromChoice,
    HiddenFrom,
    KeptFrom,
    Personal,
    RelayedFrom,
    personal,
    variant,
)
from listserv.mail.parse import parse
from tests.kit.people import ANA, BOOK, DOMAIN, a_list

RELAY = BOOK
CHOICES: dict[str, FromChoice] = {
    "kept": KeptFrom(),
    "relayed": RelayedFrom(RELAY, "Ana"),
    "hidden": HiddenFrom(RELAY, "Ana", f"public@{DOMAIN}"),
}
HEAD = (
    b"From: Ana <ana@good.example>\r\nTo: book@lists.example.org\r\nSubject: Garlic\r\n"
    b"Date: Sat, 28 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@good.example>\r\n"
)
WORDS = b"Content-Type: text/plain; charset=utf-8\r\n\r\n.Garlic goes in now.  \r\n\r\n-- \r\nAna\r\n"
TO = Personal(f"https://{DOMAIN}/u/aaaabcdefghijklmnopq", f"mailto:book+leave@{DOMAIN}")


def copies(raw: bytes) -> Iterator[bytes]:
    """With a tag, a footer and each way of showing From."""
    mail = parse(raw)
    assert isinstance(mail, Mail)
    post = Post(1, 1, 1, mail.message_id, "h" * 32, ANA, "Ana", "x", datetime.now(UTC), "0" * 64)
    for choice in CHOICES.values():
        frame = Frame(a_list(subject_tag="[book]", footer="Book Circle"), DOMAIN, f"https://{DOMAIN}")
        made = variant(raw, post, frame, choice)
        yield personal(made, None, TO, 0) + made.tail


def run(*command: str | Path, given: bytes = b"", cwd: Path) -> bytes:
    """What a program says; it must end well. Like a real one it takes CRLF in and gives what it likes."""
    env = {**os.environ, "GNUPGHOME": str(cwd / "g")}
    ran = subprocess.run(command, input=given, capture_output=True, cwd=cwd, timeout=60, check=False, env=env)
    assert ran.returncode == 0, (command, ran.stderr.decode())
    return ran.stdout


def crlf(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """With a certificate and a PGP key of Ana's. Short, for gpg's socket."""
    made = Path(tempfile.mkdtemp(prefix="gpg-"))
    made.joinpath("g").mkdir(mode=0o700)
    made.joinpath("words").write_bytes(WORDS)
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 9 -subj /CN=Ana"
    run("openssl", *request.split(), "-keyout", "key", "-out", "cert", cwd=made)
    key = (
        "--batch --quiet --passphrase= --pinentry-mode loopback --quick-generate-key ana@good.example ed25519"
    )
    run("gpg", *key.split(), "sign", "never", cwd=made)
    yield made
    run("gpgconf", "--kill", "all", cwd=made)
    shutil.rmtree(made)


@pytest.mark.parametrize("form", [(), ("-nodetach",)], ids=["detached", "opaque"])
def test_openssl_verifies_what_it_signed(folder: Path, form: tuple[str, ...]) -> None:
    sign = ("openssl", "smime", "-sign", "-signer", "cert", "-inkey", "key", "-in", "words", *form)
    raw = HEAD + crlf(run(*sign, cwd=folder))
    for copy in copies(raw):
        assert copy.partition(b"\r\n\r\n")[2] == raw.partition(b"\r\n\r\n")[2]
        read = run("openssl", "smime", "-verify", "-noverify", "-certfile", "cert", given=copy, cwd=folder)
        assert crlf(read).strip() == WORDS.strip()


def test_openssl_reads_what_it_encrypted(folder: Path) -> None:
    encrypt = ["openssl", "cms", "-encrypt", "-aes256", "-recip", "cert", "-in", "words", "-keyid"]
    raw = HEAD + crlf(run(*encrypt, cwd=folder))
    for copy in copies(raw):
        read = run(*["openssl", "cms", "-decrypt", "-recip", "cert", "-inkey", "key"], given=copy, cwd=folder)
        assert crlf(read).strip() == WORDS.strip()


def test_gpg_verifies_a_signed_part(folder: Path) -> None:
    sign = [
        "gpg",
        "--batch",
        "--passphrase=",
        "--pinentry-mode",
        "loopback",
        "--armor",
        "--detach-sign",
        "--output",
        "-",
    ]
    made = crlf(run(*sign, given=WORDS.removesuffix(b"\r\n"), cwd=folder))
    raw = (
        HEAD + b'Content-Type: multipart/signed; micalg=pgp-sha512; boundary="=b";\r\n'
        b' protocol="application/pgp-signature"\r\n\r\n--=b\r\n'
        + WORDS.removesuffix(b"\r\n")
        + b"\r\n--=b\r\n"
        b"Content-Type: application/pgp-signature\r\n\r\n" + made + b"\r\n--=b--\r\n"
    )
    for copy in copies(raw):
        part, _, rest = copy.partition(b"--=b\r\n")[2].partition(b"\r\n--=b\r\n")
        folder.joinpath("part").write_bytes(part)
        folder.joinpath("part.asc").write_bytes(rest.partition(b"\r\n\r\n")[2].partition(b"\r\n--=b--")[0])
        run("gpg", "--batch", "--verify", "part.asc", "part", cwd=folder)
        assert copy.partition(b"\r\n\r\n")[2] == raw.partition(b"\r\n\r\n")[2]


def test_gpg_verifies_words_signed_within_the_text(folder: Path) -> None:
    sign = ["gpg", "--batch", "--passphrase=", "--pinentry-mode", "loopback", "--clearsign", "--output", "-"]
    raw = HEAD + b"\r\n" + crlf(run(*sign, given=b"Garlic goes in now.\n- -- \nAna\n", cwd=folder))
    for copy in copies(raw):
        run("gpg", "--batch", "--verify", given=copy.partition(b"\r\n\r\n")[2], cwd=folder)
