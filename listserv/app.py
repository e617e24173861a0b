"""The composition root: settings → store, key, clock, reader, courier, doors, workers.

Nobody imports it but the command line.
"""

from __future__ import annotations

import asyncio
import os
import resource as resource_limits
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import field, replace
from functools import partial
from pathlib import Path

from archive_site.gate import GateParts, make_gate
from archive_site.missing import make_missing
from listserv import __version__
from listserv.clock import Clock, SystemClock
from listserv.core import facts, rules
from listserv.core.address import Address, read_address
from listserv.core.asks import AskKind, NewAsk
from listserv.core.notices import SignInLink
from listserv.core.pace import Pace
from listserv.core.records import dataclass
from listserv.core.routing import Kind, Place
from listserv.core.rules import judge
from listserv.core.seals import Keyring
from listserv.core.types import Arrival, MailList, Malformed, Member
from listserv.core.welcoming import welcome_to
from listserv.dice import draw_link
from listserv.doctor.examining import examine
from listserv.errors import BadSettings, CannotDo, StoreBusy
from listserv.flow import daemon, deliver, process
from listserv.flow.admission import Admission
from listserv.flow.as_sent import House
from listserv.flow.bells import Bells
from listserv.flow.boxed import Boxed
from listserv.flow.bundles import Bundles
from listserv.flow.clerk import Clerk
from listserv.flow.courier import BadRelay, Courier, open_courier
from listserv.flow.door import DoorSettings, Log
from listserv.flow.health import Body
from listserv.flow.log import open_log
from listserv.flow.lookout import Lookout
from listserv.flow.one_click import OneClick
from listserv.flow.packing import pack
from listserv.flow.pen import Answerable, Pen
from listserv.flow.reader import Reader
from listserv.flow.receive import Doors, open_doors
from listserv.flow.renderer import Renderer
from listserv.flow.results import Depot
from listserv.flow.signers import Signers
from listserv.flow.watch import Application, Watched
from listserv.flow.web import WebDoor, WebDoors
from listserv.flow.worker import Work
from listserv.mail.leaves import leaf
from listserv.mail.notices import Words
from listserv.mail.sealing import ArcSeal, unsealed
from listserv.mail.signing import BadKey, Signer, load_key
from listserv.mail.washing import Washer
from listserv.opening import only_one, opened, prepare, read_secret, read_vault, unread
from listserv.resources import resource
from listserv.rounds import Rounds, scheduled
from listserv.settings import FILE_NAME, Settings
from listserv.side_by_side import in_company
from listserv.store import (
    arrivals,
    asks,
    deliveries,
    directory,
    epochs,
    lists,
    own_data,
    pause,
    queue,
    speakers,
)
from listserv.store.directory import Found
from listserv.store.engine import Store, Transaction
from listserv.store.facts import gather
from listserv.store.feeds import Feeds
from listserv.store.question import Question
from listserv.store.sessions import WEB_MINUTES, Sessions

_SWITCH_SECONDS = 0.0005  # a tenth of Python's own: a client at the door waits for nobody's long turn
ROLES = ("receive", "process", "deliver", "schedule", "archive", "web")


@dataclass(frozen=True, slots=True)
class App:
    """One process's share of the site."""

    settings: Settings
    store: Store
    clock: Clock
    site: facts.Site
    bells: Bells
    log: Log
    ring: Keyring = field(repr=False)


def site_of(settings: Settings) -> facts.Site:
    """What decisions need of the settings."""
    site = settings.site
    return facts.Site(site.domain, site.owner, site.base_url, site.timezone, settings.deliver.treat_as_reject)


def read_signer(settings: Settings) -> Signer | None:
    """Our DKIM key; None where the relay signs. Raises CannotDo."""
    file = settings.dkim.key
    if file is None:
        return None
    try:
        return Signer(settings.site.domain, settings.dkim.selector, load_key(file.read_bytes()))
    except OSError as error:
        remedy = 'restore it, or set dkim.key = "" and let the relay sign'
        raise unread(f"dkim.key {file}", error, remedy) from None
    except BadKey as error:
        raise BadSettings(f"dkim.key {file}: {error}") from None


@contextmanager
def open_app(settings: Settings, log: Log) -> Iterator[App]:
    """The site's store and key, ready. Raises CannotDo, StoreBusy."""
    secret = read_secret(settings)
    with opened(settings) as store:
        with store.read() as tx:
            ring = replace(epochs.keyring(tx, secret), vault=read_vault(settings))
        yield App(settings, store, SystemClock(), site_of(settings), Bells(), log, ring)


