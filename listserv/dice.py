"""The only file that draws: what a site is founded on, and the secrets of sign-in links.

Everything else is a keyed hash of what it stands for (core/seals.py).
"""

from __future__ import annotations

import secrets

SECRET_LENGTH = 32


def draw_secret() -> bytes:
    """What the site's keyring is made of."""
    return secrets.token_bytes(SECRET_LENGTH)


def draw_epoch() -> str:
    """The name of a database's life between two restores."""
    return secrets.token_hex(8)


def draw_link() -> str:
    """What a sign-in link carries: 160 bits, fit for a URL."""
    return secrets.token_urlsafe(20)
