# SPDX-License-Identifier: Apache-2.0
"""Let `python -m gatepost` be the same command as `gatepost`."""

import sys

from gatepost.cli import main

if __name__ == "__main__":
    sys.exit(main())
