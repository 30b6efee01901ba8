# SPDX-License-Identifier: Apache-2.0
"""What `gatepost db` does: on this machine's stores, while no process of a role has them open."""

import os
import pwd
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from gatepost.config.bootstrap import Bootstrap
from gatepost.errors import GatepostError, StoreError
from gatepost.storage.files import file_error
from gatepost.storage.migration import Migrated, Step, migrate
from gatepost.storage.opening import find_target
from gatepost.storage.owner import OwnerLock
from gatepost.storage.schema import SCHEMA_VERSION, migrations

DATABASES = tuple(SCHEMA_VERSION)


class StoreMigration(NamedTuple):
    """What became, or is to become, of one store."""

    database: str
    store: str
    found: int
    steps: tuple[Step, ...]
    version: int


def migrate_store(bootstrap: Bootstrap, database: str, *, only_plan: bool, progress: Callable[[str, str], None]) -> StoreMigration:
    """Bring a store to this program's schema, as the user that the processes run as; an empty one is made.

    `progress` gets the database's name and a step's. Raises: StoreOwned while a SQLite store is in use; ConfigError, StoreError.
    """
    _become(bootstrap.user)
    target = find_target(*store_url(bootstrap, database))
    if target is not None:
        done = migrate(target, database, only_plan=only_plan, progress=lambda step: progress(database, step.name))
        return StoreMigration(database, target.shown, *done)
    path = Path(bootstrap.data) / f"{database}.sqlite"
    if only_plan and not path.exists():
        steps = tuple(Step(step.version, step.name) for step in migrations(database, "sqlite"))
        return StoreMigration(database, str(path), 0, steps, 0)
    return StoreMigration(database, str(path), *_migrate_file(path, database, only_plan, progress))


def _migrate_file(path: Path, database: str, only_plan: bool, progress: Callable[[str, str], None]) -> Migrated:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise file_error(error, str(path.parent)) from error
    lock = OwnerLock(path.parent, database)
    try:
        return migrate(path, database, only_plan=only_plan, progress=lambda step: progress(database, step.name))
    finally:
        lock.release()


def store_url(bootstrap: Bootstrap, database: str) -> tuple[str, str]:
    """Give the setting that says where a store is, and the setting's name."""
    return {"gateway": bootstrap.stores.gateway, "intranet": bootstrap.stores.intranet}[database], f"stores.{database}"


def _become(user: str) -> None:
    """Go on as the user whose files the stores are, when started as root."""
    if not user or os.geteuid() != 0:
        return
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        raise GatepostError(f"user: there is no user {user}; make it or name another") from None
    try:
        os.setgroups([])
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    except OSError as error:
        raise StoreError(f"user: this process cannot become {user} ({error.strerror}); start it as that user") from None
