"""Replies read right: each mail program, many languages, our own words known again, nobody's words eaten."""

from __future__ import annotations

import re
import sys
import textwrap
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.core.replies import first_line, new_words, pieces, read_reply

# -- what mail programs write above a quote ----------------------------------------------------------------

ATTRIBUTIONS = {
    "Gmail, English": "On Mon, Jan 1, 2024 at 10:00 AM Ana Silva <ana@x.example> wrote:",
    "Gmail, wrapped": "On Mon, Jan 1, 2024 at 10:00 AM Ana Silva via Book Circle <\nbook@x.example> wrote:",
    "Gmail, wrapped in three": "On Mon, Jan 1, 2024 at 10:00 AM Ana Silva\n<ana@x.example>\nwrote:",
    "Gmail, German": "Am Mo., 1. Jan. 2024 um 10:00 Uhr schrieb Ana Silva <ana@x.example>:",
    "Gmail, French": "Le lun. 1 janv. 2024 à 10:00, Ana Silva <ana@x.example> a écrit :",
    "Gmail, Spanish": "El lun, 1 ene 2024 a las 10:00, Ana Silva (<ana@x.example>) escribió:",
    "Gmail, Portuguese": "Em seg., 1 de jan. de 2024 às 10:00, Ana Silva <ana@x.example>\nescreveu:",
    "Gmail, Italian": "Il giorno lun 1 gen 2024 alle ore 10:00 Ana Silva <ana@x.example> ha\nscritto:",
    "Gmail, Dutch": "Op ma 1 jan 2024 om 10:00 schreef Ana Silva <ana@x.example>:",
    "Gmail, Swedish": "Den mån 1 jan. 2024 kl 10:00 skrev Ana Silva <ana@x.example>:",
    "Gmail, Danish": "Den man. 1. jan. 2024 kl. 10.00 skrev Ana Silva <ana@x.example>:",
    "Gmail, Finnish": "ma 1. tammik. 2024 klo 10.00 Ana Silva (ana@x.example) kirjoitti:",
    "Gmail, Polish": "pon., 1 sty 2024 o 10:00 Ana Silva <ana@x.example> napisał(a):",
    "Gmail, Czech": "po 1. 1. 2024 v 10:00 odesílatel Ana Silva <ana@x.example> napsal:",
    "Gmail, Russian": "пн, 1 янв. 2024 г. в 10:00, Ana Silva <ana@x.example>:",
    "Gmail, Ukrainian": "пн, 1 січ. 2024 р. о 10:00 Ana Silva <ana@x.example> пише:",
    "Gmail, Turkish": "Ana Silva <ana@x.example>, 1 Oca 2024 Pzt, 10:00 tarihinde şunu yazdı:",
    "Gmail, Hungarian": "Ana Silva <ana@x.example> ezt írta (időpont: 2024. jan. 1., H, 10:00):",
    "Gmail, Romanian": "lun., 1 ian. 2024 la 10:00, Ana Silva <ana@x.example> a scris:",
    "Gmail, Greek": "Στις Δευ 1 Ιαν 2024 στις 10:00 π.μ., ο χρήστης Ana <ana@x.example> έγραψε:",
    "Gmail, Catalan": "Missatge de Ana Silva <ana@x.example> del dia dl., 1 de gen. 2024 a les 10:00:",
    "Gmail, Japanese": "2024年1月1日(月) 10:00 Ana Silva <ana@x.example>:",
    "Gmail, Chinese": "Ana Silva <ana@x.example> 于2024年1月1日周一 10:00写道：",
    "Gmail, Korean": "2024년 1월 1일 (월) 오전 10:00, Ana Silva <ana@x.example>님이 작성:",
    "Gmail, Vietnamese": "Vào Th 2, 1 thg 1, 2024 vào lúc 10:00 Ana Silva <ana@x.example> đã viết:",
    "Gmail, Hebrew": "בתאריך יום ב׳, 1 בינו׳ 2024 ב-10:00 מאת Ana Silva <ana@x.example>:",
    "Apple Mail": "On 1 Jan 2024, at 10:00, Ana Silva <ana@x.example> wrote:",
    "Apple Mail, German": "Am 01.01.2024 um 10:00 schrieb Ana Silva <ana@x.example>:",
    "Apple Mail, Norwegian": "Den 1. jan. 2024 kl. 10:00 skrev Ana Silva <ana@x.example>:",
    "iPhone, Dutch": "Op 1 jan. 2024 om 10:00 heeft Ana Silva <ana@x.example> het volgende geschreven:",
    "Thunderbird": "On 1/1/24 10:00, Ana Silva wrote:",
    "Thunderbird, French": "Le 01/01/2024 à 10:00, Ana Silva a écrit :",
    "Thunderbird, Polish": "W dniu 01.01.2024 o 10:00, Ana Silva pisze:",
    "Yahoo": "On Monday, January 1, 2024 at 10:00:00 AM GMT+1, Ana Silva <ana@x.example> wrote:",
    "Yahoo, German": "Am Montag, 1. Januar 2024 um 10:00:00 MEZ hat Ana <a@x.example> Folgendes geschrieben:",
    "GMX": "Ana Silva <ana@x.example> hat am 01.01.2024 10:00 CET geschrieben:",
    "K-9": "Am 1. Januar 2024 10:00:00 MEZ schrieb Ana Silva <ana@x.example>:",
    "Zoho": "---- On Mon, 01 Jan 2024 10:00:00 +0100 ana@x.example wrote ----",
    "Yandex": '01.01.2024, 10:00, "Ana Silva" <ana@x.example>:',
    "Netease": '在 2024-01-01 10:00:00，"Ana Silva" <ana@x.example> 写道：',
    "Lotus, web mail": "-----Ana Silva <ana@x.example> wrote: -----",
    "with a weekday and no year": "On Mon, Jan 1, Ana Silva\n<ana@x.example>\nwrote:",
}
BLOCKS = {
    "Outlook": "From: Ana\nSent: Monday, January 1, 2024 10:00 AM\nTo: Book\nSubject: Garlic",
    "Outlook, ruled": f"{'_' * 32}\nFrom: Ana <a@x.example>\nSent: Monday\nTo: Book\nSubject: Garlic",
    "Outlook, older": "-----Original Message-----\nFrom: Ana\nSent: Monday\nTo: Book\nSubject: Garlic",
    "Outlook, bold": "*From:* Ana\n*Sent:* Monday\n*To:* Book\n*Cc:* Ben\n*Subject:* Garlic",
    "Outlook, a long line": "From: Ana\n<ana@x.example>\nSent: Monday\nTo: Book;\nBen\nSubject: Garlic",
    "Outlook, German": "Von: Ana\nGesendet: Montag, 1. Januar 2024 10:00\nAn: Book\nBetreff: AW: Knoblauch",
    "Outlook, French": "De : Ana\nEnvoyé : lundi 1 janvier 2024 10:00\nÀ : Book\nObjet : Ail",
    "Outlook, Spanish": "De: Ana\nEnviado el: lunes, 1 de enero de 2024 10:00\nPara: Book\nAsunto: Ajo",
    "Outlook, Portuguese": "De: Ana\nEnviada em: segunda-feira, 1\nPara: Book\nAssunto: Alho",
    "Outlook, Italian": "Da: Ana\nInviato: lunedì 1 gennaio 2024 10:00\nA: Book\nOggetto: Aglio",
    "Outlook, Dutch": "Van: Ana\nVerzonden: maandag 1 januari 2024 10:00\nAan: Book\nOnderwerp: Look",
    "Outlook, Swedish": "Från: Ana\nSkickat: den 1 januari 2024 10:00\nTill: Book\nÄmne: Vitlök",
    "Outlook, Danish": "Fra: Ana\nSendt: 1. januar 2024 10:00\nTil: Book\nEmne: Hvidløg",
    "Outlook, Finnish": "Lähettäjä: Ana\nLähetetty: maanantai 1\nVastaanottaja: Book\nAihe: Kynsi",
    "Outlook, Polish": "Od: Ana\nWysłano: poniedziałek, 1\nDo: Book\nTemat: Czosnek",
    "Outlook, Czech": "Od: Ana\nOdesláno: pondělí 1. ledna\nKomu: Book\nPředmět: Česnek",
    "Outlook, Russian": "От: Ana\nОтправлено: 1 января\nКому: Book\nТема: Чеснок",
    "Outlook, Turkish": "Kimden: Ana\nGönderildi: 1 Ocak\nKime: Book\nKonu: Sarımsak",
    "Outlook, Hungarian": "Feladó: Ana\nElküldve: 2024. január 1.\nCímzett: Book\nTárgy: Fok",
    "Outlook, Greek": "Από: Ana\nΣτάλθηκε: Δευτέρα\nΠρος: Book\nΘέμα: Σκόρδο",
    "Outlook, Chinese": "发件人: Ana\n发送时间: 2024年1月1日 10:00\n收件人: Book\n主题: 大蒜",
    "Outlook, Japanese": "差出人: Ana\n送信日時: 2024年1月1日 10:00\n宛先: Book\n件名: にんにく",
    "Outlook, Korean": "보낸 사람: Ana\n보낸 날짜: 2024년 1월 1일\n받는 사람: Book\n제목: 마늘",
    "Lotus Notes": "From:\tAna/Home\nTo:\tBook\nCc:\tBen\nDate:\t01.01.2024\nSubject:\tGarlic\nSent by:\tC",
    "AOL": "-----Original Message-----\nFrom: Ana <a@x.example>\nTo: Book\nSent: Mon, Jan 1\nSubject: Garlic",
    "Zimbra": "----- Mail original -----\nDe: Ana\nÀ: Book\nEnvoyé: Lundi 1\nObjet: Ail",
    "Samsung": "-------- Ursprüngliche Nachricht --------\nVon: Ana <a@x.example>\nDatum: 01.01.24 10:00",
    "Orange": "====\n\nMessage du : 01/01/2024 10:00\nDe : Ana\nA : Book\nCopie à :\nSujet : Ail",
    "QQ": "------------------ 原始邮件 ------------------\n发件人: Ana\n发送时间: 2024\n收件人: Book",
    "Hotmail": "---\nDate: Mon, 1 Jan 2024\nSubject: Garlic\nFrom: a@x.example\nTo: b@x.example",
    "Gmail, forwarded": "---------- Forwarded message ---------\nFrom: Ana\nDate: Mon\nSubject: X\nTo: Book",
    "Thunderbird, forwarded": "-------- Weitergeleitete Nachricht --------\nBetreff: X\nDatum: Mo\nVon: A",
    "Proton": "------- Original Message -------\nOn Monday, January 1st, 2024 at 10:00, Ana <a@x.y> wrote:",
}
OLD = "I plant mine in October,\nby the almanac.\n\nAna"


