"""The way out, over real sockets: against a mailroom that can misbehave, the usual clients as oracles."""

from __future__ import annotations

import asyncio
import re
import smtplib
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import aiosmtplib
import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.types import Deferred, Envelope, Failed, Outcome, Sent
from listserv.flow.courier import BadRelay, Courier, open_courier, read_relay
from listserv.flow.parcel import Parcel, Wire, stuff
from listserv.flow.relay import Patience, Setup
from listserv.flow.smtp_client import SmtpCourier
from tests.kit.mailroom import ALL, Mailroom, Papers, Script, make_papers

SENDER = "book+back=1@lists.example.org"
BODY = b"Subject: tides\r\n\r\n.\r\n..two\r\nhigh at noon\r\n.end\r\n"
CALM = Patience(connect=20, greeting=20, hello=20, mail=20, rcpt=20, data=20, block=20, dot=20)
# For a relay that hangs: a busy machine must not make a healthy one look like it.
SHORT = Patience(connect=1, greeting=0.4, hello=0.4, mail=0.4, rcpt=0.4, data=0.4, block=1, dot=0.4)

Outcomes = dict[tuple[int, str], Outcome]


def parcel(key: int, *recipients: str, sender: str = SENDER, body: bytes = BODY) -> Parcel:
    to = recipients or (f"member{key}@example.net",)
    return Parcel(key, Envelope(sender, to), (b"To: member %d\r\n" % key, body))


def carry(courier: Courier, parcels: Iterable[Parcel]) -> Outcomes:
    """Send, and see to it that each recipient gets exactly one outcome."""
    outcomes: Outcomes = {}

    def report(key: int, recipient: str, outcome: Outcome) -> None:
        assert (key, recipient) not in outcomes, "reported twice"
        outcomes[key, recipient] = outcome

    given_out: list[tuple[int, str]] = []

    def noted() -> Iterator[Parcel]:
        for each in parcels:
            given_out.extend((each.key, to) for to in each.envelope.recipients)
            yield each

    courier.carry(noted(), report)
    assert sorted(outcomes) == sorted(given_out)
    return outcomes


def courier_to(room: Mailroom, connections: int = 1, patience: Patience | None = None) -> SmtpCourier:
    patience = patience or (SHORT if room.script.hang else CALM)
    kind = "lmtp" if room.script.lmtp else "smtp"
    relay = read_relay(f"{kind}://127.0.0.1:{room.port}")
    return SmtpCourier(Setup(relay, "lists.example.org", patience, None), connections)


def send(script: Script, parcels: Iterable[Parcel], connections: int = 1) -> tuple[Outcomes, Mailroom]:
    with Mailroom(script) as room:
        courier = courier_to(room, connections)
        outcomes = carry(courier, parcels)
        courier.close()
    return outcomes, room


def kinds(outcomes: Outcomes) -> Counter[str]:
    return Counter(type(outcome).__name__ for outcome in outcomes.values())


def only(outcomes: Outcomes) -> Outcome:
    (outcome,) = outcomes.values()
    return outcome


# -- the bytes


@pytest.mark.parametrize("connections", [1, 4])
def test_every_mail_arrives_as_it_was_with_its_leading_dots_for_whom_it_was(connections: int) -> None:
    outcomes, room = send(Script(), map(parcel, range(100)), connections)
    assert set(outcomes.values()) == {Sent(250, "2.0.0 kept")}
    for key in range(100):
        (mail,) = room.copies_for(f"member{key}@example.net")
        assert (mail.sender, mail.data) == (SENDER, b"To: member %d\r\n" % key + BODY)


def test_the_same_mail_by_smtplib_aiosmtplib_and_ours_arrives_the_same() -> None:
    whole = b"To: member 1\r\n" + BODY
    with Mailroom() as room:
        with smtplib.SMTP("127.0.0.1", room.port) as oracle:
            oracle.sendmail(SENDER, ["member1@example.net"], whole)
        client = aiosmtplib.send(
            whole, sender=SENDER, recipients=["member1@example.net"], hostname="127.0.0.1", port=room.port
        )
        asyncio.run(client)
        courier = courier_to(room)
        carry(courier, [parcel(1)])
        courier.close()
    first, second, ours = room.mails
    assert first.wire == second.wire == ours.wire
    assert first.recipients == second.recipients == ours.recipients


@pytest.mark.parametrize(
    "message",
    [
        (),
        (b"",),
        (b".",),
        (b"no end",),
        (b"a\r\n", b".dot at the seam\r\n"),
        (b"a", b".no dot at the seam"),
        (b"a\r", b"\n.cut in two\r\n"),
        (b"a\r\n", b"", b".", b"\r\n", b".\r\n"),
        (b"smuggled\n.\nMAIL FROM:<x@y>\r.\r\r\n.\n", b"\r.\r\n"),
    ],
)
def test_a_message_in_any_pieces_is_one_message_and_the_next_is_still_understood(
    message: tuple[bytes, ...],
) -> None:
    odd = Parcel(1, Envelope(SENDER, ("bob@example.net",)), message)
    outcomes, room = send(Script(), [odd, parcel(2)])
    assert kinds(outcomes) == {"Sent": 2}
    assert [mail.bare for mail in room.mails] == [False, False]
    assert room.mails[0].data.rstrip(b"\r\n") == normal(b"".join(message)).rstrip(b"\r\n")
    assert room.mails[1].data == b"To: member 2\r\n" + BODY


def normal(data: bytes) -> bytes:
    return re.sub(rb"\r\n|\r|\n", b"\r\n", data)


