"""The child that reads: bytes and a moment come in by a pipe, what they mean goes out as JSON.

It is started by reader.py (``python -m listserv.flow.reading SETTINGS``), limits its own memory and time
(the alarm that ends it reaches it amid one long match, too), and ends when its parent's end of the pipe
closes. It imports no database, no server and no log.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import struct
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from listserv.core.types import Malformed
from listserv.flow.lookup import Txt, Within
from listserv.flow.mail_json import mail_to_json
from listserv.mail.parse import as_sent, parse
from listserv.mail.proof import ProofQuestion, prove
from listserv.mail.returned import with_report
from listserv.mail.spam import is_called_spam

_DNS_SECONDS = 5.0  # for all look-ups of one mail
_PR_SET_PDEATHSIG = 1


def main(settings: dict[str, Any], source: BinaryIO, sink: BinaryIO) -> None:
    """Say by an empty object that we are there; then answer each mail, until the source ends."""
    txt = Txt(tuple(settings["servers"]))
    trusted, arc = tuple(settings["trusted"]), bool(settings["arc"])
    spam_fields = tuple(settings["spam"])
    proof_seconds, read_seconds = float(settings["proof_seconds"]), float(settings["read_seconds"])
    _limit_memory(int(settings["memory"]))
    _send(sink, {})
    while (request := _receive(source)) is not None:
        about, raw = request
        _alarm_in(proof_seconds)
        now = datetime.fromisoformat(about["now"])
        proof = prove(raw, ProofQuestion(now, trusted, Within(txt, _DNS_SECONDS), arc))
        _alarm_in(read_seconds)  # the look-ups are done; from here on it is only computing
        mail = parse(raw, proof)
        if not isinstance(mail, Malformed):
            mail = with_report(as_sent(mail, about["from"]), raw)
            mail = replace(mail, spam=is_called_spam(raw, spam_fields))
        answer = mail_to_json(mail)
        _alarm_in(0)
        _send(sink, answer)


def _receive(source: BinaryIO) -> tuple[dict[str, str], bytes] | None:
    lengths = source.read(8)
    if len(lengths) < 8:
        return None
    head, body = struct.unpack(">II", lengths)
    about = json.loads(source.read(head))
    raw = source.read(body)
    return (about, raw) if len(raw) == body else None


def _send(sink: BinaryIO, answer: dict[str, Any]) -> None:
    data = json.dumps(answer).encode()
    sink.write(struct.pack(">I", len(data)) + data)
    sink.flush()


def _alarm_in(seconds: float) -> None:
    """We end in so many seconds, unless told otherwise; 0: we don't."""
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _die_with_parent() -> None:
    """Linux kills us when who started us ends; elsewhere the alarm must do."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _limit_memory(octets: int) -> None:
    """Address space: what is in use now and ``octets`` more. Where a system can't, the clock must do."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        limit = pages * resource.getpagesize() + octets
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


if __name__ == "__main__":
    _die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which closes the pipe
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get among the answers
    with contextlib.suppress(BrokenPipeError):
        main(json.loads(sys.argv[1]), sys.stdin.buffer, answers)
