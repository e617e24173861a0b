"""Our ``dataclass`` against the library's, for which it stands."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import pickle
import pkgutil
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import pytest

import archive_site
import listserv
from listserv.core import records

T = TypeVar("T")
Make = Callable[..., Any]


def _both(**how: bool) -> tuple[Any, Any]:
    """The same class, by ours and by the library's."""

    def made(decorate: Make) -> Any:
        @decorate(slots=True, **how)
        class Post:
            """A post."""

            subject: str
            size: int = 0
            to: list[str] = dataclasses.field(default_factory=list, compare=False)
            key: str = dataclasses.field(default="", repr=False)

            @property
            def large(self) -> bool:
                return self.size > 100

        return Post

    return made(records.dataclass), made(dataclasses.dataclass)


def _told(ask: Callable[[], Any]) -> str:
    try:
        return repr(ask())
    except Exception as error:
        return f"{type(error).__name__}: {error}"


QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "an object": lambda c: c("a"),
    "values by place and name": lambda c: c("a", 200, key="k").large,
    "a default is new for each": lambda c: (c("a").to is c("a").to, c("a").to),
    "nothing given": lambda c: c(),
    "too much given": lambda c: c("a", 1, [], "k", 2),
    "a name that there is not": lambda c: c("a", colour=1),
    "equal": lambda c: (c("a") == c("a"), c("a") == c("b"), c("a") == "a", c("a", to=["x"]) == c("a")),
    "hash": lambda c: hash(c("a", 3)) == hash(("a", 3, "")),
    "order": lambda c: sorted([c("b"), c("a", 2), c("a", 1)]),
    "set": lambda c: setattr(c("a"), "size", 2),
    "set what there is not": lambda c: hasattr(c("a"), "__dict__"),
    "delete": lambda c: delattr(c("a"), "size"),
    "fields": lambda c: [(f.name, f.type, f.default, f.repr, f.compare) for f in dataclasses.fields(c)],
    "fields of an object": lambda c: len(dataclasses.fields(c("a"))),
    "is one": lambda c: (dataclasses.is_dataclass(c), dataclasses.is_dataclass(c("a"))),
    "replace": lambda c: dataclasses.replace(c("a", 1), size=2),
    "replace what there is not": lambda c: dataclasses.replace(c("a"), colour=2),
    "as a dict": lambda c: dataclasses.asdict(c("a", 1, ["x"])),
    "as a tuple": lambda c: dataclasses.astuple(c("a", 1, ["x"])),
    "matched": lambda c: c.__match_args__,
    "copied": lambda c: (copy.copy(c("a", 1)), copy.deepcopy(c("a", 1, ["x"]))),
    "slots": lambda c: c.__slots__,
    "words": lambda c: (c.__name__, c.__qualname__, c.__doc__, c.__module__),
}


@pytest.mark.parametrize(
    "how", ({}, {"frozen": True}, {"frozen": True, "order": True}, {"eq": False}), ids=str
)
@pytest.mark.parametrize("question", QUESTIONS)
def test_a_class_answers_as_the_librarys_does_and_each_question_may_be_the_first(
    question: str, how: dict[str, bool]
) -> None:
    ours, theirs = _both(**how)
    ask = QUESTIONS[question]
    said = _told(lambda: ask(ours))
    assert said == _told(lambda: ask(theirs))
    assert said == _told(lambda: ask(ours))  # and the second time


def test_what_the_library_refuses_is_refused() -> None:
    @records.dataclass(slots=True)
    class Shared:
        names: Any = []

    with pytest.raises(ValueError, match="mutable default"):
        Shared()


def test_heirs_and_classes_without_slots_are_the_librarys_own() -> None:
    @records.dataclass(frozen=True, slots=True)
    class Kept:
        name: str

    @records.dataclass(frozen=True, slots=True)
    class Sent(Kept):
        at: int

    @records.dataclass
    class Loose:
        name: str

    assert Sent("a", 1) == Sent("a", 1) != Sent("a", 2)
    assert [one.name for one in dataclasses.fields(Sent)] == ["name", "at"]
    assert vars(Loose("a")) == {"name": "a"}


def test_a_class_may_be_generic() -> None:
    @records.dataclass(frozen=True, slots=True)
    class Row(Generic[T]):
        value: T

    assert Row(3) == Row(3)
    assert Row(3) != Row(4)


@records.dataclass(frozen=True, slots=True)
class Parcel:
    """Here, where pickle finds it."""

    name: str
    size: int = 0


def test_what_is_frozen_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(Parcel("a", 2))) == Parcel("a", 2)


def test_many_threads_may_be_the_first_at_once() -> None:
    for _ in range(30):
        ours, _theirs = _both(frozen=True)
        begin = threading.Barrier(8)
        found: list[Any] = []

        def ask(ours: Any = ours, begin: threading.Barrier = begin, found: list[Any] = found) -> None:
            begin.wait()
            found.append(ours("a", to=["x"]))

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [ours("a")] * 8
        assert all(one.to == ["x"] for one in found)


def test_each_class_of_the_program_can_be_made() -> None:
    asked = 0
    for package in (listserv, archive_site):
        for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if found.name.endswith("__main__"):
                continue
            for one in vars(importlib.import_module(found.name)).values():
                if isinstance(one, type) and one.__module__ == found.name and dataclasses.is_dataclass(one):
                    assert dataclasses.fields(one) is not None
                    asked += 1
    assert asked > 500
