"""Table 4: what can be said by mail (interface.md §5). A verb is a row; the first that fits a line is meant.

A row says by which words it is known in each language, what follows them, who may say it, and what it
weighs; ``help`` and docs/commands.md are told from it. What it does is in ``core/verbs``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import StrEnum

from listserv.core import brief_answers, deciding, rhythms
from listserv.core.changes import Change, UndoAsk
from listserv.core.courtesy_words import GREETING
from listserv.core.nearness import distance
from listserv.core.patterns import regex
from listserv.core.records import dataclass
from listserv.core.said import Done, Said, only
from listserv.core.scene import Scene
from listserv.core.types import Standing
from listserv.core.verb_words import EVERYWHERE, POLITE, called, heads
from listserv.core.verbs import (
    alone,
    archive,
    blocking,
    choices,
    hosting,
    journal,
    parting,
    people,
    pulse,
    recalling,
    records,
    rota,
    staying,
    steering,
    threads,
    tuning,
)

MOST_LINES = 10  # verbs in one mail (interface.md §5)
_LONGEST_LINE = 400
_LONGEST_HEAD = 40  # of a line that addresses stand on, behind the verb


class Weight(StrEnum):
    """What has to speak for whoever says it."""

    HARMLESS = "harmless"  # answered to the known address itself: needs no token
    ORDINARY = "ordinary"  # needs the token, or is asked about
    WEIGHTY = "weighty"  # asked about where nothing passes for From


class Takes(StrEnum):
    """What stands behind the verb."""

    NOTHING = "nothing"
    MAYBE = "maybe"
    WORDS = "words"
    TEXT = "text"  # perhaps, and all lines below


def _never(words: str) -> bool:
    return False


def _always(words: str) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Verb:
    """A row; by which words it is known stands in verb_words.py. ``shape``: how help shows it.

    ``below``: whether the lines below are its words, too, by those that stand behind it. ``weighs``: where
    the weight depends on it, whether this argument is weighty.
    """

    name: str
    shape: str
    takes: Takes
    least: Standing
    weight: Weight
    read: Callable[[str, Scene], str | Said]
    do: Callable[[str, Scene], Done]
    below: Callable[[str], bool] = _never
    weighs: Callable[[str, Scene], bool] | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A verb as somebody said it. ``everywhere``: on all of that person's lists."""

    verb: Verb
    words: str = ""
    everywhere: bool = False


_H, _M, _S = Standing.HOST, Standing.MEMBER, Standing.STRANGER
_NOT, _MAY, _YES, _TEXT = Takes.NOTHING, Takes.MAYBE, Takes.WORDS, Takes.TEXT
_ANY, _OWN, _BIG = Weight.HARMLESS, Weight.ORDINARY, Weight.WEIGHTY
_free = threads.read_nothing


def _same(words: str, scene: Scene) -> str | Said:
    """An act's argument that was written by ``read`` before."""
    return words


def _now(words: str, scene: Scene) -> str | Said:
    return "now"


def _nothing(arg: str, scene: Scene) -> Done:
    """Said beside something that was asked about: nothing is left to answer."""
    return only("nothing asked")


def undo_latest(arg: str, scene: Scene) -> Done:
    """Undo without a mail that says what: the latest act that can be taken back."""
    if scene.look.outbox is not None:
        return records.withdraw(str(scene.look.outbox), scene)
    if scene.look.undoable is None:
        return only("nothing to undo")
    done = run(scene.look.undoable.undo, scene)
    if not done.changes:  # too late, or not the speaker's to undo any more
        return done
    return Done((Said("undone"), *done.said), (UndoAsk(scene.look.undoable.id), *done.changes))