pieces = st.lists(st.lists(st.sampled_from([b".", b"\r", b"\n", b"\r\n", b"a", b"\r\n."])).map(b"".join))


@given(pieces)
def test_on_the_wire_there_is_one_final_dot_and_no_bare_cr_or_lf_whatever_the_pieces(
    message: list[bytes],
) -> None:
    wire = b"".join(Wire().pieces(Parcel(1, Envelope(SENDER, ()), tuple(message))))
    assert wire.count(b"\r\n") == wire.count(b"\r") == wire.count(b"\n")
    assert (b"\r\n" + wire).find(b"\r\n.\r\n") == len(wire) - 3
    read_back = (b"\r\n" + wire[:-3]).replace(b"\r\n.", b"\r\n")[2:]
    whole = normal(b"".join(message))
    assert read_back == whole if not whole or whole.endswith(b"\r\n") else read_back == whole + b"\r\n"


@given(st.lists(st.sampled_from([b".", b"\r\n", b"a"])).map(b"".join))
def test_a_shared_piece_that_was_stuffed_once_for_all_makes_the_same_wire_bytes(tail: bytes) -> None:
    envelope = Envelope(SENDER, ())
    ready = Parcel(1, envelope, (b"To: x\r\n", stuff(tail)), stuffed=True)
    assert b"".join(Wire().pieces(ready)) == b"".join(
        Wire().pieces(Parcel(1, envelope, (b"To: x\r\n", tail)))
    )


def test_a_shared_body_is_looked_at_once_and_never_copied() -> None:
    wire, body = Wire(), b"\r\nlong\r\n.dot\r\n"
    first = wire.pieces(Parcel(1, Envelope(SENDER, ()), (b"To: a\r\n", body)))
    second = wire.pieces(Parcel(2, Envelope(SENDER, ()), (b"To: b\r\n", body)))
    assert first[1] is second[1]
    ready = stuff(body)
    assert wire.pieces(Parcel(3, Envelope(SENDER, ()), (b"To: c\r\n", ready), stuffed=True))[1] is ready


def test_a_megabyte_arrives_whole_in_the_clear_and_inside_tls(tmp_path: Path) -> None:
    big = b"\r\n" + b"".join(b".%06d some words to make it long\r\n" % n for n in range(30_000))
    papers = make_papers(tmp_path)
    for script in (Script(), Script(tls=papers.good)):
        with Mailroom(script) as room:
            courier = open_tls(room, papers) if script.tls else courier_to(room, 2, Patience())
            assert kinds(carry(courier, (parcel(n, body=big) for n in range(5)))) == {"Sent": 5}
            courier.close()
        assert [mail.data[14:] for mail in room.mails] == [big] * 5


# -- many


def test_ten_thousand_copies_over_four_connections_arrive_once_each() -> None:
    outcomes, room = send(Script(), map(parcel, range(10_000)), connections=4)
    assert kinds(outcomes) == {"Sent": 10_000}
    assert room.taken == Counter({f"member{n}@example.net": 1 for n in range(10_000)})
    assert len(room.sessions) == 4
    assert all(session.polite for session in room.sessions)


def test_copies_are_drawn_only_as_fast_as_they_leave() -> None:
    drawn, reported, furthest = 0, 0, 0

    def endless() -> Iterator[Parcel]:
        nonlocal drawn, furthest
        for n in range(2_000):
            drawn += 1
            furthest = max(furthest, drawn - reported)
            yield parcel(n)

    def report(*_: object) -> None:
        nonlocal reported
        reported += 1

    with Mailroom() as room:
        courier = courier_to(room, connections=4)
        courier.carry(endless(), report)
        courier.close()
    assert reported == 2_000
    assert furthest <= 4 * 2 + 2


def test_the_next_transactions_commands_leave_right_behind_the_dot() -> None:
    """RFC 2920 §3.1. The server falls silent at the first dot, and finds this waiting."""
    _, room = send(Script(hang="dot"), [parcel(1), parcel(2), parcel(3)])
    assert re.fullmatch(
        rb"MAIL FROM:<.+?>.*\r\nRCPT TO:<member2@example.net>.*\r\nDATA\r\n", bytes(room.sessions[0].unread)
    )
    _, room = send(Script(hang="dot", offers=()), [parcel(1), parcel(2), parcel(3)])
    assert room.sessions[0].unread == b""


def test_connections_are_kept_from_one_carry_to_the_next_and_closed_politely() -> None:
    with Mailroom() as room:
        courier = courier_to(room, connections=2)
        for n in range(5):
            carry(courier, map(parcel, range(n * 10, n * 10 + 10)))
        assert not any(session.polite for session in room.sessions)
        courier.close()
        assert len(room.sessions) <= 2
    assert len(room.mails) == 50
    assert any(session.polite for session in room.sessions)


def test_an_idle_connection_takes_its_leave_by_itself() -> None:
    with Mailroom() as room:
        courier = courier_to(room, patience=replace(SHORT, idle=0.1))
        carry(courier, [parcel(1)])
        wait_until(lambda: room.sessions[0].ended)
        assert room.sessions[0].polite
        assert kinds(carry(courier, [parcel(2)])) == {"Sent": 1}
        courier.close()
    assert len(room.sessions) == 2


def wait_until(true: Callable[[], bool]) -> None:
    pause = Event()
    for _ in range(1000):
        if true():
            return
        pause.wait(0.01)
    raise AssertionError("it never came true")


