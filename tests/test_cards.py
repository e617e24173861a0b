"""The card (product.md F5): all that waits in one mail, decided by a word in reply, by a team of hosts."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from listserv.core.address import read_address
from listserv.core.types import MailList
from listserv.flow.card_round import Looked, look_for_hosts, send_cards
from listserv.flow.process import STRANGERS, process_due
from listserv.mail.washing import Washer
from listserv.store import holds, rosters, schema
from listserv.store.acts import Hand
from listserv.store.redacting import redact
from tests.kit.people import SITE
from tests.kit.speaker import FAIL, NONE, Letter, Speaker, read
from tests.kit.world import World, open_world

LIST, ASK = "book@lists.example.org", "book+ask@lists.example.org"
HANNA, DANA, ANA = "hanna@host.example", "dana@host.example", "ana@ana.example"
CY = "cy@cy.example"
SPAM = "Our offer: https://cheap.example/x"


@pytest.fixture
def world(laid_url: str) -> Iterator[World]:
    with open_world(laid_url) as made:
        yield made


@pytest.fixture
def book(world: World) -> MailList:
    here = world.circle()
    world.host(here, HANNA, name="Hanna Berg")
    world.member(here, ANA, name="Ana Silva")
    return here


def since(world: World, before: int) -> list[Letter]:
    return [read(one) for one in world.outbox[before:]]


def kinds(letters: list[Letter]) -> list[tuple[str, str]]:
    return [(one.to, one.kind) for one in letters]


def card_of(world: World, to: str = HANNA) -> Letter:
    """The last card that somebody got."""
    return next(one for one in map(read, reversed(world.outbox)) if one.kind == "card" and one.to == to)


def waits(
    world: World, *subjects: str, sender: str = "cy@cy.example", text: str = "Hello from Spokane."
) -> Letter:
    """Strangers' posts wait; the card that shows them."""
    for subject in subjects:
        world.accept(Speaker(world, sender).mail(LIST, text, subject), LIST, sender)
    world.pass_time(hours=1)
    return card_of(world)


def states(world: World) -> dict[str, str]:
    """By subject."""
    with world.store.read() as tx:
        return dict(tx.execute(select(schema.holds.c.subject, schema.holds.c.state)).all())


def posted(letters: list[Letter], to: str = ANA) -> list[str]:
    return [one.subject for one in letters if one.to == to and one.kind == "post"]


# -- the card ---------------------------------------------------------------------------------------


def test_a_card_goes_out_at_once_and_what_comes_within_the_hour_is_on_the_next(
    world: World, book: MailList
) -> None:
    Speaker(world, "cy@cy.example").writes(LIST, "Hello from Spokane.", "Hello")
    first = card_of(world)
    assert first.to == HANNA and "Hello from Spokane." in first.text
    before = len(world.outbox)
    world.pass_time(minutes=30)
    Speaker(world, "bob@vendor.example").writes(LIST, SPAM, "Boost your donors")
    assert [one for one in since(world, before) if one.kind == "card"] == []
    world.pass_time(minutes=31)
    (second,) = [one for one in since(world, before) if one.kind == "card"]
    assert second.subject == "2 waiting (oldest: 1 hour)"
    assert (
        "1  cy@cy.example: Hello" in second.text and "2  bob@vendor.example: Boost your donors" in second.text
    )
    before = len(world.outbox)
    world.pass_time(hours=20)
    assert [one for one in since(world, before) if one.kind == "card"] == [], "nothing new: no card"


def test_a_card_says_who_wrote_why_it_waits_and_what_was_seen_of_it(world: World, book: MailList) -> None:
    raw = Speaker(world, "cy@cy.example").mail(LIST, f"{SPAM}\n" + "line\n" * 30, "Boost")
    raw = raw.replace(b"From: <cy@cy.example>", b"From: =?utf-8?q?H=D0=B0nn=D0=B0_Berg?= <cy@cy.example>")
    world.receive(raw, LIST, "cy@cy.example")
    text = card_of(world).text
    assert "Not a member. The address is proven." in text and "Why: the writer is not a member" in text
    assert "Careful: the name looks like that of a host" in text
    assert "Links to: cheap.example" in text and "    | Our offer: https://cheap.example/x" in text
    assert "    | …" in text and len([line for line in text.splitlines() if line.startswith("    | ")]) <= 14
    assert all(len(line) <= 72 for line in text.splitlines())


def test_a_strangers_flood_is_a_few_lines_and_gone_from_cards_when_its_sender_is_banned(
    world: World, book: MailList
) -> None:
    card = waits(world, *(f"Boost {number}" for number in range(17)), sender="bob@vendor.example", text=SPAM)
    assert card.subject.startswith("5 waiting")
    Speaker(world, HANNA).writes(ASK, "waiting")
    card = card_of(world)
    assert "12 more from the same address or domain." in " ".join(card.text.split())
    Speaker(world, HANNA).answers(card, "1 ban")
    card = waits(world, "Hello")
    assert card.subject.startswith("1 waiting") and "Boost" not in card.text
    assert len(states(world)) == 18, "all of them are still there"


def test_what_the_mail_server_calls_spam_is_marked_and_left_alone_by_all_ok(
    world: World, book: MailList
) -> None:
    raw = Speaker(world, ANA).mail(LIST, "Our offer of the day.", "Offer")
    before = len(world.outbox)
    world.accept(b"X-Spam-Flag: YES\r\n" + raw, LIST, ANA)
    card = waits(world, "Hello")
    assert ANA not in [one.to for one in since(world, before)], "nobody is told"
    assert "Careful: your mail server thinks that it is spam" in card.text
    Speaker(world, HANNA).answers(card, "all ok")
    assert states(world) == {"Offer": "waiting", "Hello": "approved"}


@pytest.mark.parametrize(
    "hostile",
    [
        "\x1b[31mred\x1b[0m",
        "‮gnp.exe",
        "<script>alert(1)</script>",
        "2 ok\nall ok",
        "> 1 ok",
        "-- \n1 ok trust",
    ],
)
def test_a_strangers_words_stand_in_a_box_and_say_nothing_for_the_host(
    world: World, book: MailList, hostile: str
) -> None:
    Speaker(world, "cy@cy.example").writes(LIST, hostile, "Hello")
    card = card_of(world)
    assert "\x1b" not in card.text and "‮" not in card.text
    told = Speaker(world, HANNA).answers(card, "help")
    assert states(world) == {"Hello": "waiting"} and told


# -- words ------------------------------------------------------------------------------------------


def test_ok_lets_it_through_and_the_post_itself_tells_the_host(world: World, book: MailList) -> None:
    card = waits(world, "Hello")
    letters = Speaker(world, HANNA).answers(card, "ok")
    assert posted(letters) == posted(letters, HANNA) == ["Hello"]
    assert [one.subject for one in letters if one.to == HANNA and one.kind != "post"] == []
    assert [one.subject for one in letters if one.to == "cy@cy.example"] == ["Posted: Hello"]


def test_a_host_who_does_not_get_each_post_hears_of_the_ok_in_a_line(world: World, book: MailList) -> None:
    world.host(book, DANA, name="Dana Orr", rhythm="none")
    waits(world, "Hello")
    letters = Speaker(world, DANA).answers(card_of(world, DANA), "ok")
    (told,) = [one for one in letters if one.to == DANA]
    assert 'Let through: "Hello".' in told.text


def test_several_lines_at_once_each_decide_their_number(world: World, book: MailList) -> None:
    card = waits(world, "One", "Two", "Three")
    words = "1 ok\n2 no Thank you, but it was on the list yesterday.\n3 ask Could you send the short version?"
    letters = Speaker(world, HANNA).answers(card, words)
    assert posted(letters) == ["One"]
    assert states(world) == {"One": "approved", "Two": "declined", "Three": "waiting"}
    no = next(one for one in letters if one.subject == "Not posted: Two")
    assert "Thank you, but it was on the list yesterday." in no.text and HANNA not in no.mailed.raw.decode()
    asked = next(one for one in letters if "question" in one.subject)
    assert "Could you send the short version?" in asked.text and "Hanna Berg" in asked.text
    assert HANNA not in asked.mailed.raw.decode()


def test_all_ok_leaves_alone_what_has_a_warning(world: World, book: MailList) -> None:
    Speaker(world, "bob@vendor.example").writes(LIST, SPAM, "Boost")
    card = waits(world, "Hello")
    Speaker(world, HANNA).answers(card, "all ok")
    assert states(world) == {"Hello": "approved", "Boost": "waiting"}


def test_without_a_number_only_one_thing_can_be_meant(world: World, book: MailList) -> None:
    card = waits(world, "One", "Two")
    (told,) = Speaker(world, HANNA).answers(card, "ok")
    assert "Please say which" in told.text
    assert set(states(world).values()) == {"waiting"}


def test_ok_trust_ends_probation(world: World, book: MailList) -> None:
    world.member(book, "dora@dora.example", name="Dora", probation=2)
    card = waits(world, "First", sender="dora@dora.example")
    Speaker(world, HANNA).answers(card, "1 ok trust")
    letters = Speaker(world, "dora@dora.example").writes(LIST, "Again.", "Second")
    assert posted(letters) == ["Second"]


def test_probation_ends_by_itself_after_so_many_posts(world: World, book: MailList) -> None:
    world.member(book, "dora@dora.example", name="Dora", probation=2)
    for subject in ("First", "Second"):
        Speaker(world, HANNA).answers(waits(world, subject, sender="dora@dora.example"), "ok")
    assert posted(Speaker(world, "dora@dora.example").writes(LIST, "Again.", "Third")) == ["Third"]


def test_ok_invite_lets_a_stranger_through_and_invites_them(world: World, book: MailList) -> None:
    cy = Speaker(world, "cy@cy.example")
    letters = Speaker(world, HANNA).answers(waits(world, "Hello"), "1 ok invite")
    invited = next(one for one in letters if one.subject == "Hanna Berg invites you to Book Circle")
    (welcome,) = cy.answers(invited, "yes")
    assert welcome.subject == "Welcome to Book Circle"


def test_edit_posts_the_hosts_text_says_so_and_claims_no_signature(world: World, book: MailList) -> None:
    raw = Speaker(world, "cy@cy.example").mail(LIST, "Buy it at http://x.example now!!!", "Hello")
    raw = raw.replace(b"MIME-Version", b"DKIM-Signature: v=1; d=cy.example; b=xx\nMIME-Version")
    world.receive(raw, LIST, "cy@cy.example")
    letters = Speaker(world, HANNA).answers(card_of(world), "1 edit\nHello all,\n\nI have a question.")
    (copy,) = [one for one in letters if one.to == ANA]
    assert "Hello all,\n\nI have a question." in copy.text and "A host of the list changed" in copy.text
    assert "Buy it" not in copy.text and b"d=cy.example" not in copy.mailed.raw
    told = next(one for one in letters if one.subject == "Posted with changes: Hello")
    assert told.to == "cy@cy.example" and "I have a question." in told.text


def test_ban_needs_proof_drops_later_mail_and_can_be_undone(world: World, book: MailList) -> None:
    card = waits(world, "Boost", sender="bob@vendor.example", text=SPAM)
    (asked,) = Speaker(world, HANNA, NONE).answers(card, "1 ban")
    assert "1 ban" in asked.text and states(world) == {"Boost": "waiting"}
    (told,) = Speaker(world, HANNA).answers(card, "1 ban")
    assert "can't write to this list" in told.text
    assert Speaker(world, "bob@vendor.example").writes(LIST, SPAM, "Boost again") == []
    assert world.why()[-1] == "banned"
    Speaker(world, HANNA).answers(told, "undo")
    assert states(world)["Boost"] == "waiting"
    world.pass_time(hours=1)
    Speaker(world, "bob@vendor.example").writes(LIST, "Sorry.", "Once more")
    assert states(world)["Once more"] == "waiting"


def test_show_brings_the_whole_mail_attached_and_ok_to_that_decides(world: World, book: MailList) -> None:
    card = waits(world, "Hello", text="word\n" * 40 + "the end")
    (shown,) = Speaker(world, HANNA).answers(card, "1 show")
    found = email.message_from_bytes(shown.mailed.raw, policy=email.policy.default)
    (part,) = [one for one in found.walk() if one.get_content_type() == "message/rfc822"]
    assert "the end" in part.get_payload(0).get_content()  # type: ignore[union-attr]
    assert posted(Speaker(world, HANNA).answers(shown, "ok")) == ["Hello"]


def test_later_comes_back_the_next_day(world: World, book: MailList) -> None:
    card = waits(world, "Hello")
    (told,) = Speaker(world, HANNA).answers(card, "later")
    assert "comes back to you" in told.text
    before = len(world.outbox)
    world.pass_time(hours=23)
    assert [one for one in since(world, before) if one.kind == "card"] == []
    world.pass_time(hours=2)
    assert [one.to for one in since(world, before) if one.kind == "card"] == [HANNA]


def test_a_join_request_is_an_item_like_a_post(world: World) -> None:
    here = world.circle(join="approve")
    world.host(here, HANNA, name="Hanna Berg")
    cy = Speaker(world, "cy@cy.example")
    cy.answers(cy.writes("book+join@lists.example.org")[0], "yes")
    card = card_of(world)
    assert "1  cy@cy.example would like to join." in card.text
    letters = Speaker(world, HANNA).answers(card, "ok")
    assert [one.subject for one in letters if one.to == "cy@cy.example"] == ["Welcome to Book Circle"]


def test_waiting_brings_a_card_at_once(world: World, book: MailList) -> None:
    hanna = Speaker(world, HANNA)
    (told,) = hanna.writes(ASK, "waiting")
    assert "Nothing waits" in told.text
    waits(world, "Hello")
    (card,) = hanna.writes(ASK, "waiting")
    assert card.kind == "card" and "Hello" in card.text
    (not_theirs,) = Speaker(world, ANA).writes(ASK, "waiting")
    assert "That is for hosts." in not_theirs.text


# -- the talk ---------------------------------------------------------------------------------------


def test_what_a_host_asks_goes_on_as_a_talk_without_anybodys_address(world: World, book: MailList) -> None:
    cy, hanna = Speaker(world, "cy@cy.example"), Speaker(world, HANNA)
    letters = hanna.answers(waits(world, "Hello"), "1 ask Which town do you write from?")
    asked = next(one for one in letters if one.to == "cy@cy.example")
    (answered,) = cy.answers(asked, "From Spokane, and I have been here since May.")
    assert answered.to == HANNA and "From Spokane" in answered.text
    (again,) = [
        one for one in hanna.answers(answered, "Thank you! And who sent you to us?") if one.to != HANNA
    ]
    assert "who sent you to us?" in again.text and HANNA not in again.mailed.raw.decode()
    (more,) = cy.answers(again, "Ana did.")
    assert posted(hanna.answers(more, "ok")) == ["Hello"]


def test_the_author_can_take_it_back_while_a_host_asks(world: World, book: MailList) -> None:
    world.member(book, "dora@dora.example", name="Dora", probation=1)
    dora = Speaker(world, "dora@dora.example")
    letters = Speaker(world, HANNA).answers(
        waits(world, "Hello", sender="dora@dora.example"), "1 ask Really?"
    )
    dora.answers(next(one for one in letters if one.to == "dora@dora.example"), "cancel")
    assert states(world) == {"Hello": "cancelled"}
    (told,) = Speaker(world, HANNA).answers(card_of(world), "ok")
    assert "the author took" in told.text


# -- a team -----------------------------------------------------------------------------------------


@pytest.fixture
def team(world: World, book: MailList) -> MailList:
    world.host(book, DANA, name="Dana Orr")
    return book


def test_the_first_decision_wins_and_the_next_host_is_told_who_did_what(world: World, team: MailList) -> None:
    waits(world, "One", "Two")
    Speaker(world, DANA).answers(card_of(world, DANA), "1 ok\n2 no")
    letters = Speaker(world, HANNA).answers(card_of(world), "1 no\n2 ok")
    assert posted(letters) == []
    (told,) = letters
    assert 'Already done: Dana Orr let "One" through' in " ".join(told.text.split())
    assert 'Dana Orr said no to "Two"' in " ".join(told.text.split())
    Speaker(world, HANNA).answers(card_of(world), "2 undo")
    assert states(world)["Two"] == "waiting"
    Speaker(world, HANNA).answers(card_of(world), "2 ok")
    assert states(world) == {"One": "approved", "Two": "approved"}


def test_fifty_answers_at_once_have_one_effect(world: World, team: MailList) -> None:
    waits(world, "Hello")
    before = len(world.outbox)
    for number in range(50):
        host = (HANNA, DANA)[number % 2]
        card = card_of(world, host)
        raw = Speaker(world, host).mail(card.answer_to, ("ok", "no")[number % 3 == 0], f"Re: {number}")
        world.accept(raw, card.answer_to, host)
    world.settle()
    copies = [one for one in since(world, before) if one.kind == "post" and one.to == ANA]
    declined = [one for one in since(world, before) if one.subject == "Not posted: Hello"]
    assert len(copies) + len(declined) == 1


def test_the_rota_decides_who_hears_first(world: World, team: MailList) -> None:
    (set_,) = Speaker(world, HANNA).writes(ASK, "duty hanna sat-mon, dana tue-fri")
    Speaker(world, HANNA).answers(set_, "yes")
    before = len(world.outbox)
    Speaker(world, "cy@cy.example").writes(LIST, "Hello.", "Hello")  # a Saturday
    first = [one for one in since(world, before) if one.kind == "card"]
    assert [one.to for one in first] == [HANNA] and "you are on duty" in first[0].subject
    world.pass_time(hours=4)
    assert [one.to for one in since(world, before) if one.kind == "card"] == [HANNA, DANA]
    world.pass_time(hours=44)
    told = since(world, before)
    assert [one.to for one in told if one.kind == "card"] == [HANNA, DANA, HANNA, DANA]
    assert [one.subject for one in told if one.to == "cy@cy.example"][-1] == "Still waiting, not lost: Hello"


def test_who_is_off_duty_gets_no_card_until_all_do(world: World, team: MailList) -> None:
    hanna = Speaker(world, HANNA)
    hanna.answers(hanna.writes(ASK, "duty off 2w")[0], "yes")
    before = len(world.outbox)
    Speaker(world, "cy@cy.example").writes(LIST, "Hello.", "Hello")
    assert [one.to for one in since(world, before) if one.kind == "card"] == [DANA]


def test_a_list_without_a_host_is_told_to_the_owner_once_a_week(world: World) -> None:
    here = world.circle()
    world.member(here, ANA)
    Speaker(world, "cy@cy.example").writes(LIST, "Hello.", "Hello")
    before = len(world.outbox)
    world.pass_time(hours=5)
    (told,) = since(world, before)
    assert told.to == str(SITE.owner) and "Nobody looks after Book Circle" in told.subject
    assert "1 mail waits there" in told.text
    world.pass_time(days=6)
    assert look_for_hosts(world.pen, world.bells) == 0
    world.pass_time(days=2)
    assert look_for_hosts(world.pen, world.bells) == 0, "the card round said so"
    world.host(here, HANNA)
    world.pass_time(days=9)
    assert look_for_hosts(world.pen, world.bells) == 0


def test_a_list_whose_last_host_left_is_told_though_nothing_waits(world: World, book: MailList) -> None:
    assert look_for_hosts(world.pen, world.bells) == 0
    hanna = Speaker(world, HANNA)
    hanna.answers(hanna.writes(ASK, "settings")[0], "bye")
    assert look_for_hosts(world.pen, world.bells) == 1
    assert look_for_hosts(world.pen, world.bells) == 0


def test_a_sections_host_decides_what_bears_the_tag_and_nothing_else(world: World, book: MailList) -> None:
    ana = _member(world, book)
    world.store.do(lambda tx: tx.execute(schema.sections.insert().values(subscription_id=ana, tag="grants")))
    waits(world, "A call #grants", "Hello")
    mine = card_of(world, ANA)
    assert "A call #grants" in mine.text and "Hello" not in mine.subject
    assert "cy@cy.example: Hello" not in mine.text
    assert posted(Speaker(world, ANA).answers(mine, "1 ok"), HANNA) == ["A call #grants"]
    world.store.do(lambda tx: tx.execute(schema.sections.delete()))
    waits(world, "Another #grants")
    (told,) = Speaker(world, ANA).answers(mine, "1 ok")
    assert "can't be said here" in told.text


def _member(world: World, here: MailList) -> int:
    with world.store.read() as tx:
        found = rosters.find_member(tx, here.id, read_address(ANA))
    assert found is not None
    return found.id


def test_a_round_looks_again_at_what_it_saw_only_after_a_minute(world: World, book: MailList) -> None:
    looked = Looked()
    world.accept(Speaker(world, CY).mail(LIST, "Hello.", "Hello"), LIST, CY)
    process_due(world.desk)
    process_due(world.desk, STRANGERS)
    assert send_cards(world.pen, world.bells, looked) == 1
    world.host(book, DANA, name="Dana Orr")
    assert send_cards(world.pen, world.bells, looked) == 0
    world.clock.move(timedelta(minutes=1))
    assert send_cards(world.pen, world.bells, looked) == 1, "the new host's"


# -- attackers --------------------------------------------------------------------------------------


def test_a_forged_or_foreign_answer_decides_nothing(world: World, team: MailList) -> None:
    card = waits(world, "Hello")
    (asked,) = Speaker(world, HANNA, FAIL).answers(card, "ok")
    assert asked.to == HANNA and "ok" in asked.text and states(world) == {"Hello": "waiting"}
    for stranger in ("mallory@evil.example", ANA, DANA):
        Speaker(world, stranger).answers(card, "ok")
        assert states(world) == {"Hello": "waiting"}
    Speaker(world, HANNA).answers(asked, "yes")
    assert states(world) == {"Hello": "approved"}


def test_a_hosts_vacation_mail_decides_nothing(world: World, book: MailList) -> None:
    card = waits(world, "Hello")
    raw = Speaker(world, HANNA).mail(card.answer_to, "ok\n\nI am away until Monday.", f"Re: {card.subject}")
    world.receive(
        raw.replace(b"MIME-Version", b"Auto-Submitted: auto-replied\nMIME-Version"), card.answer_to, HANNA
    )
    assert states(world) == {"Hello": "waiting"}


def test_a_replayed_answer_does_nothing_more(world: World, book: MailList) -> None:
    card = waits(world, "Hello")
    hanna = Speaker(world, HANNA)
    raw = hanna.mail(card.answer_to, "no", "Re: card")
    hanna.sends(raw, card.answer_to)
    world.store.do(lambda tx: holds.reopen(tx, 1, world.clock.now()))
    assert hanna.sends(raw, card.answer_to) == [] or states(world) == {"Hello": "waiting"}
    assert states(world) == {"Hello": "waiting"}


def test_numbers_without_a_token_are_repeated_back_before_they_act(world: World, book: MailList) -> None:
    waits(world, "One", "Two")
    hanna = Speaker(world, HANNA)
    (asked,) = hanna.writes(ASK, "1 ok\n2 no Not now.")
    assert '1 ok: "One"' in " ".join(asked.text.split()) and set(states(world).values()) == {"waiting"}
    hanna.answers(asked, "yes")
    assert states(world) == {"One": "approved", "Two": "declined"}


def test_who_is_no_host_any_more_decides_nothing(world: World, team: MailList) -> None:
    card = waits(world, "Hello")
    world.store.do(
        lambda tx: tx.execute(
            schema.subscriptions.update().where(schema.subscriptions.c.id == 1).values(role="member")
        )
    )
    (told,) = Speaker(world, HANNA).answers(card, "ok")
    assert "can't be said here" in told.text and states(world) == {"Hello": "waiting"}


def test_two_processes_write_one_card(world: World, book: MailList) -> None:
    world.accept(Speaker(world, "cy@cy.example").mail(LIST, "Hello.", "Hello"), LIST, "cy@cy.example")
    process_due(world.desk)
    process_due(world.desk, STRANGERS)
    with ThreadPoolExecutor(4) as pool:
        sent = list(pool.map(lambda _: send_cards(world.pen, world.bells), range(4)))
    assert sum(sent) == 1


def test_once_a_post_is_taken_out_no_card_of_ours_keeps_its_words(world: World, book: MailList) -> None:
    card = waits(world, "Marmalade", text="We boil quinces tonight.")
    hanna = Speaker(world, HANNA)
    hanna.answers(card, "1 show")
    hanna.answers(card, "1 edit\nWe boil quinces tomorrow.")
    post = world.store.do(lambda tx: tx.scalar(select(schema.posts.c.id)))
    wash = Washer("a member")
    world.store.do(lambda tx: redact(tx, int(post or 0), wash, Hand("operator", world.clock.now())))
    with world.store.read() as tx:
        kept = [bytes(row) for row in tx.scalars(select(schema.letters.c.bytes))]
        kept += [bytes(row) for row in tx.scalars(select(schema.raws.c.bytes))]
        told = [repr(row) for row in tx.execute(select(schema.holds)).all()]
    assert not [one for one in kept if b"quinces" in one]
    assert not [one for one in told if "quinces" in one or "Marmalade" in one]
