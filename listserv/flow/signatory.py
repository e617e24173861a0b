"""A child process that signs: a key comes in by a pipe, then digests; signatures go out. Nothing else.

Started by flow/signers.py (``python -m listserv.flow.signatory``). It has no database, no settings and no
network, imports little but ``cryptography``, and ends when its parent's end of the pipe closes.

    in:   4 octets length, PEM key; then each time 2 octets count, count SHA-256 digests
    out:  count signatures (PKCS #1 v1.5), each as long as the key's modulus
"""

from __future__ import annotations

import contextlib
import os
import signal
import struct
import sys
from typing import BinaryIO

from listserv.mail.signing import Signer, load_key

DIGEST = 32


def main(source: BinaryIO, sink: BinaryIO) -> None:
    """Sign until the source ends."""
    (length,) = struct.unpack(">I", source.read(4))
    sign = Signer("", "", load_key(source.read(length))).sign_digest
    while len(count := source.read(2)) == 2:
        octets = DIGEST * struct.unpack(">H", count)[0]
        digests = source.read(octets)
        if len(digests) < octets:
            return
        parts = (digests[at : at + DIGEST] for at in range(0, octets, DIGEST))
        sink.write(b"".join(sign(part) for part in parts))
        sink.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which closes the pipe
    with contextlib.suppress(BrokenPipeError, struct.error), os.fdopen(os.dup(1), "wb") as answers:
        main(sys.stdin.buffer, answers)
