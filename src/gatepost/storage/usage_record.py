# SPDX-License-Identifier: Apache-2.0
"""What an engine tells of a store's size."""

from typing import NamedTuple

import msgspec


class TableUsage(msgspec.Struct, frozen=True):
    """One table with its indexes, and those of all its days."""

    name: str
    bytes: int
    rows: int
    estimated: bool
    """The bytes are an estimate; the rows always may be."""


class Size(NamedTuple):
    """A store as its engine sees it."""

    used_bytes: int
    reusable_bytes: int
    """Free inside the store's own file."""
    disk_used_bytes: int
    disk_free_bytes: int | None
    """None where the disk is not ours to see."""
