# SPDX-License-Identifier: Apache-2.0
"""What a process loads is what it needs: hostile bytes meet little code, and little memory is used."""

import subprocess
import sys

import pytest

NEVER = {"cyclopts", "docstring_parser", "http", "hypothesis", "pydantic", "pytest", "rich", "unittest", "xml"}


@pytest.mark.parametrize("process", ["receive", "deliver", "console", "supervisor"])
def test_a_process_loads_nothing_that_only_people_or_tests_need(process):
    """No command line, no pictures, no second parser for mail, nothing that is made for tests."""
    program = f"import sys, gatepost.roles.{process}; print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(answer.stdout.split())
    assert {name.partition(".")[0] for name in loaded} & NEVER == set()
    assert {name for name in loaded if name.startswith(("gatepost.testing", "gatepost.cli", "email.parser"))} == set()


def test_receive_does_not_load_the_other_processes_work():
    """The process that reads hostile bytes has neither the other processes' start nor their network code at hand."""
    program = "import sys, gatepost.roles.receive; print(*sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"gatepost.roles.deliver", "gatepost.roles.supervisor", "dns"} & set(answer.stdout.split()) == set()
