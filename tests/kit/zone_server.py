"""A DNS server on loopback that publishes what a test says, and a way to make mail programs ask it.

OpenDKIM is told in its settings. What asks by libresolv (OpenDMARC) has none for a port: ``zone_server.c``,
loaded before everything else, sends its questions here.
"""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

_SECONDS = 300
Zone = Mapping[str, tuple[str, ...]]  # by name, without a dot at its end: records such as 'TXT "v=spf1 -all"'


@contextmanager
def zone_server(zone: Zone) -> Iterator[int]:
    """Its UDP port on 127.0.0.1. What is in ``zone`` exists, and the names above that; nothing else does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_serve, args=(door, zone), daemon=True)
        thread.start()
        try:
            yield door.getsockname()[1]
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
                other.sendto(b"", door.getsockname())
            thread.join(60)


def _serve(door: socket.socket, zone: Zone) -> None:
    while True:
        data, peer = door.recvfrom(4096)
        if not data:
            return
        door.sendto(_answer(dns.message.from_wire(data), zone).to_wire(), peer)


def _answer(query: dns.message.Message, zone: Zone) -> dns.message.Message:
    """NXDOMAIN only where there is nothing below the name either (RFC 8020)."""
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.RA | dns.flags.AA
    question = query.question[0]
    name = question.name.to_text().rstrip(".").lower()
    kind = dns.rdatatype.to_text(question.rdtype)
    there = [record.partition(" ")[2] for record in zone.get(name, ()) if record.startswith(f"{kind} ")]
    if there:
        answer.answer.append(
            dns.rrset.from_text(question.name, _SECONDS, dns.rdataclass.IN, question.rdtype, *there)
        )
    elif name not in zone and not any(other.endswith(f".{name}") for other in zone):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer


def txt(text: str) -> str:
    """A TXT record with this text, in pieces of at most 255 octets."""
    pieces = [text[at : at + 255] for at in range(0, len(text), 255)]
    return "TXT " + " ".join(f'"{piece}"' for piece in pieces)


def build(folder: Path) -> Path:
    """The library to be loaded before a program, with ZONE_PORT set."""
    library = folder / "zone_server.so"
    source = Path(__file__).with_suffix(".c")
    words = ["gcc", "-Wall", "-Werror", "-O1", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run(words, check=True, timeout=60)
    return library
