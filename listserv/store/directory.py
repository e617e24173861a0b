"""What a recipient means here: names of lists, tokens and relay addresses, and who is known to a list."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, func, or_, select, tuple_

from listserv.core.address import Address, BadAddress, bare_sender, read_address
from listserv.core.aliases import Alias
from listserv.core.asks import Ask, AskKind
from listserv.core.quietly import address_of, sealed_token
from listserv.core.records import dataclass
from listserv.core.routing import Kind, Place, readings
from listserv.core.seals import Keyring, unseal
from listserv.core.types import MailList, Member, MemberState
from listserv.store import asks, lists, schema
from listserv.store.aliases import Reached, reached
from listserv.store.prepared import Prepared
from listserv.store.rosters import members_query, read_member

_NAMES_AT_ONCE = 200
REMEMBERED = timedelta(days=7)  # how long after leaving an address is still known to a hidden list
_s, _a, _d = schema.subscriptions.c, schema.addresses.c, schema.deliveries.c
_k = schema.asks.c


@dataclass(frozen=True, slots=True)
class Found:
    """A recipient's place, with what the place names."""

    place: Place
    list: MailList | None = None
    delivery_id: int | None = None
    reached: Reached | None = None  # whom a relay address leads to
    ask: Ask | None = None
    quiet: str = ""  # the seal of the asker's link that a token speaks for


NOWHERE = Found(Place(Kind.NOWHERE))

# Statements are made once: making one anew costs several times what running it does.
_QUIET = Prepared(select(schema.quiet.c.list_id).where(schema.quiet.c.seal == bindparam("seal")))
_LIST_OF = Prepared(select(_d.list_id).where(_d.id == bindparam("delivery")))
_LAST_DELIVERY = Prepared(select(func.max(_d.id)))
_SERVED = Prepared(
    select(schema.list_names.c.local).where(schema.list_names.c.domain == bindparam("domain")).limit(1)
)
_KNOWN = Prepared(
    select(_s.id)
    .join_from(schema.subscriptions, schema.addresses, _a.person_id == _s.person_id)
    .where(
        _a.key == bindparam("key"),
        _s.list_id == bindparam("of_list"),
        or_(
            _s.state != MemberState.LEFT,
            and_(_s.left.is_not(None), _s.left > bindparam("since", type_=schema.Moment)),
        ),
    )
    .limit(1)
)
_INVITED = Prepared(
    select(_k.id)
    .where(
        _k.address.in_(bindparam("forms", expanding=True)),
        _k.list_id == bindparam("of_list"),
        _k.kind == AskKind.INVITE,
        _k.expires > bindparam("now", type_=schema.Moment),
    )
    .limit(1)
)
_PEOPLE = Prepared(select(_a.key).where(_a.key.in_(bindparam("keys", expanding=True))))
_WHOSE = select(_a.person_id).where(_a.key == bindparam("key"), _a.confirmed.is_not(None)).scalar_subquery()
_MEMBER = Prepared(members_query().where(_s.list_id == bindparam("of_list"), _s.person_id == _WHOSE))
_NAMED = (
    select(schema.list_names.c.list_id)
    .where(
        tuple_(schema.list_names.c.domain, schema.list_names.c.local).in_(bindparam("names", expanding=True))
    )
    .distinct()
)


def look_up(tx: Connection, recipient: Address, site_domain: str, ring: Keyring) -> Found:
    """The first reading of a recipient that names something we have; an exact list name wins."""
    for place in readings(recipient):
        found = _resolve(tx, place, recipient.domain, site_domain, ring)
        if found is not None:
            return found
    return NOWHERE


def _resolve(tx: Connection, place: Place, domain: str, site_domain: str, ring: Keyring) -> Found | None:
    if place.kind is Kind.OWNER:
        return Found(place) if is_served(tx, domain, site_domain) else None
    if place.kind is Kind.RELAYED:
        return _relayed(tx, place, domain)
    if not place.local:
        return None
    here = lists.find_list(tx, Address(place.local, domain))
    if here is None:
        return None
    if place.kind is Kind.RETURNED and place.word:
        delivery_id = unseal(ring, "back", place.word, _last_delivery(tx))
        of_here = delivery_id is not None and _is_copy_of(tx, delivery_id, here)
        return Found(place, here, delivery_id=delivery_id) if of_here else None
    if place.kind is Kind.ANSWER:
        return _answered(tx, place, here, ring)
    return Found(place, here)


def _answered(tx: Connection, place: Place, here: MailList, ring: Keyring) -> Found | None:
    """A token speaks for its own list alone; one that was used or is too old is told so, not refused."""
    if asker := sealed_token(ring, place.word):
        return Found(place, here, quiet=asker)
    number = unseal(ring, "re", place.word, asks.last(tx))
    ask = asks.find(tx, number) if number is not None else None
    return Found(place, here, ask=ask) if ask is not None and ask.list.id == here.id else None


