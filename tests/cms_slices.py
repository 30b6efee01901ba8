# SPDX-License-Identifier: Apache-2.0
"""Have small contents worked on as large ones are, so that tests can compare both ways."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch


@contextmanager
def in_slices(large: int = 40, slice_: int = 24) -> Iterator[None]:
    """Have everything above so few octets worked on in slices of so many."""
    names = {"LARGE": large, "SLICE": slice_, "_SMALL": large}
    with ExitStack() as stack:
        for module in [one for name, one in sys.modules.items() if name.startswith("gatepost.encryption.")]:
            for name, value in names.items():
                if name in vars(module) and (name != "_SMALL" or module.__name__.endswith("enveloped.decrypt")):
                    stack.enter_context(patch.object(module, name, value))
        yield