# fmt: off
VERBS: tuple[Verb, ...] = (
    #    name             shape                 takes who wei.  read, does
    Verb("yes",            "yes",                _NOT, _S, _OWN, _free, _nothing),
    Verb("no",             "no",                 _NOT, _S, _OWN, _free, _nothing),
    Verb("stop",           "stop",               _NOT, _S, _OWN, _free, _nothing),
    Verb("join",           "join",               _NOT, _S, _OWN, _free, _nothing),
    Verb("now",            "now",                _NOT, _M, _OWN, _now, choices.set_rhythm),
    Verb("rhythm",         "daily",              _YES, _M, _OWN, choices.read_rhythm, choices.set_rhythm),
    Verb("at",             "at 7:00",            _YES, _M, _OWN, choices.read_hour, choices.set_hour),
    Verb("copies",         "copies",             _NOT, _M, _OWN, choices.read_on, choices.set_copies),
    Verb("no copies",      "no copies",          _NOT, _M, _OWN, choices.read_off, choices.set_copies),
    Verb("form",           "form plain",         _YES, _M, _OWN, choices.read_form, choices.set_form),
    Verb("mute",           "mute",               _NOT, _M, _OWN, threads.read_thread, threads.mute),
    Verb("unmute",         "unmute",             _NOT, _M, _OWN, threads.read_thread, threads.unmute),
    Verb("follow",         "follow",             _NOT, _M, _OWN, threads.read_thread, threads.follow),
    Verb("later",          "later friday",       _YES, _M, _OWN, threads.read_later, threads.later),
    Verb("block",          "block",              _NOT, _M, _OWN, blocking.read_person, blocking.block),
    Verb("unblock",        "unblock",            _NOT, _M, _OWN, blocking.read_person, blocking.unblock),
    Verb("cool",           "cool 24h",           _MAY, _H, _OWN, steering.read_cool, steering.cool),
    Verb("slow",           "slow 1/day",         _MAY, _H, _OWN, steering.read_slow, steering.slow),
    Verb("close",          "close",              _TEXT, _H, _OWN, steering.read_close, steering.close),
    Verb("open",           "open",               _NOT, _H, _OWN, steering.read_open, steering.reopen),
    Verb("split",          "split Cold storage", _YES, _H, _OWN, parting.read_split, parting.split),
    Verb("merge",          "merge",              _MAY, _H, _OWN, parting.read_merge, parting.merge),
    Verb("recall",         "recall",             _NOT, _M, _BIG, recalling.read_recall, recalling.recall),
    Verb("pause",          "pause until 6 jan",  _MAY, _M, _OWN, staying.read_pause, staying.pause),
    Verb("resume",         "resume",             _NOT, _M, _OWN, _free, staying.resume),
    Verb("leave",          "bye",                _NOT, _M, _OWN, _free, staying.leave),
    Verb("find",           "find cold storage",  _MAY, _M, _ANY, archive.read_find, archive.find),
    Verb("more",           "more",               _NOT, _M, _ANY, _free, archive.find),
    Verb("send",           "send 3",             _YES, _M, _ANY, archive.read_number, archive.send),
    Verb("archive",        "archive",            _NOT, _M, _ANY, _free, archive.show_archive),
    Verb("sign out",       "sign out",           _NOT, _M, _OWN, _free, archive.sign_out),
    Verb("no feed",        "no feed",            _NOT, _M, _OWN, _free, archive.end_feed),
    Verb("settings",       "settings",           _NOT, _M, _ANY, _free, records.settings),
    Verb("name",           "name Ana Silva",     _YES, _M, _OWN, choices.read_name, choices.set_name),
    Verb("zone",           "zone Europe/Berlin", _YES, _M, _OWN, choices.read_zone, choices.set_zone),
    Verb("language",       "language de",        _YES, _M, _OWN, choices.read_language, choices.set_language),
    Verb("address add",    "address add x@y",    _YES, _M, _OWN, choices.read_mailbox, choices.add_address),
    Verb("address remove", "address remove x@y", _YES, _M, _OWN, choices.read_mailbox, choices.drop_address),
    Verb("my data",        "my data",            _NOT, _M, _OWN, _free, records.my_data),
    Verb("forget me",      "forget me",          _NOT, _M, _BIG, _free, records.forget_me),
    Verb("pulse",          "pulse",              _NOT, _H, _ANY, _free, pulse.bring),
    Verb("set",            "set guard off",      _YES, _H, _OWN, tuning.read_set, tuning.do_set,
         tuning.is_long, tuning.is_weighty),
    Verb("welcome",        "welcome",            _MAY, _H, _OWN, tuning.read_welcome, tuning.do_set, _always),
    Verb("log",            "log",                _NOT, _H, _OWN, _free, journal.log),
    Verb("who",            "who",                _MAY, _H, _OWN, people.read_who, people.who,
         weighs=people.is_sheet),
    Verb("invite",         "invite x@y",         _MAY, _H, _OWN, people.read_people, people.invite, _always),
    Verb("add",            "add x@y",            _MAY, _H, _BIG, people.read_people, people.add, _always),
    Verb("remove",         "remove x@y",         _YES, _H, _BIG, people.read_one, people.remove),
    Verb("trust",          "trust x@y",          _YES, _H, _OWN, people.read_one, people.trust),
    Verb("host",           "host x@y",           _YES, _H, _BIG, hosting.read_hosting, hosting.ask_host),
    Verb("unhost",         "unhost x@y",         _YES, _H, _BIG, hosting.read_hosting, hosting.end_host),
    Verb("where",          "where",              _NOT, _M, _ANY, _free, records.where),
    Verb("undo",           "undo",               _NOT, _M, _OWN, _free, undo_latest),
    Verb("cancel",         "cancel",             _NOT, _S, _OWN, _free, records.cancel),
    Verb("help",           "help",               _MAY, _S, _ANY, _free, _nothing),
    Verb("waiting",        "waiting",            _NOT, _H, _ANY, _free, rota.waiting),
    Verb("duty",           "duty ana mon-wed, ben thu-sun", _MAY, _H, _OWN, rota.read_duty, rota.duty),
    # What is said to the numbers of a pulse alone (pulse_lines.py).
    Verb("pulse show",     "",                   _MAY, _H, _OWN, pulse.read_posts, pulse.show),
    Verb("pulse nudge",    "",                   _MAY, _H, _OWN, pulse.read_posts, pulse.nudge),
    Verb("pulse remove",   "",                   _MAY, _H, _BIG, pulse.read_gone, pulse.remove),
    Verb("pulse number",   "",                   _MAY, _H, _ANY, pulse.read_bare, _nothing),
    # What nobody says: the other halves of the acts above, as "yes" and "undo" do them.
    Verb("decide",         "",                   _NOT, _M, _OWN, _same, deciding.decide),
    Verb("answer",         "",                   _NOT, _M, _OWN, _same, brief_answers.answer),
    Verb("reopen",         "",                   _NOT, _M, _OWN, _same, deciding.reopen),
    Verb("unban",          "",                   _NOT, _M, _OWN, _same, deciding.unban),
    Verb("back in",        "",                   _NOT, _M, _OWN, _same, deciding.back_in),
    Verb("set duty",       "",                   _NOT, _H, _OWN, _same, rota.set_duty),
    Verb("off duty",       "",                   _NOT, _H, _OWN, _same, rota.off_duty),
    Verb("as before",      "",                   _NOT, _M, _OWN, _same, steering.as_before),
    Verb("mend",           "",                   _NOT, _M, _OWN, _same, parting.mend),
    Verb("part",           "",                   _NOT, _M, _OWN, _same, parting.part),
    Verb("take address",   "",                   _NOT, _M, _OWN, _same, choices.take_address),
    Verb("rejoin",         "",                   _NOT, _S, _OWN, _same, staying.rejoin),
    Verb("withdraw",       "",                   _NOT, _M, _OWN, _same, records.withdraw),
    Verb("pulse back",     "",                   _NOT, _H, _OWN, _same, pulse.put_back),
    Verb("release",        "",                   _NOT, _M, _OWN, _same, records.release),
    Verb("alone",          "",                   _NOT, _M, _OWN, _same, alone.send_alone),
    Verb("erase",          "",                   _NOT, _M, _OWN, _same, records.erase),
    Verb("put back",       "",                   _NOT, _H, _OWN, _same, tuning.put_back,
         weighs=tuning.is_weighty_back),
    Verb("call off",       "",                   _NOT, _H, _OWN, _same, tuning.call_off),
    Verb("take off",       "",                   _NOT, _H, _BIG, _same, people.take_off),
    Verb("bring back",     "",                   _NOT, _H, _OWN, _same, people.bring_back),
    Verb("uninvite",       "",                   _NOT, _H, _OWN, _same, people.uninvite),
    Verb("probation",      "",                   _NOT, _H, _OWN, _same, people.put_on_probation),
    Verb("accept hosting", "",                   _NOT, _M, _OWN, _same, hosting.accept),
    Verb("end hosting",    "",                   _NOT, _H, _BIG, _same, hosting.end_again),
    Verb("back as host",   "",                   _NOT, _H, _BIG, _same, hosting.bring_back_host),
)
GROUPS: tuple[tuple[str, str], ...] = (
    # where help shows them, in this order
    ("rhythm",   "now, rhythm, at, copies, no copies, form"),
    ("threads",  "mute, unmute, follow, later, block, unblock"),
    ("stay",     "pause, resume, leave"),
    ("archive",  "find, send, archive, sign out, no feed"),
    ("you",      "settings, name, zone, language, address add, address remove, my data, forget me"),
    ("waits",    "waiting, duty"),
    ("hosts",    "pulse"),
    ("talks",    "cool, slow, close, open, split, merge"),
    ("more",     "where, undo, recall, cancel, help"),
    ("list",     "set, welcome, log"),
    ("people",   "who, invite, add, remove, trust, host, unhost"),
)
NEEDS: dict[str, str] = {
    # verb          which parts of Lookups it looks at
    "find":         "hits",
    "more":         "hits",
    "send":         "shown",
    "address add":  "taken",
    "block":        "across",
    "unblock":      "across",
    "where":        "traces",
    "undo":         "undoable",
    "cancel":       "held",
    "duty":         "on_call",
    "split":        "post",
    "recall":       "post",
    "merge":        "others",
    "leave":        "hosts",
    "settings":     "planned",
    "set":          "hosts planned",
    "welcome":      "hosts planned",
    "put back":     "hosts planned",
    "call off":     "hosts planned",
    "log":          "log",
    "who":          "roster",
    "invite":       "people",
    "add":          "people host_names",
    "remove":       "people",
    "trust":        "people",
    "take off":     "people",
    "bring back":   "people",
    "probation":    "people",
    "host":         "hosts people",
    "unhost":       "hosts people",
    "accept hosting": "hosts people",
    "end hosting":  "hosts people",
    "back as host": "hosts people",
}
# fmt: on
OF_ANY_SECTION = frozenset(("waiting",))  # what a section's host may say at any time
OF_SECTIONS = frozenset(("cool", "slow", "close", "open", "split", "merge"))  # said by a section's host, too
_BY_NAME = {verb.name: verb for verb in VERBS}
GROUP_OF = {name: group for group, names in GROUPS for name in names.split(", ")}
_HEADS = tuple((head, _BY_NAME[name]) for head, name in heads())
_POLITE = regex(rf"^(?:{'|'.join(POLITE)})[ ,]+|[ ,]+(?:{'|'.join(POLITE)})$")
_QUOTES = "\"'“”„*_"
_GREETING = regex(rf"\s*(?:{GREETING})(?:[ ,]+[\w'’-]+){{0,3}}\s*[,!.:]*\s*", re.I)
_BLANKS = regex(r"\s+")
_BEHIND_HEAD = regex(rf"^\W*(?:(?:{'|'.join(POLITE)})[ ,]+)?\w+[\s:]*", re.I)  # words are taken as they stand


