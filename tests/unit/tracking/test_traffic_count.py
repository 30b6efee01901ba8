# SPDX-License-Identifier: Apache-2.0
"""What of a track the counters take, at the edges."""

import pytest

from gatepost.tracking.partitions import key_of, track_of
from gatepost.tracking.record import FilterEntry, Status
from gatepost.tracking.traffic_count import MOST_BLAMED, MOST_BYTES, Counted, Counts, Mark, blamed, hour_of


def entry(name: str, points: float) -> FilterEntry:
    return FilterEntry(name, points, points, 1, 0.0)


@pytest.mark.parametrize(
    ("at", "hour"),
    [(0.0, 0), (3599.999, 0), (3600.0, 1), (-5.0, 0), (-1e308, 0), (1e308, 70_389_527), (253_402_300_799.0, 70_389_527)],
)
def test_an_hour_is_bounded(at: float, hour: int) -> None:
    """Whatever time a gateway names, the hour is one of 1970 to 9999."""
    assert hour_of(at) == hour


def test_only_points_blame() -> None:
    """Each filter once, not those that spoke for a mail, and nobody where none did."""
    assert blamed([entry("words", 1.0), entry("core", -3.0), entry("words", 2.0), entry("reputation", 0.0)]) == ["words"]
    assert blamed([entry("core", -3.0), entry("x", float("nan"))]) == blamed([]) == [""]


def test_names_are_as_a_column_can_hold_them() -> None:
    """No NUL, not endless, not countless; an empty one is not taken for nobody."""
    assert blamed([entry("a\0b", 1.0), entry("", 1.0), entry("y" * 200, 1.0)]) == ["?", "y" * 100]
    assert len(blamed([entry(f"filter {number}", 1.0) for number in range(1000)])) == MOST_BLAMED


def test_a_move_leaves_nothing_behind() -> None:
    """What is taken from one place is put into another, bytes bounded alike."""
    counts, counted = Counts(), Counted(7200.5, 1, 3, MOST_BYTES)
    counts.add(0, counted, Status.DELIVERY_PENDING)
    counts.add(0, counted, Status.DELIVERY_PENDING, -1)
    counts.add(0, counted, Status.SUCCESS)
    assert counts.traffic == {(0, 2, 1, Status.DELIVERY_PENDING): [0, 0], (0, 2, 1, Status.SUCCESS): [3, MOST_BYTES]}


def test_what_lies_beyond_a_mark_is_left_out() -> None:
    """By tenant, then key, and only of the mark's own day."""
    key = (86_400_000 * 5).to_bytes(6, "big") + bytes(8) + b"\5"
    assert key_of(track_of(key)) == key
    counts = Counts([Mark(5, 1, key)])
    assert not counts.left_out(0, key) and not counts.left_out(1, key)
    assert counts.left_out(1, key[:-1] + b"\6") and counts.left_out(2, key)
    assert not counts.left_out(2, (86_400_000 * 6).to_bytes(6, "big") + bytes(9))