def _relayed(tx: Connection, place: Place, domain: str) -> Found | None:
    leads = reached(tx, place.word)
    if leads is None:
        return _asker(tx, place, domain)
    here = lists.list_by_id(tx, leads.list_id)
    if here is None or here.address.domain != domain:
        return None
    return Found(place, here, reached=leads)


def _asker(tx: Connection, place: Place, domain: str) -> Found | None:
    """Who asked without a name is reached at an address that looks like any other's: as that, no further."""
    number = _QUIET.scalar(tx, {"seal": place.word})
    here = lists.list_by_id(tx, number) if number is not None else None
    if here is None or here.address.domain != domain:
        return None
    own = address_of(place.word, here)
    return Found(place, here, reached=Reached(here.id, own, Alias(place.word)))


def _is_copy_of(tx: Connection, delivery_id: int, here: MailList) -> bool:
    """A token speaks for its own list alone: else one list's member could try the names of hidden ones."""
    return bool(_LIST_OF.scalar(tx, {"delivery": delivery_id}) == here.id)


def _last_delivery(tx: Connection) -> int:
    return _LAST_DELIVERY.scalar(tx, {}) or 0


def barred(tx: Connection, found: MailList) -> Callable[[Address], str]:
    """Why an address can't be a member of this list, since mail to it comes back to a list; "" if it can."""
    names = {
        (one.local, one.domain): here for here in lists.all_lists(tx) for one in (here.address, *here.aliases)
    }

    def why(address: Address) -> str:
        for place in readings(address):
            here = names.get((place.local, address.domain))
            if here is None:
                continue
            if place.kind is not Kind.LIST:
                return f"{address} is an address of the list {here.address}, not a person's"
            return f"{address} is this list's own address" if here.id == found.id else ""
        return ""

    return why


def is_served(tx: Connection, domain: str, site_domain: str) -> bool:
    """Whether mail for this domain is ours to take or to refuse."""
    if domain == site_domain:
        return True
    return _SERVED.scalar(tx, {"domain": domain}) is not None


def is_known(tx: Connection, list_id: int, sender: str, now: datetime) -> bool:
    """Whether an envelope sender is known to a list: member, invited, pending, or left within seven days.

    SRS and BATV are stripped (interface.md §4). The null sender is nobody.
    """
    try:
        key = read_address(bare_sender(sender)).key
    except BadAddress:
        return False
    if _KNOWN.scalar(tx, {"key": key, "of_list": list_id, "since": now - REMEMBERED}) is not None:
        return True
    forms = tuple({key, bare_sender(sender)})  # an ask keeps the address as it was written
    return _INVITED.scalar(tx, {"forms": forms, "of_list": list_id, "now": now}) is not None


def people_among(tx: Connection, keys: Iterable[str]) -> set[str]:
    """Those of these addresses (by key) that belong to anybody on this site."""
    return set(_PEOPLE.scalars(tx, {"keys": tuple(keys)}))


def member_by_address(tx: Connection, list_id: int, address: Address) -> Member | None:
    """The subscription of whoever writes from this address, by any of their confirmed addresses."""
    row = _MEMBER.row(tx, {"of_list": list_id, "key": address.key})
    return read_member(row) if row else None


def lists_named(tx: Connection, addresses: Iterable[Address], but: MailList) -> tuple[MailList, ...]:
    """Further lists of ours among these addresses."""
    own = {(one.domain, one.local.lower()) for one in (but.address, *but.aliases)}
    wanted = sorted({(one.domain, one.local.lower()) for one in addresses} - own)
    numbers: set[int] = set()
    for at in range(0, len(wanted), _NAMES_AT_ONCE):
        numbers.update(tx.scalars(_NAMED, {"names": wanted[at : at + _NAMES_AT_ONCE]}))
    found = (lists.list_by_id(tx, number) for number in sorted(numbers - {but.id}))
    return tuple(here for here in found if here is not None)


def hosts_of(tx: Connection, list_id: int) -> tuple[Address, ...]:
    """Where mail to all hosts of a list goes."""
    query = select(_a.written).join_from(schema.addresses, schema.subscriptions, _s.address_id == _a.id)
    chosen = (_s.list_id == list_id, _s.role == "host", _s.state.in_(("active", "paused", "bouncing")))
    return tuple(read_address(written) for written in tx.scalars(query.where(*chosen).order_by(_s.id)))


def host_names(tx: Connection, list_id: int) -> tuple[str, ...]:
    """The hosts as members may see them: by name, where they gave one."""
    chosen = (_s.list_id == list_id, _s.role == "host", _s.state.in_(("active", "paused")), _s.name != "")
    return tuple(tx.scalars(select(_s.name).where(*chosen).order_by(_s.id)))