def marked(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.split("\n"))


@pytest.mark.parametrize("name", ATTRIBUTIONS)
def test_what_stands_above_and_below_a_quote_is_new_and_the_line_over_the_quote_is_not(name: str) -> None:
    text = f"Mine grows.\n\n{ATTRIBUTIONS[name]}\n\n{marked(OLD)}\n\nSo there.\n"
    assert new_words(text) == "Mine grows.\n\nSo there."


@pytest.mark.parametrize("name", ATTRIBUTIONS | BLOCKS)
def test_all_that_is_under_a_mail_programs_mark_is_quoted_even_without_a_sign_at_each_line(name: str) -> None:
    text = f"Mine grows.\n\n{(ATTRIBUTIONS | BLOCKS)[name]}\n\n{OLD}\n"
    if name.startswith(("Thunderbird, Polish", "with a weekday")):  # right as well, see above
        text = text.replace(OLD, marked(OLD))
    assert new_words(text) == "Mine grows."


@pytest.mark.parametrize("name", BLOCKS)
def test_a_forward_with_nothing_above_stays(name: str) -> None:
    text = f"{BLOCKS[name]}\n\n{OLD}"
    if name != "Proton":  # an attribution, which is nobody's words
        assert new_words(text).split() == text.split()


def test_a_forward_that_marks_its_lines_stays_too_and_words_above_it_make_it_a_quote() -> None:
    forward = f"Begin forwarded message:\n\n{marked(BLOCKS['Outlook'])}\n>\n{marked(OLD)}\n"
    assert new_words(f"Sent from my iPhone\n\n{forward}").endswith("> Ana")
    assert new_words(f"Have a look.\n\n{forward}") == "Have a look."


