"""A DNS server on loopback that knows no name, and tells the test what it is asked."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dns.flags
import dns.message
import dns.rcode


@contextmanager
def nameserver(asked: Callable[[str], bool]) -> Iterator[str]:
    """Its HOST:PORT. ``asked`` gets each name, and says whether there is an answer: "no such name"."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_serve, args=(door, asked), daemon=True)
        thread.start()
        host, port = door.getsockname()
        try:
            yield f"{host}:{port}"
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                other.sendto(b"", (host, port))
            thread.join(60)


def _serve(door: socket.socket, asked: Callable[[str], bool]) -> None:
    while True:
        data, peer = door.recvfrom(4096)
        if not data:
            return
        query = dns.message.from_wire(data)
        if asked(query.question[0].name.to_text().rstrip(".")):
            answer = dns.message.make_response(query)
            answer.flags |= dns.flags.RA
            answer.set_rcode(dns.rcode.NXDOMAIN)
            door.sendto(answer.to_wire(), peer)
