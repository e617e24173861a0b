"""By which words things are said to the numbers of a Brief: "mute 2", "1p: …", "thanks Ana". Data."""

from __future__ import annotations

# fmt: off
WORDS: tuple[tuple[str, str, str], ...] = (
    # verb       English                            German
    ("all",      "all, whole, send, show",          "alles, alle, ganz, sende, zeige"),
    ("mute",     "mute",                            "stumm"),
    ("unmute",   "unmute",                          "laut"),
    ("follow",   "follow",                          "folgen, folge"),
    ("later",    "later",                           "später, spaeter"),
    ("thanks",   "thanks, thank you, many thanks",  "danke, vielen dank"),
)
# How somebody says that words go to the author alone: behind the number ("1 private:"), or before it.
PRIVATE = ("p", "pn", "pm", "priv", "private", "privately", "privat")
NO_ANSWER = ("yes", "no", "join")  # verbs that answer a question: in a Brief they are words like others
# fmt: on
DROP = frozenset(
    ("drop", "none", "nowhere", "no", "cancel", "forget it", "keine", "keiner", "nein", "verwerfen")
)
# All that is said above answers that stand between quoted lines.
ABOVE = (
    r"(?:my |see )?(?:answers?|replies|reply|comments?)?(?: (?:are|is))?[ ,:]*"
    r"(?:inline|in-line|in line|interspersed|below|see below|in ?between)"
    r"|(?:meine )?(?:antwort(?:en)?|kommentare?|siehe|s\.)? ?(?:stehen |steht )?"
    r"(?:unten|im text|darunter|dazwischen|inline)"
)
