"""Mails of standards.md §5, a row a number: what is said to the SMTP door, and what becomes of it."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from tests.kit.people import DOMAIN

BOOK, SMALL, WIDE = f"book@{DOMAIN}", f"small@{DOMAIN}", f"wide@{DOMAIN}"
ANA, BEN = "ana@ana.example", "ben@ben.example"
MEMBERS = [ANA, BEN, "mal@evil.example", "jörg@xn--bcher-kva.example"]
# A test of 100 rows sees each Message-ID once.
HEAD = b"From: Ana Silva <ana@ana.example>\r\nTo: book@lists.example.org\r\nSubject: Cold storage\r\n"


def mail(more: bytes = b"", body: bytes = b"Who applied?\r\n", head: bytes = HEAD) -> bytes:
    """Ana's mail to the list with some more header lines. Without a Message-ID, so that each is its own."""
    return head + more + b"\r\n" + body


def mixed(*pieces: bytes, boundary: bytes = b"b", more: bytes = b"") -> bytes:
    kind = b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="%s"\r\n' % boundary
    body = b"".join(b"--" + boundary + b"\r\n" + piece + b"\r\n" for piece in pieces)
    return mail(kind + more, body + b"--" + boundary + b"--\r\n")


def typed(kind: bytes, body: bytes = b"words\r\n", more: bytes = b"") -> bytes:
    return mail(b"MIME-Version: 1.0\r\nContent-Type: " + kind + b"\r\n" + more, body)


def by(author: bytes) -> bytes:
    return mail(head=b"From:" + author + b"\r\nTo: book@lists.example.org\r\nSubject: x\r\n")


def named(*names: bytes) -> bytes:
    head = b"Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename%s\r\n\r\nx"
    return mixed(b"\r\nwords", *(head % name for name in names))


def with_id(value: bytes, body: bytes = b"words\r\n") -> bytes:
    return mail(b"Message-ID: " + value + b"\r\n", body)


def encoded(data: bytes, kind: bytes) -> bytes:
    more = b"Content-Transfer-Encoding: base64\r\n"
    return typed(kind, base64.encodebytes(data).replace(b"\n", b"\r\n"), more)


TEXT = b"Content-Type: text/plain\r\n\r\nwords"
HTML = b"Content-Type: text/html\r\n\r\n<p>words <img src=https://x.example/1.gif><script>x</script></p>"
NESTED = b"".join(
    b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(1000)
)
DSN = (
    b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n--b\r\n\r\nno\r\n--b\r\n'
    b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
    b"Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
)
POSTED, NO_AUTHOR, ODD = "posted: welcome", "held: no clear author", "held: odd mail"
LOOP, REPORT, AUTOMATIC = "discarded: loop", "discarded: report", "discarded: automatic"
BOMB = "554 5.6.0"


@dataclass(frozen=True, slots=True)
class Row:
    """One number of §5: the octets between DATA and the dot, and the outcome (a reply, or state: reason)."""

    number: int
    name: str
    octets: bytes
    outcome: str
    to: tuple[str, ...] = (BOOK,)
    sender: str = ANA
    parameters: str = ""


