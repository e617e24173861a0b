"""What spam filters write into a mail, and from whom it is believed."""

from __future__ import annotations

import pytest

from listserv.mail.spam import is_called_spam
from listserv.settings import SCHEMA

NAMES = tuple(SCHEMA["receive"]["spam_fields"].default)
OURS = "Received: from mx.example.org by lists.example.org with LMTP id 1\r\n"
HOP = "Received: from a.example by mx.example.org (Postfix)\r\n"
THEIRS = "Received: from laptop by a.example\r\n"
MAIL = "From: a@a.example\r\nSubject: x\r\n\r\nX-Spam-Flag: YES\r\n"


# fmt: off
SAID = [
    # what a filter writes                                                          spam
    ("X-Spam-Flag: YES",                                                            True),
    ("X-Spam-Flag: NO",                                                             False),
    ("X-Spam: Yes",                                                                 True),
    ("X-Spam-Status: Yes, score=7.1 required=5.0 tests=BAYES_99",                   True),
    ("X-Spam-Status: No, score=-1.9 required=5.0",                                  False),
    ("X-Spam-Status: No, score=6.9 required=8.0\r\nX-Spam-Level: ******",           False),
    ("X-Spam-Level: *****",                                                         True),
    ("X-Spam-Level: ****",                                                          False),
    ("X-Spam-Level:",                                                               False),
    ("X-Spam-Score: 5.1",                                                           True),
    ("X-Spam-Score: -6.901",                                                        False),
    ("X-Spam-Score: 7 / 15",                                                        False),
    ("X-Spam-Score: lots",                                                          False),
    ("X-Spamd-Result: default: True [17.20 / 15.00];\r\n\tBAYES_SPAM(5.10)[99.99%]", True),
    ("X-Spamd-Result: default: False [1.50 / 15.00];\r\n\tR_SPF_ALLOW(-0.20)",      False),
    ("X-Rspamd-Action: add header",                                                 True),
    ("X-Rspamd-Action: no action",                                                  False),
    ("X-Spamd-Result: default: False [8.00 / 15.00]\r\nX-Spam: Yes",                True),
    ("X-Spam-Flag: NO\r\nX-Spam: Yes",                                              True),
    ("X-Other-Filter: YES",                                                         False),
    ("X-Spam-Flag: " + "Y" * 100_000,                                               False),
    ("X-Spam-Level: " + "*" * 100_000,                                              True),
    ("X-Spam-Flag: \x00\xff",                                                       False),
]
# fmt: on


@pytest.mark.parametrize(("said", "spam"), SAID, ids=[said[:40] for said, _ in SAID])
def test_a_filters_word_is_read(said: str, spam: bool) -> None:
    said += "\r\n"
    for place in (OURS + HOP + said, OURS + said + HOP, OURS + HOP + said + THEIRS):
        assert is_called_spam((place + MAIL).encode("latin-1"), NAMES) is spam


def test_what_stands_below_our_own_hop_is_not_believed() -> None:
    assert not is_called_spam((OURS + HOP + THEIRS + "X-Spam-Flag: YES\r\n" + MAIL).encode(), NAMES)


def test_a_sender_who_writes_no_hides_nothing_that_our_hop_says() -> None:
    mail = OURS + HOP + "X-Spam-Flag: YES\r\n" + THEIRS + "X-Spam-Flag: NO\r\nX-Spam: No\r\n" + MAIL
    assert is_called_spam(mail.encode(), NAMES)


def test_only_the_fields_that_the_site_names_count() -> None:
    mail = (OURS + HOP + "X-House-Filter: spam\r\nX-Spam-Flag: YES\r\n" + MAIL).encode()
    assert is_called_spam(mail, ("x-house-filter",))
    assert not is_called_spam(mail, ())
    assert not is_called_spam(mail, ("X-Spam-Score",))


@pytest.mark.parametrize("raw", [b"", b"\r\n", b"From x\r\n", b"X-Spam-Flag", b"Received:" * 1000])
def test_nothing_that_comes_makes_it_stumble(raw: bytes) -> None:
    assert is_called_spam(raw, NAMES) is False
