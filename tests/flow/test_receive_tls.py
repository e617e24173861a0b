"""STARTTLS (RFC 3207): offered only with a certificate; nothing said in the clear survives it."""

from __future__ import annotations

import asyncio
import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from listserv.errors import BadSettings
from listserv.flow.receive import DoorSettings, open_doors
from tests.kit.doorstep import DOMAIN, SETTINGS, RememberingKeeper, RememberingLog, StillClock, open_house
from tests.kit.smtp_client import calling

MAIL = b"From: ann@example.org\r\n\r\nHello."


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> DoorSettings:
    """Doors with a self-signed certificate of a day."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mx.example.org")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=12))
        .not_valid_after(now + timedelta(hours=12))
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(pem)
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return dataclasses.replace(SETTINGS, tls_cert=folder / "cert.pem", tls_key=folder / "key.pem")


@pytest.mark.parametrize(
    ("door", "verb", "protocol"), [("smtp", "EHLO", b"ESMTPS"), ("lmtp", "LHLO", b"LMTPS")]
)
def test_a_mail_comes_in_over_tls(settings: DoorSettings, door: str, verb: str, protocol: bytes) -> None:
    async def scene() -> None:
        async with asyncio.timeout(60), open_house(settings) as house:
            async with calling(getattr(house.doors, door), verb) as client:
                assert "250-STARTTLS" in (await client.ask(f"{verb} x")).lines
                assert (await client.ask("STARTTLS now")).code == 501
                assert (await client.ask("STARTTLS")).text == "220 2.0.0 Ready to start TLS"
                await client.starttls()
                assert (await client.ask("MAIL FROM:<ann@example.org>")).code == 503  # said nothing yet
                assert "250-STARTTLS" not in (await client.ask(f"{verb} x")).lines
                assert (await client.ask("STARTTLS")).code == 503
                assert await client.envelope([f"book@{DOMAIN}"]) == [250]
                assert (await client.data(MAIL + b"\r\nmore\r\n" * 50_000)).code == 250
                assert (await client.ask("QUIT")).code == 221
                assert await client.is_closed()
            assert b" with " + protocol + b" id " in house.keeper.kept[0].raw

    asyncio.run(scene())


def test_what_is_pipelined_in_the_clear_behind_starttls_is_never_obeyed(settings: DoorSettings) -> None:
    async def scene() -> None:
        async with asyncio.timeout(60), open_house(settings) as house:
            async with calling(house.doors.smtp) as client:
                evil = b"EHLO evil\r\nMAIL FROM:<evil@example.org>\r\nRCPT TO:<book@lists.example.org>\r\n"
                await client.send(b"STARTTLS\r\n" + evil)
                assert (await client.reply()).code == 220
                await client.starttls()
                assert (await client.ask("RCPT TO:<book@lists.example.org>")).code == 503
                assert (await client.ask("EHLO x")).code == 250
                assert (await client.ask("RCPT TO:<book@lists.example.org>")).code == 503
                assert await client.envelope([f"book@{DOMAIN}"]) == [250]
                assert (await client.data(MAIL)).code == 250
            assert [caller.helo for caller in house.keeper.callers] == ["x"]
            assert [intake.envelope_from for intake in house.keeper.kept] == ["ann@example.org"]

    asyncio.run(scene())


def test_a_mail_begun_in_the_clear_is_forgotten(settings: DoorSettings) -> None:
    async def scene() -> None:
        async with asyncio.timeout(60), open_house(settings) as house, calling(house.doors.smtp) as client:
            assert await client.envelope([f"book@{DOMAIN}"]) == [250]
            assert (await client.ask("STARTTLS")).code == 220
            await client.starttls()
            assert (await client.ask("DATA")).code == 503

    asyncio.run(scene())


def test_a_handshake_that_fails_ends_the_connection_and_nothing_else(settings: DoorSettings) -> None:
    async def scene() -> None:
        async with asyncio.timeout(60), open_house(settings) as house:
            async with calling(house.doors.smtp) as client:
                assert (await client.ask("STARTTLS")).code == 220
                await client.send(b"this is no handshake\r\n" * 10)
                with pytest.raises((ConnectionError, UnicodeDecodeError)):
                    await client.reply()
            async with calling(house.doors.smtp) as client:
                assert (await client.ask("NOOP")).code == 250

    asyncio.run(scene())


@pytest.mark.parametrize("what", ["no such key", "no PEM", "another key"])
def test_certificate_and_key_that_are_no_pair_are_bad_settings_named_at_the_start(
    settings: DoorSettings, tmp_path: Path, what: str
) -> None:
    key = tmp_path / "key.pem"
    if what == "no PEM":
        key.write_text("my key")
    elif what == "another key":
        pem, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        key.write_bytes(
            ec.generate_private_key(ec.SECP256R1()).private_bytes(serialization.Encoding.PEM, pem, plain)
        )
    said = {
        "no such key": f"{key} can't be read (No such file or directory)",
        "no PEM": "no PEM",
        "another key": "key values mismatch",
    }[what]

    async def scene() -> None:
        broken = dataclasses.replace(settings, tls_key=key)
        with pytest.raises(BadSettings) as caught:
            await open_doors(broken, RememberingKeeper(), StillClock().now, RememberingLog())
        assert str(caught.value) == (
            f"receive.tls_cert {settings.tls_cert} with receive.tls_key {key}: {said};"
            " allowed: PEM files that belong together"
        )

    asyncio.run(scene())