def verb(name: str) -> Verb:
    """A verb by its row's name. Raises KeyError."""
    return _BY_NAME[name]


def read_line(text: str, language: str = "en") -> Line | None:
    """The verb that a line says, None where it says none. Case, a final full stop, "please" don't matter."""
    if len(text) > _LONGEST_LINE:
        return None
    said = _BLANKS.sub(" ", _bare(text.strip()).rstrip(".!").strip())
    low = _POLITE.sub("", said.casefold())
    start = said.casefold().find(low)
    said = said[start : start + len(low)] if start >= 0 and len(said) == len(said.casefold()) else low
    everywhere = next((end for end in EVERYWHERE if low.endswith(end)), "")
    if everywhere:
        said, low = said[: -len(everywhere)], low[: -len(everywhere)]
    old_words = _rhythm(low, language) if low.startswith("set ") else None  # "set book digest"
    found = old_words or _known(said, low) or _rhythm(low, language)
    return Line(found.verb, found.words, bool(everywhere)) if found else None


def _bare(text: str) -> str:
    """Without the quotes around the whole of it; a phrase at its end keeps its own: find "cold storage"."""
    return text.strip(_QUOTES) if text[:1] in _QUOTES else text.rstrip("*_")


def _known(said: str, low: str) -> Line | None:
    for head, row in _HEADS:
        if low == head and row.takes is not Takes.WORDS:
            return Line(row)
        ends = " :" if row.takes in (Takes.WORDS, Takes.TEXT) else " "
        if row.takes is not Takes.NOTHING and low.startswith(tuple(head + end for end in ends)):
            return Line(row, said[len(head) + 1 :].strip())
    return None


