"""What mail programs write above the mail that they quote, by program and language. Tables and their readers.

Two kinds of such introductions:

- an *attribution*, one to five lines: "On 3 May 2024 at 10:00, Ana <ana@x.example> wrote:" (Gmail, Apple
  Mail, Thunderbird, Yahoo, GMX, K-9, Proton, Zoho, the web mail of Lotus);
- a *block* of header lines, "From: … Sent: … To: … Subject: …", with or without "-----Original Message-----"
  or a ruled line above it (Outlook, Lotus Notes, AOL, Zimbra, Samsung, and whatever forwards).

Every reader looks at a few lines of at most ``LONGEST`` characters: the work is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from listserv.core.patterns import regex
from listserv.core.records import dataclass

LONGEST = 300  # characters; a longer line is nobody's mark
MOST_LINES = 5

# -- attributions ---------------------------------------------------------------------------------------

_WROTE = {
    "en": "wrote writes",
    "de": "schrieb schreibt geschrieben",
    "fr": "écrit ecrit",
    "es": "escribió escribio escribe",
    "pt": "escreveu",
    "it": "scritto scrive",
    "nl": "schreef schrijft geschreven",
    "sv, da, no": "skrev skriver",
    "fi": "kirjoitti",
    "et": "kirjutas",
    "lt, lv": "rašė parašė rakstīja",
    "pl": "napisał napisała napisał(a) pisze",
    "cs, sk": "napsal napsala napsal(a) napísal napísala napísal(a)",
    "sl, hr, sr": "napisal napisao napisala написао",
    "ru": "написал написала написал(а) пишет",
    "uk": "написав написала написав(-ла) пише",
    "bg": "написа",
    "tr": "yazdı",
    "hu": "írta",
    "ro": "scris",
    "el": "έγραψε",
    "ca": "escrit escriure",
    "gl": "escribiu",
    "eu": "idatzi",
    "af": "geskryf",
    "id": "menulis",
    "vi": "viết",
    "he": "כתב כתבה כתב/ה",
    "ar, fa": "كتب كتبت نوشت",
    "hi": "लिखा",
}
_WROTE_UNSPACED = "写道|寫道|書きました|작성|썼습니다|เขียน"

_VERBS = sorted({re.escape(one) for words in _WROTE.values() for one in words.split()}, key=len, reverse=True)
_VERB = rf"(?<![\w@.])(?:{'|'.join(_VERBS)})(?![\w@])|(?:{_WROTE_UNSPACED})"
_HAS_VERB = regex(_VERB, re.I)
_ENDS = regex(rf"(?:[:：]|(?:{_VERB})[.,]?)$", re.I)
# How a line may end that ends so: most lines don't, and need not be looked at any closer.
_LAST_TWO = frozenset(
    word[-2:].casefold()
    for words in (*_WROTE.values(), _WROTE_UNSPACED.replace("|", " "))
    for word in words.split()
)
_DATE = regex(
    r"(?<!\d)(?:19|20)\d\d(?!\d)|(?<!\d)\d{1,4}[./-] ?\d{1,2}[./-] ?\d{1,4}(?!\d)|[^\W\d]{3,12}\.? \d{1,2},"
    r"|(?<!\d)\d{1,2}\.?[ -][^\W\d]{3,12}(?:[ ,.-]|$)"
)
_TIME = regex(
    r"(?<![\d.])\d{1,2}[:h]\d{2}(?!\d)|(?:kl\.?|klo|um|om|at|ore|alle) \d{1,2}\.\d{2}(?![.\d])", re.I
)
_ADDRESS = regex(r"[^\s<>(@]@\w")
_LAST_IS_ADDRESS = regex(r"[<(\[] ?[^\s<>@]{1,100}@[^\s<>@]{1,100} ?[>)\]]+ ?[:：]$")
_NAMED = regex(r"([^<>()\[\]:;!?]{0,80}?) ?[<(\[] ?[^\s<>@()]{1,100}@[^\s<>@()]{1,100}[>)\]] ?(.{0,120})$")
_BARE = regex(rf"[^\s<>@:,]{{1,64}}@[^\s<>@:,]{{1,100}} (?:{_VERB}) ?:$", re.I)
_NAME_ONLY = regex(rf"([^\s:<>@]+(?: [^\s:<>@]+){{0,3}}) (?:(?:hat|a|ha|je) )?(?:{_VERB}) ?:$", re.I)
_NO_NAMES = """i you he she we they it as like what which who because since and but so then that this there
    where ich du er sie wir ihr es wie was weil und aber da dann wer je tu il elle nous vous comme et mais yo
    él ella como y pero eu ele ela ik jij hij zij zoals en maar jag han hon som och men я ты он она как и"""
_NO_NAME = frozenset(_NO_NAMES.split())
_TAIL = regex(rf">+ ?(?:{_VERB})? ?[:：]$", re.I)
_DECORATION = " \t-—–_*=|"


@dataclass(frozen=True, slots=True)
class Introduction:
    """Lines ``start`` to ``end`` (not included) introduce a quote.

    ``sure``: even if what follows is not marked as quoted. ``block``: header lines, not an attribution.
    ``forward``: it says of itself that it forwards.
    """

    start: int
    end: int
    sure: bool
    block: bool = False
    forward: bool = False


def is_wrapped_tail(line: str, before: str) -> bool:
    """Whether a line with ``>`` in front is no quote but the wrapped end of "Ana <ana@x.example" + ">:"."""
    return _TAIL.match(line) is not None and before.count("<") > before.count(">")


def attribution_ending(lines: Sequence[str], last: int, first: int) -> Introduction | None:
    """The attribution that ends at ``last`` and begins at ``first`` or later. ``lines`` are stripped."""
    if not _may_end(lines[last]):
        return None
    found: Introduction | None = None
    for start, text in _upwards(lines, last, first):
        dated, sure = _reads(text)
        if sure is None or (found and not dated):
            continue
        found = Introduction(start, last + 1, sure)
        if dated:
            break
    return found


def _upwards(lines: Sequence[str], last: int, first: int) -> Iterator[tuple[int, str]]:
    """Line ``last``, then that one and the one above it, and so on, as far as they may belong together."""
    joined, count = "", 0
    for start in range(last, max(first, last - 2 * MOST_LINES) - 1, -1):
        if not lines[start]:
            if joined.startswith("<") or joined.count(">") > joined.count("<"):
                continue  # some programs break "<", an address and ">" into paragraphs
            return
        ended = start < last and lines[start][-1] in ".!?:;" and not joined.startswith("<")
        joined, count = f"{lines[start]} {joined}".strip(), count + 1
        if ended or count > MOST_LINES or len(joined) > 2 * LONGEST:
            return
        yield start, joined


def _may_end(line: str) -> bool:
    if not 0 < len(line) <= LONGEST:
        return False
    tail = line.rstrip(_DECORATION)[-40:]
    may = tail.endswith((":", "：")) or tail.removesuffix(".").removesuffix(",")[-2:].casefold() in _LAST_TWO
    return may and _ENDS.search(tail) is not None


def _reads(text: str) -> tuple[bool, bool | None]:
    """Whether it begins with a date; whether it is sure, None where it is no attribution at all."""
    bare = text.strip(_DECORATION).replace("“", '"')
    if not bare or bare[0] in "<>,(" or bare.count("<") != bare.count(">"):
        return False, None
    date, time = _DATE.search(bare) is not None, _TIME.search(bare) is not None
    if (date or time) and any(map(_has_digit, bare.split(None, 4)[:4])):
        closed = date and _LAST_IS_ADDRESS.search(bare) is not None
        if closed or _HAS_VERB.search(bare):
            return True, (date and time) or _ADDRESS.search(bare) is not None
    return False, _reads_undated(bare, date)


def _reads_undated(bare: str, date: bool) -> bool | None:
    named = _NAMED.match(bare)
    if named and len(named[1].split()) <= 8:
        told = _HAS_VERB.search(named[2]) or (date and _TIME.search(named[2]))
        return True if told else None
    if _BARE.match(bare):
        return True
    name = _NAME_ONLY.match(bare)
    if name and name[1].split()[0].casefold() not in _NO_NAME and all(map(_is_name, name[1].split())):
        return False
    return None


def _has_digit(word: str) -> bool:
    return any(map(str.isdigit, word))


_PARTICLES = frozenset(["von", "van", "de", "der", "da", "di", "del", "la", "via", "af", "aka"])


def _is_name(word: str) -> bool:
    return not word[0].islower() or word in _PARTICLES


# -- blocks of header lines -------------------------------------------------------------------------------

_LABELS = {
    "from": """From|Von|Absender|De|Expéditeur|Remitente|Remetente|Da|Mittente|Van|Afzender|Från
        |Avsändare|Fra|Afsender|Lähettäjä|Saatja|Od|Nadawca|Odesílatel|Odosielateľ|От|От кого|Від
        |Від кого|Kimden|Gönderen|Feladó|De la|Expeditor|Από|Dari|Từ|מאת|من|发件人|寄件者|寄件人
        |差出人|送信者|보낸 사람|보낸사람|จาก""",
    "date": """Sent|Date|Gesendet|Datum|Envoyé|Envoyé le|Date d'envoi|Message du|Enviado|Enviado el
        |Enviada em|Enviado em|Fecha|Data|Inviato|Verzonden|Skickat|Sendt|Dato|Lähetetty|Päivämäärä
        |Päiväys|Saadetud|Wysłano|Wysłane|Odesláno|Odoslané|Dátum|Poslano|Отправлено|Дата|Надіслано
        |Відправлено|Gönderildi|Tarih|Gönderme Tarihi|Elküldve|Küldve|Trimis|Στάλθηκε|Ημερομηνία
        |Dikirim|Tanggal|Ngày|Đã gửi|נשלח|תאריך|تاريخ|التاريخ|发送时间|发送日期|日期|寄件日期
        |傳送時間|送信日時|日付|日時|보낸 날짜|보낸날짜|날짜|วันที่""",
    "to": """To|An|Empfänger|À|A|Destinataire|Para|Destinatario|Destinatário|Aan|Till|Til
        |Vastaanottaja|Saaja|Do|Komu|Кому|До|Kime|Alıcı|Címzett|Către|Προς|Kepada|Đến|אל|إلى|收件人
        |收件者|宛先|받는 사람|받는사람|ถึง|Per a""",
    "subject": """Subject|Betreff|Betrifft|Objet|Sujet|Asunto|Assunto|Oggetto|Onderwerp|Ämne|Emne
        |Aihe|Teema|Temat|Předmět|Predmet|Zadeva|Тема|Относно|Konu|Tárgy|Subiect|Θέμα|Subjek|Perihal
        |Chủ đề|Assumpte|נושא|الموضوع|主题|主題|主旨|件名|제목|เรื่อง""",
    "other": """Cc|Bcc|Kopie|Kopie (Cc)|Copie|Copie à|Copia|Cópia|Kopia|Kopi|Kopio|DW|Копия|Копія
        |Bilgi|Másolatot kap|Κοιν|抄送|副本|参照|參照|참조|Reply-To|Antwort an|Répondre à|Risposta
        |Responder a|Sent by|Importance|Priorität|Attachments|Anlagen|Pièces jointes|Allegati
        |Organization""",
}
_CLASS = {label.strip().casefold(): kind for kind, labels in _LABELS.items() for label in labels.split("|")}
_LABEL = regex(r"[*_\s]{0,4}([^:：*<>@]{1,24}?)[*_]{0,2}\s?[:：]")

_ORIGINAL = """original message|ursprüngliche nachricht|originalnachricht|message d'origine
    |message original|mensaje original|mensagem original|messaggio originale|oorspronkelijk bericht
    |origineel bericht|ursprungligt meddelande|originalmeddelande|oprindelig meddelelse
    |oprindelig besked|opprinnelig melding|original melding|alkuperäinen viesti|oryginalna wiadomość
    |wiadomość oryginalna|původní zpráva|pôvodná správa|исходное сообщение|оригинальное сообщение
    |оригінальне повідомлення|orijinal ileti|orijinal mesaj|özgün ileti|eredeti üzenet
    |mesaj original|αρχικό μήνυμα|原始邮件|原始郵件|邮件原件|元のメッセージ|원본 메시지|원본 메일
    |pesan asli|הודעה מקורית|izvirno sporočilo|reply message|reply above"""
_FORWARDED = """forwarded message|forwarded by|begin forwarded message|weitergeleitete nachricht
    |anfang der weitergeleiteten|weitergeleitet von|message transféré|message réexpédié
    |mensaje reenviado|mensagem encaminhada|messaggio inoltrato|doorgestuurd bericht
    |vidarebefordrat meddelande|vidarebefordrat brev|videresendt|välitetty viesti
    |wiadomość przekazana|przekazana wiadomość|přeposlaná zpráva|preposlaná správa
    |пересылаемое сообщение|пересланное сообщение|переслане повідомлення|iletilen mesaj
    |yönlendirilen ileti|továbbított üzenet|mesaj redirecționat|προωθημένο μήνυμα|转发的邮件
    |轉寄郵件|轉寄的郵件|転送されたメッセージ|전달된 메시지|pesan terusan"""


def _phrases(table: str) -> tuple[str, ...]:
    return tuple(phrase.strip() for phrase in table.split("|"))


_ORIGINALS, _FORWARDS = _phrases(_ORIGINAL), _phrases(_FORWARDED)
_DASHED = regex(r"[-_=*#>]{2,} ?[^-_=]{3,80}?[:]? ?[-_=*#<]{2,}$")
_RULE = regex(r"[-_=*~—–]{3,}$")
_MOST_HEADERS = 16


def is_rule(line: str) -> bool:
    """A ruled line: nothing but dashes or underscores."""
    return _RULE.match(line[:LONGEST]) is not None and len(line) <= LONGEST


def block_at(lines: Sequence[str], start: int) -> Introduction | None:
    """The block that begins at ``start``, with the "Original Message" or the ruled line above it."""
    at, says = start, ""
    if is_rule(lines[at]) or _is_divider(lines[at]):
        says = "" if is_rule(lines[at]) else lines[at].casefold()
        at = _next(lines, at + 1)
    elif start and lines[start - 1]:
        return None  # header lines right under words are the author's
    known, forward = _says(says, _ORIGINALS), _says(says, _FORWARDS)
    end = _headers_end(lines, at, bool(says))
    quoted = at < len(lines) and lines[at].startswith(">")
    if end is None and not known and not (forward and quoted):
        return None
    return Introduction(start, end or start + 1, sure=True, block=True, forward=forward)


def _says(line: str, phrases: Iterable[str]) -> bool:
    return bool(line) and any(phrase in line for phrase in phrases)


def _is_divider(line: str) -> bool:
    if not line or len(line) > 100:
        return False
    return _DASHED.match(line) is not None or (line[-1] in ":：" and _says(line.casefold(), _FORWARDS))


def _next(lines: Sequence[str], at: int) -> int:
    """The next line with something on it, three lines on at most."""
    return next((n for n in range(at, min(at + 4, len(lines))) if lines[n]), at)


def _headers_end(lines: Sequence[str], at: int, divided: bool) -> int | None:
    """Where the header lines that begin at ``at`` end, None if they are none."""
    if at >= len(lines) or not (divided or _label(lines[at]) in ("from", "date", "subject")):
        return None
    kinds: list[str] = []
    end, loose = at, 0
    for n in range(at, min(at + _MOST_HEADERS, len(lines))):
        kind = _label(lines[n])
        if kind in _ONCE and kind in kinds:
            break
        if kind:
            kinds.append(kind)
            end, loose = n + 1, 0
        elif lines[n]:
            loose += 1  # the rest of a long line
            if loose > 2 or not kinds:
                break
        elif _label(lines[_next(lines, n)]) not in (*_ONCE, "other"):
            end = n
            break
    return end if _is_block(set(kinds), divided) else None


_ONCE = ("from", "date", "to", "subject")


def _is_block(kinds: set[str], divided: bool) -> bool:
    if divided:
        return "from" in kinds and len(kinds.intersection(_ONCE)) > 1
    return {"from", "subject"} <= kinds and not kinds.isdisjoint(("date", "to"))


def _label(line: str) -> str:
    """from, date, to, subject, other, unknown (something like a label), "" (none)."""
    match = _LABEL.match(line[:60])
    if not match or match[1].casefold().startswith(("http", "mailto")):
        return ""
    return _CLASS.get(match[1].strip().casefold(), "unknown" if len(match[1].split()) <= 2 else "")
