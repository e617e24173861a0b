"""Signing in child processes: RSA is most of what a copy costs, and threads gain nothing with it.

``sign`` hands digests to the child with the least to do, ``Ticket.result`` waits for the signatures. A
child that dies costs nothing: what it had is signed here, and the next ``sign`` starts another. One
caller at a time; a child's tickets are to be asked for in the order in which they were handed out.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic

from listserv.mail.signing import Signer

_ROOT = Path(__file__).resolve().parents[2]  # where the package lies, for the child's import path
CHUNK = 16  # digests at once: what a child may be late by
# Chunks that a child has in hand at most: enough for it to work on while its parent waits for a commit. All
# that is said to it fits into a pipe, so its parent never waits for who waits to be heard.
_AHEAD = 8
_AFTER_DEATH = 1.0  # seconds, before another child is started in a dead one's place
_IDLE = 60.0  # seconds without anything to sign, after which the children are ended


class _Child:
    """One signing process."""

    def __init__(self, signer: Signer) -> None:
        self.tickets: deque[Ticket] = deque()
        paths = [str(_ROOT), *filter(None, sys.path)]
        # -S: the parent knows all paths by now, and the child starts in half the time.
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-m", "listserv.flow.signatory"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        )
        self.pid = self._process.pid
        pem = signer.pem()
        self.say(struct.pack(">I", len(pem)) + pem)

    def say(self, words: bytes) -> None:
        """Raises OSError where the child is gone."""
        assert self._process.stdin
        self._process.stdin.write(words)
        self._process.stdin.flush()

    def hear(self, octets: int) -> bytes:
        """Raises EOFError where the child is gone."""
        assert self._process.stdout
        heard = self._process.stdout.read(octets)
        if len(heard) < octets:
            raise EOFError
        return heard

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                if pipe:
                    pipe.close()


class Ticket:
    """Signatures that are being made."""

    __slots__ = ("_child", "_digests", "_signers")

    def __init__(self, signers: Signers, child: _Child | None, digests: Sequence[bytes]) -> None:
        self._signers, self._child, self._digests = signers, child, digests

    def result(self) -> list[bytes]:
        """One signature a digest, in order."""
        signer, child = self._signers.signer, self._child
        size = signer.octets
        if child is not None and self in child.tickets:
            try:
                while (ticket := child.tickets.popleft()) is not self:  # whoever wanted those has gone
                    child.hear(size * len(ticket._digests))
                heard = child.hear(size * len(self._digests))
                return [heard[at : at + size] for at in range(0, len(heard), size)]
            except (EOFError, OSError, ValueError):
                self._signers.bury(child)
        return [signer.sign_digest(digest) for digest in self._digests]


class Signers:
    """As many children as there are processors, at most four. ``many`` 0: all is signed here."""

    def __init__(self, signer: Signer, many: int | None = None) -> None:
        self.signer = signer
        self._many = min(4, os.cpu_count() or 1) if many is None else many
        self._children: list[_Child] = []
        self._not_before = 0.0
        self._wanted = False
        self._used = monotonic()

    @property
    def pids(self) -> list[int]:
        return [child.pid for child in self._children]

    @property
    def depth(self) -> int:
        """How many chunks may be under way: enough that no child waits, few enough that no pipe fills."""
        return _AHEAD * max(1, self._many)

    def warm(self) -> None:
        """Have children from now on: there is much to sign."""
        self._wanted = True
        self._used = monotonic()
        self._start()

    def rest(self) -> None:
        """There is nothing to do. After a minute of that the children are ended: a list of thirty needs none
        but for a moment a day, and each has 12 MB."""
        if self._wanted and monotonic() - self._used > _IDLE:
            self.close()

    def _start(self) -> None:
        while len(self._children) < self._many and monotonic() >= self._not_before:
            try:
                self._children.append(_Child(self.signer))
            except OSError:  # no memory, no processes: then we sign here
                self._not_before = monotonic() + _AFTER_DEATH

    def share(self, many: int) -> int:
        """How large a chunk of so many digests should be, so that every child gets some."""
        return max(1, min(CHUNK, -(-many // max(1, self._many))))

    def sign(self, digests: Sequence[bytes]) -> Ticket:
        """Have at most ``CHUNK`` digests signed; here, unless ``warm`` was called."""
        if self._wanted:
            self.warm()
        while self._children:
            child = min(self._children, key=lambda one: len(one.tickets))
            if len(child.tickets) >= _AHEAD:
                break
            ticket = Ticket(self, child, digests)
            try:
                child.say(struct.pack(">H", len(digests)) + b"".join(digests))
            except (OSError, ValueError):
                self.bury(child)
            else:
                child.tickets.append(ticket)
                return ticket
        return Ticket(self, None, digests)

    def bury(self, child: _Child) -> None:
        """A child is gone; what it had in hand is signed by whoever asks for it."""
        child.tickets.clear()
        if child in self._children:
            self._children.remove(child)
            self._not_before = monotonic() + _AFTER_DEATH
        child.end()

    def close(self) -> None:
        """End the children; ``warm`` starts others."""
        self._wanted = False
        for child in tuple(self._children):
            self.bury(child)
        self._not_before = 0.0