def test_connections_that_the_relay_closed_meanwhile_cost_nothing() -> None:
    with Mailroom() as room:
        courier = courier_to(room, connections=4)
        carry(courier, map(parcel, range(100)))
        port = room.port
    with Mailroom(port=port) as room:
        outcomes = carry(courier, map(parcel, range(100)))
        courier.close()
    assert kinds(outcomes) == {"Sent": 100}
    assert sum(room.taken.values()) == 100


# -- refusals


def test_of_many_members_30_percent_550_10_percent_452_5_percent_451_each_gets_its_own_outcome() -> None:
    """standards.md T7, once with a copy each and once with shared copies."""
    says = {
        **dict.fromkeys(range(6), "550 5.1.1 gone"),
        6: "452 4.2.2 full",
        7: "452 4.2.2 full",
        8: "451 4.7.1 no",
    }
    refuse = {f"m{n}@example.net": says[n % 20] for n in range(200) if n % 20 in says}
    everybody = [f"m{n}@example.net" for n in range(200)]
    single = [parcel(n, to) for n, to in enumerate(everybody)]
    shared = [parcel(n, *everybody[n * 50 : n * 50 + 50]) for n in range(4)]
    for parcels in (single, shared):
        outcomes, room = send(Script(refuse=refuse), parcels, connections=3)
        for (_, to), outcome in outcomes.items():
            said = f"{outcome.code} {outcome.text}"
            assert said == refuse.get(to, "250 2.0.0 kept")
        assert kinds(outcomes) == {"Sent": 110, "Failed": 60, "Deferred": 30}
        assert room.taken == Counter(to for to in everybody if to not in refuse)


@pytest.mark.parametrize("always_354", [False, True])
@pytest.mark.parametrize("offers", [ALL, ()])
def test_a_transaction_in_which_all_are_refused_leaves_the_next_one_unharmed(
    always_354: bool, offers: tuple[str, ...]
) -> None:
    """RFC 2920 §3.1: DATA may be answered 354 all the same; then a lone dot goes out."""
    refuse = {"a@example.net": "550 5.1.1 no", "b@example.net": "450 4.2.1 later"}
    parcels = [parcel(1, "a@example.net", "b@example.net"), parcel(2), parcel(3, "a@example.net"), parcel(4)]
    outcomes, room = send(Script(refuse=refuse, always_354=always_354, offers=offers), parcels)
    assert outcomes[1, "a@example.net"] == outcomes[3, "a@example.net"] == Failed(550, "5.1.1 no", "RCPT")
    assert outcomes[1, "b@example.net"] == Deferred(450, "4.2.1 later")
    assert room.taken == {"member2@example.net": 1, "member4@example.net": 1}
    assert len(room.sessions) == 1


@pytest.mark.parametrize("offers", [ALL, ()])
def test_what_is_said_to_mail_data_or_the_message_holds_for_all_recipients_and_names_its_verb(
    offers: tuple[str, ...],
) -> None:
    script = Script(
        offers=offers,
        refuse_mail={"m@x.example": "550 5.7.1 not you", "m4@x.example": "451 4.3.2 busy"},
        refuse_data={"d@x.example": "554 5.6.0 never", "d4@x.example": "452 4.3.1 no room"},
        after_dot={"dot@x.example": "550 5.7.1 spam", "dot4@x.example": "451 4.7.0 later"},
    )
    senders = ["m", "m4", "d", "d4", "dot", "dot4", "fine"]
    parcels = [
        parcel(n, "a@b.example", "c@b.example", sender=f"{s}@x.example") for n, s in enumerate(senders)
    ]
    outcomes, room = send(script, parcels)
    assert [outcomes[n, "a@b.example"] for n in range(7)] == [
        Failed(550, "5.7.1 not you", "MAIL"),
        Deferred(451, "4.3.2 busy"),
        Failed(554, "5.6.0 never", "DATA"),
        Deferred(452, "4.3.1 no room"),
        Failed(550, "5.7.1 spam", "DATA"),
        Deferred(451, "4.7.0 later"),
        Sent(250, "2.0.0 kept"),
    ]
    assert all(outcomes[n, "a@b.example"] == outcomes[n, "c@b.example"] for n in range(7))
    assert [mail.sender for mail in room.mails] == ["fine@x.example"]


def test_more_recipients_than_the_relay_takes_at_once_go_in_several_transactions() -> None:
    members = [f"m{n}@example.net" for n in range(25)]
    outcomes, room = send(Script(most_recipients=10), [parcel(1, *members)])
    assert kinds(outcomes) == {"Sent": 25}
    assert sorted(len(mail.recipients) for mail in room.mails) == [5, 10, 10]
    assert room.taken == Counter(members)


def test_too_many_from_the_very_first_is_deferred_not_tried_for_ever() -> None:
    outcomes, _ = send(
        Script(refuse=lambda _: "452 4.5.3 too many recipients"), [parcel(1, "a@b.example", "c@b.example")]
    )
    assert kinds(outcomes) == {"Deferred": 2}


def test_greylisted_members_are_deferred_and_taken_the_next_time_over_the_same_connections() -> None:
    with Mailroom(Script(greylist=1)) as room:
        courier = courier_to(room, connections=2)
        first = carry(courier, map(parcel, range(50)))
        assert set(first.values()) == {Deferred(450, "4.2.0 greylisted, come back later")}
        assert kinds(carry(courier, map(parcel, range(50)))) == {"Sent": 50}
        courier.close()
    assert len(room.sessions) <= 2
    assert set(room.taken.values()) == {1}


# -- connections that end


