"""By which words a mail is known that is meant for one person. Alternatives of patterns; data.

All are as ``fold`` (calendar_words.py) leaves them: small letters, no accents, no apostrophes. What may as
well be said to everybody is left out: a question too many annoys, and "please don't share this outside the
group" is said to the group.
"""

from __future__ import annotations


def _phrases(words: str) -> frozenset[str]:
    return frozenset(" ".join(phrase.split()) for phrase in words.split(","))


# -- "between us" -----------------------------------------------------------------------------------
# ``AT_A_START``: only where a clause begins with it and ends behind it. ``ANYWHERE``: wherever it stands.

AT_A_START = (
    "(?:just |strictly |only |but |and )?between (?:us|ourselves)"
    "|(?:nur |mal |ganz |aber )?unter uns|(?:juste |mais )?entre nous|(?:detto )?(?:tra|fra) (?:di )?noi"
    "|(?:aqui )?entre (?:nosotros|nosotras|nos)|onder ons|tussen ons|miedzy nami|oss emellan|mellan oss"
    "|mellem os|mellom oss|meidan kesken"
)
ANYWHERE = (
    "between you and me|between you and i|between you me and"
    "|(?:just|strictly|keep (?:this|that|it)|stays?|kept|remains?) (?:strictly |just )?between us"
    "|(?:keep|kept) (?:this|that|it) (?:to yourself|quiet|confidential|private|secret)"
    "|for your eyes only|off the record"
    "|(?:told|tell|said|telling|tells) (?:me |you |him |her |us )?(?:this |that |it )?"
    "in (?:strict )?confidence"
    "|(?:this|that|it) is (?:just )?for you (?:alone|only)"
    "|unter uns gesagt|(?:bleibt?|bleiben|muss|sollte) (?:das |bitte )?unter uns|unter vier augen"
    "|im vertrauen gesagt|(?:das|dies|es) (?:bitte )?(?:streng )?vertraulich"
    "|behalt (?:das|es) (?:bitte )?fur dich"
    "|behalten sie (?:das|es) (?:bitte )?fur sich|(?:das|dies) ist nur fur dich"
    "|(?:reste|rester|restera) entre nous|soit dit entre nous|garde(?:z)? (?:ca|cela|le) pour (?:toi|vous)"
    "|(?:quede|queda) entre (?:nosotros|nosotras)|(?:fique|fica) entre nos|(?:resti|resta) (?:tra|fra) noi"
    "|blijft onder ons|onder ons gezegd|tussen ons gezegd|miedzy nami mowiac|mellan oss sagt|mellem os sagt"
)

# -- "don't forward" --------------------------------------------------------------------------------

DONT_FORWARD = (
    "(?:dont|do not|never) (?:forward|pass on|share|show|mention|repeat)"
    " (?:this|that|it|my (?:mail|email|message))"
    "(?: (?:mail|email|message))?(?: on)?"
    "|(?:dont|do not) tell (?:anyone|anybody|him|her|them|the others|the others?|the list|the group)"
    "|(?:bitte )?nicht (?:weiterleiten|weitersagen|weitererzahlen|weitergeben)"
    "|(?:leite|leiten sie|gib|geben sie|sag|sagen sie) (?:das|es|die mail|diese mail) (?:bitte )?nicht weiter"
    "|ne (?:le |la |l)?(?:transfere|transferez|transmets|transmettez|repete|repetez|dis|dites) (?:pas|rien)"
    "|no (?:lo |la )?(?:reenvies|reenvie|compartas|comparta|digas) (?:esto|este|nada|a nadie)"
    "|non (?:inoltrare|inoltrarlo|dirlo|dire) (?:questa|questo|nulla|niente|a nessuno)"
    "|nao (?:encaminhe|encaminhes|conte|contes) (?:isto|isso|este|esta|a ninguem)"
    "|niet (?:doorsturen|doorvertellen)|vidarebefordra (?:inte|ej)|(?:prosze )?nie przekazuj"
)
# Behind it: then it is said to everybody here.
TO_ALL_HERE = (
    "outside|beyond|elsewhere|with (?:outsiders|others outside|the press|non)|publicly|on (?:social|facebook)"
    "|ausserhalb|nach aussen|en dehors|fuera|fuori|buiten|utanfor"
)

# -- "I write to you alone" -------------------------------------------------------------------------
# ``OFF_LIST``: where the mail begins with it. ``ALONE``: wherever it stands.

OFF_LIST = (
    "(?:replying |writing |answering |responding |sent |reply |going |taking this )?(?:off[ -]?list|offlist)"
    "|private reply|privately|(?:reply |answer )?just to you|nur an dich|persona?lich an dich"
    "|hors liste|fuera de (?:la )?lista|fuori lista|fora da lista|buiten de lijst"
)
ALONE = (
    "(?:replying|writing|answering|responding|mailing|emailing|contacting)"
    " (?:to you |you )?(?:privately|in private|off[ -]?list|offlist|alone)"
    "|(?:took|taken|taking|take) the (?:list|others?|group) (?:out of|off)(?: the)? (?:cc|copy)"
    "|(?:schreibe|antworte) (?:dir|ihnen) (?:privat|personlich|direkt|allein|abseits)"
    "|nicht uber (?:die liste|den verteiler)"
)

