"""python -m listserv, and the command ``listserv``."""

from __future__ import annotations

import sys

from listserv.loading import loading

with loading():
    from listserv.cli import main

if __name__ == "__main__":
    sys.exit(main())
