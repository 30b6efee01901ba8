# SPDX-License-Identifier: Apache-2.0
"""Bars and durations."""

import io

import pytest

from gatepost.cli.output import age, bar


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-3, "0 s"), (0, "0 s"), (59.9, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h 0 min"), (90000, "1 d 1 h")],
)
def test_a_duration_has_its_two_largest_units(seconds, said):
    """Nobody reads seconds of a day-old mail."""
    assert age(seconds) == said


def test_a_bar_is_in_proportion_and_never_empty_for_something():
    """Eighths of a column are drawn; a value above 0 always shows."""
    assert bar(8, 8, 4) == "████"
    assert bar(3, 8, 4) == "█▌"
    assert bar(1, 10_000, 4) == "▏"
    assert bar(0, 8) == bar(1, 0) == ""


def test_a_terminal_without_unicode_gets_number_signs(monkeypatch):
    """What cannot be encoded is not drawn."""
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))
    assert bar(4, 8, 4) == "##"
