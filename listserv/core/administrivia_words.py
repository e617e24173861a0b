"""How people ask a list to let them go, to be quiet, or to send less. Rows to be recognised; data.

A row is a pattern over words that ``fold`` has left: lower case, no accents, no punctuation, no "please".
It must be the whole of a sentence. {ME}, {LIST} and the like stand for the phrases above the rows; what
is indented goes on with the row above it.
"""

from __future__ import annotations

import re

from listserv.core.patterns import regex

_ME = (
    r"(?:me|us|addr|myself"
    r"|(?:my|this|our) (?:name|address|email|emailaddress|email address|account|email account|subscription)"
    r"(?: addr)?"
    r"|(?:my|this) (?:email )?addr)"
)
_MAIL = r"(?:e?mails?|mailings?|messages?|posts?|newsletters?|digests?|notifications?|updates?|spam)"
_LIST = (
    r"(?:(?:the|this|your|that|all|any|these|those|of|from) )*"
    r"(?:(?:mailing|e ?mailing|email|mail|distribution|discussion|subscription) )?"
    r"(?:lists?|listserv|listserve|mailinglist|maillist|group|newsletter|emails|mails|mailings?|addr)"
)
_THREAD = (
    r"(?:the |this )?(?:(?:email|mail|whole|entire) )?"
    r"(?:thread|conversation|discussion|chain|email chain|topic)"
)
_ASK = (
    r"(?:(?:me too|and|but|also|so|then|yes|und|aber) )*"
    r"(?:(?:can|could|would|will) (?:you|someone|somebody|anyone|anybody|(?:the|a) moderator)(?: also)? "
    r"|i (?:would|d) be (?:grateful|glad) if you (?:could|would) "
    r"|(?:i|we) (?:want|wish|need|ask) you to |(?:i|we) (?:would|d) like you to )?"
)
_WANT = (
    r"(?:(?:i|we|id|wed) (?:(?:really|also|now|do) )?)?"
    r"(?:want|wish|need|request|like|would like|d like|like|have decided|am trying|try|ask|asked|am asking)"
)
_HOW = (
    r"(?:(?:can|could) (?:you|someone|somebody|anyone) tell (?:me|us) "
    r"|does (?:anyone|anybody) know |tell me )?"
    r"(?:how (?:do|can|could|should|would|may) (?:i|we|one|you) |how to )"
)
_OFF = (
    r"(?:(?:be|get) (?:removed|unsubscribed|taken off|deleted|dropped)(?: from)?"
    r"|{UNSUB}(?: me| myself)?(?: from)?|opt ?out(?: of)?"
    r"|remove (?:me|myself)(?: from)?|cancel my (?:subscription|membership))"
)
_GO = r"(?:get off(?: of)?|get out of|leave|quit|exit)"
_UNSUB = (
    r"(?:un ?subscribe|unsub|un ?suscribe|unsubcribe|unsubscibe|unsubsribe|unsubscrib|desubscribe|signoff)"
)
_MICH = r"(?:mich|uns|addr|(?:meine|diese) (?:adresse|e?mailadresse|e?mail adresse|addr))"
_AUS = (
    r"(?:(?:(?:aus|von) (?:dem|der|diesem|dieser|eurem|eurer|ihrem|ihrer|allen)|vom|aus|von)"
    r" (?:e?mail ?)?(?:verteiler|liste|mailingliste|gruppe|verteilerliste|newsletter|listen|verteilern))"
)
_WEG = (
    r"(?:abmelden|austragen|abbestellen|loschen|entfernen|streichen|nehmen|runternehmen|herausnehmen"
    r"|rausnehmen|herunternehmen)"
)
_WEGTUN = (
    r"(?:(?:nehmen|tragen|streichen|loschen|entfernen|melden) sie|nehmt|nimm|tragt|trage?|streicht|streiche?"
    r"|loscht|losche?|entfernt|entferne?|meldet|melde?)"
)
_MOCHTE = r"(?:mochte|mochten|will|wollen|wurde|wurden)(?: gern| gerne)?"
_GET = (
    r"(?:(?:can|could|may) (?:i|we) (?:get|have|receive|switch to|be on|change to|be switched to)"
    r"|{WANT} (?:to )?(?:get|receive|have|be on|be put on|switch to|change to|subscribe to|be switched to)"
    r"|{WANT}|(?:send|give|get) me(?: just| only)?|only|just"
    r"|(?:switch|put|set|change|move) (?:me|my subscription|my mail|my account) (?:to|on|onto)"
    r"|how (?:do|can) i (?:get|switch to|change to|receive))"
)
_KINDS = r"(?: (?:mode|version|format|form|only|option|mails?))*(?: instead| from now on)?"
_STOP = (
    r"(?:{ASK}(?:stop|cancel|end|turn off|no|no more|quit|unsubscribe(?: me)?(?: from)?)(?: sending(?: me)?)?"
    r"|i (?:dont|do not|no longer) (?:want|need|wish)(?: to (?:get|receive|have))?)"
)
_DIGESTE = r"(?:digests?|sammelmails?)"
_ART = r"(?:taglich|wochentlich)(?:e|en|er|es)"
_HABEN = r"(?:bekommen|erhalten|haben|bitte)"
_NAMES = {
    **{"GET": _GET, "KINDS": _KINDS, "STOP": _STOP, "DIGESTE": _DIGESTE, "ART": _ART, "HABEN": _HABEN},
    **{"ASK": _ASK, "WANT": _WANT, "HOW": _HOW, "OFF": _OFF, "GO": _GO},
    **{"ME": _ME, "MAIL": _MAIL, "LIST": _LIST, "THREAD": _THREAD, "UNSUB": _UNSUB},
    **{"MICH": _MICH, "AUS": _AUS, "WEG": _WEG, "WEGTUN": _WEGTUN, "MOCHTE": _MOCHTE},
}

