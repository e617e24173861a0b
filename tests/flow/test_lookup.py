"""TXT look-ups against a real (small) name server on loopback."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from listserv.flow import lookup
from listserv.flow.lookup import Txt, Within

RECORDS = {
    "two.test.": ['"one " "and more"', '"two"'],
    "big.test.": [" ".join(['"' + letter * 250 + '"'] * 10) for letter in "abcdefgh"],
    "short.test.": ['"brief"'],
}


class Nameserver:
    """Answers from RECORDS; names that begin with ``broken`` get SERVFAIL, with ``silent`` nothing."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.away = False  # it fails for whatever name, the root's too
        self.silent = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            data, peer = self._socket.recvfrom(4096)
            if data == b"stop":
                return
            query = dns.message.from_wire(data)
            name = query.question[0].name.to_text()
            self.asked.append(name)
            if not (name.startswith("silent") or self.silent):
                self._socket.sendto(self._answer(query, name), peer)

    def _answer(self, query: dns.message.Message, name: str) -> bytes:
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if name.startswith("broken") or self.away:
            response.set_rcode(dns.rcode.SERVFAIL)
        elif name in RECORDS:
            ttl = 0 if name == "short.test." else 300
            response.answer.append(dns.rrset.from_text(name, ttl, "IN", "TXT", *RECORDS[name]))
        else:
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire(max_size=65_000)

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as voice:
            voice.sendto(b"stop", self._socket.getsockname())
        self._thread.join()
        self._socket.close()


@pytest.fixture
def server() -> Iterator[Nameserver]:
    server = Nameserver()
    yield server
    server.close()


def test_the_strings_of_a_record_are_one_text(server: Nameserver) -> None:
    assert sorted(Txt((server.address,))("two.test") or []) == ["one and more", "two"]


def test_a_name_without_records_has_none(server: Nameserver) -> None:
    assert Txt((server.address,))("nothing.test") == []


def test_a_server_that_fails_is_a_failure_and_not_an_exception(server: Nameserver) -> None:
    assert Txt((server.address,))("broken.test") is None


def test_an_answer_is_asked_for_once_while_it_lives(server: Nameserver) -> None:
    txt = Txt((server.address,))
    for name in ("two.test", "TWO.test.", "nothing.test", "nothing.test", "broken1.test", "broken1.test"):
        txt(name)
    assert server.asked.count("two.test.") == 1
    assert server.asked.count("nothing.test.") == 1
    assert txt.asked == 3


def test_an_answer_with_no_time_to_live_is_asked_for_again(server: Nameserver) -> None:
    txt = Txt((server.address,))
    txt("short.test")
    txt("short.test")
    assert server.asked == ["short.test."] * 2


def test_strangers_broken_domains_do_not_blind_us_to_all_others(server: Nameserver) -> None:
    txt = Txt((server.address,))
    assert [txt(f"broken{n}.test") for n in range(6)] == [None] * 6
    assert sorted(txt("two.test") or []) == ["one and more", "two"]


def test_while_the_resolver_itself_is_away_nothing_is_asked_for_a_while(server: Nameserver) -> None:
    server.away = True
    txt = Txt((server.address,))
    assert [txt(f"broken{n}.test") for n in range(3)] == [None] * 3
    before = len(server.asked)
    assert txt("two.test") is None
    assert len(server.asked) == before


def test_a_server_that_says_nothing_costs_two_seconds_and_no_more(server: Nameserver) -> None:
    within = Within(Txt((server.address,)), seconds=1.0)
    assert within("silent.test") is None
    assert within("two.test") is None  # the mail's time is used up
    assert "two.test." not in server.asked


def test_a_resolver_that_hangs_takes_a_mails_time_once_and_then_little(
    server: Nameserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first three questions and a probe, then one and a probe."""
    for name, seconds in (("_SECONDS_PER_QUESTION", 0.1), ("_SECONDS_OF_PROBE", 0.05)):
        monkeypatch.setattr(lookup, name, seconds)
    server.silent = True
    txt = Txt((server.address,))
    for mail, asked in (("a", 4), ("b", 4)):  # after the first it rests
        hear_nothing(txt, mail)
        assert len(server.asked) == asked
    txt._resting_until = 0.0
    hear_nothing(txt, "c")
    assert len(server.asked) == 6
    server.silent = False
    monkeypatch.undo()
    txt._resting_until = 0.0
    assert sorted(txt("two.test") or []) == ["one and more", "two"]


def hear_nothing(txt: Txt, mail: str) -> None:
    """The look-ups of one mail: its domain's policy, two keys and as many more names."""
    within = Within(txt, seconds=60)
    assert [within(f"{number}.{mail}.test") for number in range(10)] == [None] * 10


def test_a_question_takes_no_longer_than_its_mail_has_left(server: Nameserver) -> None:
    begun = time.monotonic()
    assert Within(Txt((server.address,)), seconds=0.1)("silent.test") is None
    assert time.monotonic() - begun < 1.0


def test_no_answer_is_kept_for_more_than_an_hour_and_no_more_than_ten_thousand(server: Nameserver) -> None:
    txt = Txt((server.address,))
    for number in range(lookup._MOST_KEPT + 5):
        txt._keep(f"n{number}.test", ["x" * 10], 9e9 if number % 2 else 600)
    assert len(txt._kept) == lookup._MOST_KEPT
    txt("two.test")
    assert txt._kept["two.test"].until - time.monotonic() <= 300
    txt("nothing.test")
    assert txt._kept["nothing.test"].until - time.monotonic() <= 3600
    assert "n0.test" not in txt._kept


def test_records_that_are_far_too_large_are_none(server: Nameserver) -> None:
    assert Txt((server.address,))("big.test") == []


@pytest.mark.parametrize(
    "name", ["a..b.test", "x" * 64 + ".test", ".".join("a" * 200), "", "\udcff.test", "a b.test"]
)
def test_a_name_that_is_none_raises_nothing(server: Nameserver, name: str) -> None:
    assert not Txt((server.address,))(name)


@pytest.mark.parametrize(
    "name", ["x.test", "mail.example", "a.b.example.com", "example.org", "x.invalid", "localhost"]
)
def test_reserved_names_are_answered_without_asking(name: str) -> None:
    txt = Txt()
    assert txt(name) == []
    assert txt.asked == 0