def _rhythm(low: str, language: str) -> Line | None:
    return Line(_BY_NAME["rhythm"], low) if low and rhythms.read(low, language) else None


def read_lines(
    text: str, language: str = "en", first: Callable[[str], Line | None] = lambda _: None
) -> tuple[Line, ...]:
    """The verbs that a mail's new words say: its first lines, up to the first that is none; ten at most.

    ``first``: reads a line before we do, where a mail of ours has words of its own.
    """
    lines: list[Line] = []
    written_lines = text.splitlines()
    for at, text_line in enumerate(written_lines, 1):
        if not text_line.strip() or (not lines and _GREETING.fullmatch(text_line)):
            continue
        line = first(text_line) or _opening(text_line, language)
        if line is None or len(lines) == MOST_LINES:
            break
        if line.verb.takes is Takes.TEXT:
            words = "\n".join((_BEHIND_HEAD.sub("", text_line), *written_lines[at:]))
            lines.append(replace(line, words=words.strip()))
            break
        if line.verb.below(line.words):
            lines.append(replace(line, words="\n".join([line.words, *written_lines[at:]]).rstrip()))
            break
        lines.append(line)
    return tuple(lines)


def _opening(text: str, language: str) -> Line | None:
    """A line of a mail. What stands behind a verb that takes all that follows is left as it was written."""
    start = text.strip()[:_LONGEST_LINE]
    line = read_line(start if len(text) > _LONGEST_LINE else text, language)
    if line is None or not line.verb.below(line.words):
        return line if len(text) <= _LONGEST_LINE else None
    head = next(
        (head for head, row in _HEADS if row is line.verb and head in start[:_LONGEST_HEAD].casefold()), ""
    )
    return Line(line.verb, text[text.casefold().index(head) + len(head) :].strip()) if head else line