def test_answers_between_quotes_stay_and_stand_in_order_under_what_they_answer() -> None:
    text = f"{ATTRIBUTIONS['Gmail, English']}\n\n> When?\n\nNow.\n\n> Where?\nHere.\n> Why?\n"
    assert [(piece.kind, piece.text.strip()) for piece in pieces(text)][1:] == [
        ("new", "Now."),
        ("quoted", "> Where?"),
        ("new", "Here."),
        ("quoted", "> Why?"),
    ]


CUT = {
    "snipped": "Fine.\n\n{on}\n[snip]\n\nI see it like that: it grows.",
    "dots": "Fine.\n\n{on}\n\n[...]\n\nI see it like that.",
    "snipped, then marked": "Fine.\n\n{on}\n\n[snip: about roses]\n> and tulips\n\nThose grow.",
    "cut out whole": "Hi,\n\n{on}\n\nThanks, Ana. It grows.",
    "one mark further down": "Fine.\n\n{on}\n\nWell, tulips:\n\n> and roses?\n\nThose too.",
}


@pytest.mark.parametrize("name", CUT)
def test_who_cuts_the_quote_and_answers_under_its_introduction_loses_no_word(name: str) -> None:
    text = CUT[name].format(on="On Sat, 15 Jul 2006 14:40:24 -0500, <lloyd@x.example> wrote:")
    kept = "\n".join(line for line in text.split("\n") if not line.startswith((">", "On Sat")))
    assert new_words(text).split() == kept.split()


