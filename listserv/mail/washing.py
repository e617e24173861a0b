"""The bytes of a mail without somebody's traces. What is not touched keeps its bytes.

Only text can be read: names in pictures and office files stay, and so does all that is encrypted. What is
nothing but a sign of who sent it (a visiting card, a key, a signature) goes whole.
"""

from __future__ import annotations

import binascii
from base64 import encodebytes
from collections.abc import Callable, Iterable
from functools import lru_cache

from listserv.core.address import Address
from listserv.core.patterns import regex
from listserv.core.quotes import Quotes, quotes_of, without_quotes, words_of
from listserv.core.records import dataclass
from listserv.core.traces import GAP, Traces, others_words, own_words, without_addresses, without_names
from listserv.core.washing import Kept, Stain, anonymous_id
from listserv.mail.cleansing import anonymous, single
from listserv.mail.encoded import codec_of, decode_words
from listserv.mail.fields import Field, first_of, read_mailboxes, split, start_of, write_field, write_mailbox
from listserv.mail.html_washing import others_html, own_html
from listserv.mail.leaves import Leaf, content, read_leaf
from listserv.mail.tree import TooMuch, leaves

Edit = Callable[[Leaf, str], str]

_SIGNS = """text/vcard text/x-vcard text/directory application/pgp-keys application/pgp-signature
    application/pkcs7-signature application/x-pkcs7-signature application/vnd.ms-tnef"""
_OF_A_PERSON = frozenset(_SIGNS.split())
_TEXT = ("application/ics",)
_OF_PEOPLE = """from sender reply-to to cc bcc resent-from resent-sender resent-to resent-cc resent-bcc
    mail-followup-to mail-reply-to x-original-from disposition-notification-to"""
_PEOPLE = frozenset(_OF_PEOPLE.split())
_SAYS = frozenset(("subject", "thread-topic", "comments", "keywords"))
_IDS = frozenset(("message-id", "in-reply-to", "references"))
_ID = regex(r"<([^<>\s]+)>")


@dataclass(frozen=True, slots=True)
class Washer:
    """``word`` stands where a name stood: "a member". Satisfies ``core.washing.Washing``."""

    word: str

    def own(self, kept: Kept, stain: Stain, sender: Address) -> Kept:
        """A mail of theirs: of its header only what can't tell, the author's signature left out."""
        traces = stain.traces

        def edit(leaf: Leaf, text: str) -> str:
            if leaf.type == "text/html":
                return own_html(text, traces, self.word)
            return (own_words if leaf.is_body else without_names)(text, traces, self.word)

        fields, separator, _ = split(kept.raw)
        head = b"".join(field.raw for field in self._own_header(fields, traces, sender))
        body = _edited(kept.raw, stain, edit, own=True) if separator else b""
        return Kept(
            head + b"\r\n" + body,
            own_words(kept.text, traces, self.word),
            own_html(kept.html, traces, self.word),
        )

    def others(self, kept: Kept, stain: Stain) -> Kept:
        """A mail of somebody else: addresses, who is quoted, and what is quoted if that is to go."""
        traces = stain.traces

        def edit(leaf: Leaf, text: str) -> str:
            if leaf.type == "text/html":
                return others_html(text, stain, self.word)
            return self._others_text(text, stain) if leaf.is_body else without_addresses(text, traces)

        fields, separator, _ = split(kept.raw)
        head = _mbox_line(kept.raw, traces)
        head += b"".join(field.raw for one in fields if (field := _others_field(one, stain)))
        body = _edited(kept.raw, stain, edit, own=False)
        return Kept(
            head + separator + body,
            self._others_text(kept.text, stain),
            others_html(kept.html, stain, self.word) if kept.html else "",
        )

    def is_one_of(self, raw: bytes, ids: frozenset[str]) -> bool:
        """Whether a mail has one of these Message-IDs."""
        found = first_of(split(raw)[0], "message-id")
        return found is not None and not ids.isdisjoint(_ID.findall(found.text))

    def tells(self, raw: bytes, stain: Stain) -> bool:
        """Whether its texts, or its subject, have words in them that are to go."""
        wanted = (stain.quotes, _titles(stain.subjects))
        about = first_of(split(raw)[0], "subject")
        said = [decode_words(about.text)] if about else []
        try:
            found = [read_leaf(number, node) for number, node in enumerate(leaves(raw))]
        except TooMuch:
            return True
        texts = (leaf for leaf in found if leaf.type.startswith("text/"))
        said += [_read(content(raw, leaf), leaf.node.declared.params.get("charset", ""))[1] for leaf in texts]
        told = [words_of(one) for one in said]
        return any(one.stand_in(words) for one in wanted for words in told)

    def _others_text(self, text: str, stain: Stain) -> str:
        unnamed = others_words(text, stain.traces, self.word)
        if not (stain.quotes or stain.direct):
            return unnamed
        return without_quotes(unnamed, stain.quotes, stain.direct)

    def _own_header(self, fields: tuple[Field, ...], traces: Traces, sender: Address) -> Iterable[Field]:
        yield _field("From", write_mailbox(self.word, sender))
        yield _field("To", str(sender))
        for field in single(field for field in fields if field.name in _IDS):
            yield _with_ids(field, traces)
        for field in single(anonymous(fields)):
            shown = decode_words(field.text)
            clean = without_names(shown, traces, self.word)
            yield field if clean == shown else _field(_written(field), clean)