def likeliest(text: str, allowed: Iterable[Verb], most: int = 3) -> tuple[Verb, ...]:
    """The verbs that somebody may have meant: those whose words are nearest to the first of theirs."""
    word = text.strip().casefold().split(" ")[0][:20] if text.strip() else ""
    near: dict[str, int] = {}
    for head, row in _HEADS:
        near[row.name] = min(near.get(row.name, 99), distance(word, head))
    return tuple(sorted(allowed, key=lambda row: near.get(row.name, 99))[:most])


def run(acts: str, scene: Scene) -> Done:
    """Do what was written down: a line an act, its row's name and its argument."""
    said: list[Said] = []
    changes: list[Change] = []
    undo: list[str] = []
    for row, arg in rows_of(acts):
        done = row.do(arg, scene) if may_do(row, scene) else only("for hosts")
        said += done.said
        changes += done.changes
        undo += [done.undo] if done.undo else []
    return Done(tuple(said), tuple(changes), "\n".join(reversed(undo)))


def shown(line: Line, language: str) -> str:
    """A line as it is said back to whoever may have said it: "pause friday", "pause freitag"."""
    return f"{called(line.verb.name, language)} {line.words}".strip()


_LONGEST_NAMES = sorted(VERBS, key=lambda row: len(row.name), reverse=True)


def rows_of(acts: str) -> tuple[tuple[Verb, str], ...]:
    """The acts that are written there: each row and its argument. What is no act is left out."""
    found = []
    for line in acts.splitlines():
        row = next(
            (one for one in _LONGEST_NAMES if line == one.name or line.startswith(f"{one.name} ")), None
        )
        found += [(row, line[len(row.name) + 1 :])] if row else []
    return tuple(found)


def act_of(acts: str) -> Verb:
    """The row of the first act that is written there."""
    return rows_of(acts)[0][0]


def may_do(row: Verb, scene: Scene) -> bool:
    """Whether the speaker may still: what a host asked for, or can undo, is done by who is host then."""
    if row.least is not Standing.HOST:
        return True
    is_host = scene.member is not None and scene.member.standing is Standing.HOST
    return is_host or (row.name in OF_SECTIONS and scene.looks_after)


def is_weighty(acts: str, scene: Scene) -> bool:
    """Whether something must pass for From before this is done."""
    return any(
        row.weighs(arg, scene) if row.weighs else row.weight is Weight.WEIGHTY for row, arg in rows_of(acts)
    )


def written(line: Line, scene: Scene) -> str | Said:
    """A line as it is written down to be done now or later: "pause 2027-01-06T07:00:00+01:00"."""
    arg = line.verb.read(line.words, scene)
    return arg if isinstance(arg, Said) else f"{line.verb.name} {arg}".rstrip()