# Each is the whole of what is asked.
LEAVE = r"""
{ASK}{UNSUB}(?: {ME})?(?: {LIST})?(?: {ME})?
{ASK}{UNSUB} {ME}(?: from| to)?(?: [\w']+){1,4}
{UNSUB} request|request to {UNSUB}|unsubscription|subscription cancellation
{ASK}(?:remove|delete) {ME}(?: (?:as well|too|also))?
{ASK}(?:remove|delete|take|drop|strike) {ME} (?:off|from|out of|off of) {LIST}(?: (?:as well|too|also))?
{ASK}(?:remove|delete|take) {ME} (?:off|out)(?: (?:as well|too|also))?
{ASK}(?:remove|delete|take) {ME} (?:off|from|of) (?:this|here|it|them)
{ASK}(?:get|let) me (?:off|out of|off of) {LIST}
{ASK}cancel my (?:subscription|membership)(?: (?:to|from|in|of) {LIST})?
{WANT} (?:to )?{OFF}(?: {LIST})?(?: (?:as well|too|also))?
{WANT} (?:to )?{GO} {LIST}(?: (?:as well|too|also))?
{WANT} (?:my (?:name|address|email|email address)|addr) (?:removed|deleted|taken off)(?: (?:from|off) )?
    (?:{LIST})?
{WANT} off(?: of)? {LIST}
(?:{HOW})(?:{OFF}(?: {LIST})?|{GO} {LIST})
{ASK}stop (?:sending|e?mailing) (?:me|us)(?: (?:all|any|these|this|those|your|such|so many|more|the))*
    (?: {MAIL})?
{ASK}stop sending (?:(?:all|any|these|this|those|your|such|so many|more|the) )*{MAIL}(?: to me)?
{ASK}stop (?:these|the|all|all the|all these) (?:e?mails|messages|mailings)(?: to me)?
no more (?:e?mails|messages|mailings)(?: from {LIST})?
i (?:dont|do not|no longer|do no longer) (?:want|wish) to (?:receive|get|be on|be in|be part of|
    be a member of|be subscribed to) (?:(?:any|these|this|your|the|more|all|of) )*(?:{LIST}|{MAIL})
    (?: any ?more| any longer| from {LIST})?
i (?:dont|do not|no longer) (?:want|wish) (?:(?:any|these|your|more|of) )+(?:e?mails|messages|mailings)
    (?: any ?more| any longer| from {LIST})?
{ASK}opt (?:me )?out(?: of {LIST})
leave|(?:leave|quit|exit) {LIST}
(?:{MICH} )?(?:auch )?(?:{AUS} )?(?:wieder )?(?:abmelden|austragen|abbestellen)
{MICH} (?:auch )?(?:{AUS} )?(?:wieder )?{WEG}|{AUS} {WEG}
{WEGTUN} {MICH}(?: auch)?(?: {AUS}| aus| ab| raus| runter| heraus)+
(?:losch|losche|loscht|loschen sie|streich|streichen sie|entfernt|entfernen sie) {MICH}
(?:konnt ihr|konnen sie|kannst du|konnten sie|konntet ihr|wurden sie|kann jemand) {MICH}(?: auch)?
    (?: {AUS})?(?: wieder)? {WEG}
(?:ich|wir) {MOCHTE}(?: {MICH}(?: {AUS})?| {AUS})(?: (?:wieder|gerne|gern))* (?:{WEG}|austreten|
    (?:abgemeldet|ausgetragen|gestrichen|geloscht|entfernt) werden)
(?:ich|wir) {MOCHTE} (?:austreten|abgemeldet werden|ausgetragen werden)
(?:ich|wir) {MOCHTE} (?:die|diese|den|diesen) (?:liste|gruppe|verteiler|mailingliste) verlassen
(?:ich|wir) (?:mochte|mochten|will|wollen|wunsche) keine (?:weiteren )?(?:e ?)?(?:mails?|nachrichten|
    newsletter|emails?)(?: mehr)?(?: (?:von (?:euch|ihnen|dieser liste|der liste)))?(?: (?:bekommen|
    erhalten|haben|empfangen))?
(?:ich melde mich|melde ich mich|wir melden uns|melden wir uns)(?: {AUS})? ab
keine (?:weiteren )?(?:e ?)?(?:mails|nachrichten|emails|newsletter) mehr(?: bitte)?
(?:wie|wo) (?:kann|konnte|muss|soll) (?:ich|man|wir)(?: (?:mich|sich|uns)(?: hier)?(?: {AUS})?
    (?: wieder)? {WEG}|(?: {AUS})? (?:abmelden|austragen|abbestellen))
wie (?:komme|kommt) (?:ich|man|wir) (?:hier|{AUS})(?: (?:wieder )?(?:runter|raus|weg|herunter|heraus))?
abmeldung|austragung|abbestellung|abmelden von der liste|abmeldung von der liste|
    liste verlassen|newsletter abbestellen|liste abbestellen|abo (?:kundigen|beenden|abbestellen)
(?:darme|dar) de baja(?: de (?:la|esta) lista)?|(?:quiero|quisiera|deseo) (?:darme|dar) de baja
    (?: de (?:la|esta) lista)?|desuscribir(?:me)?|cancelar (?:mi )?suscripcion|(?:quitenme|
    quitarme|borrenme|borrarme|eliminenme) de (?:la|esta) lista|no quiero recibir mas (?:correos|
    mensajes|emails)
(?:me )?(?:desabonner|desinscrire)(?: de (?:la|cette) liste)?|desabonnement|desinscription|
    desinscrivez ?moi(?: de (?:la|cette) liste)?|desabonnez ?moi(?: de (?:la|cette) liste)?|(?:merci de|
    veuillez) me (?:desinscrire|desabonner|retirer)(?: de (?:la|cette) liste)?|retirez ?moi de (?:la|
    cette) liste|je (?:veux|souhaite|voudrais) me (?:desinscrire|desabonner)(?: de (?:la|cette) liste)?|
    me retirer de (?:la|cette) liste|comment me (?:desinscrire|desabonner)
cancellami|cancellatemi(?: dalla| da questa)?(?: lista)?|cancellami dalla lista|disiscrivimi|
    disiscrizione|disiscrivetemi|toglietemi dalla lista|cancellazione|(?:vorrei|voglio) (?:cancellarmi|
    disiscrivermi)(?: dalla lista)?|annulla iscrizione
descadastrar|descadastre me|cancelar (?:minha |a )?(?:inscricao|assinatura)|(?:me tirem?|me retirem?|
    me removam?|remova me|removam me|retirem me) (?:da|desta) lista|(?:quero|gostaria de) sair (?:da|
    desta) lista|sair da lista
afmelden|uitschrijven|(?:ik wil )?mij (?:afmelden|uitschrijven)|meld mij af|schrijf mij uit|
    afmelden voor deze lijst|haal mij van (?:de|deze) lijst(?: af)?
wypisz mnie(?: z (?:tej )?listy)?|prosze mnie wypisac(?: z (?:tej )?listy)?|wypisac|wypis|rezygnuje|
    prosze o wypisanie(?: z (?:tej )?listy)?|chce sie wypisac
avregistrera(?: mig)?|avanmal(?:an| mig)?|avsluta (?:min )?prenumeration|ta bort mig(?: fran (?:listan|
    denna lista))?|avprenumerera
afmeld(?: mig)?|frameld(?: mig)?|framelding|afmelding|fjern mig fra listen|slet mig fra listen
avmeld(?: meg)?|meld meg av|meld meg ut|avmelding|fjern meg fra listen|ta meg av listen
peruuta (?:tilaus|tilaukseni)|poista minut(?: listalta| postituslistalta)?|haluan erota(?: listalta)?|
    eroan listalta
"""