@pytest.mark.parametrize("connections", [1, 4])
def test_a_relay_that_says_421_every_20_mails_gets_them_all_over_new_connections(connections: int) -> None:
    outcomes, room = send(Script(most_mails=20), map(parcel, range(500)), connections)
    assert kinds(outcomes) == {"Sent": 500}
    assert set(room.taken.values()) == {1}
    assert 25 <= len(room.sessions) <= 25 + connections


def test_421_to_one_recipient_twice_defers_only_that_copy() -> None:
    refuse = {f"hot{n}@example.net": "421 4.7.28 too fast" for n in range(5)}
    mails = [parcel(n, f"hot{n // 2}@example.net" if n % 2 else f"fine{n}@example.net") for n in range(10)]
    outcomes, room = send(Script(refuse=refuse), mails)
    hot = {outcomes.pop((n, f"hot{n // 2}@example.net")) for n in range(1, 10, 2)}
    assert hot == {Deferred(421, "4.7.28 too fast", of_relay=True)}
    assert kinds(outcomes) == {"Sent": 5}
    assert set(room.taken.values()) == {1}


def busy_at_first(times: int) -> Callable[[str], str | None]:
    """Says 421 so often to whomever, then takes everything."""
    left = times

    def refuse(_: str) -> str | None:
        nonlocal left
        left -= 1
        return "421 4.3.2 a moment" if left >= 0 else None

    return refuse


def test_a_copy_whose_connection_ended_before_its_dot_goes_on_over_another_one() -> None:
    outcomes, room = send(Script(refuse=busy_at_first(1)), [parcel(1)])
    assert only(outcomes) == Sent(250, "2.0.0 kept")
    assert len(room.sessions) == 2


def test_that_a_connection_was_only_good_for_so_many_mails_does_not_count_against_the_next_one() -> None:
    said = busy_at_first(1)
    script = Script(most_mails=1, refuse=lambda to: said(to) if to == "member2@example.net" else None)
    outcomes, room = send(script, [parcel(1), parcel(2)])
    assert kinds(outcomes) == {"Sent": 2}
    assert len(room.sessions) == 3


def test_that_a_kept_connection_had_gone_stale_does_not_count_against_the_copy_that_found_out() -> None:
    refuse: list[Callable[[str], str | None]] = []
    with Mailroom(Script(refuse=lambda to: refuse[0](to) if refuse else None)) as room:
        courier = courier_to(room)
        carry(courier, [parcel(1)])
        refuse.append(busy_at_first(2))
        assert only(carry(courier, [parcel(2)])) == Sent(250, "2.0.0 kept")
        courier.close()
    assert len(room.sessions) == 3


def test_a_line_without_end_is_noticed_long_before_patience_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        relay = read_relay(f"smtp://127.0.0.1:{door.getsockname()[1]}")
        courier = SmtpCourier(Setup(relay, "me.example", Patience(), None), 1)
        with answering(door, b"220 " + b"x" * 100_000):
            outcome = only(carry(courier, [parcel(1)]))
    assert outcome == Deferred(0, "the relay sends a line without end", of_relay=True)


def test_421_after_the_dot_is_no_doubt_but_a_no_for_now() -> None:
    outcomes, _ = send(Script(after_dot={SENDER: "421 4.3.2 going down"}), [parcel(1)])
    assert only(outcomes) == Deferred(421, "4.3.2 going down", of_relay=True)


def test_a_connection_lost_behind_the_dot_leaves_that_copy_in_doubt_and_only_that_one() -> None:
    """standards.md T4: the copy may be there, so it is reported, and not sent again by the courier itself."""
    outcomes, room = send(Script(drop_after_dot=2), map(parcel, range(50)), connections=2)
    doubtful = [key for key, outcome in outcomes.items() if isinstance(outcome, Deferred)]
    assert len(doubtful) == 2
    assert all(
        outcomes[key] == Deferred(0, "the relay closed the connection", in_doubt=True) for key in doubtful
    )
    assert kinds(outcomes) == {"Sent": 48, "Deferred": 2}
    assert set(room.taken.values()) == {1}


def test_a_relay_that_always_drops_after_the_dot_is_left_alone_after_a_few() -> None:
    outcomes, room = send(Script(drop_after_dot=1000), map(parcel, range(200)), connections=2)
    assert len(room.mails) <= 6
    assert sum(getattr(outcome, "of_relay", False) for outcome in outcomes.values()) >= 190
    assert kinds(outcomes) == {"Deferred": 200}


@pytest.mark.parametrize("verb", ["banner", "EHLO", "MAIL", "RCPT", "DATA", "dot"])
def test_a_relay_that_hangs_for_once_costs_at_most_one_copy_its_turn(verb: str) -> None:
    """standards.md T5: the others are unaffected, by way of other connections."""
    with Mailroom(Script(hang=verb, hang_times=1)) as room:
        courier = courier_to(room, connections=3)
        outcomes: Outcomes = {}
        if verb in ("banner", "EHLO"):
            outcomes = carry(courier, [parcel(0)])
            assert only(outcomes) == Deferred(
                0, f"no answer to {verb.replace('banner', 'greeting')} in 0.4 s", of_relay=True
            )
        outcomes = carry(courier, map(parcel, range(1, 40)))
        courier.close()
    late = [outcome for outcome in outcomes.values() if not isinstance(outcome, Sent)]
    if verb not in ("banner", "EHLO"):
        assert late == [Deferred(0, f"no answer to {verb} in 0.4 s", in_doubt=verb == "dot")]
    assert len(outcomes) - len(late) == sum(room.taken.values()) >= 38
    assert set(room.taken.values()) == {1}


