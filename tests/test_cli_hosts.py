"""What hosts do by mail, as an operator does it: settings that open a list, and the log."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit.desk import DOMAIN, OWNER, Desk


@pytest.fixture
def book(tmp_path: Path) -> Desk:
    """A site with a list, its host and a member."""
    desk = Desk(tmp_path)
    desk.does("init", "--domain", DOMAIN, "--owner", OWNER)
    desk.does("list", "create", "book", "--title", "Book club", "--host", "hanna@example.org")
    desk.does("member", "add", "book", "ana@example.org")
    return desk


def settings(book: Desk) -> dict[str, object]:
    found: dict[str, object] = book.does("list", "show", "book", "--json").json["settings"]
    return found


def test_what_opens_a_list_with_members_is_planned_and_the_rest_holds_at_once(book: Desk) -> None:
    said = book.does("list", "set", "book", "archive=public", "visible=listed", "guard=off").out
    assert "archive = members\n" in said and "guard = off\n" in said
    assert "archive will be public from " in said and "all members are told now" in said
    assert (settings(book)["archive"], settings(book)["visible"]) == ("members", "private")
    assert settings(book)["guard"] == "off"
    again = book.does("list", "set", "book", "archive=public").out
    assert again.count("archive will be public") == 1


def test_a_preset_opens_nothing_at_once_and_closing_calls_off_what_was_planned(book: Desk) -> None:
    said = book.does("list", "set", "book", "preset=public").out
    assert "archive will be public" in said and "visible will be listed" in said
    assert (settings(book)["archive"], settings(book)["posting"]) == ("members", "anyone")
    assert "will be" not in book.does("list", "set", "book", "archive=hosts").out
    acts = [row["act"] for row in book.does("log", "book", "--json").json]
    assert acts[:2] == ["setting changed", "loosening called off"]


def test_the_log_names_who_what_and_when_newest_first(book: Desk) -> None:
    book.does("member", "set", "book", "ana@example.org", "name=Ana Silva")
    book.does("list", "set", "book", "guard=off")
    rows = book.does("log", "book", "--json").json
    assert rows[0] | {"at": ""} == {
        "at": "",
        "who": "operator",
        "act": "setting changed",
        "about": "",
        "detail": "guard=off",
        "mail": None,
    }
    assert rows[1]["about"] == "Ana Silva" and rows[-1]["act"] == "list created"
    assert len(book.does("log", "book", "--most", "1", "--json").json) == 1
    assert "operator" in book.does("log", "book").out
    assert "there is no list" in book.fails("log", "boook")
