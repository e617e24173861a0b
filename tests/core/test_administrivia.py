"""Nothing that is meant for the machine reaches people, and what is meant for people is not kept back."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.administrivia import Asked, Doubtful, whole_request
from listserv.core.types import Mail
from listserv.mail.mbox import read_mbox
from listserv.mail.parse import parse
from tests.kit.corpora import corpus

LEAVE = """
en | unsubscribe
en | Unsubscribe
en | UNSUBSCRIBE
en | Unsubscribe!!!
en | "unsubscribe"
en | unsubscribe me
en | unsubscribe me please
en | Please unsubscribe
en | Pls unsubscribe me, thanks
en | please unsubscribe me from this list
en | Please unsubscribe me from the Book Circle
en | Please unsubscribe bob@example.org
en | unsubscribe bob@example.org.
en | unsuscribe me please
en | un-subscribe
en | Unsubscribe please. Thank you!
en | signoff
en | leave
en | leave this list
en | remove me
en | Please remove me
en | please remove me from this list
en | Please remove me from your mailing list.
en | remove me please from this list
en | Please remove my name from this list
en | Please remove my e-mail address from the mailing list
en | Please remove this address: bob@example.org
en | Please remove bob@example.org from the list.
en | Kindly remove me from this mailing list immediately
en | take me off
en | Please take me off this list
en | TAKE ME OFF THIS LIST!!!
en | take me off of this email list now
en | me too, take me off
en | Me too! Please remove me.
en | Can you remove me from the list?
en | Could someone please take me off the list?
en | Would you please unsubscribe me?
en | I want to unsubscribe
en | I'd like to unsubscribe, please
en | I would like to be removed from this list
en | I wish to be taken off this mailing list.
en | I want to leave this list
en | I want off this list
en | How do I unsubscribe?
en | how do I get off this list?
en | How can I unsubscribe from this list?
en | how to unsubscribe
en | Can anyone tell me how to unsubscribe?
en | get me off this list
en | opt me out of this list
en | stop sending me these emails
en | Please stop sending me mail
en | Stop emailing me!
en | please stop these emails
en | No more emails please
en | I don't want to receive these emails any more
en | I no longer wish to receive emails from this list
en | I do not want to be on this list
en | Please cancel my subscription
en | STOP
en | STOP.
de | abmelden
de | Bitte abmelden
de | Abmelden bitte!
de | austragen
de | bitte austragen
de | mich bitte austragen
de | Bitte tragen Sie mich aus
de | Bitte tragt mich aus der Liste aus
de | Bitte nehmt mich vom Verteiler
de | Bitte nehmen Sie mich aus dem Verteiler.
de | Nehmt mich bitte aus diesem Mailverteiler
de | Bitte streichen Sie mich von der Liste
de | Bitte löschen Sie mich aus dem Verteiler
de | Bitte löschen Sie meine E-Mail-Adresse aus dem Verteiler
de | Bitte mich aus der Liste streichen
de | Bitte aus dem Verteiler nehmen
de | Bitte aus dem Verteiler löschen, danke
de | Können Sie mich bitte aus dem Verteiler nehmen?
de | Könnt ihr mich bitte austragen?
de | Ich möchte mich aus der Liste austragen
de | Ich möchte ausgetragen werden
de | Ich möchte mich von der Liste abmelden
de | Ich möchte keine Mails mehr bekommen
de | Ich will keine E-Mails mehr
de | Keine Mails mehr bitte
de | Wie komme ich von der Liste runter?
de | Wie komme ich aus diesem Verteiler raus?
de | Wie kann ich mich von der Liste abmelden?
de | Wie kann ich mich austragen?
de | Newsletter abbestellen
de | Ich möchte die Liste verlassen
de | unsubscribe bitte
es | Por favor, quiero darme de baja
es | darme de baja de esta lista
fr | Merci de me désinscrire
fr | Bonjour, veuillez me désabonner de cette liste. Merci
fr | désinscription
it | cancellami dalla lista
pt | cancelar inscrição
nl | meld mij af
nl | uitschrijven
pl | proszę o wypisanie z listy
sv | avregistrera mig
da | afmeld mig
nb | meld meg av
fi | poista minut listalta
"""

OTHERS = """
en | mute                                    | mute     |
en | Mute.                                   | mute     |
en | mute please                             | mute     |
en | mute this thread                        | mute     |
en | mute 2                                  | mute     | 2
en | Please remove me from this thread       | mute     |
en | take me off this email chain please     | mute     |
en | unmute                                  | unmute   |
en | un-mute                                 | unmute   |
en | follow                                  | follow   |
en | follow this thread                      | follow   |
en | later friday                            | later    | friday
en | Later, Friday                           | later    | friday
en | later next week                         | later    | next week
en | later 2w                                | later    | 2w
en | later 2 weeks                           | later    | 2 weeks
en | later 2 fri                             | later    | 2 fri
en | later until 6 Jan                       | later    | until 6 jan
en | later tomorrow 7am                      | later    | tomorrow 7am
en | pause                                   | pause    |
en | pause until 6 jan                       | pause    | until 6 jan
en | Pause until 6 Jan, please.              | pause    | until 6 jan
en | pause until Friday 8 January 2027       | pause    | until friday 8 january 2027
en | pause 2w                                | pause    | 2w
en | pause for two weeks                     | pause    | for two weeks
en | pause my mail until monday              | pause    | until monday
en | away 2w                                 | pause    | 2w
en | away for 10 days                        | pause    | for 10 days
en | resume                                  | resume   |
en | resume my mail                          | resume   |
en | unpause                                 | resume   |
en | undo                                    | undo     |
en | Undo that                               | undo     |
en | cancel                                  | cancel   |
en | Cancel my post please                   | cancel   |
en | digest                                  | digest   | daily
en | Digest, please                          | digest   | daily
en | daily digest                            | digest   | daily
en | weekly digest please                    | digest   | weekly
en | Can I get the digest instead?           | digest   | daily
en | I'd like to receive the digest          | digest   | daily
en | I would prefer a weekly digest          |          |
en | please switch me to the weekly digest   | digest   | weekly
en | put me on digest                        | digest   | daily
en | Please send me the daily digest only    | digest   | daily
en | set digest                              | digest   | daily
en | SET book DIGEST                         | digest   | daily
en | set nomail                              | digest   | none
en | set book nomail                         | digest   | none
en | nomail                                  | digest   | none
en | nodigest                                | digest   | now
en | no digest                               | digest   | now
en | no more digests                         | digest   | now
en | Please stop the digest                  | digest   | now
en | stop sending me the daily digest        | digest   | now
en | I don't want the digest any more        | digest   | now
en | unsubscribe me from the digest          | digest   | now
de | stumm                                   | mute     |
de | bitte stummschalten                     | mute     |
de | Thema stummschalten                     | mute     |
de | folgen                                  | follow   |
de | später Freitag                          | later    | freitag
de | Pause bis 6. Januar                     | pause    | bis 6. januar
de | Pause 2 Wochen                          | pause    | 2 wochen
de | Pause beenden                           | resume   |
de | rückgängig                              | undo     |
de | bitte rückgängig machen                 | undo     |
de | abbrechen                               | cancel   |
de | Beitrag zurückziehen                    | cancel   |
de | kein Digest mehr                        | digest   | now
de | Bitte keinen Digest mehr                | digest   | now
de | keine Zusammenfassung mehr bitte        | digest   | now
de | Digest abbestellen                      | digest   | now
de | Sammelmail bitte                        | digest   | daily
de | tägliche Zusammenfassung bitte          | digest   | daily
de | Bitte nur noch die Zusammenfassung      | digest   | daily
de | wöchentliche Zusammenfassung            | digest   | weekly
de | Ich hätte gern den Digest               | digest   | daily
de | Ich möchte lieber die Zusammenfassung bekommen | digest | daily
"""

POSTS = """
Stop
stop it
please stop
Please stop sending messages to everyone
Stop the spam
no
Now we can talk.
Follow the link below
I will follow
follow up on Friday
Follow the money. That is what I would do.
I want to leave early on Friday
I need to leave
Leave it to me
leave no one behind
Please remove me from the Friday call
Please take me off the speakers list
Remove me from the agenda, please
Can you take me to the station?
Drop me off at the station
Delete it
Please delete
remove
Unsubscribe problems are common in our newsletter tool
How do I unsubscribe a member from my own list?
How do we get people to stop leaving?
Please unsubscribe me, and who has the grant form?
Unsubscribe. By the way, what a great meeting that was yesterday.
People say unsubscribe, and nobody does.
Somebody asked how to unsubscribe. The link is at the end of each mail.
I don't want the list
I don't need any updates
Cancel the meeting please
Cancel Friday's call
Undo the change in the wiki
The mute button is broken
mute point
resume attached
Please find my resume attached
later
Later on
Later today we meet. Who comes?
later in the day
See you later, Friday works
pause for thought
Pause the video at 3:10
I am away until Monday
away until Monday
yes
3
now
none
friday
where?
all
daily
mon thu
help
Thanks Bob
Thank you!
me too
+1
same here
Digest it slowly
I read the digest on my phone
Does anyone read the digest?
The digest
Zusammenfassung bitte
Keine Zusammenfassung
Ich möchte die Zusammenfassung lesen
The digest is great
Löschen!
Bitte löschen
Nehmen
Ich würde streichen
Ich auch
Mich bitte auch
Ich komme am Freitag nicht
Bitte tragt mich für Freitag ein
Bitte tragt euch aus der Helferliste aus, wenn ihr nicht könnt
Ich melde mich morgen
Wie kann ich Mitglieder austragen?
Pause machen wir um zehn
Später mehr
"""


def rows(table: str) -> Iterator[list[str]]:
    return ([cell.strip() for cell in row.split("|")] for row in table.strip().splitlines())


@pytest.mark.parametrize("is_reply", [True, False])
@pytest.mark.parametrize(("language", "text"), [(row[0], row[1]) for row in rows(LEAVE)])
def test_who_wants_to_leave_says_it_in_many_ways(language: str, text: str, is_reply: bool) -> None:
    assert whole_request(text, "Garlic", is_reply=is_reply, language=language) == Asked("leave")


@pytest.mark.parametrize("is_reply", [True, False])
@pytest.mark.parametrize(("language", "text", "verb", "words"), [(*row, "")[:4] for row in rows(OTHERS)])
def test_what_is_asked_is_known_by_its_verb(
    language: str, text: str, verb: str, words: str, is_reply: bool
) -> None:
    wanted = Asked(verb, words) if verb else None
    assert whole_request(text, "Garlic", is_reply=is_reply, language=language) == wanted


@pytest.mark.parametrize("text", POSTS.strip().splitlines())
def test_what_people_say_to_one_another_in_a_thread_is_a_post(text: str) -> None:
    for language in ("en", "de"):
        assert whole_request(text, "Re: Garlic", is_reply=True, language=language) is None


@pytest.mark.parametrize(
    "text",
    [
        "Hi all, please unsubscribe me. Thanks, Bob",
        "Hi all,\n\nplease unsubscribe me.\n\nThanks,\nBob Smith",
        "Hi all\nplease unsubscribe me\nThanks\nBob",
        "Dear list owner,\n\nplease remove me from\nthis mailing list.\n\nKind regards\nAna Silva",
        "Hello Bob,\nplease take me off this list.\nThank you very much!\nAna",
        "Good morning, everyone. Please remove me. Best, Ana",
        "unsubscribe\n\nBob",
        "unsubscribe\r\nBob Smith\r\n",
        "Please unsubscribe me.\n\nSent from my iPhone",
        "I get too many emails. Please unsubscribe me.",
        "I don't know how I got on this list. Please remove me. Thanks!",
        "Sorry for the noise, but please remove me",
        "Hallo zusammen,\n\nbitte nehmt mich aus dem Verteiler.\n\nViele Grüße\nHans Meier",
        "Sehr geehrte Damen und Herren,\nbitte tragen Sie mich aus.\nMit freundlichen Grüßen\nEva Kranz",
        "Liebe Leute, ich bekomme zu viele Mails. Bitte tragt mich aus. Danke, Eva",
        "Bonjour,\n\nveuillez me désinscrire de cette liste.\n\nMerci\nAmélie",
    ],
)
def test_greeting_thanks_reason_and_name_do_not_make_it_a_post(text: str) -> None:
    assert whole_request(text, "Garlic", is_reply=True, language="de") == Asked("leave")
    assert whole_request(text, "Garlic", is_reply=False) == Asked("leave")


def test_two_different_requests_are_a_post_for_nobody_can_say_which_is_meant() -> None:
    assert whole_request("mute\nunsubscribe", "", is_reply=True) is None


@pytest.mark.parametrize(
    ("subject", "text", "found"),
    [
        ("unsubscribe", "", Asked("leave")),
        ("Unsubscribe", " \n", Asked("leave")),
        ("unsubscribe", "unsubscribe", Asked("leave")),
        ("unsubscribe", "Thanks, Bob", Asked("leave")),
        ("unsubscribe", "Bob Smith", Asked("leave")),
        ("unsubscribe", "I get too many emails", Asked("leave")),
        ("Please remove me", "Thank you!", Asked("leave")),
        ("Abmelden", "", Asked("leave")),
        ("digest", "", Asked("digest", "daily")),
        ("Pause until 6 jan", "", Asked("pause", "until 6 jan")),
        ("unsubscribe", "Does anybody know how this works in Mailman?", None),
        ("How to unsubscribe", "is the question that I hear most.", None),
        ("Re: unsubscribe", "", None),
        ("AW: unsubscribe", "it works", None),
        ("Fwd: unsubscribe", "", None),
        ("Garlic", "", None),
        ("yes", "", Doubtful("yes")),
    ],
)
def test_the_subject_of_a_new_mail_counts_where_the_text_says_no_more(
    subject: str, text: str, found: Asked | Doubtful | None
) -> None:
    assert whole_request(text, subject, is_reply=False) == found


def test_an_empty_reply_in_a_thread_about_leaving_asks_nothing() -> None:
    assert whole_request("", "unsubscribe", is_reply=True) is None
    assert whole_request("", "Re: unsubscribe", is_reply=True) is None


@pytest.mark.parametrize(
    "text",
    ["me too", "Me too please!", "me too, please. Thanks, Bob", "same here", "Ich auch", "mich bitte auch"],
)
def test_me_too_is_a_request_only_where_a_request_was_made(text: str) -> None:
    assert whole_request(text, "Re: Unsubscribe", is_reply=True) == Asked("leave")
    assert whole_request(text, "AW: Bitte austragen", is_reply=True) == Asked("leave")
    assert whole_request(text, "Re: Garlic", is_reply=True) is None
    assert whole_request(text, "Garlic", is_reply=False) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("yes", "yes"),
        ("Yes!", "yes"),
        ("yes please", "yes"),
        ("yes, thanks", "yes"),
        ("3", "3"),
        ("now", "now"),
        ("none", "none"),
        ("friday", "friday"),
        ("mon thu", "mon thu"),
        ("daily", "daily"),
        ("weekly", "weekly"),
        ("mine", "mine"),
        ("where?", "where"),
        ("all", "all"),
        ("help", "help"),
        ("settings", "settings"),
        ("later", "later"),
        ("bye", "bye"),
        ("3 ok", "3 ok"),
        ("all ok", "all ok"),
        ("ja", "ja"),
        ("täglich", "taglich"),
        ("montags", "montags"),
    ],
)
def test_an_ordinary_word_alone_in_a_new_mail_is_asked_about(text: str, words: str) -> None:
    assert whole_request(text, "Garlic", is_reply=False, language="de") == Doubtful(words)


@pytest.mark.parametrize(
    "text",
    [
        "Bye!",
        "Tschüss",
        "Ich möchte mich abmelden",
        "Hiermit melde ich mich ab",
        "Wie kann ich mich abmelden?",
    ],
)
def test_what_may_as_well_be_said_to_people_is_asked_about_in_a_thread_too(text: str) -> None:
    assert isinstance(whole_request(text, "Re: Treffen", is_reply=True, language="de"), Doubtful)


@pytest.mark.parametrize("text", ["stop", "Stop.", "away until Monday"])
def test_some_words_are_a_request_only_in_a_new_mail(text: str) -> None:
    assert isinstance(whole_request(text, "Garlic", is_reply=False), Asked)
    assert whole_request(text, "Re: Garlic", is_reply=True) is None


# -- real posts -------------------------------------------------------------------------------------------


def posts_of_an_archive() -> Iterator[Mail]:
    for name, raw in corpus("archives/twisted-web"):
        if name.endswith(".mbox"):
            for found in read_mbox(raw.splitlines(keepends=True), 10_000_000):
                mail = parse(found.raw)
                assert isinstance(mail, Mail)
                yield mail


def new_words(text: str) -> str:
    """Roughly: without quotes, the line above them, and a signature."""
    lines = text.partition("\n-- \n")[0].splitlines()
    return "\n".join(line for line in lines if not re.match(r">|.*(?:wrote|schrieb):?\s*$", line))


def test_none_of_1250_real_posts_is_taken_for_a_request() -> None:
    taken, seen = [], 0
    for mail in posts_of_an_archive():
        seen += 1
        for text, is_reply in (
            (mail.text, False),
            (new_words(mail.text), False),
            (new_words(mail.text), True),
        ):
            found = whole_request(text, mail.subject, is_reply=is_reply)
            taken += [(text, found)] if found else []
    assert seen > 1250
    assert taken == []


def test_none_of_the_replies_of_the_quote_corpus_is_taken_for_a_request() -> None:
    for name, raw in corpus("quotes"):
        text = raw.decode("utf-8", "replace")
        for words in (text, new_words(text)):
            assert whole_request(words, "Re: x", is_reply=True) is None, name
            found = whole_request(words, "x", is_reply=False)
            assert found is None or (words.strip() == "Yes." and found == Doubtful("yes")), name


# -- whatever strangers send ------------------------------------------------------------------------------

SAID = [row[1] for row in (*rows(LEAVE), *rows(OTHERS))] + POSTS.strip().splitlines()
ODD = [
    "\n",
    "\n\n",
    ",",
    ".",
    "!",
    "Hi",
    "Bob",
    "thanks",
    "please",
    "me",
    "a@b.example",
    "from this list",
    "é",
    "1",
]


@given(
    st.one_of(st.text(max_size=700), st.lists(st.sampled_from([*SAID, *ODD]), max_size=12).map(" ".join)),
    st.one_of(st.text(max_size=100), st.sampled_from(SAID)),
    st.booleans(),
    st.sampled_from(("en", "de", "fr", "")),
)
def test_nothing_that_is_written_raises(text: str, subject: str, is_reply: bool, language: str) -> None:
    found = whole_request(text, subject, is_reply=is_reply, language=language)
    assert found is None or isinstance(found, Asked | Doubtful)


WORDS = (
    "unsubscribe me from ",
    "the ",
    "thanks ",
    "please ",
    "Hi ",
    "i d like to ",
    "from of ",
    "a@b ",
    ". ",
    "T ",
    "\n",
    "a",
    "-",
    ", ",
)


@pytest.mark.parametrize("word", WORDS)
def test_the_worst_that_fits_takes_a_moment_and_more_is_not_read(word: str) -> None:
    began = time.perf_counter()
    text = (word * 600)[:600]
    whole_request(text, text, is_reply=False)
    whole_request(word * 1_000_000, "", is_reply=True)
    assert time.perf_counter() - began < 10