# Each is the whole of what is asked; a number may follow, of a Brief's item.
MUTE = r"""
mute(?: this| the| it)?(?: thread| conversation| discussion| topic)?
{ASK}(?:remove|take|drop|delete) {ME} (?:off|from|out of|off of) {THREAD}
{ASK}{UNSUB}(?: {ME})? from {THREAD}
stumm|stummschalten|stumm schalten|(?:diesen |den |das |dieses )?(?:thread|faden|thema|
    gesprach) (?:bitte )?(?:stumm|stummschalten|stumm schalten)
silenciar|silencia|silencier|silenzia|silenziare|dempen|wycisz|tysta|daempa|demp|mykista
"""
UNMUTE = r"""
un ?mute(?: this| the| it)?(?: thread| conversation| discussion| topic)?
nicht mehr stumm|stumm aus|stummschaltung aufheben|laut schalten|wieder laut
"""
FOLLOW = r"""
follow(?: this| the| it)?(?: thread| conversation| discussion| topic)?
folgen|(?:diesem |dem )?(?:thread|faden|thema|gesprach) folgen
"""
RESUME = r"""
resume(?: my| the)?(?: e?mails?| subscription| delivery| mail delivery)?
un ?pause|end (?:my |the )?pause
pause (?:beenden|aufheben|vorbei|ende)|wieder aufnehmen|(?:wieder )?fortsetzen
"""
UNDO = r"""
undo(?: that| this| it)?
ruckgangig(?: machen)?|rueckgaengig(?: machen)?|das ruckgangig machen
"""
CANCEL = r"""
cancel(?: that| this| it| my post| my mail| my message| the post| this post)?
abbrechen|zuruckziehen|(?:meinen )?beitrag zuruckziehen|stornieren
"""
PAUSED = "me|my|the|all|mich|meine|emails?|mails?|delivery"  # what may be paused, and then until when

