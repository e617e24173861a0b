"""Several sites in one process, robots among them, and the post that goes between: for loops and storms.

Every mail is carried once, in order, and counted by who wrote it: a person, a machine of ours, a robot.
"""

from __future__ import annotations

import re
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from listserv.core.address import read_address
from listserv.core.site import Site
from tests.kit.people import SITE
from tests.kit.world import World, open_world, sqlite_in


@dataclass(frozen=True, slots=True)
class Carried:
    """A mail on its way. ``by``: "person", "copy" (of a post), "letter" (of ours) or "robot"."""

    sender: str
    to: str
    raw: bytes
    by: str


Robot = Callable[[Carried, int], list[Carried]]  # what it answers; the number makes ids that are new


@dataclass(slots=True)
class PostOffice:
    """``worlds`` by domain, ``robots`` by address; everybody else only reads."""

    worlds: dict[str, World] = field(default_factory=dict)
    robots: dict[str, Robot] = field(default_factory=dict)
    read: list[Carried] = field(default_factory=list)  # what people found in their mailboxes
    counts: Counter[str] = field(default_factory=Counter)
    _way: deque[Carried] = field(default_factory=deque)
    _fetched: dict[str, int] = field(default_factory=Counter)

    def post(self, mail: Carried, most: int = 2_000) -> int:
        """Send one mail and carry all that follows; how many mails that were. Fails beyond ``most``."""
        self._way.append(mail)
        return self._carry_all(most)

    def wait(self, **by: float) -> int:
        """Time passes everywhere, and what it brings is carried; how many mails that were."""
        for world in self.worlds.values():
            world.pass_time(**by)
            self._fetch(world)
        return self._carry_all(2_000)

    def _carry_all(self, most: int) -> int:
        carried = 0
        while self._way:
            carried += len(self._way)
            assert carried <= most, f"no rest after {most} mails: {dict(self.counts)}"
            self._carry_round()
        return carried

    def _carry_round(self) -> None:
        """Everything that is on its way now. A site works once through all that came to it."""
        touched: dict[str, World] = {}
        for mail in [self._way.popleft() for _ in range(len(self._way))]:
            self.counts[mail.by] += 1
            domain = mail.to.rpartition("@")[2]
            if (world := self.worlds.get(domain)) is not None:
                world.accept(mail.raw, to=mail.to, sender=mail.sender)
                touched[domain] = world
            elif (robot := self.robots.get(mail.to)) is not None:
                self._way.extend(robot(mail, sum(self.counts.values())))
            else:
                self.read.append(mail)
        for world in touched.values():
            world.settle()
            self._fetch(world)

    def _fetch(self, world: World) -> None:
        domain = world.site.domain
        new = world.outbox[self._fetched[domain] :]
        self._fetched[domain] = len(world.outbox)
        for one in new:
            by = "copy" if b"X-Listserv-Kind: post" in one.raw else "letter"
            self._way.append(Carried(one.sender, one.recipient, one.raw, by))


@contextmanager
def open_office(folder: Path, domains: tuple[str, ...]) -> Iterator[PostOffice]:
    """A site for each domain, each with a secret of its own."""
    with ExitStack() as stack:
        office = PostOffice()
        for domain in domains:
            (folder / domain).mkdir()
            world = stack.enter_context(open_world(sqlite_in(folder / domain)))
            world.site = Site(
                domain, read_address(f"owner@home.{domain}"), f"https://{domain}", SITE.timezone
            )
            world.ring = replace(world.ring, key=domain.encode().ljust(32, b"k"))
            office.worlds[domain] = world
        yield office


# -- robots -----------------------------------------------------------------------------------------


def field_of(raw: bytes, name: str) -> str:
    """The first field of that name, "" where there is none."""
    head = raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0].replace(b"\n ", b" ").decode("utf-8", "replace")
    found = re.search(rf"^{name}:\s*(.*)$", head, re.I | re.M)
    return found[1].strip() if found else ""


def address_in(value: str) -> str:
    found = re.search(r"[^\s<>\"]+@[^\s<>\"]+", value)
    return found[0] if found else ""


def body_of(raw: bytes) -> str:
    return raw.replace(b"\r\n", b"\n").partition(b"\n\n")[2].decode("utf-8", "replace")


