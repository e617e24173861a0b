"""The archive answers mail: find, more, send, and a way into its pages."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from listserv.core import when
from listserv.core.asks import AskKind, NewAsk
from listserv.core.changes import EndFeed, KeepLink, SendNotice, SignOut
from listserv.core.found import Hit
from listserv.core.notices import Found, FoundOne, SignInLink, ToldPost, WholeThread
from listserv.core.privacy import may
from listserv.core.replies import new_words
from listserv.core.retold import ThreadPost, size_of
from listserv.core.said import Done, Said, only
from listserv.core.scene import Scene
from listserv.core.seals import derived

AT_ONCE = 8
_LINK_MINUTES = 60


def read_find(words: str, scene: Scene) -> str | Said:
    return words or Said("find what")


def find(arg: str, scene: Scene) -> Done:
    """The best eight threads, to the known address itself; "more" and "send N" answer that mail."""
    hits = scene.look.hits
    assert scene.member is not None and hits is not None
    if not hits.asked:
        return only("find what")
    if not hits.threads:
        return only("found more" if hits.offset else "found nothing", hits.asked)
    notice = Found(
        list=scene.list.title,
        asked=hits.asked,
        total=hits.total,
        first=hits.offset + 1,
        more=hits.total > hits.offset + len(hits.threads),
        threads=tuple(_one(hit, scene) for hit in hits.threads),
    )
    shown = " ".join(str(hit.thread_id) for hit in hits.threads)
    ask = NewAsk(AskKind.MEMBER, scene.member.person_id, act=f"found {hits.offset} {shown} {hits.asked}")
    return Done(changes=(SendNotice(notice, scene.member.address, scene.list.id, ask),))


def _one(hit: Hit, scene: Scene) -> FoundOne:
    last = when.say_moment(hit.last, scene.zone, scene.language, scene.now)
    return FoundOne(hit.title, hit.author, hit.posts, last, hit.extract)


def found_before(act: str) -> tuple[int, tuple[int, ...], str] | None:
    """What an earlier find showed: where it began, its threads, what was asked; None for another mail."""
    words = act.split(" ")
    if words[0] != "found" or len(words) < 3:
        return None
    numbers: list[int] = []
    for word in words[2:]:
        if not word.isdigit() or len(numbers) == AT_ONCE:
            break
        numbers.append(int(word))
    return int(words[1]), tuple(numbers), " ".join(words[2 + len(numbers) :])


def read_number(words: str, scene: Scene) -> str | Said:
    word = words.strip().lstrip("#").rstrip(".")
    return word if word.isdigit() and len(word) < 4 else Said("send which")


def send(arg: str, scene: Scene) -> Done:
    """One thread whole, as clean text."""
    posts = scene.look.shown
    assert scene.member is not None
    if not posts:
        return only("send which")
    notice = WholeThread(
        scene.list.title, posts[0].subject, told(posts, scene.zone, scene.language, scene.now)
    )
    ask = NewAsk(AskKind.MEMBER, scene.member.person_id)
    return Done(changes=(SendNotice(notice, scene.member.address, scene.list.id, ask),))


def told(posts: Iterable[ThreadPost], zone: ZoneInfo, language: str, now: datetime) -> tuple[ToldPost, ...]:
    """A thread as it is mailed: what was new in each post."""
    return tuple(
        ToldPost(
            post.author_name,
            when.say_moment(post.at, zone, language, now),
            new_words(post.text).strip(),
            tuple(f"{file.name}, {size_of(file)}" for file in post.attachments),
        )
        for post in posts
    )


def show_archive(arg: str, scene: Scene) -> Done:
    """A sign-in link, to the known address."""
    assert scene.member is not None
    if not may("read archive", scene.member.standing, scene.list.settings):
        return only("no archive")
    secret = derived(scene.ring, "link", scene.mark)
    local, domain = scene.list.address.local, scene.list.address.domain
    path = local if domain == scene.site.domain else f"{local}@{domain}"
    url = f"{scene.site.base_url}/in?t={secret}&next=/{path}/"
    notice = SignInLink(scene.site.domain, url, "", _LINK_MINUTES)
    keep = KeepLink(scene.member.person_id, secret, _LINK_MINUTES)
    return Done(changes=(keep, SendNotice(notice, scene.member.address, scene.list.id)))


def sign_out(arg: str, scene: Scene) -> Done:
    """Out of the web archive, in each browser; a link that was not used yet opens nothing, either."""
    assert scene.member is not None
    return Done((Said("signed out"),), (SignOut(scene.member.person_id),))


def end_feed(arg: str, scene: Scene) -> Done:
    """The speaker's link for feed readers, of this list."""
    assert scene.member is not None
    return Done((Said("no feed", scene.list.title),), (EndFeed(scene.member.id),))