@pytest.mark.parametrize("offers", [ALL, ()])
@pytest.mark.parametrize("verb", ["banner", "EHLO", "MAIL", "RCPT", "DATA", "dot", "QUIT"])
def test_a_relay_that_always_hangs_is_left_alone_after_one_patience(
    verb: str, offers: tuple[str, ...]
) -> None:
    outcomes, room = send(Script(hang=verb, offers=offers), map(parcel, range(30)), connections=2)
    assert kinds(outcomes) == ({"Sent": 30} if verb == "QUIT" else {"Deferred": 30})
    assert sum(getattr(outcome, "in_doubt", False) for outcome in outcomes.values()) <= (
        2 if verb == "dot" else 0
    )
    assert len(room.sessions) <= 2


def test_a_relay_that_stops_reading_is_noticed_and_nothing_is_in_doubt() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        relay = read_relay(f"smtp://127.0.0.1:{deaf.getsockname()[1]}")
        patience = replace(SHORT, block=0.5, dot=30)
        courier = SmtpCourier(Setup(relay, "me.example", patience, None), 1)
        huge = b"\r\n" + b"x" * 60_000_000 + b"\r\n"
        with answering(deaf, b"220 hi\r\n250-me\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n354 go\r\n"):
            outcomes = carry(courier, [parcel(1, body=huge)])
    assert only(outcomes) == Deferred(0, "the relay has stopped reading")


@contextmanager
def answering(door: socket.socket, says: bytes) -> Iterator[list[socket.socket]]:
    """Accept whoever comes and say the same to each, reading nothing; gives the connections."""
    peers: list[socket.socket] = []

    def serve() -> None:
        with suppress(OSError):
            while True:
                peers.append(door.accept()[0])
                peers[-1].sendall(says)

    thread = Thread(target=serve)
    thread.start()
    try:
        yield peers
    finally:
        door.shutdown(socket.SHUT_RDWR)
        thread.join(60)
        for peer in peers:
            peer.close()


def test_no_relay_at_all_defers_every_copy_as_the_relays_trouble_and_the_next_carry_tries_again() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    courier = open_courier(f"smtp://127.0.0.1:{port}", connections=4, hostname="me.example", folder=Path())
    outcomes = carry(courier, map(parcel, range(20)))
    assert set(outcomes.values()) == {
        Deferred(0, f"the connection to 127.0.0.1:{port} failed: Connection refused", of_relay=True)
    }
    with Mailroom(port=port):
        assert kinds(carry(courier, map(parcel, range(20)))) == {"Sent": 20}
        courier.close()


def test_a_name_that_does_not_resolve_is_the_relays_trouble() -> None:
    courier = open_courier("smtp://relay.invalid", connections=1, hostname="me.example", folder=Path())
    outcome = only(carry(courier, [parcel(1)]))
    assert isinstance(outcome, Deferred)
    assert outcome.of_relay


@pytest.mark.parametrize(
    "banner", ["554 5.3.2 no service", "421 4.3.2 not now", "HTTP/1.1 400 Bad Request", ""]
)
def test_a_relay_that_does_not_let_us_in_defers_everything_and_is_not_knocked_at_for_ever(
    banner: str,
) -> None:
    outcomes, room = send(Script(banner=banner), map(parcel, range(20)), connections=4)
    assert kinds(outcomes) == {"Deferred": 20}
    assert all(isinstance(outcome, Deferred) and outcome.of_relay for outcome in outcomes.values())
    assert outcomes[0, "member0@example.net"].code == (
        int(banner[:3]) if banner[:1] in "45" and banner else 0
    )
    assert 1 <= len(room.sessions) <= 3


def test_a_relay_that_allows_fewer_connections_than_we_would_like_gets_everything_over_those() -> None:
    outcomes, room = send(Script(most_connections=2), map(parcel, range(200)), connections=8)
    assert kinds(outcomes) == {"Sent": 200}
    assert set(room.taken.values()) == {1}
    assert len(room.sessions) <= 10


# -- other servers


def test_a_relay_without_pipelining_is_asked_one_thing_at_a_time() -> None:
    outcomes, room = send(Script(offers=("8BITMIME",)), map(parcel, range(30)), connections=2)
    assert kinds(outcomes) == {"Sent": 30}
    assert set(room.taken.values()) == {1}


def test_a_relay_that_knows_only_helo_is_spoken_to_with_helo() -> None:
    outcomes, room = send(Script(no_ehlo=True), [parcel(1), parcel(2)])
    assert kinds(outcomes) == {"Sent": 2}
    assert room.sessions[0].commands[:2] == ["EHLO lists.example.org", "HELO lists.example.org"]


@pytest.mark.parametrize("lmtp", [False, True])
def test_replies_that_come_one_octet_at_a_time_are_understood(lmtp: bool) -> None:
    script = Script(
        drip=True, lmtp=lmtp, refuse={"member3@example.net": "550-5.1.1 no\r\n550 5.1.1 such member"}
    )
    outcomes, room = send(script, map(parcel, range(10)), connections=2)
    assert outcomes.pop((3, "member3@example.net")) == Failed(550, "5.1.1 no 5.1.1 such member", "RCPT")
    assert kinds(outcomes) == {"Sent": 9}
    assert len(room.mails) == 9


