# SPDX-License-Identifier: Apache-2.0
"""What all tests of a process share and nobody else may stop: it is stopped when the process has run its last test.

`OF_RUN.callback(server.stop)` is for whoever starts such a thing; `conftest.py` closes the stack. An interpreter that works for
another one is ended without a farewell, so `atexit` would not do.
"""

from contextlib import ExitStack
from typing import Final

OF_RUN: Final = ExitStack()
