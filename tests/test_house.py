"""The rules of the house: who may import what, who knows the time, and that what is written is so."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import listserv
from tests.kit.docs import PAGES

ROOT = Path(__file__).parent.parent


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


VALUES = words(
    "__future__ base64 collections dataclasses datetime enum functools hashlib hmac html itertools json math"
    " re typing unicodedata zoneinfo"
)
BYTES = VALUES | words("binascii email encodings gettext io logging pathlib string textwrap urllib zlib")
ANY = frozenset(sys.stdlib_module_names)
MAIL_LIBRARIES = words("authres babel charset_normalizer cryptography dkim flufl jinja2 mailparser nh3")


@dataclass(frozen=True, slots=True)
class Layer:
    """What a folder may import: of ours (a package or a file), of others, of the standard library."""

    ours: frozenset[str]
    others: frozenset[str] = frozenset()
    standard: frozenset[str] = ANY


LAYERS = {
    "listserv/core": Layer(words("listserv.core"), standard=VALUES),
    "listserv/practice": Layer(words("listserv.core listserv.practice"), standard=VALUES),
    "listserv/mail": Layer(words("listserv.core listserv.mail listserv.errors"), MAIL_LIBRARIES, BYTES),
    "listserv/store": Layer(words("listserv.core listserv.store listserv.errors"), words("sqlalchemy")),
    "listserv/flow": Layer(
        words("listserv.core listserv.mail listserv.store listserv.flow listserv.errors listserv.clock"),
        words("aiosmtpd dns prometheus_client structlog uvicorn"),
    ),
    "archive_site": Layer(
        words("listserv.core listserv.errors listserv.store.reading listserv.mail.leaves archive_site"),
        words("PIL jinja2 markupsafe pagefind_bin starlette uvicorn"),
    ),
}
LATE = {  # what costs much to load and is needed seldom; so may every cli file
    "listserv/mail/catalogs.py",  # Babel
    "listserv/opening.py",  # Alembic
    "listserv/shown.py",  # rich
}
CHILDREN = {  # start child processes
    "listserv/benching/children.py",
    "listserv/demo.py",
    "listserv/flow/signers.py",
    "listserv/flow/reader.py",
    "listserv/flow/child.py",
    "archive_site/pagefind.py",
}
CLOCK, DICE = "listserv/clock.py", "listserv/dice.py"
DRAWS = {"random", "secrets", "uuid"}
TELLS_TIME = {"now", "utcnow", "today", "time", "time_ns", "localtime", "gmtime", "make_msgid", "urandom"}
TABLES = {  # the only files that a formatter may be told to leave alone, around their tables
    "listserv/core/brief_answers.py",
    "listserv/core/brief_words.py",
    "listserv/core/bounces.py",
    "listserv/core/breaker.py",
    "listserv/core/card_lines.py",
    "listserv/core/cards.py",
    "listserv/core/commands.py",
    "listserv/core/deciding.py",
    "listserv/core/lookalikes.py",
    "listserv/core/verb_words.py",
    "listserv/core/pace.py",
    "listserv/core/privacy.py",
    "listserv/core/providers.py",
    "listserv/core/refusals.py",
    "listserv/core/robots.py",
    "listserv/core/routing.py",
    "listserv/core/relaying.py",
    "listserv/core/rules.py",
    "listserv/core/settings_table.py",
    "listserv/settings.py",
}
OURS = sorted([*(ROOT / "listserv").rglob("*.py"), *(ROOT / "archive_site").rglob("*.py")])
STORY = re.findall(r"^ +\d +\w+ +([\w/]+\.py)", listserv.__doc__ or "", re.M)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imports_in(tree: ast.AST) -> Iterator[str]:
    """Dotted names, down to the module: ``from listserv.store import reading`` is listserv.store.reading."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (_module(node.module or "", alias.name) for alias in node.names)


def _module(module: str, name: str) -> str:
    inside = ROOT / module.replace(".", "/")
    is_module = (inside / f"{name}.py").exists() or (inside / name / "__init__.py").exists()
    return f"{module}.{name}" if is_module else module


def allowed(layer: Layer, wanted: str) -> bool:
    top = wanted.partition(".")[0]
    if top in ("listserv", "archive_site"):
        return any(f"{wanted}.".startswith(f"{ours}.") for ours in layer.ours)
    return top in layer.others or top in layer.standard


@pytest.mark.parametrize("folder", LAYERS)
def test_a_layer_imports_what_the_import_rule_allows_and_no_more(folder: str) -> None:
    odd = [
        f"{name_of(path)} imports {wanted}"
        for path in OURS
        if path.is_relative_to(ROOT / folder)
        for wanted in imports_in(tree_of(path))
        if not allowed(LAYERS[folder], wanted)
    ]
    assert odd == []


def test_nobody_imports_the_composition_root_or_the_command_line_but_the_command_line() -> None:
    roots = re.compile(r"listserv\.(app|cli\w*|demo)$")
    odd = [
        f"{name_of(path)} imports {wanted}"
        for path in OURS
        if not re.fullmatch(r"listserv/(cli\w*|demo|__main__)\.py", name_of(path))
        for wanted in imports_in(tree_of(path))
        if roots.match(wanted)
    ]
    assert odd == []