# fmt: off
SMUGGLED = {repr(trick): trick for trick in (b"\r.\r", b"\r\n.\r", b"\n.\r\n", b"\r\n.\n", b".\r\r\n")}
TABLE = [
    # A. SMTP level
    Row(1, "LF.LF inside DATA", mail(body=b"before\n.\nafter\r\n"), POSTED),
    *(Row(2, name, mail(body=name.encode() + trick + b"MAIL FROM:<evil@x.example>\r\n"), POSTED) for name, trick in SMUGGLED.items()),
    Row(3, "NUL in the text", mail(body=b"a\0b\r\n"), ODD),
    Row(4, "a control in the sender's address", mail(), "553 5.1.3", sender="a\x01b@x.example"),
    Row(4, "a control in the recipient's address", mail(), "553 5.1.3", to=("bo\x01ok@lists.example.org",)),
    Row(8, "the same list fifty times", mail(body=b"fifty\r\n"), POSTED, to=(BOOK,) * 50),
    Row(10, "the first try", mail(body=b"tried twice\r\n"), POSTED),
    Row(10, "the retry", mail(body=b"tried twice\r\n"), "discarded: duplicate"),
    Row(13, "the null sender to the list", mail(body=b"null\r\n"), REPORT, sender=""),
    Row(14, "another case and a final dot", mail(body=b"dot\r\n"), POSTED, to=("Book@LISTS.Example.ORG.",)),
    Row(15, "letters without SMTPUTF8", mail(), "553 5.6.7", sender="\xfc@x.example"),
    Row(15, "a recipient of letters", mail(), "553 5.6.7", to=("b\xfcch@lists.example.org",)),
    Row(19, "a line of 1,200 octets", mail(body=b"x" * 1_200 + b"\r\n"), POSTED),
    Row(19, "a line of 100,000 octets", mail(body=b"x" * 100_000 + b"\r\n"), POSTED),
    Row(19, "a line of 2,000,000 octets", mail(body=b"x" * 2_000_000 + b"\r\n"), "552 5.6.0"),
    Row(20, "nothing at all", b"", NO_AUTHOR),
    Row(20, "only line ends", b"\r\n\r\n", NO_AUTHOR),
    Row(20, "only a body", b"\r\nwords\r\n", NO_AUTHOR),
    Row(20, "a header and nothing below", mail(body=b""), ODD),
    Row(20, "a header and blank lines", mail(body=b"\r\n \r\n"), ODD),
    # B. MIME structure
    Row(21, "multiparts nested 1,000 deep", HEAD + NESTED, BOMB),
    Row(22, "messages nested 1,000 deep", HEAD + b"Content-Type: message/rfc822\r\n\r\n" * 1000, BOMB),
    Row(23, "50,000 empty parts", mixed(*[b""] * 50_000), BOMB),
    Row(24, "no boundary", typed(b"multipart/mixed"), POSTED),
    Row(24, "an empty boundary", typed(b'multipart/mixed; boundary=""', b"--\r\n"), POSTED),
    Row(24, "two boundaries", typed(b"multipart/mixed; boundary=a; boundary=b", b"--a\r\n\r\nx\r\n--b\r\n\r\ny\r\n"), POSTED),
    Row(24, "a boundary of 100 kB", typed(b"multipart/mixed; boundary=" + b"b" * 100_000), BOMB),
    Row(24, "a boundary of 190", mixed(TEXT, boundary=b"b" * 190), POSTED),
    Row(25, "a boundary that begins another", mixed(TEXT, b'Content-Type: multipart/mixed; boundary="bb"\r\n\r\n--bb\r\n\r\nx\r\n--bb--'), POSTED),
    Row(25, "a boundary with blanks", typed(b'multipart/mixed; boundary="b "', b"--b \r\n\r\nx\r\n--b --\r\n"), POSTED),
    Row(26, "no closing boundary", mixed(TEXT, HTML).removesuffix(b"--b--\r\n"), POSTED),
    Row(27, "a multipart in base64", mixed(TEXT, more=b"Content-Transfer-Encoding: base64\r\n"), POSTED),
    Row(28, "bad base64", typed(b"text/plain", b"d29 yZH\r\n*Mg=\r\n=junk", b"Content-Transfer-Encoding: base64\r\n"), POSTED),
    Row(29, "bad quoted-printable", typed(b"text/plain", b"a = b =XY c=\r\n=", b"Content-Transfer-Encoding: quoted-printable\r\n"), POSTED),
    Row(30, "20,000 parameters", typed(b"text/plain" + b"; a*0=bbbbb" * 20_000), BOMB),
    Row(31, "a charset with NUL", typed(b'text/plain; charset="x\0y"'), ODD),
    *(Row(31, f"charset {one.decode()}", typed(b"text/plain; charset=" + one, b"+ADw-script+AD4- \\x3c \xff\r\n"), POSTED)
      for one in (b"idna", b"utf-7", b"unicode_escape", b"zip", b"undefined", b"rot13", b"punycode")),
    Row(32, "utf-8 that is windows-1251", typed(b"text/plain; charset=utf-8", "Привет, мир".encode("cp1251") * 9 + b"\r\n"), POSTED),
    Row(32, "gb2312 that is gb18030", typed(b"text/plain; charset=gb2312", "镕基 words".encode("gb18030") + b"\r\n"), POSTED),
    Row(33, "no type, two types, half a type", mixed(b"\r\nx", b"Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n", b"Content-Type: /\r\n\r\n"), POSTED),
    Row(33, "an alternative without boundary as a leaf", mixed(TEXT, b"Content-Type: multipart/alternative\r\n\r\nx"), POSTED),
    Row(34, "HTML alone", typed(b"text/html", b"<p>Hello <script>alert(1)</script>you</p>\r\n"), POSTED),
    Row(35, "a text part that only apologises", typed(b"multipart/alternative; boundary=b", b"--b\r\n\r\nYour client does not support HTML\r\n--b\r\n" + HTML + b"\r\n--b--\r\n"), POSTED),
    Row(36, "images inside", typed(b"multipart/related; boundary=b", b"--b\r\n" + HTML + b"\r\n--b\r\nContent-Type: image/gif\r\nContent-ID: <1>\r\n\r\nGIF89a\r\n--b--\r\n"), POSTED),
    Row(37, "a piece of a mail", typed(b"message/partial; id=x; number=1; total=2"), ODD),
    Row(37, "words that are elsewhere", typed(b"message/external-body; access-type=url; url=\"http://x.example/\"", b"Content-Type: text/plain\r\n\r\n"), ODD),
    Row(38, "a bounce to the list", HEAD + DSN, REPORT),
    Row(39, "an invitation", typed(b"text/calendar; method=REQUEST", b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nEND:VCALENDAR\r\n"), POSTED),
    Row(39, "the answer to one", typed(b"text/calendar; method=REPLY", b"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nEND:VCALENDAR\r\n"), ODD),
    Row(40, "winmail.dat", mixed(TEXT, b"Content-Type: application/ms-tnef; name=winmail.dat\r\n\r\n\x78\x9f\x3e\x22"), POSTED),
    Row(41, "odd names", named(b"=\"../../etc/passwd\"", b"=\"C:\\x\"", b'="a%00.png"', b"=" + b"x" * 4_000, b'=""', b"=CON", b"=\"....\"",
                              b"*=utf-8''%E2%80%AEexe.gnp", b"*0=\"../\"; filename*1=\"y\"", b'="=?utf-8?b?Li4vLi4veA==?="', b"=\"<img src=x onerror=y>.html\""), POSTED),
    Row(42, "things that act", mixed(*(b"Content-Type: %s\r\nContent-Disposition: attachment; filename=x\r\n\r\n%s" % (kind, evil) for kind, evil in (
        (b"image/svg+xml", b"<svg onload=alert(1)>"), (b"text/html", b"<script>alert(1)</script>"), (b"text/xml", b"<?xml-stylesheet href=x?>"), (b"image/gif", b"GIF89a/*<script>*/")))), POSTED),
    Row(43, "uuencode", mail(body=b"begin 644 x.txt\r\n#0V%T\r\n`\r\nend\r\n"), POSTED),
    Row(43, "yEnc", mail(body=b"=ybegin line=128 size=3 name=x\r\n\x8b\x8c\x8d\r\n=yend size=3\r\n"), POSTED),
    Row(44, "a bomb of gz", encoded(bytes.fromhex("1f8b0800000000000003") + b"\0" * 3_000, b"application/gzip"), POSTED),
    Row(45, "2 MB to a list that takes one, said before", mail(body=b"x\r\n" * 700_000), "552 5.3.4", to=(SMALL,), parameters=" SIZE=2100000"),
    Row(45, "2 MB to a list that takes one", mail(body=b"x\r\n" * 700_000), "552 5.3.4", to=(SMALL,)),
    Row(45, "2 MB to that list and to one that takes ten", mail(b"Cc: small@lists.example.org\r\n", b"x\r\n" * 700_000), "posted: welcome, refused: too big", to=(BOOK, SMALL)),
    # C. Headers
    Row(46, "no Message-ID", mail(body=b"no id\r\n"), POSTED),
    *(Row(47, name, with_id(value), POSTED) for name, value in {
        "no brackets": b"no.brackets@x", "blanks": b"<with blank@x>", "two": b"<one@x> <two@x>", "10 kB": b"<" + b"y" * 10_000 + b"@x>",
        "a path": b"<../../x>", "empty": b"<>", "lower": b"<case@x>", "upper": b"<CASE@x>"}.items()),
    Row(48, "an id", with_id(b"<48@x>", b"same words\r\n"), POSTED),
    Row(48, "the same id, the same words", with_id(b"<48@x>", b"same words\r\n"), "discarded: duplicate"),
    Row(49, "the same id, other words", with_id(b"<48@x>", b"other words\r\n"), POSTED),
    Row(50, "two From fields", mail(b"From: Ben <ben@ben.example>\r\n"), NO_AUTHOR),
    Row(50, "two Subjects", mail(b"Subject: another\r\n"), ODD),
    Row(50, "two Message-IDs", mail(b"Message-ID: <a@x>\r\nMessage-ID: <b@x>\r\n"), ODD),
    Row(51, "no From", mail(head=b"To: book@lists.example.org\r\n"), NO_AUTHOR),
    *(Row(51, repr(one), by(one), NO_AUTHOR) for one in (b"", b" <>", b" Team: ana@ana.example;", b" undisclosed:;", b" Ana Silva")),
    Row(52, "two authors", by(b" ana@ana.example, ben@ben.example"), NO_AUTHOR),
    Row(53, "an address before the address", by(b" ana@ana.example <mal@evil.example>"), NO_AUTHOR),
    Row(54, "an address as a name", by(b' "ana@ana.example" <mal@evil.example>'), POSTED),
    Row(55, "an address hidden in a name", by(b" =?utf-8?q?boss=40good=2Eexample_=3C?= <ana@ana.example>"), POSTED),
    *(Row(56, repr(one), by(one), NO_AUTHOR) for one in (
        b" ana@ana.example(<boss@good.example>)", b" ana@ana.example)bob@evil.example", b" <ana@ana.example>@evil.example",
        b" ana@ana.example@x.example", b" ana@[127.0.0.1]", b' " "@x.example', b" <@x:ana@ana.example", b" \"ana@ana.example")),
    Row(57, "raw UTF-8 in the header", mail("Subject-Note: Kälte ä\r\n".encode(), head=HEAD.replace(b"Cold", "Kälte".encode())), POSTED),
    Row(57, "raw Latin-1 in the header", mail(head=HEAD.replace(b"Cold", b"K\xe4lte")), POSTED),
    Row(58, "an author of letters", by(" Jörg <jörg@bücher.example>".encode()), POSTED, sender="jörg@bücher.example", parameters=" SMTPUTF8"),
    Row(59, "50,000 addresses", mail(b"Cc: " + b"a@b," * 50_000 + b"\r\n"), BOMB),
    Row(59, "5,100 addresses in a hundred fields", mail((b"Bcc: " + b"a@b.example," * 51 + b"c@d\r\n") * 100), BOMB),
    Row(60, "200,000 fields", mail(b"X: y\r\n" * 200_000), BOMB),
    Row(60, "a field of 5 MB", mail(b"X: " + b"y" * 900 + b"\r\n" + (b" " + b"y" * 900 + b"\r\n") * 5_500), BOMB),
    Row(60, "20,000 encoded words", mail(b"X-Note: " + b"=?utf-8?q?a?= " * 20_000 + b"\r\n"), BOMB),
    Row(61, "a field of 60 kB in one line", mail(b"X-Arc: " + b"y" * 60_000 + b"\r\n"), POSTED),
    Row(61, "a field of 300 kB in one line", mail(b"X-Arc: " + b"y" * 300_000 + b"\r\n"), BOMB),
    Row(62, "a bare CR that makes a field", mail(b"X: y\rBcc: z\r\n"), BOMB),
    Row(62, "a bare LF that makes a field", mail(b"X: y\nBcc: z\r\n"), BOMB),
    Row(62, "a bare CR that ends the header", mail(b"X: y\rwords and no field\r\n"), BOMB),
    Row(62, "a bare CR in a header that folds", mail(b"X: y\r folded\r\n"), POSTED),
    Row(63, "a blank before a colon", mail(b"Comment : x\r\n"), POSTED),
    Row(63, "a blank before the colon of From", mail(head=b"To: book@lists.example.org\r\nFrom : ana@ana.example\r\n"), NO_AUTHOR),
    Row(63, "a line of one tab", mail(b"X: y\r\n\t\r\nZ: z\r\n"), POSTED),
    Row(63, "a line without colon", mail(b"words in the header\r\n"), POSTED),
    Row(63, "an mbox line in front", b"From ana@ana.example Sat Nov 21 2026\r\n" + mail(body=b"mbox\r\n"), POSTED),
    Row(63, "a blank line first", b"\r\n" + mail(), NO_AUTHOR),
    *(Row(65, one.decode() or "no date", mail(b"Date: " + one + b"\r\n"), POSTED) for one in (
        b"", b"Thu, 1 Jan 1970 00:00:00 +0000", b"Sun, 1 Jan 2099 00:00:00 +0000", b"0000", b"Sat, 21 Nov 2026 09:00:00 +9999", b"Sat, 21 Nov 2026 09:00:00 -0000", b"x\r\nDate: y")),
    Row(66, "50,000 references", mail(b"References: " + b"<a@b>" * 50_000 + b"\r\n"), BOMB),
    Row(66, "9,000 references", mail(b"References: " + b"<a@b> " * 9_000 + b"\r\n"), POSTED),
    Row(66, "a reference to itself", mail(b"Message-ID: <self@x>\r\nReferences: <self@x>\r\nIn-Reply-To: <self@x>\r\n"), POSTED),
    Row(66, "a circle, one", mail(b"Message-ID: <c1@x>\r\nReferences: <c2@x>\r\n"), POSTED),
    Row(66, "a circle, two", mail(b"Message-ID: <c2@x>\r\nReferences: <c1@x>\r\n"), POSTED),
    Row(67, "an answer to Tuesday", mail(b'In-Reply-To: "your mail of Tuesday"\r\n'), POSTED),
    Row(68, "our own List-Id", mail(b"List-Id: Book <book.lists.example.org>\r\n"), LOOP),
    Row(68, "our own List-Id in capitals", mail(b"List-ID: <BOOK.Lists.Example.org>\r\n"), LOOP),
    Row(68, "our own X-Loop", mail(b"X-Loop: book@lists.example.org\r\n"), LOOP),
    Row(68, "another list's fields", mail(b"List-Id: <news.x.example>\r\nList-Unsubscribe: <https://x.example/u>\r\nList-Post: <mailto:x@x.example>\r\n"), POSTED),
    Row(69, "what a forger would write", mail(b"Approved: secret\r\nX-Moderation-Token: x\r\nAuthentication-Results: lists.example.org; dmarc=pass header.from=ana.example\r\n"), POSTED),
    Row(70, "what tells who reads", mail(b"Return-Path: <x@x.example>\r\nBcc: y@x.example\r\nX-Confirm-Reading-To: x@x.example\r\nDisposition-Notification-To: x@x.example\r\n"), POSTED),
    *(Row(71, f"Reply-To {one[:40].decode()}", mail(b"Reply-To: " + one + b"\r\n"), POSTED) for one in (
        b"book@lists.example.org", b"wide@lists.example.org", b", ".join(b"a%d@x.example" % n for n in range(100)), b"book+leave@lists.example.org", b"book-unsubscribe@lists.example.org", b"book+back=aaaa@lists.example.org")),
    *(Row(72, one.decode(), mail(one + b"\r\n"), AUTOMATIC) for one in (
        b"Auto-Submitted: auto-replied", b"Auto-Submitted: auto-generated", b"Precedence: bulk", b"X-Autoreply: yes")),
    Row(72, "out of office", mail(b"X-Auto-Response-Suppress: All\r\n", head=HEAD.replace(b"Cold storage", b"Automatic reply: Cold storage")), AUTOMATIC),
    Row(73, "2,000 signatures", mail(b"DKIM-Signature: v=1; d=x.example; s=a; b=x\r\n" * 2_000), BOMB),
    Row(73, "400 signatures and 50 seals", mail(b"DKIM-Signature: v=1; a=rsa-sha256; d=ana.example; s=a; h=from; bh=x; b=x\r\n" * 400 + b"ARC-Seal: i=0; cv=pass\r\nARC-Seal: i=51; cv=none\r\n" * 25), POSTED),
    Row(74, "101 Received fields", mail(b"Received: from x by y; Sat, 21 Nov 2026 09:00:00 +0000\r\n" * 101), "554 5.4.6"),
    Row(74, "99 Received fields", mail(b"Received: from x by y; Sat, 21 Nov 2026 09:00:00 +0000\r\n" * 99), POSTED),
    # E. Bounces
    Row(90, "the null sender to a command", mail(body=b"null\r\n"), "commands: automatic", to=(f"book-request@{DOMAIN}",), sender=""),
    Row(90, "a bounce to the hosts", HEAD + DSN, "commands: not passed on", to=(f"book+host@{DOMAIN}",)),
    Row(93, "a bounce to a token that was never given out", HEAD + DSN, "550 5.1.1", to=(f"book+back={'a' * 20}@{DOMAIN}",), sender=""),
    # F. Content to keep intact
    Row(95, "signed by PGP", typed(b'multipart/signed; protocol="application/pgp-signature"; boundary=b', b"--b\r\n\r\nwords \r\n--b\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n"), POSTED),
    Row(95, "encrypted", typed(b'multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b', b"--b\r\n\r\nVersion: 1\r\n--b--\r\n"), POSTED),
    Row(96, "flowed text", typed(b"text/plain; format=flowed; delsp=yes", b" space \r\n  stuffed \r\nFrom here on \r\n>From there\r\ntrailing   \r\n\r\n\r\n"), POSTED),
    Row(97, "dots and a signature", mail(body=b".\r\n..\r\n.x\r\n...\r\n-- \r\nAna\r\n.\r\n"), POSTED),
    Row(98, "a patch", mail(body=b"---\r\n a/x | 2 +-\r\n\r\ndiff --git a/x b/x\r\n-\told\r\n+\tnew \r\n-- \r\n2.40\r\n"), POSTED),
    Row(98, "a mark at the start", typed(b"text/plain; charset=utf-8", b"\xef\xbb\xbfwords\r\n"), POSTED),
    Row(99, "right to left, joined and combined", typed(b"text/plain; charset=utf-8", "שלום \u202eevil\u202c 👩\u200d👧 e\u0301\r\n".encode()), POSTED),
    Row(99, "UTF-16", encoded("Grüße, 世界".encode("utf-16"), b"text/plain; charset=utf-16; name=x.txt"), POSTED),
    # G. Archive
    *(Row(100, repr(one[:30]), mail(head=HEAD.replace(b"Cold storage", one), body=b"%s\r\n> %s\r\n" % (one, one)), ODD if b"\0" in one else POSTED) for one in (
        b"<img src=x onerror=alert(1)>", b"{{7*7}}{% raw %}", b'"><svg/onload=alert(1)>', b"x" * 10_000, b"a\0b", "\u202egnp.exe".encode(), b"\x1b[31mred\x1b[0m", b"</title><script>alert(1)</script>")),
    Row(101, "links that act or lie", mail(body=b"javascript:alert(1) data:text/html,x //evil.example https://xn--80ak6aa92e.com/ https://ana:pw@x.example/ http://x.example/%s <a href='javascript:x'>\r\n" % (b"y" * 5_000)), POSTED),
]
# fmt: on
