"""``python -m space_core``: see `space_core.cli`."""

import sys

from space_core.cli import main

sys.exit(main())
