"""`make migration SAYS="what it does"`: a new file in migrations/versions, to be cleaned by hand.

What differs between listserv/store/schema.py and all migrations so far, written down by Alembic.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

from listserv.database import head
from listserv.resources import resource
from listserv.store.engine import open_store
from listserv.upgrading import upgrade


def main(says: str) -> None:
    migrations = resource("migrations")
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"sqlite:///{Path(folder, 'listserv.db')}")
        config = Config(toml_file="pyproject.toml")
        number = 1
        if any((migrations / "versions").glob("*.py")):
            upgrade(store.engine, migrations)
            number = int(head(migrations)) + 1
        with store.engine.connect() as connection:
            config.attributes["connection"] = connection
            command.revision(config, says, autogenerate=True, rev_id=f"{number:04}")
        store.close()


if __name__ == "__main__":
    main(sys.argv[1] or "change")
