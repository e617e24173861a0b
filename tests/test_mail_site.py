"""The site of docs/hosting.md with its own configuration files, and a provider that rejects what fails DMARC.

Real Postfix on both sides, Debian's SPF check, OpenDKIM, OpenDMARC and Dovecot; authors whose domains publish
p=none, quarantine and reject; DNS that everyone asks.
"""

from __future__ import annotations

import re
import shutil
import smtplib
import ssl
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import product
from pathlib import Path

import pytest

from tests.kit import mail_site, zone_server
from tests.kit.mail_site import Ports, address
from tests.kit.postfix import Postfix
from tests.kit.provider import PEOPLE, Provider, provider
from tests.kit.server import DOMAIN, Server, until

AUTHORS = tuple(PEOPLE)
ANA, QUINN, RAE = AUTHORS
SAM = "sam@spf.example"  # whose domain has SPF alone, and p=reject
SAMS_SERVER = "192.0.2.7"
BOOK, NEWS = address("book"), address("news")
TAG, FOOTER = "[News]", "You are on the news list."


def lines(text: str) -> bytes:
    """As it travels."""
    return text.encode().replace(b"\n", b"\r\n")


PLAIN = lines("Content-Type: text/plain; charset=utf-8\n\nGrüße, the plain kind.\n")
HTML = lines("""\
Content-Type: multipart/alternative; boundary="half"

--half
Content-Type: text/plain

The other kind.
--half
Content-Type: text/html

<p>The <b>other</b> kind.</p>
--half--
""")
SIGNED_PART = lines("Content-Type: text/plain\n\nSigned,  with two blanks and a tab\tin it. \n")
SIGNED = lines("""\
Content-Type: multipart/signed; micalg=pgp-sha512;
 protocol="application/pgp-signature"; boundary="s"

--s
PART
--s
Content-Type: application/pgp-signature; name=signature.asc

-----BEGIN PGP SIGNATURE-----

iHUEABYKAB0WIQ==
=AAAA
-----END PGP SIGNATURE-----
--s--
""").replace(b"PART", SIGNED_PART)
SECRET = lines("""\
-----BEGIN PGP MESSAGE-----

hF4DAAAAAAAAAAAS
=BBBB
-----END PGP MESSAGE-----
""")
ENCRYPTED = lines("""\
Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="e"

--e
Content-Type: application/pgp-encrypted

Version: 1
--e
Content-Type: application/octet-stream; name=encrypted.asc

SECRET--e--
""").replace(b"SECRET", SECRET)
KINDS = {"plain": PLAIN, "html": HTML, "signed": SIGNED, "encrypted": ENCRYPTED}


