"""${message}. Imports nothing of ours: the code moves on, this file stays as it was."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
# The oldest program, by the newest revision it knows, that can work beside this schema (docs/scaling.md).
oldest_program = ${repr(up_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
