# SPDX-License-Identifier: Apache-2.0
"""The engines on which the queue works."""

from gatepost.delivery.queue.statements import Statements
from gatepost.storage.contract import Engine


def statements_of(engine: Engine) -> Statements:
    """Load an engine's SQL: a driver is loaded only where it is used."""
    if engine == "sqlite":
        from gatepost.delivery.queue import store_sqlite

        return store_sqlite.STATEMENTS
    from gatepost.delivery.queue import store_postgres

    return store_postgres.STATEMENTS
