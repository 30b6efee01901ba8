# SPDX-License-Identifier: Apache-2.0
"""What every change of this room does besides its row: it leaves an audit entry and an artefact for each gateway.

All in the transaction of the change, on the writer's thread.
"""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from gatepost.contracts.actor import Actor, Audit, Entry
from gatepost.people.shipping import Shipped
from gatepost.replication.outbox import statements
from gatepost.replication.sql import spoken
from gatepost.storage.contract import Store

Gateways = Callable[[], Iterable[str]]
"""Names every gateway as the outbox knows it, at this moment."""


class Ledger:
    """The intranet's store as this room writes it."""

    def __init__(self, store: Store, gateways: Gateways, audit: Audit) -> None:
        self.store = store
        self._gateways, self._audit = gateways, audit
        self._append = statements(store.engine).append

    def run(self, connection: Any, text: str, *values: Any) -> Any:
        """Run a statement with `?` for its parameters."""
        return connection.execute(spoken(text, self.store.engine), values)

    def lock(self, connection: Any, table: str) -> None:
        """Be the only one who changes a table until the COMMIT; SQLite has one writer anyway."""
        if self.store.engine == "postgresql":
            connection.execute(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")

    def note(self, connection: Any, actor: Actor, operation: str, subject: str, *, before: Any = None, after: Any = None) -> None:
        """Leave the audit entry of a change."""
        self._audit(connection, Entry(actor, operation, subject, msgspec.to_builtins(before), msgspec.to_builtins(after)))

    def ship(self, connection: Any, entry: Shipped) -> None:
        """Have every gateway told."""
        for gateway in self._gateways():
            self._append(connection, [entry], gateway)

    def ship_to(self, connection: Any, entry: Shipped, gateway: str) -> None:
        """Have one gateway told."""
        self._append(connection, [entry], gateway)
