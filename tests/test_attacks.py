"""Attacks of standards.md §2.2 that no other test stands against: each is named after its row.

docs/security.md names the tests of all 45 rows; the last tests here hold that page to it.
"""

from __future__ import annotations

import ast
import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import product
from pathlib import Path
from statistics import median
from time import monotonic

import pytest
from sqlalchemy import insert, select

from listserv.core.address import Address, read_address
from listserv.core.types import MailList
from listserv.dice import SECRET_LENGTH
from listserv.flow.admission import Admission
from listserv.flow.door import Caller, Refusal
from listserv.flow.reception import Reception
from listserv.store import rosters, schema, sessions
from tests.kit.desk import OWNER, Desk
from tests.kit.doorstep import SETTINGS, RememberingKeeper, RememberingLog, StillClock
from tests.kit.gated import PREFETCH, dump, gate_of, links_in
from tests.kit.nodes import NODE, ROOT, trouble
from tests.kit.people import DOMAIN, NOW, SITE
from tests.kit.speaker import NONE, Speaker, read
from tests.kit.world import World, open_world, sqlite_in

LIST, HANNA, ANA = f"book@{DOMAIN}", "hanna@host.example", "ana@ana.example"
OURS = [*(ROOT / "listserv").rglob("*.py"), *(ROOT / "archive_site").rglob("*.py")]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with open_world(sqlite_in(tmp_path)) as made:
        yield made


@pytest.fixture
def book(world: World) -> MailList:
    here = world.circle(join="confirm")
    world.host(here, HANNA, name="Hanna Host")
    world.member(here, ANA, name="Ana Silva")
    return here


def nodes(mark: str) -> Iterator[tuple[str, ast.AST]]:
    """Every node of each of our files that has the mark (a pattern) in it, with the file's name."""
    for path in OURS:
        text = path.read_text("utf-8")
        if re.search(mark, text, re.M):
            name = path.relative_to(ROOT).as_posix()
            yield from ((name, node) for node in ast.walk(ast.parse(text)))


# -- links and machines that follow them ------------------------------------------------------------


def test_s7_no_link_in_any_mail_or_page_does_anything_when_a_machine_follows_it(
    world: World, book: MailList, tmp_path: Path
) -> None:
    ana = Speaker(world, ANA)
    ana.writes(LIST, "Who applied?", "Cold storage")
    for words in ("settings", "archive", "find applied", "help", "where", "my data", "forget me", "bye"):
        ana.writes(f"book+ask@{DOMAIN}", words)
    Speaker(world, "cy@cy.example").writes(f"book+join@{DOMAIN}")
    Speaker(world, HANNA).writes(f"book+ask@{DOMAIN}", "invite dora@dora.example")
    links = set().union(*(links_in(one.raw) for one in world.outbox))
    kinds = {re.sub(r"^https://[^/]+(/\w+).*", r"\1", link) for link in links}
    assert {"/u", "/in", "/book"} <= kinds, kinds
    browser = gate_of(world, tmp_path / "archive")
    session = "the-session-of-a-reader"
    signed_in = {"hash": sessions.hashed(session), "made": NOW, "expires": NOW + timedelta(days=90)}
    world.store.do(lambda tx: tx.execute(insert(schema.sessions).values(person_id=1, **signed_in)) and None)
    before = dump(world)

    async def follow(cookies: dict[str, str]) -> set[int]:
        seen, ahead, found = set[str](), sorted(links), set[int]()
        async with browser(cookies=cookies) as client:
            while ahead:
                url = ahead.pop()
                seen.add(url)
                for method, headers in product(("OPTIONS", "HEAD", "GET"), ({}, PREFETCH)):
                    answer = await client.request(method, url, headers=headers)
                    found.add(answer.status_code)
                    assert "set-cookie" not in answer.headers
                more = {str(answer.url.join(href)) for href in re.findall(r'href="([^"#]+)', answer.text)}
                ahead += [url for url in more if url.startswith(SITE.base_url) and url not in {*seen, *ahead}]
        return found

    assert asyncio.run(follow({})) == {200, 404, 405}
    assert asyncio.run(follow({"__Host-session": session})) == {200, 302, 405}
    assert dump(world) == before


