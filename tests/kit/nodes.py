"""Tests by their names: where a table or a page says which test proves a thing, that test is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NODE = re.compile(r"(tests/(?:\w+/)*test_\w+\.py)::(test_\w+)(?:\[([\w-]+)\])?")
# Where a test is as many cases as there are files: the folder of those files.
CASES = {
    "tests/test_stories.py": ("tests/stories", ""),
    "tests/test_dialogs.py": ("tests/dialogs", ".dialog"),
}


def trouble(node: str) -> str:
    """Why pytest would find no test of this name ("path::test", "path::test[case]"); "" where it does."""
    found = NODE.fullmatch(node)
    if found is None:
        return f"{node} is no name of a test"
    file, name, case = found.groups()
    path = ROOT / file
    if not path.is_file():
        return f"{file} is not there"
    if not re.search(rf"^(?:async )?def {name}\(", path.read_text("utf-8"), re.M):
        return f"{file} has no {name}"
    if case is None:
        return ""
    folder, ending = CASES.get(file, ("", ""))
    return "" if folder and (ROOT / folder / f"{case}{ending}").exists() else f"{node} is no case"
