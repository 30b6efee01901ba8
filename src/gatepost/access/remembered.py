# SPDX-License-Identifier: Apache-2.0
"""What was read lately, so that a page asks the store nothing: by key, forgotten as soon as its administrator changes.

A reading that began before a change ended is not kept: it may have seen what was before.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

MOST = 2000

Value = TypeVar("Value")


class Remembered(Generic[Value]):
    """A bounded memory; what was not asked for longest goes first."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, tuple[Hashable, Value]] = OrderedDict()
        self.changes = 0
        """Counts what was forgotten; to be noted before a reading."""

    def get(self, key: Hashable) -> Value | None:
        """Give what is remembered."""
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[1]

    def put(self, key: Hashable, subject: Hashable, value: Value, changes: int) -> None:
        """Remember what was read when `changes` were counted, unless there were more since."""
        if changes != self.changes:
            return
        self._kept[key] = (subject, value)
        self._kept.move_to_end(key)
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def forget(self, subject: Hashable) -> None:
        """Forget all that is about somebody."""
        self.changes += 1
        for key in [key for key, (about, _) in self._kept.items() if about == subject]:
            del self._kept[key]
