"""python -m listserv"""

from __future__ import annotations

import sys

from listserv.cli import main

if __name__ == "__main__":
    sys.exit(main())