def test_only_the_composition_root_and_the_command_line_know_the_archive() -> None:
    odd = [
        name_of(path)
        for path in OURS
        if path.is_relative_to(ROOT / "listserv")
        and not re.match(r"listserv/(app|cli\w*)\.py", name_of(path))
        if any(wanted.partition(".")[0] == "archive_site" for wanted in imports_in(tree_of(path)))
    ]
    assert odd == []


def test_imports_stand_at_the_top_and_are_absolute() -> None:
    for path in OURS:
        nodes = list(ast.walk(tree_of(path)))
        relative = [node for node in nodes if isinstance(node, ast.ImportFrom) and node.level]
        assert not relative, f"{name_of(path)}: relative import"
        if name_of(path) in LATE or path.name.startswith("cli"):
            continue
        functions = [node for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        late = [wanted for function in functions for wanted in imports_in(function)]
        assert late == [], f"{name_of(path)}: import inside a function"


def test_the_time_is_known_to_the_clock_alone_and_only_the_dice_draw() -> None:
    """Ruff holds this too (TID251), for who writes; here for who changes Ruff's settings."""
    for path in OURS:
        names = {wanted.partition(".")[0] for wanted in imports_in(tree_of(path))}
        assert name_of(path) == DICE or not names & DRAWS, f"{name_of(path)} draws"
        told = [ast.unparse(node) for node in ast.walk(tree_of(path)) if _tells_time(node)]
        assert name_of(path) == CLOCK or not told, f"{name_of(path)}: {told}"


def _tells_time(node: ast.AST) -> bool:
    """``datetime.now``, ``time.time``, ``os.urandom`` …, or one of them imported by its own name."""
    if isinstance(node, ast.ImportFrom) and node.module in ("time", "os", "email.utils"):
        return any(alias.name in TELLS_TIME for alias in node.names)
    if not (isinstance(node, ast.Attribute) and node.attr in TELLS_TIME):
        return False
    owner = node.value.attr if isinstance(node.value, ast.Attribute) else getattr(node.value, "id", "")
    return owner in ("datetime", "date", "time", "os", "utils")


def test_child_processes_are_started_in_named_files_and_a_shell_nowhere() -> None:
    for path in OURS:
        names = {wanted.partition(".")[0] for wanted in imports_in(tree_of(path))}
        starts = names & {"subprocess", "multiprocessing", "pty"}
        assert not starts or name_of(path) in CHILDREN, f"{name_of(path)} starts processes"
        assert not re.search(r"shell=True|os\.system|os\.popen", path.read_text()), name_of(path)


def test_each_file_is_named_by_its_trade() -> None:
    forbidden = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc", "tools"}
    assert [name_of(path) for path in OURS if path.stem in forbidden] == []


def test_the_formatter_and_the_linter_are_obeyed() -> None:
    marked = {name_of(path) for path in OURS if "fmt: off" in path.read_text()}
    assert marked <= TABLES
    excused = [name_of(path) for path in OURS for _ in re.findall(r"# noqa|# type: ignore", path.read_text())]
    assert len(excused) <= 6, f"each one must be worth it: {excused}"


def test_a_process_that_serves_loads_no_migrations_and_no_driver_that_it_does_not_use() -> None:
    """Nor do we load rich and click for it; structlog and uvicorn do that themselves."""
    shown = "import sys, listserv.app; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", shown], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.split())
    assert "listserv" in loaded
    assert loaded & {"alembic", "babel", "mako", "psycopg"} == set()


def test_the_files_of_the_story_are_there_and_the_readme_tells_it_in_the_same_order() -> None:
    assert len(STORY) == 9
    for file in STORY:
        assert (ROOT / "listserv" / file).exists() or (ROOT / file).exists(), f"{file} is gone"
    readme = (ROOT / "README.md").read_text()
    places = [readme.find(file) for file in STORY]
    assert -1 not in places, f"README.md does not name {STORY[places.index(-1)]}"
    assert places == sorted(places)


def test_every_file_that_the_readme_or_the_docs_name_is_there() -> None:
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{name_of(page)} links to {target}"
        for file in re.findall(r"`([\w./-]+/[\w.-]+\.(?:py|md|toml|txt))`", page.read_text()):
            assert (ROOT / file).exists() or (ROOT / "listserv" / file).exists(), (
                f"{name_of(page)} names {file}"
            )


@pytest.mark.parametrize("page", PAGES)
def test_the_docs_say_what_the_program_does(page: str) -> None:
    assert (ROOT / page).read_text() == PAGES[page](), f"{page} is behind the code; `make docs` writes it"


def test_no_file_names_a_place_of_one_machine_or_a_registry() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
    )
    places = [f"{ROOT.parent}/", f"{Path.home()}/", "/" + "home/", "/" + "Users/", "files.python" + "hosted"]
    known = [place.encode() for place in places if len(place) > 3]
    for name in listed.stdout.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file():
            found = [place for place in known if place in path.read_bytes()]
            assert not found, f"{name} has {found}"
