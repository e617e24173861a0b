"""Out-of-office mail that does not say in its header what it is, known by its words. Pure; tables.

A subject alone proves nothing, nor does one sentence: people write "I am away until Monday" to one another.
It takes several independent signs, and a text that quotes nothing; the rows of ``_PROVES`` say which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from listserv.core.calendar_words import fold
from listserv.core.patterns import regex

_LONGEST = 4000  # characters; programs that answer are short, with a disclaimer below
_READ = 1500
_OPENING = 250

# How subjects begin: a program names itself, or only the absence.
_MACHINE = r"""
    automatic(?:ally\ generated)?\ (?:e-?mail\ )?(?:reply|response) | auto(?:matic)?[\ -]?repl(?:y|ied)
  | auto[\ -]?respon[sd]e?r? | autoresponder
  | automatische\ (?:antwort|r[üu]ckantwort)
  | abwesenheits(?:notiz|meldung|nachricht|mitteilung|assistent|benachrichtigung)
  | réponse\ automatique | notification\ d['’]absence
  | respuesta\ autom[aá]tica | resposta\ autom[aá]tica | risposta\ automatica
  | automatisch(?:e)?\ antwoord | afwezigheids(?:bericht|melding|assistent)
  | autosvar | automatiskt?\ svar | frånvaromeddelande | frav[æe]rsbesked | fraværsmelding
  | automaattinen\ vastaus | poissaoloviesti
  | automatyczna\ odpowied[zź] | odpowied[zź]\ automatyczna
  | automatick[aá]\ odpov[eě][dď] | automatikus\ v[aá]lasz | răspuns\ automat | otomatik\ yan[iı]t
  | автоматический\ ответ | автоматична\ відповідь | автоответ | αυτόματη\ απάντηση
  | 自動応答 | 自动回复 | 自動回覆 | 자동\ 회신 | 자동응답 | תשובה\ אוטומטית | رد\ تلقائي
"""
_ABSENCE = r"""
    out[\ -]of[\ -](?:the[\ -])?office | ooo\b | vacation | away\ (?:from|until|till|on)\b
  | on\ (?:leave|holiday)
  | abwesenheit | abwesend | ich\ bin\ (?:nicht\ im|im\ urlaub|abwesend) | nicht\ im\ b[üu]ro
  | absen(?:ce|t)\b | en\ congé | fuera\ de\ (?:la\ )?oficina | ausente | fora\ do\ escrit[oó]rio
  | aus[eê]ncia
  | fuori\ (?:sede|ufficio) | assen(?:za|te) | afwezig | frånvaro | fravær | ikke\ til\ stede | poissa
  | poza\ biurem | nieobecno[sś][cć] | mimo\ kancel | 不在
"""
_NAMES_AWAY = regex(rf"\s*(?:(?:re|aw|sv|antw)\s*:\s*)?\[?(?:{_MACHINE}|{_ABSENCE})", re.I | re.X)
_SAYS_MACHINE = regex(
    rf"\s*\[?(?:{_MACHINE})(?:\s*(?:$|[:\]()–—-])|\ (?:re|from|von|to|auf|zu|de|à)\b)", re.I | re.X
)
_SAYS_AWAY = regex(rf"\s*\[?(?:{_ABSENCE})", re.I | re.X)

# What the first lines say; folded, a sign a group, a language a line (what is indented goes on).
_SIGNS = {
    "away": r"""
\b(?:our|the|my) office (?:is|will be) closed
\b(?:unser|das|mein) buro ist\b.{0,40}?\b(?:geschlossen|nicht besetzt)
(?:i am|im|i will be|ill be)\b.{0,25}?\b(?:out of (?:the |my )?office|away|on (?:\w+ )?(?:leave|vacation|
    holidays?)|not in the office|travell?ing)
\bich bin\b.{0,60}?\b(?:nicht im (?:buro|buero|haus|dienst)|im urlaub|abwesend|nicht erreichbar|
    ausser haus|auf dienstreise)
\bje (?:suis|serai)\b.{0,40}?\b(?:absente?|en conges?|en vacances|hors du bureau|en deplacement)
\b(?:estoy|estare|me encuentro)\b.{0,40}?\b(?:fuera de la oficina|ausente|de vacaciones|de viaje)
\b(?:sono|saro)\b.{0,40}?\b(?:assente|fuori ufficio|fuori sede|in ferie|in vacanza)
\b(?:estou|estarei|encontrome)\b.{0,40}?\b(?:fora do escritorio|ausente|de ferias|em ferias)
\b(?:ik ben|ben ik)\b.{0,40}?\b(?:afwezig|niet aanwezig|niet op kantoor|met vakantie|op vakantie|
    met verlof)
\b(?:jestem|bede|przebywam)\b.{0,40}?\b(?:poza biurem|nieobecn[ya]|na urlopie)
\b(?:jag ar|ar jag)\b.{0,40}?\b(?:franvarande|pa semester|inte pa kontoret|bortrest|ledig)
\b(?:jeg er|er jeg)\b.{0,40}?\b(?:fravaerende|pa ferie|ikke pa kontoret|ikke til stede|bortreist|
    bortrejst|ute av kontoret)
\bolen\b.{0,40}?\b(?:poissa|lomalla|vuosilomalla|matkoilla)
""",
    "back": r"""
\bi (?:will|shall) (?:be back|return)|\bill be back|returning (?:to|on|in)|back (?:in the office|on|
    at work)|when i (?:return|get back|am back)|on my return|limited access to (?:my )?e?-?mail|
    until my return
\bwieder (?:im (?:buro|haus)|erreichbar|zuruck|fur sie da|an meinem)|nach meiner ruckkehr|
    erst (?:wieder )?(?:am|ab) |ab (?:dem )?[0-9. ]{2,12}\w* ?wieder
de retour|a mon retour
\b(?:a mi (?:regreso|vuelta)|regreso el|regresare|volvere)\b
\bal mio (?:rientro|ritorno)|rientrero
\b(?:meu (?:retorno|regresso)|retornarei|regressarei)\b
weer (?:aanwezig|bereikbaar|terug|op kantoor)|bij terugkomst|na terugkomst
po powrocie|\b(?:wracam|wroce|powroce)\b
\bater (?:den|pa|i|mandag)|nar jag ar tillbaka|\btillbaka (?:den|pa|i)\b
\b(?:tilbage|tilbake) (?:den|pa|i|mandag)|nar jeg er (?:tilbage|tilbake)
\bpalaan\b|palattuani
""",
    "contact": r"""
(?:urgent|immediate|emergenc(?:y|ies)|in my absence|while i am away|assistance)\b.{0,80}?\b(?:contact|
    call|e-?mail|reach|write)|please contact
in dringenden|dringende\b.{0,60}?\b(?:wenden|kontakt)|meine vertretung|vertreten|wenden sie sich|
    wende dich|wendet euch
(?:en cas durgence|toute urgence|urgent)\b.{0,80}?\bcontacte|en mon absence|veuillez contacter
(?:urgente|urgencia)\b|pongase en contacto|puede contactar
(?:urgenz[ae]|urgent[ei])\b|contattare|rivolgersi
(?:urgente|urgencia)\b|entre em contato|contacte
(?:dringend|spoed)\w*\b.{0,80}?\b(?:contact|bellen|mailen)|contact opnemen|neemt? u? ?contact
pilnych|prosze o kontakt
bradskande|kontakta
haster|hastende|kontakt(?:e|es)?\b
kiireelli|ota yhteytta|yhteydessa
""",
    "you": r"""
(?:respond|reply|answer|get back) to (?:you|your)|your (?:e-?mail|message|mail|note|inquiry|enquiry)
(?:ihre[rn]?|deine[rn]?|eure[rn]?) (?:e-?mail|mail|nachricht|anfrage)|(?:ihnen|dir) (?:dann )?antworten|
    melde ich mich|melde mich
votre (?:message|mail|courriel|e-?mail|courrier)|vous (?:repondrai|repondre)
\b(?:su|tu) (?:correo|mensaje|e-?mail)
(?:vostra|sua|tua) (?:e-?mail|mail)|(?:suo|tuo|vostro) messaggio|rispondero
\b(?:seu|sua) (?:e-?mail|mensagem)|responderei
\b(?:uw|je|jouw) (?:e-?mail|mail|bericht)
(?:panstwa|pani|pana|twoj\w*) (?:wiadomosc\w*|e-?mail\w*|mail\w*)|odpowiem
\bditt (?:mail|mejl|meddelande|e-?postmeddelande)|svarar (?:jag|dig)
\bdin (?:e-?mail|mail|e-?post|besked|melding|henvendelse)|svarer? (?:jeg|deg|dig)
viesti(?:si|nne|isi|inne|stasi)|vastaan
""",
    "automatic": r"""
\b(?:this is an?|an) (?:automatic|automated|auto-?generated|automatically generated) (?:e-?mail )?
    (?:reply|response|answer|message|e-?mail)|\bauto-?(?:reply|response)\b
automatisch(?:e|en|er)? (?:generierte |erzeugte |erstellte |abwesenheits)?(?:antwort|nachricht|e-?mail|
    mail|notiz)|automatisch (?:generiert|erstellt|erzeugt)
(?:reponse|message) automatique
(?:respuesta automatica|mensaje automatico)
(?:risposta automatica|messaggio automatico)
(?:resposta|mensagem) automatica
automatisch (?:antwoord|bericht|gegenereerd)|automatische (?:reactie|e-?mail)
automatyczna (?:odpowiedz|wiadomosc)|(?:odpowiedz|wiadomosc) automatyczna
automatiskt (?:svar|meddelande)|\bautosvar
automatisk (?:svar|besked|melding)|\bautosvar
automaattinen (?:vastaus|viesti)|automaattivastaus
""",
    "received": r"""
(?:have|has been|was) received|no longer (?:in use|monitored|active|checked|works?|with|employed)|
    (?:is not|isnt|not being) monitored|unattended
(?:erhalten|eingegangen)\b|nicht (?:mehr )?(?:gelesen|abgerufen|genutzt)
avons (?:bien )?recu
(?:hemos recibido|procesando)
abbiamo ricevuto
recebemos
hebben (?:uw|je) (?:bericht|mail|e-?mail) ontvangen
otrzymalismy
mottagit
modtaget|mottatt
vastaanotettu
""",
}
_THANKS = r"""
(?:thank you|thanks)(?: (?:very much|so much))? for (?:your|contacting|writing|e-?mailing|reaching|
    getting)
dank(?:e)? (?:fur|fuer) (?:ihre|deine|eure|ihr|dein|die)
merci (?:de|pour) (?:votre|ton)
gracias por (?:su|tu|contactar|escribir)
grazie per (?:la|il|aver)
obrigad[oa] (?:pel[oa]|por)
dank (?:u|je)?(?: wel)? ?voor (?:uw|je|jouw|het)|bedankt voor
dziekuje(?:my)? za
tack for (?:ditt|din|att)
takk? for (?:din|ditt)
kiitos (?:viesti|sahkoposti|yhteyden)
"""
# Any of these rows is proof; a sign is independent of the others of its row.
_PROVES = (
    ("machine", "away"),
    ("machine", "automatic"),
    ("machine", "received"),
    ("machine", "thanks", "you"),
    ("machine", "back"),
    ("machine", "contact", "you"),
    ("absent", "away", "back", "you"),
    ("absent", "away", "contact", "you"),
    ("absent", "away", "automatic"),
    ("thanks", "away", "back", "contact"),
    ("automatic", "away", "back"),
    ("automatic", "away", "contact"),
    ("automatic", "away", "thanks"),
)


def _any_of(table: str) -> re.Pattern[str]:
    lines = re.sub(r"\n {4}", "", table.strip()).splitlines()
    return regex("|".join(f"(?:{line})" for line in lines))


_READERS: Mapping[str, re.Pattern[str]] = {name: _any_of(table) for name, table in _SIGNS.items()}
_THANKING = _any_of(_THANKS)
_QUOTES = regex(
    r"^[ \t]*(?:>|-{3,} ?(?:original|ursprungl|urspr))|\b(?:wrote|schrieb|writes|a ecrit|escribio):",
    re.I | re.M,
)


def names_away(subject: str) -> bool:
    """Whether a subject begins as those of programs do that answer for somebody. Proves nothing alone."""
    return _NAMES_AWAY.match(subject) is not None


def is_away_reply(subject: str, text: str) -> bool:
    """Whether subject and first lines say that a program answers for somebody who is away. Never raises."""
    if len(text) > _LONGEST:
        return False
    signs = {
        "machine": _SAYS_MACHINE.match(subject) is not None,
        "absent": _SAYS_AWAY.match(subject) is not None,
    }
    if not signs["machine"] and _QUOTES.search(text):
        return False
    plain = " ".join(fold(text[:_READ]).split())
    signs["thanks"] = _THANKING.search(plain[:_OPENING]) is not None
    return any(all(_shows(sign, signs, plain) for sign in row) for row in _PROVES)


def _shows(sign: str, signs: dict[str, bool], plain: str) -> bool:
    """Whether the words show a sign; looked for once, and only where a row comes to it."""
    if sign not in signs:
        signs[sign] = _READERS[sign].search(plain) is not None
    return signs[sign]