def test_bars_and_names_in_front_quote_under_an_attribution_and_nowhere_else() -> None:
    cited = "Ana Silva wrote:\n| When?\n|\n| Where?\n\nNow.\n\n| a table | of mine |\n| And why?\nSo.\n"
    assert new_words(cited) == "Now.\n\n| a table | of mine |\n\nSo."
    assert new_words("On Mon, Jan 1, 2024 at 10:00, Ana wrote:\n\nAna> When?\nAna> Where?\n\nNow.") == "Now."
    assert new_words("It said\n\nsql> select 1;\n| 1\n") == "It said\n\nsql> select 1;\n| 1"


# -- words of the author's that look like marks ------------------------------------------------------------

ALL_NEW = {
    "a sentence with On": "On the surface it looks odd.\n\nOn average, in 2024, it works well:\n\nit grows",
    "a weekday": "On Thursday:\n\nwe meet",
    "a letter that is told of": "On Thursday Ana wrote:\n\nI can't come",
    "a quotation by hand": "As Ben wrote:\n> x\n".replace("> x", "bread first"),
    "where to write to": "Write to ana@x.example before 3.5.2024:\n\n1. your name\n2. your town",
    "what somebody wrote": "I had an answer of ana@x.example, and this is what she wrote:\n\nwe come",
    "a time table": "Date: 3 May\nTime: 10:00\nTo: the garden\n\nBring a spade.",
    "a contact": "------ Contact ------\nName: Ana\nMail: ana@x.example\nPhone: 12\n\nCall her.",
    "labels in a sentence": "The data comes From: us, not From: others.\nSubject: to change",
    "two dashes in front": "because of:\n-- the first point\n-- the second point\n\nThanks!",
    "ruled lines": "# Points\n----\n\n1. one\n\n----\n\n====\n\nand more",
    "sent as a verb": "Sent from my desk, is much easier than my mobile phone.",
    "sent in a sentence": "The note was sent from my iPhone app to all.\n\nAll is sent from the server.",
    "a parcel": "When did you send it?\n\nSent by mail yesterday",
    "a closing": "See you!\n\nBest regards,\nAna\nGarden Circle",
    "Python": "Try this:\n\n>>> import this\n>>> 1 + 1\n2\n",
    "a face": "no\n>:-( not again\n",
    "mbox": "I come\n>From Berlin\nby train",
    "code": "```\n> x\nOn Mon, Jan 1, 2024 at 10:00 AM Ana <a@x.y> wrote:\n-- \nFrom: a\n```\n\nas above",
    "a secret": "This message is confidential, so please tell nobody about the party that we plan for Ana.",
    "a long part under dashes": "one\n--\n" + "\n".join(f"line {n} of many" for n in range(20)),
}


@pytest.mark.parametrize("name", ALL_NEW)
def test_words_that_only_look_like_a_mark_stay(name: str) -> None:
    text = ALL_NEW[name]
    assert read_reply(text).new == text.strip("\n")
    assert [piece.kind for piece in pieces(text)] == ["new"]


def test_a_line_that_may_be_an_attribution_stays_where_nothing_quoted_follows() -> None:
    assert new_words("Yes.\n\nOn Nov 26, 2013 you wrote:\n\nall of it").endswith("wrote:\n\nall of it")


