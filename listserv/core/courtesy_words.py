"""What people write around what they say: greetings, thanks, "please". Alternatives of patterns; data.

All are as ``fold`` leaves them, but for greetings, which are looked for as they are written.
"""

from __future__ import annotations

POLITE = (
    "please|pls|plz|kindly|just|simply|bitte|mal|doch|herewith|hereby|hiermit"
    "|sil vous plait|svp|por favor|per favore|alstublieft|aub|vanligen|venligst|vennligst"
)
AT_ONCE = "now|asap|immediately|right now|right away|at once|today|sofort|umgehend"
THANKS = "thanks|thank you|thx|ty|cheers|danke|vielen dank|merci|gracias|grazie|tack|takk|tak|kiitos"
CLOSING = (
    f"{THANKS}|many thanks|thankyou|best|(?:(?:best|kind|warm|many) )?regards|sincerely"
    "|yours(?: truly| sincerely)?"
    "|all the best|best wishes|take care|sorry|danke schon|(?:vielen |besten |herzlichen )?dank"
    "|(?:viele|liebe|beste|schone|herzliche|freundliche) (?:grusse|gruesse)|(?:lieben )?gruss|grusse"
    "|(?:mit )?(?:freundlichen|besten|lieben|herzlichen) (?:grussen|gruessen)|mfg|lg|vg"
    "|merci beaucoup|cordialement"
    "|saludos|obrigado|obrigada|bedankt|dank u|groeten|mvh|hilsen|terveisin|dziekuje|pozdrawiam"
)
CLOSING_TAIL = (
    "you|very much|so much|a lot|in advance|all|everyone|again|im voraus|for your (?:help|time)|fur die hilfe"
)
GREETING = (
    "hi|hello|hey|dear|greetings|good (?:morning|afternoon|evening|day)|hallo|moin|servus|liebe[rs]?"
    "|guten (?:tag|morgen|abend)|sehr geehrter?|hola|bonjour|salut|ciao|salve|olá|hej|hei|cześć|dag|beste"
)
GREETED = (
    "all|everyone|everybody|there|folks|list|team|admins?|administrators?|moderators?|owners?|hosts?|friends|again"
    "|sir|madam|or|zusammen|leute|alle|liste|freunde|damen|und|herren|tous|à|todos|tutti|alla|allemaal"
)