def reply_to(mail: Carried) -> str:
    return address_in(field_of(mail.raw, "reply-to") or field_of(mail.raw, "from"))


def both(mail: Carried) -> list[str]:
    """Whom a careless robot answers: the envelope's sender, and whom a reply would reach."""
    return sorted({mail.sender, reply_to(mail)} - {""})


def written(sender: str, to: str, number: int, words: tuple[str, str], more: str = "") -> Carried:
    """A robot's mail, with nothing in its header that says so."""
    subject, text = words
    raw = f"From: {sender}\nTo: {to}\nSubject: {subject}\nMessage-ID: <r{number}.{sender}>\n{more}\n{text}\n"
    return Carried(sender, to, raw.encode(), "robot")


def vacation(address: str) -> Robot:
    """No field of RFC 3834, a new Message-ID each time, and to everybody."""

    def answer(mail: Carried, number: int) -> list[Carried]:
        text = (
            "I am out of the office until Monday. In urgent cases please contact Cleo.\n"
            "I will answer your mail when I am back."
        )
        subject = f"Out of office: {field_of(mail.raw, 'subject')}"
        return [written(address, to, number * 10 + n, (subject, text)) for n, to in enumerate(both(mail))]

    return answer


def tickets(address: str) -> Robot:
    """A new subject, a new id and a fresh address for each mail."""
    local, _, domain = address.partition("@")

    def answer(mail: Carried, number: int) -> list[Carried]:
        text = f"We have your request {number} and will look into it as soon as one of us is free."
        fresh = f"{local}-{number}@{domain}"
        return [
            written(fresh, to, number, (f"[Ticket {number}] received", text)) for to in [reply_to(mail)] if to
        ]

    return answer


def challenge(address: str) -> Robot:
    def answer(mail: Carried, number: int) -> list[Carried]:
        text = (
            "Your message is being held, because I do not recognize you as a sender. To stop spam,\n"
            f"please click https://there.example/{number} to verify that you are a real person."
        )
        return [written(address, to, number, ("Please verify", text)) for to in both(mail)]

    return answer


def strips(address: str, back: str) -> Robot:
    """Forwards to the list what it got from it, without any trace, and with a footer."""

    def forward(mail: Carried, number: int) -> list[Carried]:
        kept = "".join(
            f"{name}: {value}\n"
            for name in ("From", "Subject", "Message-ID")
            if (value := field_of(mail.raw, name))
        )
        raw = f"{kept}To: {back}\n\n{body_of(mail.raw)}-- \nForwarded {number} times by {address}\n"
        return [Carried(address, back, raw.encode(), "robot")]

    return forward


def other_make(address: str, members: tuple[str, ...]) -> Robot:
    """A list that writes its own From and id, and drops List-Id and every mark."""

    def distribute(mail: Carried, number: int) -> list[Carried]:
        name = field_of(mail.raw, "from").partition("<")[0].strip(' "') or "Somebody"
        raw = (
            f'From: "{name} via Plants" <{address}>\nTo: {address}\n'
            f"Subject: [plants] {field_of(mail.raw, 'subject')}\nMessage-ID: <p{number}@plants.example>\n\n"
            f"{body_of(mail.raw)}\n--\nTo leave, write to us.\n"
        )
        bounces = address.replace("@", "-bounces@")
        return [Carried(bounces, to, raw.encode(), "robot") for to in members]

    return distribute


def bouncer(address: str) -> Robot:
    """Bounces what it gets to From, by its own name, and not to the envelope."""

    def bounce(mail: Carried, number: int) -> list[Carried]:
        to = address_in(field_of(mail.raw, "from"))
        text = f"Your message to {address} could not be delivered: mailbox full."
        return [written(f"postmaster@{address.partition('@')[2]}", to, number, ("Undeliverable", text))]

    return bounce


def liker(address: str) -> Robot:
    """Likes each mail, as some programs do."""

    def like(mail: Carried, number: int) -> list[Carried]:
        more = "MIME-Version: 1.0\nContent-Type: text/vnd.google.email-reaction+json\n"
        return [
            written(
                address,
                reply_to(mail),
                number,
                ("Re: " + field_of(mail.raw, "subject"), '{"emoji":"+"}'),
                more,
            )
        ]

    return like