def test_s19_one_click_with_anothers_cookie_takes_off_the_tokens_member_alone(
    world: World, book: MailList, tmp_path: Path
) -> None:
    Speaker(world, ANA).writes(LIST, "Who applied?", "Cold storage")
    (leave,) = {
        url for one in world.outbox if one.recipient == ANA for url in links_in(one.raw) if "/u/" in url
    }
    with world.store.read() as tx:
        hanna = rosters.find_member(tx, book.id, read_address(HANNA))
    assert hanna is not None
    world.store.do(
        lambda tx: sessions.make_link(tx, hanna.person_id, NOW, secret="hannas-own-secret", minutes=60)
    )
    browser = gate_of(world, tmp_path / "archive")

    async def click() -> list[int]:
        async with browser() as client:
            signed_in = await client.post("/in?t=hannas-own-secret")
            left = await client.post(leave, data={"List-Unsubscribe": "One-Click"})
            return [signed_in.status_code, left.status_code]

    assert asyncio.run(click()) == [303, 200]
    with world.store.read() as tx:
        states = {who: rosters.find_member(tx, book.id, read_address(who)) for who in (ANA, HANNA)}
    assert [found and found.state for found in states.values()] == ["left", "active"]


def test_s28_no_link_is_in_any_log_even_when_its_request_fails(
    world: World, book: MailList, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "archive_site")
    browser = gate_of(world, tmp_path / "archive")

    async def ask() -> list[int]:
        async with browser() as client:
            first = await client.post("/in?t=a-secret-of-sixteen&next=/book/")
            world.store.close()
            return [first.status_code, (await client.post("/in?t=a-secret-of-sixteen")).status_code]

    assert asyncio.run(ask()) == [410, 503]
    assert "a request of kind in failed" in caplog.text and "Traceback" in caplog.text
    assert "a-secret" not in caplog.text
    assert "access_log=False" in (ROOT / "listserv/flow/web.py").read_text("utf-8")


# -- floods -----------------------------------------------------------------------------------------


def test_s9_whoever_is_named_as_sender_of_spam_gets_nothing_from_us(world: World, book: MailList) -> None:
    """Each sender is decided alone, so that forty say what a thousand would. A wish to join is S8."""
    doors = [LIST, *(f"book{suffix}@{DOMAIN}" for suffix in ("+ask", "+leave", "+host", "-request"))]
    senders = [f"victim{number}@v{number}.example" for number in range(40)]
    for number, sender in enumerate(senders):
        to = doors[number % len(doors)]
        world.accept(
            Speaker(world, sender, NONE).mail(to, "find cheap https://x.example/", "Offer"), to, sender
        )
    world.settle()
    world.pass_time(days=3)
    assert {one.recipient for one in world.outbox} <= {HANNA, OWNER, str(SITE.owner)}
    assert len(world.outbox) < len(senders)


def test_s23_what_a_service_sends_to_confirm_an_account_made_in_the_lists_name_is_not_posted(
    world: World,
) -> None:
    for posting in ("members", "anyone"):
        here = world.circle(posting, posting=posting, visible="listed", archive="public")
        world.member(here, ANA)
        for number, sender in enumerate(("noreply@shop.example", "accounts@shop.example")):
            to = f"{posting}@{DOMAIN}"
            words = f"Confirm your account: https://shop.example/confirm?c={number}"
            Speaker(world, sender).writes(to, words, "Verify your email")
    assert ANA not in world.copies()
    with world.store.read() as tx:
        assert not tx.execute(select(schema.posts)).all()


LETTERS = str.maketrans("0123456789", "abcdefghij")


def test_s29_of_ten_thousand_guesses_twenty_an_hour_are_looked_at_and_no_answer_tells_a_hit() -> None:
    keeper, clock = RememberingKeeper(), StillClock()
    reception = Reception(SETTINGS, keeper, clock.now, RememberingLog())
    caller = Caller("192.0.2.66", "x", "", None, smtputf8=False, lmtp=False)

    async def guess() -> list[set[tuple[int, str, str]]]:
        told = []
        for _hour in range(5):
            answers = set()
            for number in range(2_000):
                token = f"{number:020}".translate(LETTERS)
                answer = await reception.ask(f"book+back={token}@{DOMAIN}", caller)
                assert isinstance(answer, Refusal)
                answers.add((answer.code, answer.enhanced, answer.text))
            told.append(answers)
            clock.pass_time(timedelta(hours=1))
        return told

    told = asyncio.run(guess())
    reception.shut()
    assert len(keeper.callers) == 5 * 20
    assert {code for answers in told for code, _, _ in answers} == {550, 451}
    assert all(answers == told[0] for answers in told)


def test_s30_a_members_flood_is_kept_and_goes_out_no_faster_than_the_list_allows(world: World) -> None:
    here = world.circle(max_posts_per_day=5, storm="0", posting="anyone")
    world.member(here, ANA)
    ana = Speaker(world, ANA)
    for day in range(2):
        for number in range(20):
            world.accept(ana.mail(LIST, f"Number {number} of {day}.", f"Post {day} {number}"), LIST, ANA)
        world.settle()
        assert len([one for one in world.outbox if read(one).kind == "post"]) == 5 * (day + 1)
        world.pass_time(days=1)
    assert world.ends() == {"posted": 10, "held": 30}


# -- who is on the list -----------------------------------------------------------------------------