# -- serve ------------------------------------------------------------------------------------------


def serve(
    settings: Settings, roles: frozenset[str] = frozenset(ROLES), told: Callable[[str], None] | None = None
) -> int:
    """The server, until a signal stops it. Raises CannotDo with what to do."""
    log = open_log()
    _lift_file_limit()
    sys.setswitchinterval(_SWITCH_SECONDS)
    read_secret(settings)  # before anything is made or changed in a folder that is not the site's
    with ExitStack() as stack:
        if settings.database.url.startswith("sqlite"):
            stack.enter_context(only_one(settings))
        prepare(settings)
        app = stack.enter_context(open_app(settings, log))
        _tell_of_pause(app)
        if app.store.dialect == "sqlite":
            app.store.do(arrivals.release_leases)
            app.store.do(partial(deliveries.release_leases, now=app.clock.now()))
        plan = make_plan(app, roles, stack)
        stack.enter_context(in_company(app.store, app.bells, log))
        asyncio.run(daemon.run(plan, told))
    return 0


def _tell_of_pause(app: App) -> None:
    with app.store.read() as tx:
        restored = pause.current(tx)
    if restored is not None:
        app.log.warning("nothing leaves since the restore", backup_of=f"{restored.made:%Y-%m-%d %H:%M}")


def _lift_file_limit() -> None:
    """A thousand clients at each door need more open files than many systems give at first."""
    soft, hard = resource_limits.getrlimit(resource_limits.RLIMIT_NOFILE)
    wanted = 8192 if hard == resource_limits.RLIM_INFINITY else min(8192, hard)
    if soft != resource_limits.RLIM_INFINITY and soft < wanted:
        resource_limits.setrlimit(resource_limits.RLIMIT_NOFILE, (wanted, hard))


def make_plan(app: App, roles: frozenset[str], stack: ExitStack) -> daemon.Plan:
    """Doors, workers and web for the roles of this process; what must be closed goes on the stack."""
    lookout = _lookout(app, roles)
    works: list[Work] = []
    if "process" in roles:
        works += _processing(app, stack)
    if "deliver" in roles:
        works.append(_delivering(app, stack))
    if "schedule" in roles:
        look = partial(examine, app.settings, app.settings.folder / FILE_NAME)
        works += scheduled(Rounds(app.store, app.clock, app.bells, make_pen(app), look))
    if "archive" in roles:
        works.append(
            Work("archive", stack.enter_context(closing(make_renderer(app))).step, app.bells.pages, 1.0)
        )
        works.append(Work("bundles", make_bundles(app).step, threading.Event(), 2.0))
    doors = partial(_open_doors, app, lookout) if "receive" in roles else None
    counted = tuple(map(lookout.tallies.counted, works))
    return daemon.Plan(doors, _web(app, roles, lookout), counted, app.bells, app.log)


def _lookout(app: App, roles: frozenset[str]) -> Lookout:
    """What is seen of this process from outside."""
    places = [app.settings.site.data_dir]
    if app.store.engine.url.database and app.store.dialect == "sqlite":
        places.append(Path(app.store.engine.url.database).parent)
    writes = bool(roles & {"receive", "process", "deliver", "schedule"})
    return Lookout(Body(app.store, writes, places, app.bells.closing, app.log), app.clock, __version__)


async def _open_doors(app: App, lookout: Lookout) -> Doors:
    settings = app.settings
    receive = settings.receive
    doors = DoorSettings(
        hostname=settings.site.domain,
        domain=settings.site.domain,
        smtp=receive.smtp,
        lmtp=receive.lmtp,
        policy=receive.policy,
        tls_cert=receive.tls_cert,
        tls_key=receive.tls_key,
        max_message_bytes=receive.max_message_bytes,
    )
    keeper = Admission(
        app.store, settings.site.domain, receive.max_message_bytes, app.clock.now, app.bells, app.ring
    )
    lookout.doors = await open_doors(doors, keeper, app.clock.now, app.log)
    return lookout.doors


def open_reader(settings: Settings) -> Reader:
    """The child that reads strangers' mail."""
    receive, arc = settings.receive, settings.dkim.arc and settings.dkim.key is not None
    trusted, servers = receive.trusted_authserv_ids, settings.dns.servers
    return Reader(trusted, servers, arc=arc, spam_fields=receive.spam_fields)


def make_pen(app: App) -> Pen:
    """What writes our letters: a host's own wording (``words/`` beside the settings) first, then ours."""
    folders = (app.settings.folder / "words", resource("templates") / "mail")
    return Pen(app.store, Words(folders), app.clock, app.site, app.ring)