# Around what rhythms.py understands; a row with ``off`` asks for no more digests.
DIGEST = r"""
(?P<rhythm>(?:(?:daily|weekly) )?digests?(?: daily| weekly)?){KINDS}
{ASK}{GET} (?P<rhythm>(?:(?:the|a) )?(?:(?:daily|weekly) )?digests?(?: daily| weekly)?){KINDS}
{STOP} (?:(?:the|my|this|your|a|any) )*(?:(?:daily|weekly) )?digests?(?: any ?more| mode)?(?P<off>)
(?P<rhythm>(?:{ART} )?{DIGESTE}|{ART} zusammenfassung)(?: {HABEN})?
(?:stell|stelle|stellt|stellen sie) mich auf (?P<rhythm>(?:{ART} )?{DIGESTE})(?: um)?
ich (?:{MOCHTE}|hatte gerne?) (?:(?:nur|noch|lieber|den|die|einen|eine|als) )*
    (?P<rhythm>(?:{ART} )?{DIGESTE}|{ART} zusammenfassung)(?: {HABEN})?
(?:ich {MOCHTE} )?(?:nur noch|lieber nur|als|lieber|nur)(?: (?:den|die|einen|eine|als))?
     (?P<rhythm>(?:{ART} )?(?:{DIGESTE}|zusammenfassung))(?: {HABEN})?
(?:ich {MOCHTE} )?(?:kein|keinen|keine) (?:{ART} )?(?:{DIGESTE}(?: mehr)?|zusammenfassung(?:en)? mehr)
    (?: {HABEN})?(?P<off>)
(?:(?:den|die|meinen) )?(?:{DIGESTE}|zusammenfassung) (?:abbestellen|abstellen|beenden|ausschalten|aus|
    stoppen)(?P<off>)
set (?:\w+ )?(?P<rhythm>digest|digestplain|nomail|nodigest|summary|digest plain|digest mime)
(?P<rhythm>nomail|nodigest)(?: mode)?
"""