def test_s20_a_refusal_takes_the_same_time_for_a_hidden_list_and_for_none(world: World) -> None:
    secret = world.circle("secret", visible="hidden")
    world.member(secret, ANA)
    keeper = Admission(world.store, DOMAIN, 1_000_000, world.clock.now, world.bells, world.ring)
    caller = Caller("192.0.2.1", "x", "mal@evil.example", None, smtputf8=False, lmtp=False)

    async def timed(local: str) -> float:
        begun = monotonic()
        assert isinstance(await keeper.admit(Address(local, DOMAIN), caller), Refusal)
        return monotonic() - begun

    async def all_of_them() -> list[float]:
        return await asyncio.gather(*(timed(local) for _ in range(200) for local in ("secret", "absent")))

    took = asyncio.run(all_of_them())
    assert abs(median(took[::2]) - median(took[1::2])) < 0.01, "seconds"


def test_s20_who_asks_in_anothers_name_learns_nothing_of_them(world: World, book: MailList) -> None:
    """The answers at the door are the same octets; whatever we write goes to the one who was named."""
    keeper = Admission(world.store, DOMAIN, 1_000_000, world.clock.now, world.bells, world.ring)
    told = []
    for who in (ANA, "nobody@else.example"):
        caller = Caller("192.0.2.1", "x", who, None, smtputf8=False, lmtp=False)
        for suffix in ("", "+leave", "+ask", "+join", "+help", "+host"):
            to = Address(f"book{suffix}", DOMAIN)
            told.append((suffix, asyncio.run(keeper.admit(to, caller))))
            Speaker(world, who, NONE).writes(str(to), "leave")
    assert told[:6] == told[6:]
    assert {one.recipient for one in world.outbox} <= {ANA, "nobody@else.example", HANNA}


def test_s32_a_reference_to_another_lists_post_brings_nothing_of_it(world: World, book: MailList) -> None:
    other = world.circle("other", "Other Circle", archive="public", visible="listed")
    world.member(other, "mal@evil.example")
    first = Speaker(world, ANA).mail(LIST, "The combination is 4711.", "Our safe")
    world.receive(first, LIST, ANA)
    own_id = first.split(b"Message-ID: <")[1].split(b">")[0].decode()
    before = len(world.outbox)
    Speaker(world, "mal@evil.example").writes(f"other@{DOMAIN}", "Hm?", "Re: x", own_id)
    assert {one.recipient for one in world.outbox[before:]} == {"mal@evil.example"}
    with world.store.read() as tx:
        titles = dict(tx.execute(select(schema.threads.c.list_id, schema.threads.c.title)).all())
    assert titles[book.id] == "Our safe" and "safe" not in titles[other.id]


# -- what the code must not do ----------------------------------------------------------------------

PACKERS = r"^ *(?:import|from) (?:zipfile|gzip|tarfile|zlib|bz2|lzma|shutil)\b"
PACK = {  # none of these ever sees a mail from outside
    "listserv/flow/packing.py": "makes the zip of my data",
    "listserv/mail/picture.py": "makes the pulse's picture",
    "listserv/backup_file.py": "the operator's backup",
    "listserv/benching/archived.py": "how large our own pages are when packed",
    "listserv/boxes.py": "an mbox that the operator imports",
    "listserv/demo.py": "clears up after itself",
    "listserv/cli_export.py": "takes away an export that broke off",
    "archive_site/box.py": "packs a month's mails",
    "archive_site/folder.py": "takes away folders of pages",
    "archive_site/soundness.py": "reads the indexes that we made ourselves",
    "archive_site/tier_folder.py": "takes away indexes that are no more",
}


def test_s13_nothing_that_came_by_mail_is_ever_unpacked() -> None:
    found = {path.relative_to(ROOT).as_posix() for path in OURS if re.search(PACKERS, path.read_text(), re.M)}
    assert found == set(PACK)
    for name in ("listserv/flow/packing.py", "listserv/mail/picture.py"):
        assert not re.search(r"decompress|\.extract|\.read\(|unpack_archive", (ROOT / name).read_text()), name


FORMATTED = {  # names of our own tables and constants: nothing that anybody sends
    "listserv/benching/place.py": "a database of the operator's, for a measurement",
    "listserv/store/calls.py": "LISTEN takes no parameter: a constant",
    "listserv/store/dumping.py": "a backup: table by table",
    "listserv/store/full_text.py": "on or off",
    "listserv/store/loading.py": "a restore: table by table, names quoted",
    "listserv/store/rows.py": "a lock's number, and places of parameters",
    "listserv/store/scrubbing.py": "VACUUM, table by table",
    "listserv/store/turns.py": "the table of rhythms, a constant",
}
MAKERS = ("text", "exec_driver_sql", "literal_column")