def _processing(app: App, stack: ExitStack) -> tuple[Work, ...]:
    """Two lanes, a reader each, so that strangers' slow mail holds up nobody whom we know."""
    ours, theirs = (stack.enter_context(closing(open_reader(app.settings))) for _ in range(2))

    desk, strangers_desk = _desk(app, ours), _desk(app, theirs)

    def step() -> int:
        ours.warm()  # not at the first mail, which would wait for it
        return process.process_due(desk)

    strangers = partial(process.process_due, strangers_desk, process.STRANGERS)
    return (
        Work("process", step, app.bells.arrivals),
        Work("strangers", strangers, app.bells.strangers),
    )


def _desk(app: App, reader: Reader) -> process.Desk:
    pen = make_pen(app)
    maildir = app.settings.deliver.relay.startswith("maildir:")
    clerk = Clerk(pen, Washer(pen.words.mark("member")), maildir)
    return process.Desk(app.store, reader, pen, clerk, app.clock, app.site, app.bells, app.log, app.ring)


def open_the_courier(settings: Settings) -> Courier:
    """The way out. Raises BadSettings."""
    way = settings.deliver
    try:
        return open_courier(
            way.relay, connections=way.connections, hostname=settings.site.domain, folder=settings.folder
        )
    except BadRelay as error:
        raise BadSettings(f"deliver.relay: {error}") from None


def _depot(app: App, stack: ExitStack) -> Depot:
    signer = read_signer(app.settings)
    return Depot(
        store=app.store,
        courier=stack.enter_context(closing(open_the_courier(app.settings))),
        clock=app.clock,
        domain=app.settings.site.domain,
        base_url=app.settings.site.base_url,
        signer=signer,
        signers=stack.enter_context(closing(Signers(signer))) if signer else None,
        bells=app.bells,
        log=app.log,
        who=f"{os.uname().nodename}.{os.getpid()}.{app.clock.now():%H%M%S}",
        ring=app.ring,
        seal=ArcSeal(signer) if signer and app.settings.dkim.arc else unsealed,
        pace=read_pace(app.settings),
    )


def read_pace(settings: Settings) -> Pace | None:
    """How fast copies may leave; None where nobody said."""
    way = settings.deliver
    return Pace(way.per_minute, way.per_domain_per_minute, way.warm_up) or None


def _delivering(app: App, stack: ExitStack) -> Work:
    return Work("deliver", partial(deliver.deliver_due, _depot(app, stack)), app.bells.deliveries)


def composed(settings: Settings, delivery_id: int) -> bytes:
    """A copy as it goes out. Raises CannotDo where it is none, or can't be composed."""
    with ExitStack() as stack:
        app = stack.enter_context(open_app(settings, open_log()))
        with app.store.read() as tx:
            copy = queue.find(tx, delivery_id)
        if copy is None:
            raise CannotDo(f"there is no copy {delivery_id}; `listserv queue ls` shows what there is")
        depot = _depot(app, stack)
        try:
            return deliver.composed(depot, copy)
        except StoreBusy:
            raise
        except Exception as error:  # that is what is wrong with this copy
            why = f"{type(error).__name__}: {error}"
            raise CannotDo(f"copy {delivery_id} can't be composed ({why})") from error


def welcome(settings: Settings, here: MailList, member: Member) -> None:
    """Put a welcome for a new member on its way."""
    with open_app(settings, open_log()) as app:
        pen, now = make_pen(app), app.clock.now()
        with app.store.read() as tx:
            names = directory.host_names(tx, here.id)
        notice = welcome_to(here, member, settings.site.base_url, names)
        ask = NewAsk(AskKind.MEMBER, member.person_id)

        def step(tx: Transaction) -> None:
            number = asks.open_ask(tx, ask, asks.Sent(here.id, member.address, now))
            letter = pen.asking(notice, member.address, here, Answerable(ask, number))
            deliveries.post_letter(tx, letter, now)

        app.store.do(step)


@contextmanager
def open_pen(settings: Settings) -> Iterator[Pen]:
    """What writes our letters, for a command."""
    with open_app(settings, open_log()) as app:
        yield make_pen(app)


# -- the archive ------------------------------------------------------------------------------------


