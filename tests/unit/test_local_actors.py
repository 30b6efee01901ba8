# SPDX-License-Identifier: Apache-2.0
"""Whoever changes something on this machine has a name that fits a list."""

import pytest

from gatepost.contracts.actor import Actor, local_actor
from gatepost.errors import UsageError


def test_a_name_is_one_line_of_bounded_length() -> None:
    """The same name in every room, however it was typed."""
    assert local_actor("  ann \n of\tberlin ", 3) == Actor("ann of berlin", "cli", "", 3)
    assert len(local_actor("x" * 10_000, 0).name) == 100


@pytest.mark.parametrize("nobody", ["", " \n"])
def test_nobody_changes_nothing(nobody: str) -> None:
    """Without a name there is no entry in the audit that means something."""
    with pytest.raises(UsageError, match="--author"):
        local_actor(nobody, 0)