@dataclass(frozen=True, slots=True)
class Scene:
    """The site between the world and its members."""

    site: Postfix
    server: Server
    home: Provider

    @property
    def log(self) -> str:
        """What everybody said last."""
        return "\n".join(log[-6000:] for log in (self.server.log, self.site.log, self.home.postfix.log))

    def at_rest(self) -> bool:
        """Nothing is under way anywhere: a second copy would be there by now."""
        if self.site.queued() or self.home.postfix.queued():
            return False
        counts = self.server.tell("status")
        ours = sum(counts["deliveries"].get(state, 0) for state in ("due", "sending", "deferred"))
        return not (ours or counts["waiting"])

    def settle(self) -> None:
        until(self.at_rest, self)

    def found(self, who: str, mark: str) -> list[bytes]:
        """The mails with this mark in somebody's mailbox."""
        return [mail for mail in self.home.inbox(who) if mark.encode() in mail]


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    ports = mail_site.ports()
    folder = Path(tempfile.mkdtemp(prefix="listserv-site-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        with ExitStack() as stack:
            yield _running_scene(stack, ports, folder)
    finally:
        shutil.rmtree(folder)


def _running_scene(stack: ExitStack, ports: Ports, folder: Path) -> Scene:
    zone: dict[str, tuple[str, ...]] = {
        DOMAIN: ("A 127.0.0.1",),
        "spf.example": (zone_server.txt(f"v=spf1 ip4:{SAMS_SERVER} -all"),),
        "_dmarc.spf.example": (zone_server.txt("v=DMARC1; p=reject"),),
    }
    home = stack.enter_context(provider(zone, (DOMAIN, ports.smtp)))
    mail_site.certify(folder)
    mail_site.ask_zone(folder, home.zone)
    hops = {who.partition("@")[2]: f"smtp:[127.0.0.1]:{home.postfix.port}" for who in AUTHORS}
    hops["spf.example"] = "discard:"
    site = stack.enter_context(mail_site.site_postfix(ports, folder, hops))
    told = mail_site.settings(ports, folder) | {"LISTSERV_DNS_SERVERS": f"127.0.0.1:{home.zone}"}
    server = Server(folder, told)
    for name, text in server.found().items():
        zone[name.rstrip(".")] = (*zone.get(name.rstrip("."), ()), zone_server.txt(text))
    _make_lists(server)
    stack.enter_context(server.serving())
    return Scene(site, server, home)


def _make_lists(server: Server) -> None:
    for name, settings in ((BOOK, ()), (NEWS, (f"subject_tag={TAG}", f"footer={FOOTER}"))):
        server.run("list", "create", name, "--title", name, "--host", ANA)
        server.run("member", "add", name, QUINN, RAE, SAM)
        server.run("list", "set", name, "outbox_minutes=0", "guard=off", *settings)


def written(author: str, to: str, mark: str, rest: bytes = PLAIN) -> bytes:
    """A mail as its author's program makes it."""
    now = format_datetime(datetime.now(UTC))
    head = f"From: Some One <{author}>\r\nTo: {to}\r\nDate: {now}\r\nMessage-ID: <{mark}@mail.example>\r\n"
    return f"{head}Subject: {mark}\r\nMIME-Version: 1.0\r\n".encode() + rest


def calling(port: int) -> smtplib.SMTP:
    """A connection that is not slowed by looking for our own name."""
    return smtplib.SMTP("127.0.0.1", port, "client.example", timeout=30)


def send(port: int, sender: str, to: str, mail: bytes, client: str = "") -> None:
    """Raises smtplib's errors. ``client``: the address it seems to come from."""
    with calling(port) as door:
        if client:
            door.ehlo()
            assert door.docmd("XCLIENT", f"ADDR={client} NAME=[UNAVAILABLE]")[0] == 220
        door.sendmail(sender, [to], mail, ["BODY=8BITMIME"])


@pytest.fixture(scope="module")
def posted(scene: Scene) -> Scene:
    """Every author has written every kind of mail to both lists, and all has come to rest."""
    for author, kind, to in product(AUTHORS, KINDS, (BOOK, NEWS)):
        send(scene.home.submission, author, to, written(author, to, mark_of(author, kind, to), KINDS[kind]))
    until(lambda: len(scene.found(ANA, "@mail.example>")) >= len(AUTHORS) * len(KINDS) * 2, scene)
    scene.settle()
    return scene


def mark_of(author: str, kind: str, to: str) -> str:
    return "-".join((author.partition("@")[0], kind, to.partition("@")[0]))


@pytest.mark.parametrize("to", [BOOK, NEWS], ids=["as-it-came", "tag-and-footer"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("author", AUTHORS)
def test_every_copy_arrives_at_a_provider_that_rejects_what_fails_dmarc(
    posted: Scene, author: str, kind: str, to: str
) -> None:
    mark = mark_of(author, kind, to)
    copies = [posted.found(who, f"Message-ID: <{mark}@mail.example>") for who in AUTHORS]
    assert [len(found) for found in copies] == [1, 1, 1], posted.home.postfix.log
    for copy in (found[0] for found in copies):
        verdict = re.search(rb"^Authentication-Results: mx\.provider\.example; dmarc=(\w+)", copy, re.M)
        assert verdict, copy
        assert verdict[1] == b"pass" or author == ANA, copy
        kept = {"signed": SIGNED_PART, "encrypted": SECRET}.get(kind, b"")
        assert kept.replace(b"\r\n", b"\n") in copy


def test_from_changes_only_where_policy_and_our_own_changes_demand_it(posted: Scene) -> None:
    shown = {
        (author, to): from_of(posted.found(QUINN, f"Message-ID: <{mark_of(author, 'plain', to)}@")[0])
        for author, to in product(AUTHORS, (BOOK, NEWS))
    }
    assert {shown[author, BOOK] for author in AUTHORS} == {f"Some One <{author}>" for author in AUTHORS}
    assert shown[ANA, NEWS] == f"Some One <{ANA}>"
    for author in (QUINN, RAE):
        assert re.fullmatch(rf'"?Some One.*"? <some\.one\.\w{{8}}@{re.escape(DOMAIN)}>', shown[author, NEWS])


def from_of(copy: bytes) -> str:
    line = re.search(rb"^From: (.*(?:\n[ \t].*)*)", copy, re.M)
    assert line
    return re.sub(r"\s+", " ", line[1].decode())


def test_an_authors_signature_still_holds_by_opendkim_where_nothing_of_it_was_changed(posted: Scene) -> None:
    for kind in KINDS:
        (copy,) = posted.found(ANA, f"Message-ID: <{mark_of(RAE, kind, BOOK)}@")
        assert re.search(rb"^\tdkim=pass .*header\.d=reject\.example", copy, re.M), copy


def test_the_same_mail_relayed_with_a_broken_signature_is_rejected_or_set_aside(posted: Scene) -> None:
    (copy,) = posted.found(ANA, f"Message-ID: <{mark_of(RAE, 'plain', BOOK)}@")
    broken = copy.replace(b"the plain kind", b"another kind").replace(b"\n", b"\r\n")
    with pytest.raises(smtplib.SMTPDataError, match="rejected by DMARC policy for reject.example"):
        send(posted.home.postfix.port, address("book+bounces"), ANA, broken)
    unsigned = written(QUINN, ANA, "unsigned")
    send(posted.home.postfix.port, address("book+bounces"), ANA, unsigned)
    (aside,) = [one for one in (posted.home.postfix.folder / "queue" / "hold").rglob("*") if one.is_file()]
    assert b"unsigned@mail.example" in aside.read_bytes()
    aside.unlink()


def test_spf_is_stamped_by_our_own_hop_and_nobody_else_is_believed(scene: Scene) -> None:
    pass_ = "Authentication-Results: mx.example.org; spf=pass smtp.mailfrom=spf.example\r\n"
    send(scene.site.port, SAM, BOOK, written(SAM, BOOK, "by-spf"), SAMS_SERVER)
    send(scene.site.port, SAM, BOOK, pass_.encode() + written(SAM, BOOK, "liar"), "192.0.2.66")
    until(lambda: bool(scene.found(ANA, "by-spf@mail.example")), scene)
    until(lambda: '"forged"' in scene.server.log, scene)
    held = scene.server.tell("hold", "ls", BOOK)
    assert [(one["subject"], one["why"]) for one in held] == [("liar", "forged")]


def test_a_thousand_unknown_recipients_are_refused_at_rcpt_and_not_one_mail_goes_out(scene: Scene) -> None:
    scene.settle()

    def refused(first: int) -> list[bytes]:
        with calling(scene.site.port) as door:
            door.ehlo()
            door.mail("victim@none.example")
            return [door.rcpt(address(f"nobody{number}"))[1][:9] for number in range(first, first + 8)]

    with ThreadPoolExecutor(8) as pool:  # and few on each: Postfix slows down who errs more often
        answers = [answer for few in pool.map(refused, range(0, 1000, 8)) for answer in few]
    assert set(answers) == {b"5.1.1 <no"}, set(answers)
    assert len(answers) == 1000
    scene.settle()
    assert "to=<victim@none.example>" not in scene.site.log, "nobody hears of what they never sent"


def test_a_report_of_postfix_itself_comes_back_to_us_and_never_goes_to_a_forged_sender(scene: Scene) -> None:
    odd = b"X-One-More: field\r\n" * 1001  # our own door refuses it, after Postfix said yes
    send(scene.site.port, ANA, BOOK, odd + written(ANA, BOOK, "odd"), "192.0.2.66")
    until(lambda: "554 5.6.0" in scene.site.log, scene)
    scene.server.run("member", "add", BOOK, "gone@none.example")
    send(scene.home.submission, RAE, BOOK, written(RAE, BOOK, "to-who-is-gone"))
    until(lambda: bool(scene.found(ANA, "to-who-is-gone@mail.example")), scene)
    scene.settle()
    (gone,) = [one for one in scene.server.tell("member", "ls", BOOK) if one["address"].startswith("gone@")]
    assert gone["bounces"] == 1
    assert [mail for mail in scene.home.inbox(ANA) if b"MAILER-DAEMON" in mail] == []
    assert "a report of ours would leave this machine" in scene.site.log


def test_postfix_speaks_tls_with_the_certificate_that_its_settings_name(scene: Scene) -> None:
    anybody = ssl.create_default_context()
    anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
    with calling(scene.site.port) as door:
        assert door.starttls(context=anybody)[0] == 220
        assert door.ehlo()[0] == 250
