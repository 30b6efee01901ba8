# SPDX-License-Identifier: Apache-2.0
"""Open a store by what the settings say of it: `sqlite`, or the URL of a PostgreSQL database."""

from pathlib import Path

from gatepost.config.secret_marks import reference_fault
from gatepost.config.secrets import resolve
from gatepost.storage.contract import Store
from gatepost.storage.postgres_url import PostgresUrl, parse_url
from gatepost.storage.store import SqliteStore

SQLITE = "sqlite"


def open_store(url: str, database: str, folder: Path, *, key: str = "") -> Store:
    """Open a logical database; must be called inside the event loop that will use it.

    `url` is `sqlite` (a file in `folder`), a PostgreSQL URL, or a reference (`file:`, `env:`) to either.
    `key` is the setting that errors name. Raises: ConfigError, StoreOwned, StoreFull, StoreAway, StoreError.
    """
    target = find_target(url, key or f"stores.{database}")
    if target is None:
        return SqliteStore(folder, database)
    from gatepost.storage.store_postgres import PostgresStore  # the driver is loaded only where it is used

    return PostgresStore(target, database, folder)


def find_target(url: str, key: str) -> PostgresUrl | None:
    """Tell where a store is; None is a SQLite file. Raises: ConfigError."""
    if not reference_fault(url):
        url = resolve(url, key)
    return None if url in ("", SQLITE) else parse_url(url, key)