def test_s25_no_statement_is_put_together_from_words() -> None:
    found = {
        name
        for name, node in nodes(r"\b(?:text|exec_driver_sql|literal_column)\(")
        if isinstance(node, ast.Call) and _name(node) in MAKERS and any(map(_is_made, node.args))
    }
    assert found == set(FORMATTED)


def _is_made(node: ast.expr) -> bool:
    formats = isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("format", "join")
    return isinstance(node, ast.JoinedStr | ast.BinOp) or formats


HOSTILE_WORDS = [
    "x\r\nready smtp=evil",
    'x\n{"event": "mail kept"}',
    "\x1b[31mred\x1b[0m",
    "a\u2028b\x85c\x00d",
    "\ud800",
    '"}\n',
]


def test_s36_no_words_of_a_client_make_a_line_of_the_log() -> None:
    code = (
        "import json, sys; from listserv.flow.log import open_log; log = open_log();"
        "[log.info('x', helo=word, subject=[word], **{'id': word}) for word in json.load(sys.stdin)]"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(HOSTILE_WORDS).encode(),
        capture_output=True,
        cwd=ROOT,
        check=True,
    )
    lines = done.stderr.split(b"\n")[:-1]
    assert [json.loads(line)["helo"] for line in lines] == HOSTILE_WORDS
    assert not re.search(rb"[^\n\x20-\x7e]", done.stderr)


def test_s38_what_is_installed_is_pinned_by_its_hash_and_the_server_needs_little() -> None:
    for name in ("requirements.txt", "requirements-build.txt", "requirements-fuzz.txt"):
        blocks = re.split(r"\n(?=[\w.-]+(?:\[[\w,]+\])?==)", (ROOT / name).read_text())[1:]
        assert blocks, name
        assert all("--hash=sha256:" in block for block in blocks), name
    taken = set(re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==", (ROOT / "requirements.txt").read_text(), re.M))
    assert not taken & {"inscriptis", "checkdmarc", "requests", "lxml", "beautifulsoup4"}


SECRETS = {"token", "secret", "bearer", "password", "mac", "_mac"}


def test_s44_no_secret_is_compared_octet_by_octet() -> None:
    """Elsewhere a secret is looked up by its hash, or is a value that the program itself wrote."""
    found = [
        f"{name}:{node.lineno} {ast.unparse(node)}"
        for name, node in nodes(rf"\b(?:{'|'.join(SECRETS)})\b.*[!=]=|[!=]=.*\b(?:{'|'.join(SECRETS)})\b")
        if isinstance(node, ast.Compare)
        and isinstance(node.ops[0], ast.Eq | ast.NotEq)
        and SECRETS & {_name(side) for side in (node.left, *node.comparators)}
        and not any(isinstance(side, ast.Constant) for side in (node.left, *node.comparators))
    ]
    assert found == []


def _name(node: ast.expr) -> str:
    node = node.func if isinstance(node, ast.Call) else node
    return getattr(node, "id", getattr(node, "attr", ""))


@pytest.mark.parametrize("key", [None, b"", b"short"])
def test_s45_without_a_key_of_its_own_no_server_starts(tmp_path: Path, key: bytes | None) -> None:
    desk = Desk(tmp_path)
    desk.does("init", "--domain", DOMAIN, "--owner", OWNER)
    secret = tmp_path / "data" / "secret"
    assert len(secret.read_bytes()) == SECRET_LENGTH
    secret.unlink()
    if key is not None:
        secret.write_bytes(key)
    assert "restore it from a backup" in desk.fails("serve", code=1)


# -- docs/security.md -------------------------------------------------------------------------------

PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
ATTACKS = re.findall(r"^\| S(\d+) \| ([^|]+) \| ([^|]+) \| ([^|]*) \|$", PAGE, re.M)


def test_each_of_the_45_attacks_stands_on_the_page_with_a_test_or_why_it_can_not_come() -> None:
    assert [int(number) for number, *_ in ATTACKS] == list(range(1, 46))
    for number, _, _, tests in ATTACKS:
        assert NODE.search(tests) or tests.startswith("can't come: "), number


def test_each_test_that_the_page_names_is_one_that_pytest_finds() -> None:
    named = re.findall(r"`(tests/[^`]+::[^`]+)`", PAGE)
    assert len(named) >= 45
    assert [told for node in named if (told := trouble(node))] == []


@pytest.mark.parametrize(
    "node",
    [
        "tests/test_said.py::test_there_is_no_such_test",
        "tests/test_absent.py::test_x",
        "tests/test_said.py",
        "tests/kit/nodes.py::trouble",
        "tests/test_stories.py::test_the_story_is_told_as_it_was[said-absent]",
        "tests/test_said.py::test_stop_means_never_again[x]",
    ],
)
def test_a_test_that_is_not_there_is_noticed(node: str) -> None:
    assert trouble(node)
