"""With ``dkim.arc`` on, from the door to the relay: each copy carries a chain."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import dkim

from listserv.flow.deliver import deliver_due
from listserv.flow.process import process_due
from listserv.mail.fields import split
from listserv.mail.sealing import ArcSeal
from listserv.mail.signing import Signer, load_key
from tests.kit.people import DOMAIN, NOW
from tests.kit.signed import a_key, a_mail_of, signed_by
from tests.kit.strict_receiver import signers
from tests.kit.world import PlainReader, open_world, sqlite_in

OURS = Signer(DOMAIN, "ls1", load_key(a_key("ours")[0]))
ZONE = {
    f"ls1._domainkey.{DOMAIN}": [a_key("ours")[1]],
    "s._domainkey.ana.example": [a_key("author")[1]],
    "_dmarc.ana.example": ["v=DMARC1; p=reject"],
}


def test_copies_are_sealed_once_a_post_and_signed_each(tmp_path: Path) -> None:
    with open_world(sqlite_in(tmp_path)) as world:
        world.clock.move(datetime.now(UTC) - NOW)  # dkimpy signs by the machine's clock
        world.reader = PlainReader(ZONE, arc=True)
        book = world.circle()
        world.member(book, "ana@ana.example")
        world.member(book, "ben@ben.example")
        world.accept(signed_by("ana.example", a_mail_of("ana.example")))
        process_due(world.desk)
        deliver_due(replace(world.depot, signer=OURS, seal=ArcSeal(OURS)))
        copies = [mailed.raw for mailed in world.outbox]
    assert len(copies) == 2
    for raw in copies:
        cv, _, _ = dkim.arc_verify(raw, dnsfunc=lambda name, timeout=5: _key(name))
        assert cv == dkim.CV_Pass
        assert {DOMAIN, "ana.example"} <= set(signers(raw, ZONE))
    one, other = ([f for f in split(raw)[0] if f.name.startswith("arc-")] for raw in copies)
    assert one == other and len(one) == 3
    assert "dmarc=pass header.from=ana.example; arc=none" in one[2].text


def _key(name: bytes) -> bytes:
    return "".join(ZONE.get(name.decode().rstrip("."), [])).encode()
