# SPDX-License-Identifier: Apache-2.0
"""Run this room's statements on a connection of either engine."""

from typing import Any

from gatepost.replication.sql import spoken
from gatepost.storage.contract import Engine


class Statements:
    """Statements with `?` for their parameters."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self, connection: Any, text: str, *values: Any) -> list[Any]:
        """Give all rows."""
        rows: list[Any] = connection.execute(spoken(text, self._engine), values).fetchall()
        return rows

    def one(self, connection: Any, text: str, *values: Any) -> Any:
        """Give the first row; None where there is none."""
        return connection.execute(spoken(text, self._engine), values).fetchone()

    def run(self, connection: Any, text: str, *values: Any) -> int:
        """Change rows; gives how many."""
        changed: int = connection.execute(spoken(text, self._engine), values).rowcount
        return changed