def test_by_lmtp_each_recipient_has_its_own_answer_after_the_dot() -> None:
    """RFC 2033 §4.2; one that was refused at RCPT has none."""
    script = Script(
        lmtp=True,
        refuse={"no@b.example": "550 5.1.1 no"},
        after_dot={"full@b.example": "452 4.2.2 full", "bad@b.example": "554 5.6.0 bad"},
    )
    members = ("a@b.example", "no@b.example", "full@b.example", "bad@b.example", "z@b.example")
    outcomes, room = send(script, [parcel(1, *members), parcel(2, "no@b.example"), parcel(3)])
    assert [outcomes[1, to] for to in members] == [
        Sent(250, "2.0.0 kept"),
        Failed(550, "5.1.1 no", "RCPT"),
        Deferred(452, "4.2.2 full"),
        Failed(554, "5.6.0 bad", "DATA"),
        Sent(250, "2.0.0 kept"),
    ]
    assert isinstance(outcomes[3, "member3@example.net"], Sent)
    assert room.sessions[0].commands[0] == "LHLO lists.example.org"
    assert len(room.sessions) == 1


def test_lmtp_by_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "lmtp.sock"
    with Mailroom(Script(lmtp=True), path=path) as room:
        for relay in (f"lmtp+unix:{path}", f"lmtp://unix:{path}"):
            courier = open_courier(relay, connections=2, hostname="me.example", folder=tmp_path)
            assert kinds(carry(courier, map(parcel, range(10)))) == {"Sent": 10}
            courier.close()
    assert len(room.mails) == 20
    gone = open_courier(f"lmtp+unix:{tmp_path}/none", connections=1, hostname="me.example", folder=tmp_path)
    assert kinds(carry(gone, [parcel(1)])) == {"Deferred": 1}


# -- what is said


def test_size_8bitmime_and_dsn_are_asked_for_where_they_are_offered_and_only_there() -> None:
    eightbit = Parcel(
        42, Envelope("ann+x=y@b.example", ("bob+c=d@b.example",), eightbit=True), (b"\r\n\xff\r\n",)
    )
    _, room = send(Script(), [eightbit])
    assert room.mails[0].mail_words == ("SIZE=5", "BODY=8BITMIME", "RET=HDRS", "ENVID=42")
    assert room.mails[0].rcpt_words == {
        "bob+c=d@b.example": ("NOTIFY=FAILURE", "ORCPT=rfc822;bob+2Bc+3Dd@b.example")
    }
    _, room = send(Script(offers=("8BITMIME",)), [eightbit, parcel(2)])
    assert [mail.mail_words for mail in room.mails] == [("BODY=8BITMIME",), ()]
    assert room.mails[0].rcpt_words == {"bob+c=d@b.example": ()}


def test_a_notice_with_the_null_sender_asks_for_no_report() -> None:
    _, room = send(Script(), [parcel(1, sender="")])
    assert room.mails[0].mail_words == (f"SIZE={14 + len(BODY)}",)
    assert room.mails[0].rcpt_words == {"member1@example.net": ()}


def test_8_bit_mail_is_not_given_to_a_relay_that_does_not_take_it() -> None:
    eightbit = Parcel(1, Envelope(SENDER, ("bob@b.example",), eightbit=True), (b"\r\n\xff\r\n",))
    outcomes, room = send(Script(offers=("PIPELINING",)), [eightbit, parcel(2)])
    refused = outcomes[1, "bob@b.example"]
    assert isinstance(refused, Failed)
    assert (refused.code, refused.at) == (554, "DATA")
    assert [mail.recipients for mail in room.offered] == [["member2@example.net"]]


def test_a_mail_that_needs_smtputf8_says_so_or_is_refused_here_in_clear_words() -> None:
    mails = [
        Parcel(1, Envelope(SENDER, ("bob@b.example",), smtputf8=True), (b"\r\n",)),
        Parcel(2, Envelope("ü@b.example", ("bob@b.example",)), (b"\r\n",)),
        Parcel(3, Envelope(SENDER, ("bob@b.example", "ü@b.example")), (b"\r\n",)),
    ]
    outcomes, room = send(Script(), mails)
    assert kinds(outcomes) == {"Sent": 4}
    assert ["SMTPUTF8" in mail.mail_words for mail in room.mails] == [True, True, True]
    outcomes, room = send(Script(offers=("PIPELINING",)), mails)
    text = "5.6.7 the relay doesn't take addresses with letters beyond ASCII (SMTPUTF8)"
    assert outcomes[1, "bob@b.example"] == outcomes[2, "bob@b.example"] == Failed(553, text, "MAIL")
    assert outcomes[3, "ü@b.example"] == Failed(553, text, "RCPT")
    assert room.taken == {"bob@b.example": 1}


@pytest.mark.parametrize(
    "address", ["a@b\r\nRSET", "a@b>\r\nDATA", "a b@c", "a@b>", "", "a\x00@b", "a\x7f@b"]
)
def test_an_address_can_not_break_out_of_its_command(address: str) -> None:
    outcomes, room = send(
        Script(), [parcel(1, "fine@b.example", address), parcel(2, sender=address), parcel(3)]
    )
    assert isinstance(outcomes[1, address], Failed)
    assert isinstance(outcomes[2, "member2@example.net"], Sent if address == "" else Failed)
    assert [len(mail.recipients) for mail in room.offered] == [1] * (3 if address == "" else 2)
    assert {line.split(" ")[0] for line in room.sessions[0].commands} == {
        "EHLO",
        "MAIL",
        "RCPT",
        "DATA",
        "QUIT",
    }


def test_what_a_relay_says_is_kept_on_one_line_printable_and_short() -> None:
    nasty = "550 5.1.1 \x1b[31mred\x07\x00\ttab \u202egnp.exe " + "x" * 1500
    outcome = only(send(Script(refuse={"member1@example.net": nasty}), [parcel(1)])[0])
    assert outcome.text.isprintable()
    assert len(outcome.text) == 500
    assert outcome.text.startswith("5.1.1 ?[31mred???tab ?gnp.exe xxx")


