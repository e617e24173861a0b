"""How From shows an author: as they wrote it, or through a relay address of ours (standards.md A3, A4, A16).

From can stay if its domain asks nothing of receivers, or if the author's own signature still verifies
after us: then nothing that it covers may change. What a copy gets and loses is known here by name; that
compose.py puts on no other field is a test's to say.
"""

from __future__ import annotations

from listserv.core.address import Address
from listserv.core.facts import PostFacts
from listserv.core.rules import STRICT, is_proven
from listserv.core.site import Site
from listserv.core.tags import wants_tag
from listserv.core.types import Mail, MailList, Policy

# What we put in front of a post whose From stays. Many programs sign that there is none of these: Exim
# names the list fields, Gmail and Rspamd name Reply-To (RFC 6376 §5.4).
_LIST_FIELDS = "list-id list-post list-help list-subscribe list-owner list-archive list-unsubscribe"
_OTHERS = "list-unsubscribe-post archived-at precedence feedback-id x-listserv-kind x-loop"
PUT_ON = frozenset(f"{_LIST_FIELDS} {_OTHERS}".split())
PUT_ON_WHERE_MISSING = frozenset(("message-id", "date"))
_LONGEST_SUBJECT = 1000  # what is longer is not known whole


def shown_from(mail: Mail, facts: PostFacts) -> str:
    """One of author, relay where DMARC or our own good name demand it, hidden where the list hides them."""
    settings = facts.list.settings
    if facts.is_quiet:
        return "author"  # an address of ours
    if settings.from_ != "auto":
        return "hidden" if settings.from_ == "relay" else "author"
    if lends_our_name(mail, facts):
        return "relay"
    if not _is_strict(mail.author, mail, facts.site):
        return "author"
    return "author" if mail.proof.intact and not touches(mail, facts) else "relay"


def touches(mail: Mail, facts: PostFacts) -> bool:
    """Whether a copy will differ in what the author's signature covers."""
    return _dresses(mail, facts) or _puts_on(mail, facts)


def _dresses(mail: Mail, facts: PostFacts) -> bool:
    """Tag, footer, attachments taken off: never in sealed mail, and no tag where there is one."""
    settings = facts.list.settings
    if mail.as_it_is:
        return False
    tag = wants_tag(mail.subject, settings.subject_tag) or len(mail.subject) >= _LONGEST_SUBJECT
    off = settings.attachments != "keep" and any(part.attached for part in mail.parts)
    return bool(settings.footer) or (bool(settings.subject_tag) and tag) or off


def _puts_on(mail: Mail, facts: PostFacts) -> bool:
    guarded = {*mail.proof.guards}
    if not guarded.isdisjoint(PUT_ON) or (mail.made_id and not guarded.isdisjoint(PUT_ON_WHERE_MISSING)):
        return True
    if any(_may_be_a_command(address, facts) for address in mail.reply_to):
        return True  # then it is taken out (mail/cleansing.py)
    return not mail.reply_to and "reply-to" in guarded


def _may_be_a_command(address: Address, facts: PostFacts) -> bool:
    return address.domain == facts.list.address.domain and not {"+", "-"}.isdisjoint(address.local)


def lends_our_name(mail: Mail, facts: PostFacts) -> bool:
    """Whether our signature would pass for the author's: a From of our own organization that nothing proves.

    Receivers take ``d=lists.example.org`` for a word of example.org's (RFC 9989 §4.4), whoever wrote.
    """
    if facts.approved or is_proven(mail, facts):
        return False
    return _is_of_our_organization(mail, facts.site, facts.list)


def _is_of_our_organization(mail: Mail, site: Site, here: MailList) -> bool:
    organization = mail.proof.organization
    ours = (f".{site.domain}", f".{here.address.domain}")
    return bool(organization) and any(one.endswith(f".{organization}") for one in ours)


def may_show_relay(mail: Mail, site: Site, here: MailList) -> bool:
    """Whether the author's relay address may stand in the post, or nobody need look it up."""
    settings, author = here.settings, mail.author
    if settings.from_ != "auto" or settings.reply_to == "author" or author is None:
        return True
    return _is_strict(author, mail, site) or _is_of_our_organization(mail, site, here)


def _is_strict(author: Address | None, mail: Mail, site: Site) -> bool:
    """Whether the author's domain asks receivers to mind its From, or may."""
    named = author is not None and author.domain in site.strict_domains
    return named or mail.proof.policy in (*STRICT, Policy.UNKNOWN)