@lru_cache(maxsize=8)
def _titles(subjects: tuple[str, ...]) -> Quotes:
    """The words of subjects: many letters are looked through for the same."""
    return quotes_of(subjects)


def _mbox_line(raw: bytes, traces: Traces) -> bytes:
    line = raw[: start_of(raw)]
    return b"" if traces.names_in(line.decode("latin-1")) else line


def _written(field: Field) -> str:
    return field.raw[: len(field.name)].decode("ascii")


def _field(name: str, value: str) -> Field:
    return Field(name.lower(), write_field(name, value))


def _others_field(field: Field, stain: Stain) -> Field | None:
    """A field of somebody else's mail; None where it is about them alone, or of no use to people."""
    traces, shown = stain.traces, decode_words(field.text)
    if field.name in _IDS:
        return _with_ids(field, traces)
    if field.name in _SAYS:
        said = stain.subject(shown)
        return field if said == shown else _field(_written(field), said)
    if without_addresses(shown, traces) == shown and without_addresses(field.text, traces) == field.text:
        return field
    if field.name in _PEOPLE:
        return _without_them(field, traces)
    return None


def _with_ids(field: Field, traces: Traces) -> Field:
    told = _ID.sub(lambda id_: f"<{anonymous_id(id_[1], traces)}>", field.text)
    return field if told == field.text else _field(_written(field), told)


def _without_them(field: Field, traces: Traces) -> Field | None:
    boxes = read_mailboxes(field.text)
    kept = [
        write_mailbox(without_addresses(box.name, traces), box.address)
        for box in boxes.found
        if without_addresses(str(box.address), traces) == str(box.address)
    ]
    return _field(_written(field), ", ".join(kept)) if kept else None


# -- below the header --------------------------------------------------------------------------------


def _edited(raw: bytes, stain: Stain, edit: Edit, *, own: bool) -> bytes:
    """The body with each text in it edited."""
    _, _, body = split(raw)
    at = len(raw) - len(body)
    try:
        found = [read_leaf(number, node) for number, node in enumerate(leaves(raw))]
    except TooMuch:
        return b"" if own else body
    done: list[bytes] = []
    for leaf in found:
        done += [raw[at : leaf.node.start], _leaf(raw, leaf, stain, edit, own=own)]
        at = leaf.node.end
    return b"".join([*done, raw[at:]])


def _leaf(raw: bytes, leaf: Leaf, stain: Stain, edit: Edit, *, own: bool) -> bytes:
    data = raw[leaf.node.start : leaf.node.end]
    if own and leaf.type in _OF_A_PERSON:
        return b""
    if leaf.type.startswith("message/"):
        # A mail of theirs, or to them, inside of another one.
        told = content(raw, leaf).decode("latin-1")
        gone = stain.traces.names_in(told) or any(f"<{one}>" in told for one in stain.ids)
        return b"" if gone else data
    if leaf.type.startswith("text/") or leaf.type in _TEXT:
        return _rewritten(data, content(raw, leaf), leaf, edit)
    return data


def _rewritten(data: bytes, plain: bytes, leaf: Leaf, edit: Edit) -> bytes:
    """A text leaf after its edit, in its own charset and encoding; its very bytes where nothing changed."""
    codec, text = _read(plain, leaf.node.declared.params.get("charset", ""))
    lines = text.replace("\r\n", "\n")
    edited = edit(leaf, lines)
    if edited == lines:
        return data
    if "\r\n" in text:
        edited = edited.replace("\n", "\r\n")
    if not codec.startswith("utf"):  # Latin-1 has no "…", though programs that mean another one use it
        edited = edited.replace(GAP, "[...]")
    octets = edited.encode(codec, "replace")
    match leaf.encoding:
        case "base64":
            return encodebytes(octets).replace(b"\n", b"\r\n").rstrip()
        case "quoted-printable":
            return binascii.b2a_qp(octets)
        case encoding if "uu" in encoding:
            return b""
        case _:
            return octets


def _read(plain: bytes, charset: str) -> tuple[str, str]:
    """Codec and text, so that the text encoded is the same bytes again."""
    for codec in (codec_of(charset) or "utf_8", "utf_8"):
        try:
            text = plain.decode(codec)
            if text.encode(codec) == plain:
                return codec, text
        except (UnicodeError, LookupError, ValueError):
            continue
    return "latin-1", plain.decode("latin-1")
