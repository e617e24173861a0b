"""The archive: a second small program that writes a folder of pages and guards the door to it.

It promises: addresses of pages that never change; pages that need no script and ask no other host for
anything; nobody's mail address on any page; one and the same 404 for what is missing and what is not
for this reader. The database is the truth, the folder is a cache that may be deleted at any time.

Reading order: ``urls`` (paths), ``hiding``, ``text``, ``markup`` (strangers' words made safe), ``pages``
(rows become pages; ``beside``, ``shared`` and ``cutting`` are parts of that), ``pictures`` (drawn anew),
``press`` (a page is written), ``build`` (what changed is found, a round at a time),
``rendering`` (that in a process of its own), ``gate`` with ``sign_in`` (who may see it).
It knows the store only by ``listserv.store.reading`` and ``listserv.store.sessions``.
"""
