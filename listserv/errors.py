"""Our few exceptions. Odd mail and remote refusals are values, never exceptions.

ListservError
├── CannotDo            the person at the keyboard can mend it; one line, exit code 1
│   ├── BadSettings     listserv.toml or its environment twin
│   └── BadData         what was given on the command line or in a file
└── StoreBusy           our promise can't be kept now: 451 outside, tried again inside
    └── StoreFull       the disk is full: 452
"""

from __future__ import annotations

EXIT_DONE, EXIT_FAILED, EXIT_USAGE = 0, 1, 2


class ListservError(Exception):
    """Anything we raise on purpose."""


class CannotDo(ListservError):
    """Could not be done; the message says why and what to do, in one line."""


class BadSettings(CannotDo):
    """A setting is unknown or has a bad value; the message names key, value and what is allowed."""


class BadData(CannotDo):
    """An address, file or value that was handed in can't be used."""


class StoreBusy(ListservError):
    """The database can't take this now; nothing was changed."""


class StoreFull(StoreBusy):
    """No room on the disk; nothing was changed."""
