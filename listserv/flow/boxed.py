"""A post as one mail of a mailbox file: the copy that members got, never the arrival as it came.

Without what was one member's own, and without a signature of ours: nobody is to leave a list, or to prove
where a mail came from, by somebody else's file.
"""

from __future__ import annotations

from listserv.core.records import dataclass
from listserv.core.types import PostState
from listserv.flow.as_sent import House, as_sent
from listserv.mail.mbox import write_mbox
from listserv.store import posts
from listserv.store.engine import Store


@dataclass(frozen=True, slots=True)
class Boxed:
    """Makes them, each from a snapshot of its own, so that a slow reader holds up nothing."""

    store: Store
    site: House

    def __call__(self, post_id: int) -> bytes | None:
        """mboxrd; None where the post is taken out. Its From line names the list, not the author."""
        with self.store.read() as tx:
            post = posts.find_there(tx, post_id)
            if post is None or post.state is not PostState.POSTED:
                return None
            _, here, made = as_sent(tx, self.site, post_id)
        return write_mbox(made.tail, str(here.address), post.at)