# -- greetings --------------------------------------------------------------------------------------

TITLES = (
    "dr|mr|mrs|ms|miss|mx|prof|professor|sir|herr|herrn|frau|monsieur|madame|mme|senor|senora|sig|signora"
)
AND = "and|und|et|y|e|en|och|og|ja|i|&|\\+|/|or|oder"
# With one of these it is nobody in particular. What courtesy_words.GREETED has counts, too.
_NOBODY = """
    all everyone everybody everone anyone anybody someone somebody there folks folk guys gals people
    list lists listers team teams friend friends again sir sirs madam madams community group groups
    colleague colleagues member members neighbour neighbours neighbor neighbors dev devs developer
    developers user users expert experts hackers gang crew board committee world mate mates y'all yall
    you both two ladies gentlemen dears host hosts admin admins moderator moderators owner owners staff
    volunteers circle club ng newsgroup forum everybody's whoever reader readers fellow fellows staffers
    comrades others rest zusammen leute liste alle allen allerseits freunde freundinnen kollegen
    kolleginnen mitglieder nachbarn nachbarinnen damen herren gruppe runde verteiler ihr euch beide tous
    toutes groupe amis collegues monde messieurs mesdames todos todas lista grupo amigos amigas colegas
    tutti tutte gruppo amici colleghi allemaal lijst groep vrienden collegas mensen alla allihopa vanner
    sammen kaikki wszyscy wszystkim panstwo
"""
NOBODY = frozenset(_NOBODY.split())
# What stands behind "Hi" with a capital letter and is no name.
_NO_NAMES = """
    i im ive id ill its it this that these those the a an my we you he she they and but so as at in on
    for to from if is are was what when where who why how which can could would should do does did has
    have had may thanks thank thx sorry yes no ok okay well just not please good great nice there here
    now today re hi hello hey dear morning afternoon evening day ich wir du sie er es das die der ein
    eine danke dank ja nein gut guten hallo liebe lieber heute
"""
NO_NAMES = frozenset(_NO_NAMES.split())
# Names that are one: whoever is known by one of a row may be greeted by another.
NICKNAMES = (
    "robert bob bobby rob bert",
    "william bill billy will liam",
    "richard dick rick rich",
    "james jim jimmy jamie",
    "john jack johnny jon",
    "edward ed eddie ted ned",
    "theodore ted theo",
    "charles chuck charlie",
    "henry harry hank",
    "anthony tony",
    "michael mike mick misha michel",
    "joseph joe josef sepp jo",
    "thomas tom tommy",
    "andrew andy drew andreas",
    "alexander alex sasha sascha sandy lex",
    "margaret peggy maggie meg greta",
    "elizabeth liz beth betty lisa elisabeth eliza",
    "katherine catherine kate kathy cathy katie kat",
    "susan sue suzie susanne",
    "patricia pat patty trish",
    "deborah deb debbie",
    "rebecca becky",
    "jennifer jenny jen",
    "sarah sally",
    "mary molly polly maria",
    "ulrich uli ulrike",
    "friedrich fritz",
    "johannes hans hannes",
    "wolfgang wolf",
    "stephen steve steven stefan stephan",
    "francisco paco pancho",
    "jose pepe",
    "giuseppe beppe",
    "ivan vanya",
    "dmitri dima mitya dmitry",
    "nicholas nick nico klaus nikolaus",
)

# -- answers to "did you mean everyone?" ------------------------------------------------------------

ALL = _phrases(
    """
    all, to all, send to all, send it to all, everyone, everybody, to everyone, to everybody, list, to
    the list, the list, alle, an alle, alle an alle, liste, an die liste
    """
)
DROP = _phrases(
    """
    drop, drop it, forget it, forget, delete, delete it, discard, verwerfen, vergiss es, weg, weg damit,
    loschen
    """
)
PRIVATE = _phrases(
    """
    private, privately, in private, privat
    """
)
ONLY = ("only to", "just to", "only", "just", "to", "nur an", "nur fur", "nur", "an")

# -- thanks -----------------------------------------------------------------------------------------

THANKS = (
    "(?:ok |okay |great |perfect |wow |super |oh |ah )?"
    "(?:many |so many |very many |big |vielen |herzlichen |lieben |besten )?"
    "(?:thanks|thank you|thankyou|thx|ty|cheers|danke|dank|merci|gracias|grazie|obrigado|obrigada|bedankt"
    "|tack|takk|tak)"
)
