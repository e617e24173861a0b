"""What stands under a person's words without being written for this mail.

Names behind "-- ", lines of telephones and mail programs, disclaimers of firms, feet of mailing lists.
A closing ("Thanks, Ana") is the person's own and stays. Looked for from the bottom up; what is uncertain
stays.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from listserv.core.patterns import regex

_LONGEST_LINE = 160
_MOST_LINES, _MOST_LETTERS = 15, 1000
_MOST_WORDS = 9

# -- lines of telephones and mail programs ------------------------------------------------------------------

_SENT_FIRST = """sent|composed|written|gesendet|geschickt|verschickt|versendet|verfasst|envoyé
    |envoyée|expédié|enviado|enviada|inviato|inviata|scritto|verzonden|verstuurd|skickat|skickades
    |sendt|lähetetty|saadetud|wysłane|wysłano|wysłana|odesláno|odoslané|poslano|poslané|отправлено
    |отослано|надіслано|відправлено|изпратено|gönderildi|küldve|elküldve|trimis|στάλθηκε|εστάλη
    |dikirim|gửi|đã gửi|được gửi|נשלח|أرسلت|ارسال|发自|發自|寄自|보낸|enviat|bidalia|išsiųsta|nosūtīts"""
_SENT_LAST = regex(
    r"(?:^(?:von|vom|mit|diese (?:nachricht|e-?mail|mail) wurde|denne|dit bericht|ce message)\b.*"
    r"(?:gesendet|geschickt|verschickt|versendet|verfasst|geschrieben|sendt|verzonden|verstuurd)"
    r"|.*(?:から送信|より送信|から送信されました|傳送|传送|发送|發送|에서 보냄|에서 보냈습니다"
    r"|gönderildi|küldve))$",
    re.I,
)
_DEVICE = regex(
    r"(?<![^\W\d_])(?:iphone|ipad|ipod|android|galaxy|samsung|blackberry|htc|nokia|huawei|xiaomi|redmi|oneplus|pixel"
    r"|motorola|moto|lumia|xperia|windows|outlook|mailbox|airmail|gmail|yahoo|aol|gmx|web\.de|proton|protonmail"
    r"|tutanota|tuta|spark|sparrow|typeapp|bluemail|aquamail|fairemail|k-9|thunderbird|zimbra|zoho|mobile|phone"
    r"|smartphone|cell|cellphone|tablet|handheld|handy|\w*mobil\w*|mobiel\w*|téléphone|\w*telefon\w*|telefoon"
    r"|teléfono|celular|móvil|cellulare|telemóvel|puhelim\w*|komórk\w*|телефон\w*|смартфон\w*|устройств\w*"
    r"|пристро\w*|κινητό|נייד|wireless|myMail|mail\.ru|яндекс\w*|web|webmail)(?![^\W\d_])"
    r"|iphon|ipad|携帯|スマホ|スマートフォン|手机|手機|휴대폰|휴대전화|아이폰",
    re.I,
)
_FIRST_WORDS = regex(
    rf"(?:{'|'.join(one.strip() for one in _SENT_FIRST.split('|'))})(?![^\W\d_])|发自|發自", re.I
)
_MODEL = regex(r"my (?:\w+ )?[\w-]*(?:\d|[a-z][A-Z])[\w-]*$")
_FROM_DEVICE = regex(r"(?:from|via) (?:my |a )?(?:mobile|phone|iphone|ipad|cell|tablet)(?: \d+)?$", re.I)
_NAME_FROM_DEVICE = regex(r"[A-Z]\w+ from mobile$")  # only among others of its kind
_PROGRAM = regex(r"k-9 mail|(?:gmx|web\.de|freenet|t-online|yahoo|outlook|proton) ?mail[ -]app", re.I)
_OUTLOOK = regex(r"outlook\b.*\b(?:ios|android|mac|mobile)", re.I)
_OUTLOOK_VERB = regex(
    r"^(?:get|obtenez|obtenir|télécharge\w*|holen|laden|hol|obtener|obtén|descarga\w*|obter|obtenha|scarica|ottieni"
    r"|downloaden|download|hämta|hent|få|skaff|hanki|pobierz|stáhn\w*|získa\w*|загрузи\w*|скача\w*|получит\w*|获取"
    r"|下載|取得)\b|(?:beziehen|herunterladen|downloaden|letöltése|beszerzése|edinin|入手|ダウンロード|다운로드)$",
    re.I,
)
_CHECKED = regex(
    r"(?:virus-?free|virenfrei|sans virus|libre de virus|livre de v[ií]rus|virusfri|virusvrij|без вирусов"
    r"|this (?:e-?mail|message) has been (?:checked|scanned) (?:for|by)|diese e-?mail wurde (?:von|auf)"
    r"|cet e-mail a été vérifié|este correo electrónico ha sido comprobado)\b.*(?:www|virus|viren|avast|avg)",
    re.I,
)
_EXCUSE = regex(
    r"[,.;:]? *\b(?:please (?:excuse|forgive|pardon)|excuse|pardon|apologies for|sorry for"
    r"|bitte entschuldig\w*|veuillez excuser|disculp\w*|perdon\w*|scusa\w*|извините)\b.{0,80}$",
    re.I,
)
_TYPOS = regex(
    r"^(?:please )?(?:excuse|forgive|pardon|bitte entschuldig\w*|veuillez excuser)\b.*"
    r"(?:typo|brevity|brièveté|tippfehler|kürze|spelling|autocorrect)",
    re.I,
)
_LINK = regex(r"[<(\[]{0,2}https?://[^\s<>]+[>)\]]{0,2}")
_MARKDOWN = regex(r"\[([^\]\[]{1,60})\]\(https?://[^\s()]{1,120}\)")
_EDGES = " \t<>()[]*_~|«»\"'.!"


def is_from_a_program(line: str) -> bool:
    """Whether a telephone or a mail program put this line under a mail: "Sent from my iPhone"."""
    if not line or len(line) > _LONGEST_LINE:
        return False
    bare = _MARKDOWN.sub(r"\1", line)
    linked = bare != line or _LINK.search(bare) is not None
    bare = _LINK.sub(" ", bare).strip(_EDGES)
    short = _EXCUSE.sub("", bare).strip(_EDGES)
    if _CHECKED.match(bare) or (not short and _TYPOS.search(bare)):
        return True
    if _PROGRAM.search(bare):
        return len(bare.split()) <= 20 and (_SENT_LAST.match(short) or _FIRST_WORDS.match(short)) is not None
    return _is_short_mark(short, linked)


def _is_short_mark(short: str, linked: bool) -> bool:
    words = short.split()
    if len(words) > _MOST_WORDS or re.search(r"[,;?:]", short):
        return False
    if _OUTLOOK.search(short) and (linked or _OUTLOOK_VERB.search(short)):
        return True
    if _FIRST_WORDS.match(short):
        device = _DEVICE.search(" ".join(words[1:7])) or (not words[1:] and _DEVICE.search(short))
        return bool(device or _MODEL.search(short) or (linked and len(words) <= 4))
    return bool((_SENT_LAST.match(short) and _DEVICE.search(short)) or _FROM_DEVICE.match(short))


# -- disclaimers ------------------------------------------------------------------------------------------

_SAYS = {
    "it is secret": """confiden|privileg|vertraul|vertrouwelijk|konfid|fortrol|luottamuk|poufn
        |důvěrn|dôvern|konfyden|конфиденц|конфіденц|поверител|机密|機密|gizli|bizalmas|riservat
        |εμπιστευτ|기밀|rahasia|חסוי|سري""",
    "who it is for": """recipient|addressee|intended|empfänger|adressat|destinat|ontvanger
        |geadresseerd|bestemd|mottag|modtag|vastaanottaj|adresat|příjemc|prijemc|адресат|получател
        |одержувач|收件人|受信者|宛先|수신|alıcı|címzett|παραλήπτ|penerima|נמען|المرسل إليه""",
    "it went astray": """error|erreur|irrtüm|mistake|vergissing|por engano|abusiv|misstag|fejl|feil
        |virhe|pomył|omyl|ошибк|ошибоч|помилк|грешк|误|誤|yanlış|téved|eroare|equivoc|erroneament
        |λάθος|실수|잘못|kesalahan|בטעות|خطأ""",
    "what to do": """delete|destroy|notify|lösch|vernicht|informieren sie|supprim|détrui|avertir
        |elimin|borr|apagu|cancell|distrugg|restituir|verwijder|vernietig|radera|slette|poista|usuni
        |smaž|vymaž|vymaz|удалит|уничтож|видал|изтрий|删除|刪除|削除|삭제|siliniz|töröl|şterg|șterg
        |διαγρ|hapus|למחוק|حذف""",
    "what not to do": """copying|disclos|distribut|unauthori|prohibit|unbefugt|weitergabe|unzulässig
        |nicht gestattet|interdit|diffus|prohib|vietat|copiare|verspreid|verboden|otillåt
        |uautorisert|kielletty|zabronion|zakázán|запрещ|заборон|禁止|yasak|tilos|interzis|απαγορ
        |금지|dilarang|אסור""",
    "what it is": """this e-mail|this email|this message|this communication|diese e-mail
        |diese nachricht|ce message|cet e-mail|ce courriel|este mensaje|este correo|esta mensagem
        |este e-mail|questo messaggio|questa e-mail|dit bericht|deze e-mail|detta meddelande
        |denne e-mail|denne meldingen|tämä viesti|ta wiadomość|tato zpráva|это сообщение
        |данное сообщение|цей лист|此邮件|本邮件|本電子郵件|このメール|本メール|bu e-posta
        |ez az üzenet|acest mesaj|το παρόν|이 메일|본 메일""",
}
_STEMS = [tuple(stem.strip() for stem in stems.split("|")) for stems in _SAYS.values()]
_SURE, _LEAST, _MOST = 4, 60, 5000


def is_disclaimer(paragraph: str) -> bool:
    """Whether a paragraph says at least four of the six things that disclaimers say."""
    if not _LEAST <= len(paragraph) <= _MOST:
        return False
    folded = paragraph.casefold()
    return sum(any(stem in folded for stem in stems) for stems in _STEMS) >= _SURE


# -- where it begins --------------------------------------------------------------------------------------

_DELIMITER = regex(r"(?:--|—)$")
_ONLY_SIGNS = regex(r"[-_=*~#+—–ᐧ]+$")
_POSTSCRIPT = regex(r"(?:p\.? ?p?\.? ?s|n\.?b|edit)\b[.:]*", re.I)
_LIST_FOOT = regex(
    r"mailing list|mailingliste?\b|liste de diffusion|lista de correo|to unsubscribe\b|unsubscribe: "
    r"|(?:subscribed to the google|groups\.io|yahoo!?) groups?\b|groups\.io links"
    r"|you (?:receive|received|are receiving) (?:all messages|this (?:message|e?-?mail)) (?:because|sent to)",
    re.I,
)
_FOOT_LINES = 8


def signature_lines(lines: Sequence[str], alone: bool) -> list[bool]:
    """Which of these lines, in a row and stripped, are signature. ``alone``: there are no other words."""
    end = _marks_begin(lines, len(lines), found=False)
    signed = [at >= end for at in range(len(lines))]
    start = _delimiter(lines, end)
    if start is not None and not (alone and not any(lines[:start])):
        stop = next((n for n in range(start + 1, end) if _POSTSCRIPT.match(lines[n])), end)
        signed[start:stop] = [True] * (stop - start)
        above = _marks_begin(lines, start, found=True)
        signed[above:start] = [True] * (start - above)
    return signed


def _marks_begin(lines: Sequence[str], end: int, found: bool) -> int:
    """Where the lines of programs, disclaimers and feet above ``end`` begin, with the rules above them."""
    at = end
    while at:
        last = lines[at - 1]
        if not last or (_ONLY_SIGNS.match(last[:_LONGEST_LINE]) and not _DELIMITER.match(last)):
            at -= 1
            continue
        named = found and _NAME_FROM_DEVICE.match(last)
        start = at - 1 if named else _mark_begins(lines, at)
        if start is None:
            break
        at, found = start, True
    return at if found else end


def _mark_begins(lines: Sequence[str], end: int) -> int | None:
    if is_from_a_program(lines[end - 1]):
        return end - 1
    foot = _foot(lines, end)
    if foot is not None:
        return foot
    start = _paragraph(lines, end)
    return start if is_disclaimer(" ".join(lines[start:end])) else None


def _paragraph(lines: Sequence[str], end: int) -> int:
    start = end
    while start and lines[start - 1]:
        start -= 1
    return start


def _foot(lines: Sequence[str], end: int) -> int | None:
    """Where a list's foot begins: a ruled line and, right under it, the list."""
    for at in range(end - 1, max(-1, end - _FOOT_LINES), -1):
        if re.match(r"[-_=~#*]{2,}$", lines[at][:_LONGEST_LINE]) and at + 1 < end:
            first = next((line for line in lines[at + 1 : at + 3] if line), "")
            return at if _LIST_FOOT.search(first[:_LONGEST_LINE]) else None
    return None


def _delimiter(lines: Sequence[str], end: int) -> int | None:
    """The first "-- " that has no more under it than a signature has, above ``end``."""
    found, count, letters = None, 0, 0
    for at in range(end - 1, -1, -1):
        if _DELIMITER.match(lines[at]):
            found = at
        elif lines[at]:
            count, letters = count + 1, letters + len(lines[at])
            if count > _MOST_LINES or letters > _MOST_LETTERS:
                break
    return found
