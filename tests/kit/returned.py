"""What other servers send back: failures, delays and complaints about a copy of ours."""

from __future__ import annotations

from tests.kit.world import Mailed

_FAILURE = """From: MAILER-DAEMON@there.example
Subject: Undelivered Mail Returned to Sender
Message-ID: <{id}@there.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: text/plain

It could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; there.example

Final-Recipient: rfc822; {to}
Action: failed
Status: {status}
Diagnostic-Code: smtp; {words}

--b--
"""
_COMPLAINT = b"""From: Feedback loop <fbl@provider.example>
Subject: Email Feedback Report
Message-ID: <fbl%d@provider.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary=b

--b
Content-Type: text/plain

This is an abuse report.
--b
Content-Type: message/feedback-report

Feedback-Type: %s
User-Agent: SomeGenerator/1.0
Version: 1

--b
Content-Type: message/rfc822

%s
--b--
"""
WORDS = {
    "5.1.1": "550 5.1.1 no such user",
    "5.2.2": "552 5.2.2 mailbox full",
    "5.7.1": "550 5.7.1 blocked by our policy",
}


def failure(to: str, status: str = "5.1.1", number: int = 1) -> bytes:
    """A report in RFC 3464 that this address can't be reached."""
    return _FAILURE.format(id=number, to=to, status=status, words=WORDS[status]).encode()


def complaint(copy: bytes, kind: str = "abuse", number: int = 1) -> bytes:
    """A report in RFC 5965 on a mail."""
    return _COMPLAINT % (number, kind.encode(), copy.replace(b"\r\n", b"\n"))


def as_it_arrived(mailed: Mailed) -> bytes:
    """A copy as its recipient's server keeps it, its return path on top."""
    return f"Return-Path: <{mailed.sender}>\r\n".encode() + mailed.raw
