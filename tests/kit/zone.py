"""A DNS server on loopback with a zone of the test's own, over UDP and TCP; and it can fail, name by name.

with Zone({"lists.example.org": ["A 192.0.2.10", 'TXT "v=spf1 a -all"']}) as zone:
    …                                       # ask at zone.server
    zone.faults["lists.example.org"] = SERVFAIL
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Self

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

SERVFAIL, SILENT = "SERVFAIL", "silent"
_MOST_BY_UDP = 512


class Zone:
    """``records``: by name, each "TYPE value" as a zone file has it. Other names do not exist."""

    def __init__(self, records: Mapping[str, Sequence[str]] | None = None) -> None:
        self.records: dict[str, Sequence[str]] = dict(records or {})
        self.faults: dict[str, str] = {}
        self.asked: list[tuple[str, str]] = []
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._threads = [threading.Thread(target=serve) for serve in (self._serve_udp, self._serve_tcp)]

    @property
    def server(self) -> str:
        host, port = self._udp.getsockname()
        return f"{host}:{port}"

    def __enter__(self) -> Self:
        self._tcp.bind(("127.0.0.1", 0))
        self._tcp.listen()
        self._udp.bind(self._tcp.getsockname())
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        where = self._udp.getsockname()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(b"", where)
        socket.create_connection(where).close()
        for thread in self._threads:
            thread.join(60)
        self._udp.close()
        self._tcp.close()

    def _serve_udp(self) -> None:
        while (got := self._udp.recvfrom(4096))[0]:
            answer = self._answer(dns.message.from_wire(got[0]))
            if answer is None:
                continue
            wire = answer.to_wire()
            if len(wire) > _MOST_BY_UDP:
                answer.answer.clear()
                answer.flags |= dns.flags.TC
                wire = answer.to_wire()
            self._udp.sendto(wire, got[1])

    def _serve_tcp(self) -> None:
        while True:
            caller, _ = self._tcp.accept()
            with caller, suppress(OSError, EOFError):
                caller.settimeout(60)
                asked = caller.recv(2)
                if not asked:
                    return
                query = dns.message.from_wire(caller.recv(int.from_bytes(asked, "big")))
                if (answer := self._answer(query)) is not None:
                    wire = answer.to_wire()
                    caller.sendall(len(wire).to_bytes(2, "big") + wire)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        question = query.question[0]
        name = question.name.to_text().rstrip(".").lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        fault = self.faults.get(f"{name} {kind}", self.faults.get(name, self.faults.get("*", "")))
        if fault == SILENT:
            return None
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        found = [one.partition(" ")[2] for one in self.records.get(name, ()) if one.startswith(f"{kind} ")]
        if fault == SERVFAIL:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif found:
            answer.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, found))
        elif name not in self.records:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer
