"""What can be said in reply to a Brief (product.md F2): each answer becomes a mail in its thread."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import select, update

from listserv.core.types import MailList
from listserv.store import schema
from listserv.store.balance import unbalanced
from tests.kit.brief_reader import Got, last_brief, replies
from tests.kit.speaker import FAIL, NONE, Letter, Speaker
from tests.kit.world import World, open_world, sqlite_in

LIST = "book@lists.example.org"
ANA, BEN, DEE, CY = "ana@ana.example", "ben@ben.example", "dee@dee.example", "cy@cy.example"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(sqlite_in(tmp_path)) as made:
        yield made


@pytest.fixture
def book(world: World) -> MailList:
    here = world.circle()
    world.member(here, ANA, name="Ana Silva")
    world.member(here, DEE, name="Dee Whitehorse")
    world.member(here, BEN, name="Ben Okafor", rhythm="daily")
    return here


def starts(world: World, who: str, subject: str, text: str, name: str = "") -> str:
    """Somebody begins a conversation; its Message-ID."""
    raw = Speaker(world, who).mail(LIST, text, subject)
    raw = raw.replace(f"From: <{who}>".encode(), f"From: {name} <{who}>".encode()) if name else raw
    Speaker(world, who).sends(raw, LIST)
    return raw.decode().partition("Message-ID: <")[2].partition(">")[0]


@pytest.fixture
def got(world: World, book: MailList) -> Got:
    """Ben's Brief with two threads."""
    return two_threads(world)


_DEES = "We ask when they can next time, the same evening."


def two_threads(world: World) -> Got:
    starts(
        world,
        DEE,
        "Volunteer no-shows",
        "We ask when they can next time, the same evening.",
        "Dee Whitehorse",
    )
    starts(world, ANA, "Cold storage grant", "We asked for two chest freezers and the wiring.", "Ana Silva")
    world.pass_time(days=1)
    return last_brief(world, BEN)


def posts(letters: list[Letter], to: str = ANA) -> list[tuple[str, str]]:
    """Subject and text of the posts that somebody got."""
    return [(one.subject, one.text.strip()) for one in letters if one.to == to and one.kind == "post"]


def told(letters: list[Letter], to: str = BEN) -> str:
    return "\n".join(one.text for one in letters if one.to == to and one.kind != "post")


def header(letter: Letter) -> EmailMessage:
    found = email.message_from_bytes(letter.mailed.raw, policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    return found


def quoted(got: Got) -> str:
    """Below the words, as Gmail does."""
    lines = "\n".join(f"> {line}".rstrip() for line in got.text.splitlines())
    return f"\n\nOn Sun, Nov 22, 2026 at 8:00 AM Book Circle <book+ask@lists.example.org> wrote:\n\n{lines}\n"


def number_of(got: Got, title: str) -> int:
    return next(
        int(line[:3]) for line in got.text.splitlines() if line[4:].startswith(title) and line[:3].strip()
    )


def test_words_behind_a_number_become_a_reply_in_that_thread(world: World, got: Got) -> None:
    n = number_of(got, "Volunteer")
    letters = replies(world, BEN, got, f"{n}: We do the same.\n\nAnd it works.{quoted(got)}")
    assert posts(letters) == [("Re: Volunteer no-shows", "We do the same.\n\nAnd it works.")]
    mail = header(next(one for one in letters if one.kind == "post"))
    with world.store.read() as tx:
        first = tx.scalar(
            select(schema.posts.c.message_id).where(schema.posts.c.subject == "Volunteer no-shows")
        )
    assert mail["In-Reply-To"] == f"<{first}>" and mail["References"] == f"<{first}>"
    assert str(mail["From"]) == BEN and "Your words go to everybody" in told(letters)
    assert unbalanced(world.store) == [] and world.ends() == {"posted": 3, "commands": 1}


# -- more than one answer ---------------------------------------------------------------------------


def test_two_numbers_in_one_mail_are_two_posts(world: World, got: Got) -> None:
    v, c = number_of(got, "Volunteer"), number_of(got, "Cold")
    letters = replies(
        world,
        BEN,
        got,
        f"Hi,\n\n{v}: We ask in the morning.\n{c}) no list\n\n{c}: Which freezers?\n\nBen{quoted(got)}",
    )
    assert posts(letters) == [
        ("Re: Volunteer no-shows", f"We ask in the morning.\n{c}) no list"),
        ("Re: Cold storage grant", "Which freezers?\n\nBen"),
    ]


def test_a_number_with_p_goes_to_the_author_alone_by_the_relay_address(world: World, got: Got) -> None:
    n = number_of(got, "Volunteer")
    letters = replies(world, BEN, got, f"{n}p: Can we talk?{quoted(got)}")
    assert posts(letters) == [] and "to Dee Whitehorse alone" in told(letters)
    (mail,) = [one for one in letters if one.to == DEE]
    assert mail.text.strip() == "Can we talk?" and BEN not in mail.mailed.raw.decode()
    assert mail.subject == "Re: Volunteer no-shows"
    assert world.why()[-2:] == ["private", "relayed"]


@pytest.mark.parametrize("words", ["1p Can we talk?", "1 private: Can we talk?", "1 privat Can we talk?"])
def test_what_is_meant_for_one_is_never_posted_for_want_of_a_colon(
    world: World, got: Got, words: str
) -> None:
    letters = replies(world, BEN, got, words)
    assert [one.kind for one in letters if one.kind == "post"] == []
    assert any(one.text.strip() == "Can we talk?" for one in letters)


def test_verbs_with_numbers_are_done_and_can_be_undone(world: World, got: Got) -> None:
    v, c = number_of(got, "Volunteer"), number_of(got, "Cold")
    letters = replies(world, BEN, got, f"mute {v}\nfollow {c}\nall {c}{quoted(got)}")
    text = told(letters)
    assert 'Muted. You\'ll not see "Volunteer no-shows" again.' in text
    assert 'You follow "Cold storage grant"' in text and "We asked for two chest freezers" in text
    answer = next(one for one in letters if "Muted" in one.text)
    back = Speaker(world, BEN).answers(answer, "undo")
    assert 'You get "Volunteer no-shows" as usual again.' in told(back)
    again = Speaker(world, BEN).answers(answer, f"mute {c}")
    assert 'You\'ll not see "Cold storage grant"' in told(again)


def test_later_takes_a_day(world: World, got: Got) -> None:
    n = number_of(got, "Volunteer")
    assert "comes back to you on" in told(replies(world, BEN, got, f"later {n} fri"))
    assert "Till when?" in told(replies(world, BEN, got, f"later {n}"))


def test_thanks_reach_the_author_alone_and_once(world: World, got: Got) -> None:
    letters = replies(world, BEN, got, f"thanks Dee{quoted(got)}")
    (mail,) = [one for one in letters if one.to == DEE]
    assert mail.subject == "Ben Okafor thanks you" and "Volunteer no-shows" in mail.text
    assert posts(letters) == []
    assert "before" in told(replies(world, BEN, got, "Danke Dee!"))
    assert "Nobody whom you could thank" in told(replies(world, BEN, got, "thanks Zoe"))
    with world.store.read() as tx:
        acts = list(tx.scalars(select(schema.acts.c.act).where(schema.acts.c.act == "thanks")))
    assert acts == ["thanks"]


def test_a_verb_that_has_no_number_is_done_as_ever(world: World, got: Got) -> None:
    assert "one mail a week" in told(replies(world, BEN, got, f"weekly{quoted(got)}"))
    assert "at most 3 mails a week" in told(replies(world, BEN, got, "3\n\nBen"))


# -- which one ---------------------------------------------------------------------------------------


def test_words_without_a_number_are_kept_and_asked_about(world: World, got: Got) -> None:
    letters = replies(world, BEN, got, f"We do that too, and it works.\n\nBen{quoted(got)}")
    (asked,) = letters
    assert asked.to == BEN and asked.subject.startswith("Which one?")
    assert "We do that too" in asked.text and "1  " in asked.text and "2  " in asked.text
    n = number_of(got, "Cold")
    letters = Speaker(world, BEN).answers(asked, f"{n}")
    assert posts(letters) == [("Re: Cold storage grant", "We do that too, and it works.\n\nBen")]
    again = Speaker(world, BEN).answers(asked, f"{n}")
    assert posts(again) == [] and "answered before" in told(again)
    assert unbalanced(world.store) == []


def test_which_one_may_be_none_or_one_alone(world: World, got: Got) -> None:
    (asked,) = replies(world, BEN, got, "We do that too.")
    assert "Everything stays" in told(Speaker(world, BEN).answers(asked, "drop"))
    (asked,) = replies(world, BEN, got, "We do that as well.")
    letters = Speaker(world, BEN).answers(asked, f"{number_of(got, 'Volunteer')}p")
    assert posts(letters) == [] and [one.text.strip() for one in letters if one.to == DEE] == [
        "We do that as well."
    ]


def test_words_go_by_themselves_where_only_one_thread_can_be_meant(world: World, book: MailList) -> None:
    starts(world, DEE, "Volunteer no-shows", "We ask when they can next time.", "Dee Whitehorse")
    world.pass_time(days=1)
    got = last_brief(world, BEN)
    letters = replies(world, BEN, got, f"Same here.{quoted(got)}")
    assert posts(letters) == [("Re: Volunteer no-shows", "Same here.")]


def test_words_that_name_one_title_are_for_that_thread(world: World, got: Got) -> None:
    letters = replies(world, BEN, got, "About the cold storage grant: when is it due?")
    assert [subject for subject, _ in posts(letters)] == ["Re: Cold storage grant"]


# -- among quoted lines -----------------------------------------------------------------------------


def interleaved(got: Got, answers: dict[str, str]) -> str:
    """As Gmail writes it: words right below an item."""
    lines = []
    for number in (1, 2):
        item = got.item(number)
        lines += [f"> {line}".rstrip() for line in item.split("\n")]
        words = next((words for title, words in answers.items() if title in item), "")
        lines += ["", *words.split("\n"), ""] if words else []
    head = "On Sun, Nov 22, 2026 at 8:00 AM Book Circle <book+ask@lists.example.org> wrote:"
    foot = got.text[got.text.index("To answer") :]
    return "\n".join([head, "", *lines, *(f"> {line}".rstrip() for line in foot.split("\n"))])


def test_words_below_a_quoted_item_go_to_its_thread(world: World, got: Got) -> None:
    text = interleaved(got, {"Volunteer": "In the morning.", "Cold": "Which ones?\n\nAnd where?"})
    letters = replies(world, BEN, got, text)
    assert sorted(posts(letters)) == [
        ("Re: Cold storage grant", "Which ones?\n\nAnd where?"),
        ("Re: Volunteer no-shows", "In the morning."),
    ]


def test_words_below_the_whole_quote_are_for_no_thread(world: World, got: Got) -> None:
    (asked,) = replies(world, BEN, got, f"{quoted(got).strip()}\n\nSame here.\n")
    assert asked.subject.startswith("Which one?")


def test_words_below_a_part_of_an_item_go_there_without_its_number(world: World, got: Got) -> None:
    quote = "> We ask when they can next time, the same\n> evening."
    text = f"On Sun, Nov 22, 2026 Book Circle wrote:\n\n{quote}\n\nSame here.\n"
    assert posts(replies(world, BEN, got, text)) == [("Re: Volunteer no-shows", "Same here.")]


def test_outlook_marks_no_line_and_words_among_them_are_found(world: World, got: Got) -> None:
    head = "________________________________\nFrom: Book Circle <book+ask@lists.example.org>\n"
    head += "Sent: Sunday, November 22, 2026 8:00 AM\nTo: Ben Okafor <ben@ben.example>\nSubject: Sun\n"
    item = got.item(number_of(got, "Volunteer"))
    body = got.text.replace(item, f"{item}\n\nIn the morning, we do.")
    letters = replies(world, BEN, got, f"Answers below.\n\n{head}\n{body}")
    assert posts(letters) == [("Re: Volunteer no-shows", "In the morning, we do.")]


# -- who may ----------------------------------------------------------------------------------------


def test_somebody_elses_token_posts_nothing_and_its_owner_is_asked(world: World, got: Got) -> None:
    letters = replies(world, "eve@evil.example", got, "1: Buy this.")
    assert posts(letters) == [] and [one.to for one in letters] == [BEN]
    assert "Buy this" not in letters[0].text


def test_where_from_fails_the_words_wait_for_a_yes(world: World, got: Got) -> None:
    letters = replies(world, BEN, got, "1: Same here.\nmute 2", proof=FAIL)
    assert posts(letters) == [] and "1: Same here., mute 2" in told(letters)
    asked = next(one for one in letters if one.to == BEN)
    letters = Speaker(world, BEN).answers(asked, "yes")
    assert [words for _, words in posts(letters)] == ["Same here."] and "Muted" in told(letters)


def test_where_nothing_speaks_for_from_the_token_does(world: World, got: Got) -> None:
    assert [words for _, words in posts(replies(world, BEN, got, "1: Same here.", proof=NONE))] == [
        "Same here."
    ]


def test_the_same_mail_twice_is_posted_once(world: World, got: Got) -> None:
    raw = Speaker(world, BEN).mail(got.answer_to, "1: Same here.")
    first, second = (
        Speaker(world, BEN).sends(raw, got.answer_to),
        Speaker(world, BEN).sends(raw, got.answer_to),
    )
    assert len(posts(first)) == 1 and second == []


def test_a_machine_says_nothing(world: World, got: Got) -> None:
    raw = (
        Speaker(world, BEN)
        .mail(got.answer_to, "1: I am away.")
        .replace(b"MIME-V", b"Auto-Submitted: auto-replied\nMIME-V")
    )
    assert Speaker(world, BEN).sends(raw, got.answer_to) == []


def test_after_thirty_days_numbers_are_not_understood_and_that_is_said(world: World, got: Got) -> None:
    world.pass_time(days=30)
    letters = replies(world, BEN, got, "1: Same here.")
    assert posts(letters) == [] and "more than 30 days old" in told(letters)


def test_rules_for_posts_hold_for_answers(world: World, got: Got, book: MailList) -> None:
    host = world.host(book, CY, name="Cy Ng")
    with world.store.read() as tx:
        thread = tx.scalar(select(schema.threads.c.id).where(schema.threads.c.title == "Volunteer no-shows"))
    world.store.do(
        lambda tx: tx.execute(update(schema.threads).where(schema.threads.c.id == thread).values(closed=True))
    )
    letters = replies(world, BEN, got, f"{number_of(got, 'Volunteer')}: Same here.")
    assert posts(letters) == [] and world.why()[-1] == "closed" and host


# -- without the token ------------------------------------------------------------------------------


def message_id(got: Got) -> str:
    return str(header(got.letter)["Message-ID"]).strip("<>")


@pytest.mark.parametrize("to", [LIST, "book+ask@lists.example.org"])
def test_a_reply_to_a_brief_that_goes_elsewhere_is_understood_all_the_same(
    world: World, got: Got, to: str
) -> None:
    ben = Speaker(world, BEN)
    assert [words for _, words in posts(ben.writes(to, "1: Same here.", answers=message_id(got)))] == [
        "Same here."
    ]
    (asked,) = ben.writes(to, f"We do that, too.{quoted(got)}", answers=message_id(got))
    assert asked.subject.startswith("Which one?")
    assert len(posts(Speaker(world, BEN).answers(asked, "2"))) == 1


def test_without_the_token_and_without_a_proof_its_owner_is_asked(world: World, got: Got) -> None:
    letters = Speaker(world, BEN, NONE).writes(LIST, "1: Same here.", answers=message_id(got))
    assert posts(letters) == [] and [one.to for one in letters] == [BEN]
    assert [words for _, words in posts(Speaker(world, BEN).answers(letters[0], "yes"))] == ["Same here."]


def test_whoever_quotes_a_brief_is_not_asked_whether_everybody_was_meant(world: World, got: Got) -> None:
    """Ana answers it, whom nobody sent it."""
    letters = Speaker(world, ANA).writes(LIST, f"See what Dee wrote.{quoted(got)}", answers=message_id(got))
    assert len(posts(letters)) == 1


# -- on both databases --------------------------------------------------------------------------------


def test_all_of_it_at_once_on_either_database(laid_url: str) -> None:
    with open_world(laid_url) as world:
        here = world.circle()
        for address, name in ((ANA, "Ana Silva"), (DEE, "Dee Whitehorse")):
            world.member(here, address, name=name)
        world.member(here, BEN, name="Ben Okafor", rhythm="daily")
        got = two_threads(world)
        v, c = number_of(got, "Volunteer"), number_of(got, "Cold")
        words = f"{v}: Same here.\n{c}p: Can we talk?\nmute {v}\nall {c}\nthanks Dee\n\n{quoted(got)}"
        letters = replies(world, BEN, got, words)
        assert posts(letters) == [("Re: Volunteer no-shows", "Same here.")]
        assert "Can we talk?" in told(letters, ANA) and "thanks you" in told(letters, DEE)
        assert "chest freezers" in told(letters) and "Muted" in told(letters)
        asked = replies(world, BEN, got, f"We do that, too.{quoted(got)}")[0]
        assert len(posts(Speaker(world, BEN).answers(asked, f"{c}"))) == 1
        assert posts(Speaker(world, BEN).writes(LIST, f"{c}: And this.", answers=message_id(got)))
        assert unbalanced(world.store) == []


def test_an_answer_from_a_new_address_goes_out_once_its_owner_says_that_it_is_theirs(
    world: World, got: Got
) -> None:
    (asked,) = replies(world, "ben@work.example", got, "1: Same here.")
    letters = Speaker(world, BEN).answers(asked, "yes")
    assert [words for _, words in posts(letters)] == ["Same here."]
    sent = next(one for one in letters if one.kind == "post")
    assert "ben@work.example" in str(header(sent)["From"])
