# SPDX-License-Identifier: Apache-2.0
"""Ports for tests: each is given once, also where two processes ask at the same time."""

import subprocess
import sys

from gatepost.testing.ports import free_port

MANY = 2000
ASK_FOR_MANY = f"""
from gatepost.testing.ports import free_port
print(*(free_port() for _ in range({MANY})), flush=True)
input()
"""


def test_no_port_is_given_twice() -> None:
    """Two processes that live at the same time, and this one: all their ports differ."""
    pipe = subprocess.PIPE
    asked = [subprocess.Popen([sys.executable, "-c", ASK_FOR_MANY], stdin=pipe, stdout=pipe, text=True) for _ in range(2)]
    given = [free_port() for _ in range(100)]
    for one in asked:
        assert one.stdout is not None
        given += map(int, one.stdout.readline().split())
    for one in asked:
        one.communicate("\n")
    assert len(given) == len(set(given)) == 100 + 2 * MANY