def test_a_postscript_under_a_signature_stays() -> None:
    words = read_reply("Bye\n-- \nAna\nP.S. the keys are under the mat")
    assert (words.new, words.signature) == ("Bye\n\nP.S. the keys are under the mat", "-- \nAna")


# -- signatures ------------------------------------------------------------------------------------------

FROM_PROGRAMS = """Sent from my iPhone|Von meinem iPhone gesendet|Envoyé de mon iPhone|Enviado desde mi iPhone
    |Enviado do meu iPhone|Inviato da iPhone|Verstuurd vanaf mijn iPhone|Skickat från min iPhone
    |Sendt fra min iPhone|Lähetetty iPhonesta|Wysłane z iPhone'a|Odesláno z iPhonu|Отправлено с iPhone
    |Надіслано з iPhone|iPhone'umdan gönderildi|iPhoneから送信|发自我的iPhone
    |從我的 iPhone 傳送|나의 iPhone에서 보냄
    |Στάλθηκε από το iPhone μου|Trimis de pe iPhone|Được gửi từ iPhone|Sent from my Galaxy|Sent from Outlook
    |Get Outlook for iOS<https://aka.ms/o0ukef>|Get Outlook for Android|Outlook für Android beziehen
    |Télécharger Outlook pour iOS<https://aka.ms/o0ukef>|Obtener Outlook para iOS|Hämta Outlook för iOS
    |Sent from Mail for Windows 10|Sent from Yahoo Mail on Android|Sent with Proton Mail secure email.
    |Sent from my Android device with K-9 Mail. Please excuse my brevity.
    |Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.|Gesendet mit der GMX Mail App
    |Sent from my mobile, please excuse any typos|(sent from a phone)|Enviado desde Yahoo Mail para iPhone"""


@pytest.mark.parametrize("line", [line.strip() for line in FROM_PROGRAMS.split("|")])
def test_what_a_telephone_puts_under_a_mail_is_signature_in_every_language(line: str) -> None:
    text = f"leave\n\n{line}\n\n{ATTRIBUTIONS['Gmail, English']}\n\n{marked(OLD)}\n"
    assert read_reply(text).new == "leave"
    assert read_reply(text).signature == line


DISCLAIMERS = {
    "English": "This e-mail is confidential and intended solely for the addressee. If you received it in"
    " error, please delete it.",
    "German": "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Adressat sind"
    " oder sie irrtümlich erhalten haben, vernichten Sie sie bitte. Die Weitergabe ist nicht gestattet.",
    "French": "Ce message est confidentiel et destiné à son seul destinataire. Si vous l'avez reçu par"
    " erreur, merci de le supprimer. Toute diffusion est interdite.",
    "Spanish": "Este mensaje es confidencial y para su destinatario. Si lo recibió por error, elimínelo;"
    " su distribución está prohibida.",
    "Russian": "Это сообщение конфиденциально и предназначено адресату. Если вы получили его по ошибке,"
    " удалите его.",
}


@pytest.mark.parametrize("language", DISCLAIMERS)
def test_a_firms_disclaimer_is_signature(language: str) -> None:
    text = f"I come on Tuesday.\n\nBen\n\n{textwrap.fill(DISCLAIMERS[language], 60)}\n"
    assert new_words(text) == "I come on Tuesday.\n\nBen"


def test_a_signature_and_the_foot_of_a_list_are_signature_and_names_above_stay() -> None:
    foot = f"{'_' * 40}\nbook mailing list\nbook@x.example\nhttps://x.example/book"
    words = read_reply(f"Thanks,\nBen\n\n-- \nBen Okafor\nHill 3\n\n{foot}\n")
    assert words.new == "Thanks,\nBen"
    assert words.signature.startswith("-- \nBen Okafor")
    assert words.signature.endswith("https://x.example/book")


# -- what we ourselves sent -------------------------------------------------------------------------------

CARD = """3 things wait in Book Circle.

1. Ana Silva (newcomer): When do you plant your garlic?
2. Ben Okafor: bicycle for sale, is that all right here? (a link, first post)
3. Cy wants to join: "I heard of you from Ana and would love to read along"

Reply, for example:
   1 ok trust
   2 no thank you
"""


