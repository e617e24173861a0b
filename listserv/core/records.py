"""``dataclass`` as the standard library's, but made when it is first used.

The library writes and compiles five functions for each class while modules load. With six hundred classes,
of which a command needs fifty, that was half of the time that every start took. Here a class gets its slots
at once, and its functions from the library at its first object, comparison or question about fields.
What the library refuses, such as a list as a default, is refused then (tests/core/test_records.py asks all).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

_OBJECTS_OWN = ("__dict__", "__weakref__")


def _state(one: Any) -> list[Any]:
    return [getattr(one, field.name) for field in dataclasses.fields(one)]


def _set_state(one: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(one), state, strict=True):
        object.__setattr__(one, field.name, value)


_STATE = {"__getstate__": _state, "__setstate__": _set_state}  # how what is frozen is copied


def _dataclass(cls: type | None = None, /, *, slots: bool = False, **how: bool) -> Any:
    """The library's decorator; without ``slots``, and for heirs of such classes, it does all at once."""
    if cls is None:
        return lambda given: _dataclass(given, slots=slots, **how)
    if not slots or any(hasattr(base, "__dataclass_fields__") for base in cls.__bases__):
        return dataclasses.dataclass(cls, slots=slots, **how)
    return _Later(cls, how).known


class _Later:
    """A class whose functions are not made yet. ``known`` is what its module sees."""

    def __init__(self, cls: type, how: dict[str, bool]) -> None:
        self._how = how
        self._cls = type(cls), cls.__name__, cls.__bases__
        self._said = {name: one for name, one in vars(cls).items() if name not in _OBJECTS_OWN}
        names = tuple(cls.__annotations__)
        told = {name: one for name, one in self._said.items() if name not in names}
        told |= {"__slots__": names, "__match_args__": names, "__dataclass_fields__": _Fields(self)}
        told |= {name: one for name, one in self._stubs().items() if name not in self._said}
        self.known: Any = type(cls)(cls.__name__, cls.__bases__, told)
        self.known.__qualname__ = cls.__qualname__

    def _stubs(self) -> dict[str, Any]:
        frozen, eq = self._how.get("frozen", False), self._how.get("eq", True)
        names = ["__init__", "__repr__"]
        if eq:
            names.append("__eq__")
        if eq and frozen:
            names.append("__hash__")
        if frozen:
            names += ["__setattr__", "__delattr__"]
        if self._how.get("order"):
            names += ["__lt__", "__le__", "__gt__", "__ge__"]
        stubs = {name: self._stub(name) for name in names}
        if eq and not frozen:
            stubs["__hash__"] = None
        return stubs | (_STATE if frozen else {})

    def _stub(self, name: str) -> Any:
        def first(one: Any, /, *args: Any, **named: Any) -> Any:
            self.make()
            return getattr(self.known, name)(one, *args, **named)

        return first

    def make(self) -> None:
        """Have the library make it. Two threads may do so at the same time: both come to the same."""
        kind, name, bases = self._cls
        model = kind(name, bases, dict(self._said))
        model.__qualname__ = self.known.__qualname__
        made: Any = dataclasses.dataclass(**self._how)(model)
        kept = {*self.known.__slots__, *_OBJECTS_OWN, "__match_args__"}
        for name, one in vars(made).items():
            if name not in kept and one is not self._said.get(name, self):
                setattr(self.known, name, one)


class _Fields:
    """Stands where a class's fields will be."""

    def __init__(self, later: _Later) -> None:
        self._later = later

    def __get__(self, one: object, owner: type) -> Any:
        self._later.make()
        return vars(self._later.known)["__dataclass_fields__"]


if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass
else:
    dataclass = _dataclass
