"""A discussion list server that people run entirely by mail.

How a post travels; read the files in this order:

    1  receive   flow/receive.py          is there such an address? keep the bytes; commit; 250
    2  parse     mail/parse.py            bytes become a Mail, or Malformed with why
    3  route     core/routing.py          to a list, a command, the hosts, a return path, or nowhere
    4  gather    store/facts.py           one read: list, sender's standing, known ids, threads
    5  decide    core/decide.py           rules and rights -> changes
    6  apply     store/apply.py           all changes and "done", in one transaction
    7  deliver   flow/deliver.py          one copy, one member, one outcome
    8  compose   mail/compose.py          a post as a member shall get it
    9  show      archive_site/build.py    the pages that changed

``flow/process.py`` holds 2 to 6 in one function. Who decides is pure (``core``), who acts is dull
(``store``, ``flow``); ``app.py`` puts them together, ``cli.py`` is how an operator meets them.
"""

__version__ = "0.1.0"
