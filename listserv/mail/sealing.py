"""The last steps over a finished post, each of them a plug: what all its copies share is sealed here, then
each copy is signed (compose.personal, compose.press). Nothing may change a copy after that.

Today there are: nothing, DKIM, DKIM and ARC. DKIM2 would be another ``Seal``; it also wants to know what we
changed, which recipe.py tells of any raw mail and its variant, and for whom a copy is, which whoever signs
copies has in hand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field, replace

from listserv.core.records import dataclass
from listserv.core.types import Post
from listserv.mail.arc import Chain, sealed
from listserv.mail.compose import Variant
from listserv.mail.fields import split
from listserv.mail.signing import Signer

Seal = Callable[[Variant, Post, int], Variant]  # once a variant; the last is the Unix time


def unsealed(made: Variant, post: Post, when: int) -> Variant:
    """Nothing is added: each copy's DKIM signature is all, where there is one."""
    return made


@dataclass(frozen=True, slots=True)
class ArcSeal:
    """An ARC set over what copies share (A9). None where nobody looked at the mail's own chain when it
    came, where the chain is broken or full, and where the list hides its authors: it would name them."""

    signer: Signer = field(repr=False)

    def __call__(self, made: Variant, post: Post, when: int) -> Variant:
        chain = Chain.read(post.chain.partition(";")[0])
        if chain is None or post.author is None or post.from_ == "hidden":
            return made
        fields, _, _ = split(made.tail)
        found = post.chain.partition(";")[2] or "none"
        results = f"dmarc={found} header.from={post.author.domain}; arc={chain.verdict}"
        front = sealed(fields, made.body_hash, chain, results, (self.signer, when))
        return replace(made, fields=front + made.fields, tail=front + made.tail)
