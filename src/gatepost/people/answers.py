# SPDX-License-Identifier: Apache-2.0
"""What becomes of a change: expected outcomes are values, so that a form can show them where they belong."""

from typing import Generic, TypeVar

import msgspec

Row = TypeVar("Row")


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with one field of a form: `addresses[1].address`, `attributes.title`, `settings.connection_security`."""

    field: str
    """'' when it is about the whole."""
    cause: str
    mend: str


class Saved(msgspec.Struct, Generic[Row], frozen=True):
    """The row as it is now."""

    row: Row


class Removed(msgspec.Struct, Generic[Row], frozen=True):
    """The row as it was."""

    row: Row


class Outdated(msgspec.Struct, Generic[Row], frozen=True):
    """Somebody else changed it meanwhile: the row as it is now, None when it is gone. Nothing was changed."""

    current: Row | None


class Faulty(msgspec.Struct, frozen=True):
    """It cannot be as it was asked for. Nothing was changed."""

    faults: tuple[Fault, ...]