# Said beside a request, they make it no post; alone they are one.
REASONS = r"""
i (?:get|receive|am getting|m getting|am receiving) (?:way |far )?too (?:many|much) (?:e?mails?|
    messages|mail)
there (?:are|is) (?:way |far )?too (?:many|much) (?:e?mails?|messages|mail)|too (?:many|
    much) (?:e?mails?|messages|traffic)
i (?:dont|do not) know (?:how|why) (?:i|my address|my email) (?:got|am|was|came|ended up)
    (?: put| added)?(?: to be)? on (?:this|the|your) (?:mailing |email )?list
i (?:have|ve)? ?(?:already )?tried (?:to unsubscribe |unsubscribing )?(?:several times|many times|
    before|twice|already|(?:but|and) it (?:does not|doesnt|did not|didnt) work)
i (?:am|m) (?:no longer|not) interested(?: any ?more| in this)?|im (?:no longer|not) interested
    (?: any ?more)?
i (?:never|did not|didnt) (?:signed|sign|subscribed|subscribe|asked|ask)(?: up)?(?: (?:for|to) (?:this|
    it|that|this list))?
(?:i )?(?:signed up|subscribed|joined) (?:by mistake|by accident|accidentally)|wrong list
i (?:no longer|dont|do not) (?:have time|have the time|work there|work in this field|work here)
    (?: any ?more| for this)?
(?:sorry|apologies|excuse me|pardon)(?: (?:for|about) (?:the|this) (?:noise|trouble|bother|
    inconvenience|mail|spam))?
nothing personal
(?:thank you|thanks|thx)(?: (?:you|very much|so much|a lot|in advance|for your (?:help|time|
    understanding)|everyone|all))*
this is (?:the|my) (?:second|third|fourth|last) (?:time|request|attempt)
ich bekomme (?:einfach )?zu viele (?:e ?)?mails|(?:das sind )?zu viele mails|kein interesse mehr|
    ich habe keine zeit(?: mehr)?(?: dafur)?|tut mir leid|entschuldigung|sorry
sent from my [\w ]{1,30}|(?:von meinem [\w ]{1,30} gesendet)
(?:vielen |herzlichen |besten )?dank(?: (?:im voraus|fur (?:die|eure|ihre) (?:hilfe|muhe|zeit)))?
"""

# In a thread that begins with a request, these join it.
ME_TOO = r"""
me too|me also|me as well|same here|same for me|and me|ditto|i (?:want|would like) (?:this|that|
    the same) too|us too
ich auch|mich auch|dito|bitte mich auch|moi aussi|yo tambien|anchio|eu tambem|ik ook|ja tez|jag ocksa|
    jeg ogsa|mina myos
"""

# In a thread they may be meant for people: "I can't come". There, too, we ask.
UNSURE_IN_THREAD = r"""
bye|tschuss|ciao
(?:ich melde mich|melde ich mich|wir melden uns|melden wir uns) ab
(?:ich|wir) {MOCHTE} (?:mich|uns) (?:wieder |gerne |gern )?abmelden
(?:wie|wo) (?:kann|konnte|muss|soll) (?:ich|man|wir) (?:mich|sich|uns) (?:hier |wieder )?abmelden
(?:konnt ihr|konnen sie|kannst du|konnten sie|konntet ihr|wurden sie) (?:mich|uns) abmelden
(?:meldet|melde|melden sie) (?:mich|uns) ab|abmeldung
"""

# Alone in a new mail, nobody knows whether they are a post or a setting (interface.md §5).
UNSURE = r"""
yes|no|ok|okay|all|where|drop|later|help|settings|confirm|join|more|archive|copies|no copies|bye|block|
    waiting|who
open|close|welcome|log|pulse|recall|my data|forget me|opt ?out|subscribe|info|index|ack|quit|end|all ok|
    all no|sign out|log out|no feed
[0-9]{1,3} (?:ok|no|show|later|ban|edit|ok trust|ok invite)|ok trust|send [0-9]{1,3}|all [0-9]{1,3}
ja|nein|alle|wo|hilfe|einstellungen|bestatigen|beitreten|mehr|archiv|spater|tschuss|meine daten|
    ausloggen|kein feed|vergiss mich
"""


def rows(table: str) -> tuple[re.Pattern[str], ...]:
    """The patterns of a table, each to be matched against the whole of some words."""
    table = re.sub(r"\n {4}", "", table.strip())
    for name, words in _NAMES.items():  # those that name others come first
        table = table.replace(f"{{{name}}}", words)
    return tuple(regex(row) for row in table.splitlines())
