"""`listserv doctor`: is everything right, and if not, what helps? Looks, and changes nothing.

First everything that takes time is looked at, side by side and with an end (``examining``); then a table of
checks (``checks``) judges what was seen. Read the files in this order:

    finding.py     what a check finds, and the words for it (templates/cli/doctor.toml)
    seen.py        what the checks are given
    checks.py      the table
    machine.py     settings, keys, disk, clock
    upkeep.py      the database, queues, holds, hosts, backups
    relay.py       the way out, as far as one gets without sending a mail
    web.py         the web door, and the address that people use
    questions.py   DNS, with an end
    places.py      MX, and the name of the address that we send from
    spf.py, signature.py, policy.py   SPF, DKIM, DMARC and what tells others to use TLS
    inner.py       addresses that nobody outside can reach
    front.py       whose Authentication-Results may be believed
    providers.py   what Gmail, Microsoft and Yahoo ask of who sends much
    examining.py   the looking
    monthly.py     the mail to the owner
"""