def test_a_hosts_words_are_never_taken_for_the_example_in_our_own_mail() -> None:
    assert new_words("1 ok trust\n2 no thank you\n", [CARD]) == "1 ok trust\n2 no thank you"
    assert first_line(f"1 ok trust\n\n{CARD}", [CARD]) == "1 ok trust"


def test_our_lines_are_quotes_where_nothing_marks_them_and_answers_under_them_stay() -> None:
    lines = CARD.split("\n")
    text = f"{lines[2]}\nok\n{lines[3]}\nno, ask him\n"
    assert [piece.kind for piece in pieces(text, [CARD])] == ["quoted", "new", "quoted", "new"]
    assert new_words(text, [CARD]) == "ok\n\nno, ask him"


def test_answers_typed_into_our_mail_under_outlooks_header_lines_stay() -> None:
    text = f"{BLOCKS['Outlook']}\n\n" + CARD.replace("\n2. ", "\nok\n2. ").replace("\n3. ", "\nno\n3. ")
    assert new_words(text, [CARD]) == "ok\n\nno"
    assert new_words(f"See below.\n\n{text}", [CARD]) == "See below.\n\nok\n\nno"


def test_a_line_that_a_mail_program_broke_out_of_the_quote_is_known_again() -> None:
    text = (
        "> 1. Ana Silva (newcomer): When do you plant\nyour garlic?\n> 2. Ben Okafor: bicycle for sale,\nok\n"
    )
    assert new_words(text, [CARD]) == "ok"


def test_a_phrase_that_everybody_writes_is_its_authors_though_we_sent_it_too() -> None:
    sent = "The hall is free.\n\nPlease let me know if you have any questions.\n\nBest regards\nAna\n" + CARD
    text = "I come.\n\nPlease let me know if you have any questions.\n\nBest regards\nBen\n"
    assert new_words(text, [sent]) == text.strip()


def test_quotes_are_never_read_as_a_command() -> None:
    assert first_line("> leave\n\nthanks\n") == "thanks"
    assert first_line(">approve\n") == ""
    assert first_line("\n\n  Ok. \n-- \nreject\n") == "Ok."
    assert first_line("") == ""


def wrapped(text: str) -> str:
    return "\n".join(textwrap.fill(line, 50) for line in text.split("\n"))


STYLES: dict[str, Callable[[str], str]] = {
    "Gmail": lambda sent: f"{ATTRIBUTIONS['Gmail, English']}\n\n{marked(wrapped(sent))}",
    "Outlook": lambda sent: f"{BLOCKS['Outlook']}\n\n{sent}",
    "Outlook, phone": lambda sent: f"{BLOCKS['Outlook, ruled']}\n{sent}",
    "Apple Mail": lambda sent: f"{ATTRIBUTIONS['Apple Mail']}\n\n{marked(sent)}",
    "Thunderbird": lambda sent: f"{ATTRIBUTIONS['Thunderbird']}\n{marked(sent)}",
    "Yahoo": lambda sent: f"{ATTRIBUTIONS['Yahoo']}\n\n\n{sent}",
    "GMX": lambda sent: f"{BLOCKS['Outlook, German']}\n\n{sent}",
    "K-9": lambda sent: f"{ATTRIBUTIONS['K-9']}\n{marked(sent)}",
    "Lotus": lambda sent: f"{BLOCKS['Lotus Notes']}\n\n\n{wrapped(sent)}",
    "no mark at all": lambda sent: wrapped(sent),
}
OURS = st.lists(
    st.sampled_from(
        ["garlic", "almanac", "12", "yes", "no", "ok", "frost", "grandmother", "plant", "October"]
    ),
    min_size=1,
)
MAILS = st.lists(st.lists(OURS.map(" ".join), min_size=1, max_size=4).map("\n".join), min_size=1, max_size=4)
THEIRS = st.lists(st.lists(st.sampled_from(["fine", "tulip", "leave", "7", "yes"]), min_size=1, max_size=4))


@pytest.mark.parametrize("style", STYLES)
@given(mail=MAILS, theirs=THEIRS.filter(bool))
def test_a_quote_of_what_we_sent_leaves_exactly_the_new_words(
    style: str, mail: list[str], theirs: list[list[str]]
) -> None:
    sent = "A card of the Book Circle for Hanna:\n\n" + "\n\n".join(mail)
    new = "\n".join(map(" ".join, theirs))
    assert new_words(f"{new}\n\n{STYLES[style](sent)}\n", [sent]) == new


