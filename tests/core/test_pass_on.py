"""Mail to the hosts and the owner: whom it reaches, and what a flood of it does."""

from __future__ import annotations

from typing import Any

from listserv.core.changes import Finish, SendNotice
from listserv.core.decide import MOST_PASSED_ON, decide
from listserv.core.facts import PassOnFacts
from listserv.core.types import ArrivalState, Automatic, Check, Mail, Proof, Standing
from tests.kit.people import ANA, BOOK, NOW, RING, SITE, a_list, a_mail


def end(mail: Mail, **fields: Any) -> tuple[ArrivalState, int]:
    """Where the mail ends, and how many letters it makes."""
    plain: dict[str, Any] = {"list": a_list(), "to": (ANA,), "recipient": BOOK, "word": ""}
    plain |= {"passed_lately": 0, "standing": Standing.STRANGER}
    changes = decide(mail, PassOnFacts(now=NOW, site=SITE, ring=RING, **(plain | fields)))
    (finish,) = [change for change in changes if isinstance(change, Finish)]
    return finish.state, sum(isinstance(change, SendNotice) for change in changes)


def test_each_host_gets_it() -> None:
    assert end(a_mail(), to=(ANA, SITE.owner)) == (ArrivalState.COMMANDS, 2)


def test_a_machine_and_a_stranger_at_a_hidden_list_reach_nobody() -> None:
    assert end(a_mail(automatic=Automatic.GENERATED)) == (ArrivalState.COMMANDS, 0)
    assert end(a_mail(), list=a_list(visible="hidden")) == (ArrivalState.COMMANDS, 0)


def test_a_flood_of_strangers_is_set_aside_and_floods_nobody() -> None:
    assert end(a_mail(), passed_lately=MOST_PASSED_ON) == (ArrivalState.ASIDE, 0)


def test_a_flood_keeps_out_neither_members_nor_who_proved_to_be_themselves() -> None:
    assert end(a_mail(), passed_lately=999, standing=Standing.MEMBER) == (ArrivalState.COMMANDS, 1)
    proven = a_mail(proof=Proof(trusted=Check.PASSES))
    assert end(proven, passed_lately=999) == (ArrivalState.COMMANDS, 1)


def test_strangers_spam_to_hosts_is_set_aside_and_a_members_or_one_to_the_site_is_passed_on() -> None:
    spam = a_mail(spam=True, proof=Proof(trusted=Check.PASSES))
    assert end(spam) == (ArrivalState.ASIDE, 0)
    assert end(spam, standing=Standing.MEMBER) == (ArrivalState.COMMANDS, 1)
    assert end(spam, list=None) == (ArrivalState.COMMANDS, 1)
    assert end(spam, list=a_list(visible="hidden")) == (ArrivalState.COMMANDS, 0)
