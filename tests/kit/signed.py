"""Authors' mails as their providers sign them, with the keys that DNS shows. Signed by dkimpy."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from functools import cache

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

_USUAL = "from to subject date message-id mime-version content-type content-transfer-encoding"
_LISTS = "list-id list-help list-unsubscribe list-subscribe list-post list-owner list-archive"
# What each names besides: Gmail that no other of these may come, Exim that the list's fields are not there.
STYLES = {
    "usual": (_USUAL, b"relaxed", b"relaxed"),
    "simple": (_USUAL, b"simple", b"simple"),
    "like Gmail": (f"{_USUAL} from to cc subject date message-id reply-to", b"relaxed", b"relaxed"),
    "like Exim": (f"{_USUAL} sender reply-to cc resent-from {_LISTS}", b"relaxed", b"relaxed"),
}
PROGRAMS = {  # how a mail is made, as its content fields and body
    "plain": ("Content-Type: text/plain; charset=utf-8", "Garlic goes in now.\r\n\r\nAna  \r\n"),
    "HTML": ("Content-Type: text/html; charset=utf-8", "<p>Garlic goes in <b>now</b>.</p>\r\n"),
    "PGP-signed": (
        'Content-Type: multipart/signed; micalg=pgp-sha256; protocol="application/pgp-signature"; boundary=p',
        "--p\r\nContent-Type: text/plain\r\n\r\nNow.\r\n--p\r\nContent-Type: application/pgp-signature\r\n"
        "\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\niQEzBAEB\r\n-----END PGP SIGNATURE-----\r\n--p--\r\n",
    ),
    "S/MIME-signed": (
        "Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\n"
        "Content-Transfer-Encoding: base64",
        "MIIGhQYJKoZIhvcNAQcCoIIGdjCCBnICAQExCzAJ\r\n",
    ),
    "encrypted": (
        'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=e',
        "--e\r\nContent-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n--e\r\n"
        "Content-Type: application/octet-stream\r\n\r\n-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA\r\n"
        "-----END PGP MESSAGE-----\r\n--e--\r\n",
    ),
}


@cache
def a_key(name: str) -> tuple[bytes, str]:
    """A private key (PEM) and its TXT record, the same for the same name. Short, for dkimpy is slow."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    pem = key.private_bytes(encoding, form, serialization.NoEncryption())
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem, f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}"


def a_mail_of(domain: str, program: str = "plain", *more: str, to: str = "book@lists.example.org") -> bytes:
    """Ana's mail from there to the list, unsigned, of just now."""
    content, body = PROGRAMS[program]
    date = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
    head = (
        f"From: Ana Silva <ana@{domain}>",
        f"To: {to}",
        "Subject: When do you plant your garlic?",
        f"Date: {date}",
        f"Message-ID: <garlic@{domain}>",
        "MIME-Version: 1.0",
        *more,
        content,
    )
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


def signed_by(domain: str, raw: bytes, style: str = "usual", key: str = "author", more: str = "") -> bytes:
    """The mail with the signature of its domain, selector ``s``, in front. ``more``: also covers these."""
    names, head, body = STYLES[style]
    field: bytes = dkim.sign(
        raw,
        b"s",
        domain.encode(),
        a_key(key)[0],
        canonicalize=(head, body),
        include_headers=[name.encode() for name in f"{names} {more}".split()],
    )
    return field + raw
