"""An address, read in one way or not at all (standards.md S4); envelope senders without their dressing."""

from __future__ import annotations

import pytest

from listserv.core.address import BadAddress, bare_sender, read_address
from listserv.core.lookalikes import alike, is_mixed

# fmt: off
PLAIN = [
    # what is written                           the key by which it is known
    ("ana@good.example",                        "ana@good.example"),
    ("  ana@good.example\t",                    "ana@good.example"),
    ("ANA@GOOD.EXAMPLE",                        "ana@good.example"),
    ("Ana.Silva+garden@good.example",           "ana.silva+garden@good.example"),
    ("ana@good.example.",                       "ana@good.example"),
    ("a@b",                                     "a@b"),
    ("o'neil@good.example",                     "o'neil@good.example"),
    ("ana%evil@good.example",                   "ana%evil@good.example"),
    ("evil!ana@good.example",                   "evil!ana@good.example"),
    ("ana/x=1@good.example",                    "ana/x=1@good.example"),
    ("jos\u00e9@good.example",                  "jos\u00e9@good.example"),
    ("JOS\u00c9@good.example",                  "jos\u00e9@good.example"),
    ("ana@b\u00fccher.example",                 "ana@xn--bcher-kva.example"),
    ("ana@B\u00dcCHER.example",                 "ana@xn--bcher-kva.example"),
    ("ana@xn--bcher-kva.example",               "ana@xn--bcher-kva.example"),
    ("ana@bu\u0308cher.example",                "ana@xn--bcher-kva.example"),
    # Letters that some fold into others stay what they are: each is another's mailbox.
    ("\u212aim@good.example",                   "\u212aim@good.example"),
    ("bo\u017fs@good.example",                  "bo\u017fs@good.example"),
    ("stra\u00dfe@good.example",                "stra\u00dfe@good.example"),
    ("\ufb01@good.example",                     "\ufb01@good.example"),
    ("\u0430na@good.example",                   "\u0430na@good.example"),
    ("ana@g\u043e\u043ed.example",              "ana@xn--gd-fmca.example"),
]
ODD = [
    "", " ", "ana", "@", "ana@", "@good.example", "ana@@good.example", "ana@good@evil.example",
    "ana silva@good.example", "ana@good example", "<ana@good.example>", "Ana <ana@good.example>",
    "ana@good.example (Ana)", "(x)ana@good.example", '"ana"@good.example', '"ana@x"@good.example',
    "ana\\@x@good.example", ".ana@good.example", "ana.@good.example", "a..na@good.example",
    "ana@.good.example", "ana@good..example", "ana@good.example..", "ana@-good.example", "ana@good-.example",
    "ana@[127.0.0.1]", "ana@[IPv6:::1]", "ana@127.0.0.1", "ana@good.123", "ana@good_x.example",
    "@evil.example:ana@good.example", "ana@evil.example,ben@good.example", "ana@good.example;",
    "ana:x@good.example", "mailto:ana@good.example", "ana@good.example\0", "an\0a@good.example",
    "ana@good.example\r\nBcc: x@y", "ana\n@good.example", "ana@good.example\x7f", "ana@good.example\x1b[1m",
    "ana\u200b@good.example", "ana@good\u200b.example", "ana@good.exam\u00adple", "\u202eana@good.example",
    "ana\u2028@good.example", "ana@good.example\ufeff", "\ud800@good.example", "ana@\uff47ood.example",
    "ana@good\u3002example", "ana@good\uff0eexample", "ana@ban\u212a.example", "ana@stra\u00dfe.example",
    "ana@\ufb01ne.example", "ana@\u2474.example", "x" * 65 + "@good.example", "\u00e9" * 33 + "@good.example",
    "ana@" + "x" * 64 + ".example", "ana@" + "x." * 130 + "example", "ana@" + "\u00fc" * 5000 + ".example",
    "=?utf-8?q?ana?=@good.example\u0085",
]
# fmt: on


