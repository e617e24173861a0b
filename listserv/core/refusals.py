"""Why a provider refused a mail for what we are (standards.md A7, A14): its words → what the owner can do.

Pure; a table of words to be recognised. What is said of each cause is in templates/mail/bounce-policy.txt.
"""

from __future__ import annotations

import re

from listserv.core.patterns import regex

# fmt: off
_ROWS = (
    #  cause            its status, or its words (the first row that fits)
    ("name",            r"""5\.7\.25 | \bPTR\b | reverse\ (?:dns|name|lookup|hostname) | rDNS\b | iprev"""),
    ("authentication",  r"""5\.7\.(?:2[0-46-9]|30|509|515) | dmarc | dkim | \bspf\b | unauthenticated
                          | not\ authenticated | authentication\ (?:check|result|information|is\ required)
                          | sender\ (?:verification|policy)"""),
    ("blocklist",       r"""spamhaus | spamcop | barracuda | block[ -]?list | black[ -]?list | \bRBL\b | DNSBL
                          | S31[45]\d | listed\ (?:at|in|by|on) | blocked\ using | banned\ sending"""),
    ("tls",             r"""5\.7\.10\b | starttls | must\ .{0,20}?(?:encrypt|TLS)"""),
    ("reputation",      r"""reputation | spam | unsolicited | unwanted | bulk | unusual\ rate | complaint
                          | low\ volume | content\ (?:rejected|policy)"""),
)
# fmt: on
OTHER = "other"
CAUSES = (*(cause for cause, _ in _ROWS), OTHER)
_TABLE = [(cause, regex(words, re.I | re.X)) for cause, words in _ROWS]


def cause_of(words: str) -> str:
    """The cause that a server's words name; OTHER where they name none we know."""
    return next((cause for cause, known in _TABLE if known.search(words)), OTHER)