@pytest.mark.parametrize(
    "reply",
    ["550 " + "x" * 3000, "550-again\r\n" * 200 + "550 at last", "550", "abc", "999 high", "150 wait"],
)
def test_replies_without_end_or_sense_end_the_connection_not_the_program(reply: str) -> None:
    outcomes, room = send(Script(refuse={"odd@b.example": reply}), [parcel(1, "odd@b.example"), parcel(2)])
    assert outcomes[1, "odd@b.example"].code == (550 if reply == "550" else 0)
    assert isinstance(outcomes[2, "member2@example.net"], Sent)
    assert len(room.mails) == 1


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (Script(refuse_data={SENDER: "250 thanks"}), "out of step"),
        (Script(after_dot={SENDER: "354 more"}), "out of step"),
        (Script(refuse={"member1@example.net": "354 go"}), "out of step"),
        (Script(refuse_mail={SENDER: "334 hm"}), "out of step"),
    ],
)
def test_a_reply_that_does_not_fit_the_question_is_never_taken_for_a_yes(script: Script, why: str) -> None:
    outcome = only(send(script, [parcel(1)])[0])
    assert isinstance(outcome, Deferred)
    assert why in outcome.text


@pytest.mark.parametrize(
    ("kind", "says"),
    [("smtp", b"550 5.7.1 no\r\n250 ok\r\n354 go\r\n"), ("lmtp", b"250 ok\r\n550 5.7.1 no\r\n354 go\r\n")],
)
def test_a_relay_that_wants_a_message_it_refused_is_not_given_even_an_empty_one(
    kind: str, says: bytes
) -> None:
    """Where MAIL was refused and RCPT taken, a lone dot would reach somebody; in LMTP it gets no reply."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        relay = read_relay(f"{kind}://127.0.0.1:{door.getsockname()[1]}")
        courier = SmtpCourier(Setup(relay, "me.example", SHORT, None), 1)
        with answering(door, b"220 hi\r\n250-me\r\n250 PIPELINING\r\n" + says) as peers:
            outcome = only(carry(courier, [parcel(1)]))
            heard = b"".join(iter(lambda: peers[0].recv(65536), b""))
    assert outcome == Failed(550, "5.7.1 no", "MAIL" if kind == "smtp" else "RCPT")
    assert b".\r\n" not in heard.splitlines(keepends=True)


# -- TLS and login


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    return make_papers(tmp_path_factory.mktemp("papers"))


def open_tls(room: Mailroom, papers: Papers, query: str = "", login: str = "") -> Courier:
    kind = "smtps" if room.script.smtps else "smtp+starttls"
    relay = f"{kind}://{login}127.0.0.1:{room.port}{query or f'?ca={papers.ca}'}"
    return open_courier(relay, connections=2, hostname="lists.example.org", folder=Path())


@pytest.mark.parametrize("smtps", [False, True])
@pytest.mark.parametrize("drip", [False, True])
def test_with_a_good_certificate_everything_goes_inside_tls(papers: Papers, smtps: bool, drip: bool) -> None:
    with Mailroom(Script(tls=papers.good, smtps=smtps, drip=drip)) as room:
        courier = open_tls(room, papers)
        assert kinds(carry(courier, map(parcel, range(100)))) == {"Sent": 100}
        courier.close()
    assert set(room.taken.values()) == {1}
    assert all(session.secure for session in room.sessions)
    assert all(mail.data.endswith(BODY) for mail in room.mails)


@pytest.mark.parametrize("smtps", [False, True])
@pytest.mark.parametrize("which", ["wrong_name", "unknown", "expired"])
def test_with_a_bad_certificate_nothing_is_sent_and_all_is_deferred(
    papers: Papers, which: str, smtps: bool
) -> None:
    """standards.md A15: defer, never plaintext (the class of CVE-2016-0772)."""
    context: ssl.SSLContext = getattr(papers, which)
    with Mailroom(Script(tls=context, smtps=smtps)) as room:
        outcomes = carry(open_tls(room, papers, login="ann:secret@"), map(parcel, range(5)))
        assert room.mails == room.offered == []
        if not smtps:
            (session,) = room.sessions
            assert session.commands == ["EHLO lists.example.org", "STARTTLS"]
        careless = open_tls(room, papers, "?verify=no")
        assert kinds(carry(careless, [parcel(1)])) == {"Sent": 1}
        careless.close()
    for outcome in outcomes.values():
        assert isinstance(outcome, Deferred)
        assert outcome.of_relay
        assert "certificate is not good for 127.0.0.1" in outcome.text


def test_a_relay_without_starttls_gets_nothing_in_the_clear(papers: Papers) -> None:
    with Mailroom(Script(login=("ann", "secret"))) as room:
        outcome = only(carry(open_tls(room, papers, login="ann:secret@"), [parcel(1)]))
    assert outcome == Deferred(
        0, "the relay doesn't offer STARTTLS, and nothing is sent in the clear", of_relay=True
    )
    assert [session.commands for session in room.sessions] == [["EHLO lists.example.org"]]


def test_words_put_behind_the_starttls_reply_end_the_connection(papers: Papers) -> None:
    for words in (b"250 2.0.0 trust me\r\n", b"250 half"):
        with Mailroom(Script(tls=papers.good, inject_after_starttls=words)) as room:
            outcome = only(carry(open_tls(room, papers), [parcel(1)]))
        assert isinstance(outcome, Deferred)
        assert outcome.of_relay
        assert room.mails == []


@pytest.mark.parametrize("how", ["PLAIN", "LOGIN", "PLAIN LOGIN", "CRAM-MD5"])
def test_login_by_plain_or_else_login_and_by_nothing_else(papers: Papers, how: str) -> None:
    script = Script(tls=papers.good, login=("ann@x.example", "p:ä/#?"), offers=(*ALL, f"AUTH {how}"))
    with Mailroom(script) as room:
        courier = open_tls(room, papers, login="ann%40x.example:p%3A%C3%A4%2F%23%3F@")
        outcomes = carry(courier, map(parcel, range(10)))
        courier.close()
    if how == "CRAM-MD5":
        assert kinds(outcomes) == {"Deferred": 10}
    else:
        assert kinds(outcomes) == {"Sent": 10}
        assert {session.user for session in room.sessions} == {"ann@x.example"}


def test_a_wrong_password_is_tried_once_and_defers_everything(papers: Papers) -> None:
    with Mailroom(Script(tls=papers.good, login=("ann", "secret"))) as room:
        outcomes = carry(open_tls(room, papers, login="ann:guess@"), map(parcel, range(20)))
    assert set(outcomes.values()) == {Deferred(535, "5.7.8 wrong user or password", of_relay=True)}
    assert len(room.sessions) == 1


# -- our own trouble


def test_what_the_iterable_raises_is_raised_after_all_under_way_has_its_outcome() -> None:
    def broken() -> Iterator[Parcel]:
        yield from map(parcel, range(10))
        raise OSError("the signer is gone")

    told: list[Outcome] = []
    with Mailroom() as room:
        courier = courier_to(room, connections=2)
        with pytest.raises(OSError, match="the signer is gone"):
            courier.carry(broken(), lambda key, to, outcome: told.append(outcome))
        assert told == [Sent(250, "2.0.0 kept")] * 10
        assert kinds(carry(courier, map(parcel, range(5)))) == {"Sent": 5}
        courier.close()


def test_what_report_raises_is_raised_as_it_is_and_the_courier_can_be_used_again() -> None:
    def report(*_: object) -> None:
        raise OSError("the database is gone")

    with Mailroom() as room:
        courier = courier_to(room, connections=2)
        with pytest.raises(OSError, match="the database is gone"):
            courier.carry(map(parcel, range(10)), report)
        assert kinds(carry(courier, map(parcel, range(5)))) == {"Sent": 5}
        courier.close()


def test_nothing_to_carry_connects_to_nothing() -> None:
    with Mailroom() as room:
        courier = courier_to(room)
        assert carry(courier, []) == {}
        assert carry(courier, [Parcel(1, Envelope(SENDER, ()), (BODY,))]) == {}
        courier.close()
    assert room.mails == []


# -- relay addresses


@pytest.mark.parametrize(
    ("text", "host", "port", "tls"),
    [
        ("smtp://mx.example.org", "mx.example.org", 25, ""),
        ("smtp://[::1]:2525/", "::1", 2525, ""),
        ("smtp+starttls://mx.example.org", "mx.example.org", 587, "starttls"),
        ("smtps://mx.example.org", "mx.example.org", 465, "smtps"),
        ("SMTPS://mx.example.org:4650?verify=no", "mx.example.org", 4650, "smtps"),
        ("lmtp://127.0.0.1", "127.0.0.1", 24, ""),
    ],
)
def test_a_relay_address_says_host_port_and_tls(text: str, host: str, port: int, tls: str) -> None:
    relay = read_relay(text)
    assert (relay.host, relay.port, relay.tls, relay.lmtp) == (host, port, tls, text.startswith("lmtp"))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"])
def test_a_login_in_the_clear_is_for_this_machine_only(host: str) -> None:
    relay = read_relay(f"smtp://a%40b:se%3Acret@{host}")
    assert (relay.user, relay.password) == ("a@b", "se:cret")
    assert "cret" not in repr(relay)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mx.example.org",
        "mx.example.org:25",
        "smtp:",
        "smtp://",
        "smtp://:25",
        "smtp://host:0",
        "smtp://host:99999",
        "smtp://host:mail",
        "smtp://host/path",
        "smtp://host#part",
        "smtp://ho st",
        "smtp://[::1",
        "smtp://host?verify=no",
        "smtp://user:secret@mx.example.org",
        "smtp://user:secret@localhost.example.org",
        "lmtp://user:secret@127.0.0.1",
        "smtps://user@host",
        "smtps://:secret@host",
        "smtps://user:sec%00ret@host",
        "smtps://user:sec#ret@host",
        "smtps://user:sec/ret@host",
        "smtps://host?verify=perhaps",
        "smtps://host?trust=me",
        "smtps://host?ca=",
        "smtps://host?ca=no/such/file.pem",
        "ftp://host",
        "lmtp+unix:",
        "lmtp+unix:relative/path",
        "maildir:",
    ],
)
def test_a_relay_that_can_not_be_is_refused_in_one_sentence_without_the_password(text: str) -> None:
    with pytest.raises(BadRelay) as refused:
        open_courier(text, connections=1, hostname="me.example", folder=Path())
    message = str(refused.value)
    assert "sec" not in message
    assert "\n" not in message
    assert "smtp+starttls://" in message or "?ca=" in message or "control character" in message


def test_no_connections_at_all_is_refused() -> None:
    with pytest.raises(BadRelay, match="at least 1"):
        open_courier("smtp://127.0.0.1", connections=0, hostname="me.example", folder=Path())