@pytest.mark.parametrize(("written", "key"), PLAIN)
def test_an_address_is_known_by_one_key(written: str, key: str) -> None:
    assert read_address(written).key == key


@pytest.mark.parametrize("written", ODD)
def test_what_two_programs_could_read_in_two_ways_is_no_address(written: str) -> None:
    with pytest.raises(BadAddress):
        read_address(written)


def test_there_are_sixty_odd_ones() -> None:
    assert len(ODD) >= 60


# fmt: off
SENDERS = [
    # envelope sender                                                  whose it is
    ("user@d.example",                                                 "user@d.example"),
    ("prvs=1234abcdef=user@d.example",                                 "user@d.example"),
    ("PRVS=1234ABCDEF=User@d.example",                                 "User@d.example"),
    ("prvs=01234=user=x@d.example",                                    "user=x@d.example"),
    ("btv1==123abc==user@d.example",                                   "user@d.example"),
    ("msprvs1=17943Xyz=user@d.example",                                "user@d.example"),
    ("SRS0=HHH=TT=d.example=user@forward.example",                     "user@d.example"),
    ("SRS0+HHH=TT=d.example=user@forward.example",                     "user@d.example"),
    ("srs0-hhh=tt=d.example=user@forward.example",                     "user@d.example"),
    ("SRS0=HHH=TT=d.example=us=er@forward.example",                    "us=er@d.example"),
    ("SRS1=GGG=forward.example==HHH=TT=d.example=user@second.example", "user@d.example"),
    ("SRS1=GGG=forward.example=+HHH=TT=d.example=user@second.example", "user@d.example"),
    ("SRS0=HHH=TT=d.example=prvs=1234abcdef=user@forward.example",     "user@d.example"),
    ("ana+SRS=aBc1D=TT=d.example=user@tenant.example",                 "user@d.example"),
    ("user+caf_=book=lists.example@gmail.com",                         "user@gmail.com"),
    ("",                                                               ""),
    ("prvs=user@d.example",                                            "prvs=user@d.example"),
    ("prvs=1234abcdef=@d.example",                                     "prvs=1234abcdef=@d.example"),
    ("SRS0=HHH=TT=user@forward.example",                               "SRS0=HHH=TT=user@forward.example"),
    ("prvs=1=" * 100 + "user@d.example",                               "prvs=1=" * 100 + "user@d.example"),
]
NAMES = [
    # a name                  another's                  taken for it
    ("Hanna Host",            "Hanna Host",              True),
    ("hanna  HOST",           "Hanna Host",              True),
    ("\u041dost Hanna",       "Host Hanna",              True),
    ("H\u0430nn\u0430 Host",  "Hanna Host",              True),
    ("H\u00e4nna Host",       "Hanna Host",              True),
    ("Hanna H0st",            "Hanna Host",              True),
    ("Hanna\u200b Host",      "Hanna Host",              True),
    ("\uff28anna Host",       "Hanna Host",              True),
    ("H.a.n.n.a Host",        "Hanna Host",              True),
    ("Bi11 Clark",            "Bill Dark",               True),
    ("Ma\u0155 Ross",         "Mar Ross",                True),
    ("Arnie Host",            "Amie Host",               True),
    ("Hanna",                 "Hanna Host",              False),
    ("Hans Host",             "Hanna Host",              False),
    ("",                      "",                        False),
    ("Al",                    "Al",                      False),
]
# fmt: on


@pytest.mark.parametrize(("sender", "bare"), SENDERS)
def test_an_envelope_sender_is_known_without_its_dressing(sender: str, bare: str) -> None:
    assert bare_sender(sender) == bare


@pytest.mark.parametrize(("one", "other", "taken"), NAMES)
def test_a_name_that_a_hasty_reader_takes_for_anothers_is_known(one: str, other: str, taken: bool) -> None:
    assert alike(one, other) is taken and alike(other, one) is taken


def test_a_name_of_mixed_scripts_is_known() -> None:
    assert is_mixed("H\u0430nna") and not is_mixed("\u041d\u0430\u043d\u0430") and not is_mixed("Hanna 王")