# -- nothing is lost, nothing is invented ------------------------------------------------------------------

LINES = st.sampled_from(
    [*ATTRIBUTIONS.values(), *BLOCKS.values(), *CARD.split("\n"), "-- ", "--", "> a", ">> b", "", "Ana", "ok"]
    + [
        "Sent from my iPhone",
        "```",
        "_" * 40,
        "> wrote:",
        ">:",
        "<",
        "On Mon",
        "wrote:",
        "From: x",
        "\r",
        "P.S. x",
    ]
)
TEXTS = st.lists(LINES, max_size=25).map("\n".join) | st.text(alphabet="<>-:@ \n\rOnwrote19|", max_size=200)


@given(TEXTS, st.sampled_from([(), (CARD,), ("", "x")]))
def test_pieces_join_to_the_text_and_neighbours_differ(text: str, sent: tuple[str, ...]) -> None:
    cut = pieces(text, sent)
    assert "".join(piece.text for piece in cut) == text
    assert all(one.kind != other.kind for one, other in zip(cut, cut[1:], strict=False))
    assert {piece.kind for piece in cut} <= {"new", "quoted", "signature"}


@given(TEXTS, st.sampled_from([(), (CARD,)]))
def test_every_word_is_new_or_quoted_or_signature_once(text: str, sent: tuple[str, ...]) -> None:
    words = read_reply(text, sent)
    told = Counter(f"{words.new} {words.quoted} {words.signature}".split())
    assert told == Counter(text.split())


@given(st.text(alphabet="abc \n.,!?", max_size=200))
def test_a_text_without_any_mark_is_all_new(text: str) -> None:
    assert new_words(text).split() == text.split()


# -- hostile texts -----------------------------------------------------------------------------------------

HOSTILE: dict[str, Callable[[int], str]] = {
    "empty lines": lambda n: "\n" * n,
    "signs": lambda n: ">" * n,
    "lines of signs": lambda n: ">\n" * (n // 2),
    "attributions": lambda n: "On Mon, Jan 1, 2024 at 10:00, Ana <a@x.example> wrote:\n" * (n // 54),
    "attributions, apart": lambda n: (
        "On Mon, Jan 1, 2024 at 10:00, Ana <a@x.example> wrote:\n\nx\n\n" * (n // 58)
    ),
    "beginnings": lambda n: "On Mon, Jan 1, 2024 at\n" * (n // 23),
    "ends": lambda n: "<a@x.example> wrote:\n" * (n // 21),
    "header lines": lambda n: "From: a\nTo: b\n" * (n // 14),
    "blocks": lambda n: "From: a\nTo: b\nSubject: c\n\n" * (n // 26),
    "dashes": lambda n: "-" * n,
    "dashed lines": lambda n: "-----\n" * (n // 6),
    "delimiters": lambda n: "--\n" * (n // 3),
    "delimiters and words": lambda n: "--\na\n\n" * (n // 6),
    "fences": lambda n: "```\n" * (n // 4),
    "prompts": lambda n: ">>> a\n\n" * (n // 7),
    "telephones": lambda n: "Sent from my iPhone\n" * (n // 20),
    "one line": lambda n: "a" * n,
    "one line of words": lambda n: "a b " * (n // 4),
    "one line of addresses": lambda n: "a@b " * (n // 4),
    "one paragraph": lambda n: "confidential\n" * (n // 13),
    "our words": lambda n: CARD * (n // len(CARD)),
    "one word of ours": lambda n: "garlic\n" * (n // 7),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_twice_the_text_is_at_most_twice_the_work(name: str) -> None:
    small, large = (work(HOSTILE[name](n)) for n in (8_000, 16_000))
    assert large <= 2.2 * small + 500


def work(text: str) -> int:
    """How many calls it takes, those of built-in functions included. Each looks at little of the text."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        read_reply(text, [CARD])
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("name", HOSTILE)
def test_the_longest_text_that_we_keep_is_read_in_the_end(name: str) -> None:
    text = HOSTILE[name](256 * 1024)
    told = read_reply(text, [CARD, text[:10_000]])
    assert len(re.sub(r"\s", "", told.new + told.quoted + told.signature)) == len(re.sub(r"\s", "", text))