def make_renderer(app: App) -> Renderer:
    """What has a child process render pages into ``data_dir/archive``."""
    site = app.settings.site
    about = {
        "url": app.settings.database.url,
        "folder": str(site.data_dir / "archive"),
        "templates": str(resource("templates")),
        "domain": site.domain,
        "base_url": site.base_url,
        "timezone": site.timezone,
    }
    return Renderer(app.store, about, app.bells.closing, app.log)


def make_bundles(app: App) -> Bundles:
    """What has a child process build the search without a server."""
    site = app.settings.site
    about = {
        "url": app.settings.database.url,
        "folder": str(site.data_dir / "archive"),
        "domain": site.domain,
    }
    return Bundles(app.store, about, app.clock, app.bells.closing, app.log)


def _web(app: App, roles: frozenset[str], lookout: Lookout) -> WebDoors | None:
    """The archive's listener and the one for metrics, each where it is on."""
    web = app.settings.web
    archive = metrics = None
    if "web" in roles and web.listen:
        archive = WebDoor("web.listen", web.listen, Watched(lookout, web.metrics_token, _gate(app)))
    if web.metrics_listen:
        behind = make_missing(resource("templates"))
        metrics = WebDoor("web.metrics_listen", web.metrics_listen, Watched(lookout, None, behind))
    return WebDoors(archive, metrics) if archive or metrics else None


def _gate(app: App) -> Application:
    parts = GateParts(
        store=app.store,
        sessions=Sessions(app.store),
        folder=app.settings.site.data_dir / "archive",
        templates=resource("templates"),
        base_url=app.settings.site.base_url,
        domain=app.settings.site.domain,
        now=app.clock.now,
        draw=draw_link,
        leaf=partial(_leaf, app),
        mail_link=partial(_mail_link, app, make_pen(app)),
        leave=OneClick(make_pen(app), app.bells),
        own_data=partial(_own_data, app, make_pen(app).words),
        copy=Boxed(app.store, House(app.ring, app.settings.site.domain, app.settings.site.base_url)),
        feeds=Feeds(app.store),
        ring=app.ring,
        timezone=app.settings.site.timezone,
        hand_over=app.settings.web.pages_from == "proxy",
    )
    return make_gate(parts)


def _leaf(app: App, raw_hash: str, position: int) -> tuple[str, str, bytes] | None:
    """An attachment out of a kept mail."""
    with app.store.read() as tx:
        raw = arrivals.raw(tx, raw_hash)
    found = leaf(raw, position) if raw is not None else None
    return (found[0].name, found[0].type, found[1]) if found else None


def _mail_link(app: App, pen: Pen, address: str, url: str, code: str) -> None:
    notice = SignInLink(app.settings.site.domain, url, code, WEB_MINUTES)
    letter = pen.unasked(notice, read_address(address), None, code)
    app.store.do(partial(deliveries.post_letter, letter=letter, now=app.clock.now()))
    app.bells.deliveries.set()


def _own_data(app: App, words: Words, person_id: int) -> bytes:
    with app.store.read() as tx:
        own = own_data.own_data(tx, person_id)
        language = speakers.language_of_person(tx, person_id)
        return pack(own, app.clock.now(), words, app.settings.site.domain, language)


# -- explain ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Explained:
    """The posting rules for one mail, row by row, and what would happen."""

    rules: tuple[tuple[str, bool], ...]
    verdict: str
    why: str


def explain(settings: Settings, list_address: Address, raw: bytes) -> Explained:
    """What would become of a mail to this list. Changes nothing. Raises CannotDo."""
    with open_app(settings, open_log()) as app, closing(open_reader(settings)) as reader:
        with app.store.read() as tx:
            here = lists.find_list(tx, list_address)
        if here is None:
            raise CannotDo(f"there is no list {list_address}; `listserv list ls` shows those there are")
        if len(raw) > settings.receive.max_message_bytes:  # the door says so; no list ever sees it
            return Explained((), "reject", "too big")
        now = app.clock.now()
        mail = reader.read(raw, "explained", now)  # any sender but the null one: a post is asked about
        if isinstance(mail, Malformed):
            return Explained((), "aside", mail.why)
        arrival = Arrival(0, here.address, "", raw, "", now)
        found = Found(Place(Kind.LIST, here.address.local), here)
        with app.store.read() as tx:
            known = gather(tx, Question(mail, arrival, found, now, app.site, app.ring))
        assert isinstance(known, facts.PostFacts)
        # As if it came for the first time: "why was it held?" is asked of mail that has come.
        known = replace(known, duplicate=False, held_twin=False)
        verdict = judge(mail, known)
        return Explained(tuple(rules.table(mail, known)), type(verdict).__name__.lower(), verdict.rule)
