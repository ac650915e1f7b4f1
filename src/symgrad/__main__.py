"""``python -m symgrad`` is the command `symgrad`."""

import sys

from symgrad.cli import main

sys.exit(main())
