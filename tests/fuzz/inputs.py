"""What the targets are tried with: the corpus, words that matter to whoever reads, and mixtures of both."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
KEPT = Path(__file__).resolve().parents[2] / ".fuzz"  # of make fuzz, not in the repository
LONG = 64 * 1024  # octets that every target must get through in no time
_MAIL = (
    *(b"From: ", b"To: ", b"Subject: ", b"Date: ", b"Message-ID: ", b"References: ", b"In-Reply-To: "),
    *(b"Received: ", b"Content-Type: ", b"Content-Disposition: ", b"Content-Transfer-Encoding: "),
    *(b"DKIM-Signature: v=1; a=rsa-sha256; ", b"Authentication-Results: lists.example.org; ", b"List-Id: "),
    *(b"\r\n", b"\n", b"\r", b"\r\n\r\n", b"\r\n ", b"\r\n\t", b"\0", b"\x80", b"\xff\xfe", b"\xe2\x80\xae"),
    *(b": ", b";", b",", b"<", b">", b"(", b")", b'"', b"\\", b"@", b"=?utf-8?q?", b"=?utf-8?b?", b"?="),
)
_MIME = (
    *(b"multipart/mixed; boundary=b", b"multipart/alternative; boundary=", b"multipart/report; boundary=b"),
    *(b"--b\r\n", b"--b--\r\n", b"message/rfc822", b"message/delivery-status", b"text/html", b"text/plain"),
    *(b"charset=", b"utf-7", b"iso-2022-jp", b"utf-16", b"format=flowed; delsp=yes", b"name*0*=utf-8''"),
    *(b"base64", b"quoted-printable", b"x-uuencode", b"=\r\n", b"=3D", b"begin 644 x\r\n", b"filename=.."),
)
_SAID = (b"EHLO x\r\n", b"MAIL FROM:<>\r\n", b"RCPT TO:<book@lists.example.org>\r\n", b"DATA\r\n", b".\r\n")
WORDS: dict[str, tuple[bytes, ...]] = {
    "header": _MAIL,
    "addresses": (
        *(b"<", b">", b"@", b".", b'"', b"\\", b" ", b"FROM:<", b"TO:<", b"@a,@b:", b"[127.0.0.1]", b"xn--"),
        *(b"+back=", b"-join", b"%2Bre%3D", b"SRS0=", b"prvs=1=", b"a", b"\xc3\xa9", b"\xff", b"SIZE=9"),
    ),
    "mime": _MAIL + _MIME,
    "words": (
        *(
            b"<a href=",
            b"<div>",
            b"</div>",
            b"<!--",
            b"-->",
            b"<script>",
            b"</script",
            b"<p",
            b"&#x",
            b"&amp",
        ),
        *(b"<blockquote>", b"<pre>", b"<td>", b"<br>", b'"', b"'", b"> ", b"\n", b" \n", b"<", b"&", b"\xe2"),
        *(b"javascript:", b" onclick=x", b"<svg/onload=x>", b"<math><style>", b"]]>", b"<?", b"-- \n", b"\0"),
    ),
    "bounces": (
        *(
            b"multipart/report; boundary=b",
            b"message/delivery-status",
            b"--b\r\n",
            b"\n",
            b"\r\n ",
            b"Subject: ",
        ),
        *(b"Final-Recipient: rfc822; ", b"Action: failed\r\n", b"Status: 5.1.1\r\n", b"Diagnostic-Code: "),
        *(
            b"Reporting-MTA: dns; x\r\n",
            b"The following address failed:\r\n",
            b"550 user unknown",
            b"<a@b.c>:",
        ),
    ),
    "replies": (
        b"250",
        b"250-",
        b"550 5.1.1 no\r\n",
        b"\r\n",
        b"\n",
        b"421 ",
        b"354",
        b" ",
        b"-",
        b"\0",
        b"PIPELINING",
    ),
    "mbox": (
        *(b"From ana@x Sat Nov 21 09:00:00 2026\n", b"From ", b">From ", b"\n", b"\r\n", b"Subject: x\n"),
        *(b" at ", b": ", b"\0", b"x" * 100),
    ),
    "postmarks": (
        b"\r\n",
        b"\n",
        b"\r",
        b".",
        b"\r\n.",
        b"Received: x\r\n",
        b"From x\r\n",
        b"a: b\r\n",
        b" ",
        b"\0",
    ),
    "dialogue": (
        *_SAID,
        *(
            b"LHLO x\r\n",
            b"RSET\r\n",
            b"QUIT\r\n",
            b"STARTTLS\r\n",
            b"BDAT 5\r\n",
            b"VRFY x\r\n",
            b"GET / HTTP/1.1\r\n",
        ),
        *(
            b"\r\n.\r\n",
            b"\n.\n",
            b"\r.\r",
            b"\r\n..\r\n",
            b" SIZE=99999999999",
            b" SMTPUTF8",
            b" BODY=8BITMIME",
        ),
        *(
            b"request=smtpd_access_policy\n",
            b"protocol_state=RCPT\n",
            b"recipient=book@lists.example.org\n\n",
        ),
        *(b"\0", b"\xff", b"<", b"book+back=aaaaaaaaaaaaaaaaaaaa@lists.example.org", b"x" * 1_000),
    ),
    "pipeline": _MAIL
    + _MIME
    + (b"book@lists.example.org", b"ana@ana.example", b"unsubscribe\r\n", b"help\r\n"),
}


def seeds(target: str) -> list[bytes]:
    """The corpus of a target, in a certain order. Raises FileNotFoundError where there is none."""
    return [path.read_bytes() for path in sorted((CORPUS / target).iterdir())]


def long_ones(target: str) -> Iterator[bytes]:
    """64 kB of each dangerous word, behind the start of a seed."""
    begun = seeds(target)[0][:200]
    for word in WORDS[target]:
        yield begun + word * (LONG // len(word))


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to an input: ``how`` at the octet ``at`` (modulo its length), with ``word``."""

    how: str
    at: int
    word: bytes


def changed(raw: bytes, changes: Iterable[Change]) -> bytes:
    """An input after some changes; never longer than LONG."""
    for change in changes:
        at = change.at % (len(raw) + 1)
        match change.how:
            case "put":
                raw = raw[:at] + change.word + raw[at:]
            case "over":
                raw = raw[:at] + change.word + raw[at + len(change.word) :]
            case "cut":
                raw = raw[:at] + raw[at + len(change.word) :]
            case "end":
                raw = raw[:at]
            case _:
                raw = raw[:at] + raw[at // 2 : at] * 3 + raw[at:]
    return raw[:LONG]
