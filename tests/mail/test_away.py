"""Out-of-office mail without a word of it in the header; and what people say that sounds alike."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.types import Automatic, Mail
from listserv.mail.away import _MACHINE, _SIGNS, _THANKS, is_away_reply
from listserv.mail.mbox import read_mbox
from listserv.mail.parse import parse
from listserv.mail.reports import kind_of_report
from tests.kit.corpora import corpus

MACHINES = [
    ("Automatic reply: Garlic", "I am out of the office until Monday, 12 January."),
    ("Automatic reply: Garlic", "I'm currently on annual leave.\n\nKind regards\nBob"),
    ("Automatic reply: Garlic", "Our office is closed until 5 January."),
    ("Automatic reply: Garlic", "Thank you for your message. I'll be back on 12 January."),
    ("Autoreply: Garlic", "Bob Smith no longer works here. Please contact info@hill.example."),
    ("Auto reply", "Thank you for contacting us. Your message has been received."),
    ("Out of Office", "I am out of the office until Monday and will reply to your message when I return."),
    ("Out of office: Re: Garlic", "I'm away this week. I will get back to you on my return."),
    ("Away until May 5", "I am currently away and will respond to you upon my return on May 5th."),
    ("Away until May 5", "This is an automated reply. I am on vacation."),
    ("Re: Garlic", "This is an automatic reply. I'm out of office and will be back in the office on Monday."),
    (
        "Re: Garlic",
        "Thank you for your e-mail. I am out of the office until 12 January with limited access to email.\n"
        "For urgent matters please contact eva@hill.example.",
    ),
    ("Abwesenheitsnotiz: Knoblauch", "Ich bin bis zum 12. Januar nicht im Büro."),
    ("Automatische Antwort: Knoblauch", "Ich bin im Urlaub und ab dem 12.1. wieder erreichbar."),
    ("Abwesend", "Ich bin vom 5. bis 9.1. nicht im Haus. Ihre E-Mail wird nicht weitergeleitet.\n"
     "In dringenden Fällen wenden Sie sich bitte an Eva Kranz."),
    (
        "AW: Knoblauch",
        "Vielen Dank für Ihre Nachricht. Ich bin bis 12.1. im Urlaub und ab dem 13.1. wieder im Büro.\n"
        "In dringenden Fällen wenden Sie sich an Eva Kranz.",
    ),
    ("Re: Knoblauch", "Dies ist eine automatische Antwort. Ich bin im Urlaub, am 12.1. wieder erreichbar."),
    ("Réponse automatique : ail", "Je suis absente jusqu'au 12 janvier."),
    ("Absence", "Je suis en congés. De retour le 12 janvier, je vous répondrai."),
    ("Respuesta automática: ajo", "Estaré fuera de la oficina hasta el 12 de enero."),
    ("Fuera de la oficina", "Estoy de vacaciones. Contestaré su mensaje a mi regreso."),
    ("Risposta automatica: aglio", "Sono fuori ufficio fino al 12 gennaio."),
    ("Fuori ufficio", "Sono in ferie. Leggerò la sua mail al mio rientro."),
    ("Resposta automática: alho", "Estou de férias até 12 de janeiro."),
    ("Ausência", "Estarei fora do escritório. Responderei à sua mensagem no meu retorno."),
    ("Automatisch antwoord: knoflook", "Ik ben tot 12 januari niet op kantoor."),
    ("Afwezig", "Ik ben met vakantie. Na terugkomst beantwoord ik uw bericht."),
    ("Odpowiedź automatyczna: czosnek", "Jestem poza biurem do 12 stycznia."),
    ("Nieobecność", "Przebywam na urlopie. Odpowiem po powrocie."),
    ("Autosvar: vitlök", "Jag är på semester till den 12 januari."),
    ("Frånvaro", "Jag är inte på kontoret. Jag läser ditt meddelande när jag är tillbaka."),
    ("Autosvar: hvidløg", "Jeg er på ferie til den 12. januar."),
    ("Fravær", "Jeg er ikke på kontoret. Jeg leser din melding når jeg er tilbake."),
    ("Automaattinen vastaus: valkosipuli", "Olen lomalla 12. tammikuuta asti."),
    ("Poissa", "Olen vuosilomalla ja palaan 12.1. Luen viestisi silloin."),
]  # fmt: skip

PEOPLE = [
    ("Out of office next week", "I am out of the office next week. Who can lead the call?"),
    ("Out of office next week", "I am away from Monday. Please contact Eva if the shed is locked."),
    ("Vacation plans", "I am on vacation in May and will be back in June. And you?"),
    ("Vacation", "When do you go? I am away until Monday."),
    ("Re: Garlic", "I am out of the office until Monday, I'll look at it then."),
    ("Re: Garlic", "Thanks for your message, Ana! I'm on vacation until Monday and will be back then."),
    ("Re: Garlic", "Sorry, I was away. Thank you for your mail."),
    ("Re: Automatic reply: Garlic", "I am out of the office, too."),
    ("Re: Automatic reply: Garlic", "Bob, you answer the whole list. I am away so often that I know."),
    ("Automatic replies", "How do I turn them on? I am out of the office next week."),
    ("Auto-reply settings", "I am away from Friday. How do I set this up in Outlook?"),
    ("Automatic reply: how?", "Does anybody know where that setting is?"),
    ("Absence of evidence", "is no evidence of absence. I am back on my old topic."),
    ("Abwesenheit am Freitag", "Ich bin am Freitag nicht im Büro. Wer übernimmt?"),
    ("AW: Knoblauch", "Ich bin bis Montag im Urlaub, danach gern."),
    ("Urlaub", "Ich bin im Urlaub. Meldet euch in dringenden Fällen bei Eva."),
    ("Away until May 5", "> I am away until May 5 and will reply to your mail when I return.\n\nHave fun!"),
    ("Re: Garlic", "Bob wrote:\nThis is an automatic reply. I am away, back on Monday.\n\nWhy this?"),
    ("The office is closed", "Our office is closed on Friday, come on Monday."),
]  # fmt: skip


@pytest.mark.parametrize(("subject", "text"), MACHINES)
def test_a_program_that_answers_for_somebody_is_known_by_several_signs(subject: str, text: str) -> None:
    assert is_away_reply(subject, text)


@pytest.mark.parametrize(("subject", "text"), PEOPLE)
def test_people_who_say_that_they_are_away_are_people(subject: str, text: str) -> None:
    assert not is_away_reply(subject, text)


@pytest.mark.parametrize(("subject", "text"), MACHINES)
def test_neither_the_subject_nor_the_text_of_an_absence_is_enough_alone(subject: str, text: str) -> None:
    assert not is_away_reply(subject, "")
    assert not is_away_reply(subject, "When do you plant your garlic?")
    assert subject.startswith(("Re:", "AW:")) or "automat" in text or not is_away_reply("Garlic", text)


# What RFC 3834 and its forerunners put into a header, and what a relay adds.
TELLING = re.compile(
    rb"^(?:auto-submitted|x-auto[\w-]*|(?:x-)?precedence|return-path):[^\n]*\n(?:[ \t][^\n]*\n)*", re.I | re.M
)
REAL = ("bounces/sisimai/rfc3834-01.eml", "bounces/sisimai/rfc3834-06.eml", "bounces/flufl/qmail_08.txt")


@pytest.mark.parametrize("name", REAL)
def test_the_real_ones_are_known_by_their_header_and_without_it(name: str) -> None:
    raw = dict(corpus(name.rpartition("/")[0]))[name].replace(b"\r\n", b"\n")
    header, _, body = raw.partition(b"\n\n")
    silent = TELLING.sub(b"", header + b"\n") + b"\n" + body
    assert len(silent) < len(raw)
    for one in (raw, silent):
        mail = parse(one)
        assert isinstance(mail, Mail)
        assert mail.automatic is Automatic.REPLY
        assert kind_of_report(one) == "auto-reply"


def test_no_real_post_reply_or_bounce_is_taken_for_one() -> None:
    seen = 0
    for name, raw in corpus("quotes", "threads", "auth", "bounces", "archives/twisted-web"):
        box = [found.raw for found in read_mbox(raw.splitlines(keepends=True), 10_000_000)]
        for one in box if name.endswith(".mbox") else [raw]:
            mail = parse(one)
            if isinstance(mail, Mail) and name not in REAL:
                seen += 1
                assert not is_away_reply(mail.subject, mail.text), name
    assert seen > 1900


FRAGMENTS = re.sub(r"[^\w ]+", " ", " ".join((_MACHINE, _THANKS, *_SIGNS.values()))).split()


@given(
    st.text(max_size=80), st.one_of(st.text(max_size=500), st.lists(st.sampled_from(FRAGMENTS)).map(" ".join))
)
def test_nothing_that_is_written_raises(subject: str, text: str) -> None:
    assert is_away_reply(subject, text) in (True, False)


@pytest.mark.parametrize(
    "word", ["i am ", "ich bin ", "dringende ", "urgent ", "a", " ", "\n", "> ", "ab dem 1.", "(", "İ"]
)
def test_the_worst_that_fits_takes_a_moment_and_more_is_not_read(word: str) -> None:
    began = time.perf_counter()
    is_away_reply(word * 1000, (word * 4000)[:4000])
    is_away_reply(word * 1000, word * 1_000_000)
    assert time.perf_counter() - began < 10
