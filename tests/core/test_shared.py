"""What of a mail may be a resource: its author's links, and files that somebody may look for."""

from __future__ import annotations

import pytest

from listserv.core.shared import shares_something
from listserv.core.types import Mail, Part


def mail(said: str = "", *files: str) -> Mail:
    parts = tuple(Part(n, "application/pdf", name, 9, attached=True) for n, name in enumerate(files))
    return Mail("m@x", False, None, "", "s", 9, "", text=said, said=said, parts=parts)


@pytest.mark.parametrize(
    ("one", "shares"),
    [
        (mail("Read https://example.org/guide first."), True),
        (mail("HTTP://example.org"), True),
        (mail("Nothing but words: http is a protocol, and ftp://x too."), False),
        (mail("See the file.", "guide.pdf"), True),
        (mail("Signed.", "smime.p7s"), False),
        (mail("A part without a name.", ""), False),
    ],
)
def test_links_and_files_are_shared_and_words_and_signatures_are_not(one: Mail, shares: bool) -> None:
    assert shares_something(one) is shares
