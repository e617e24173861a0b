"""By which words each verb is known, a language a column; the first of each is the one that help shows.

English is understood by everybody, whatever their language. What older servers taught people is understood
too, where it can mean only one thing.
"""

from __future__ import annotations

# fmt: off
WORDS: tuple[tuple[str, str, str], ...] = (
    # verb             English                                            German
    ("yes",            "yes, confirm, ok",                                "ja, bestätigen"),
    ("no",             "no",                                              "nein"),
    ("stop",           "stop",                                            "stopp"),
    ("join",           "join, subscribe",                                 "beitreten, anmelden"),
    ("help",           "help, info, ?",                                   "hilfe"),
    ("where",          "where, where is my mail",                         "wo, wo ist meine mail"),
    ("rhythm",         "rhythm",                                                  "rhythmus"),
    ("now",            "now, each",                                       "sofort"),
    ("at",             "at",                                              "um"),
    ("copies",         "copies, copies on",                               "kopien"),
    ("no copies",      "no copies, copies off",                           "keine kopien"),
    ("form",           "form, format",                                    "form"),
    ("mute",           "mute",                                            "stumm"),
    ("unmute",         "unmute",                                          "laut"),
    ("follow",         "follow",                                          "folgen"),
    ("later",          "later",                                           "später"),
    ("block",          "block",                                           "blockieren, sperren"),
    ("unblock",        "unblock",                                         "freigeben"),
    ("cool",           "cool",                                            "abkühlen"),
    ("slow",           "slow",                                            "langsam"),
    ("close",          "close",                                           "schließen, schliessen"),
    ("open",           "open",                                            "öffnen"),
    ("split",          "split",                                           "abtrennen"),
    ("merge",          "merge",                                           "zusammenlegen"),
    ("recall",         "recall",                                          "zurückrufen"),
    ("pause",          "pause, pause until, away, away until",            "pause, pause bis, weg, weg bis"),
    ("resume",         "resume",                                          "weiter"),
    ("leave",          "bye, leave, unsubscribe, signoff, remove me",     "abmelden, austragen"),
    ("find",           "find, search",                                    "finde, suche"),
    ("more",           "more",                                            "mehr"),
    ("send",           "send",                                            "sende"),
    ("archive",        "archive",                                         "archiv"),
    ("sign out",       "sign out, log out",                               "ausloggen"),
    ("no feed",        "no feed, feed off",                               "kein feed"),
    ("pulse",          "pulse",                                           "puls"),
    ("set",            "set",                                             "setze"),
    ("welcome",        "welcome",                                         "willkommen"),
    ("log",            "log",                                             "protokoll"),
    ("who",            "who",                                             "wer"),
    ("invite",         "invite",                                          "einladen"),
    ("add",            "add",                                             "aufnehmen"),
    ("remove",         "remove",                                          "entfernen"),
    ("trust",          "trust",                                           "vertrauen"),
    ("host",           "host",                                            "gastgeber"),
    ("unhost",         "unhost",                                          "kein gastgeber"),
    ("settings",       "settings, set",                                   "einstellungen"),
    ("name",           "name",                                            "name"),
    ("zone",           "zone, timezone",                                  "zeitzone"),
    ("language",       "language",                                        "sprache"),
    ("address add",    "address add",                                     "adresse dazu"),
    ("address remove", "address remove",                                  "adresse weg"),
    ("my data",        "my data",                                         "meine daten"),
    ("forget me",      "forget me",                                       "vergiss mich"),
    ("waiting",        "waiting",                                         "warteschlange, was wartet"),
    ("duty",           "duty",                                            "dienst"),
    ("undo",           "undo",                                            "rückgängig, zurück"),
    ("cancel",         "cancel",                                          "zurückziehen"),
)
EVERYWHERE = (" everywhere", " überall")
POLITE = ("please", "bitte", "thanks", "thank you", "danke")
# fmt: on


_COLUMNS = {"de": 2}


def called(verb: str, language: str) -> str:
    """The verb's word as it is said back: in English its name; "" where the words behind it say it all."""
    if language not in _COLUMNS:
        return verb
    return next((row[_COLUMNS[language]].split(",")[0] for row in WORDS if row[0] == verb), "")


def heads() -> tuple[tuple[str, str], ...]:
    """(words, verb), longest words first, so that "pause until" is not "pause" with a word behind it."""
    pairs = {
        (head.strip(), verb) for verb, *columns in WORDS for column in columns for head in column.split(",")
    }
    return tuple(sorted(pairs, key=lambda pair: (-len(pair[0]), pair)))
