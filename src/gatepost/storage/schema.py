# SPDX-License-Identifier: Apache-2.0
"""The schema of a logical database: its steps, and which stores a program may open (docs/decisions/0013-migrations.md).

A step is SQL, once for each engine: `migrations/DATABASE/NNNN_verb_noun.ENGINE.sql`. Steps only go forward. A store says of
itself which schema it has, the oldest schema whose programs may still use it, and whether a migration has begun and not ended.
"""

import hashlib
import time
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Literal, NamedTuple

from gatepost.errors import StoreError
from gatepost.storage.contract import Engine

FOLDER = Path(str(files("gatepost.storage") / "migrations"))


SCHEMA_VERSION = {"gateway": 6, "intranet": 8}
"""The newest schema this program knows, for each logical database."""

SCHEMA_COMPAT = {"gateway": 4, "intranet": 6}
"""The oldest schema whose programs may still use a store that has `SCHEMA_VERSION`."""

State = Literal["ready", "empty", "older"]


class Migration(NamedTuple):
    """One step of the schema, for one engine."""

    version: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the step's text, in hex."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


class Found(NamedTuple):
    """What a store says of itself; `steps` gives the checksum of each applied step by its number."""

    database: str
    version: int
    compat: int
    migrating: int
    steps: Mapping[int, str]


def migrations(database: str, engine: Engine) -> list[Migration]:
    """Give the steps of one logical database, in order."""
    suffix = f".{engine}.sql"
    paths = sorted(path for path in (FOLDER / database).iterdir() if path.name.endswith(suffix))
    return [Migration(int(path.name[:4]), path.name.removesuffix(suffix), path.read_text("utf-8")) for path in paths]


def judge(found: Found | None, database: str, engine: Engine, where: str, *, resume: bool = False) -> State:
    """Tell whether a store can be used as it is, must be made first, or must be migrated first; None says that it is empty.

    Raises: StoreError when it is another database's, newer than this program can use, its history is not ours, or it is
    half migrated; with `resume` that only when another program must go on with it.
    """
    if found is None:
        return "empty"
    known = SCHEMA_VERSION[database]
    if found.database != database:
        raise StoreError(f"{where}: this is the store of `{found.database}`, not of `{database}`; give each a database of its own")
    if found.compat > known or found.migrating > known:
        raise StoreError(
            f"{where}: the store has schema {found.version}, this program knows {known}; "
            "start the program that wrote it, or restore a backup made before the upgrade"
        )
    for step in migrations(database, engine):
        if found.steps.get(step.version, step.checksum) != step.checksum:
            raise StoreError(
                f"{where}: schema step {step.version} was applied with another text than this program has; "
                "start the program that wrote the store, or restore a backup"
            )
    if found.migrating and not resume:
        raise StoreError(
            f"{where}: a migration to schema {found.migrating} began and did not end; "
            f"run `gatepost db migrate --database {database}` to end it, or restore a backup made before it"
        )
    return "older" if found.version < known else "ready"


def creation(database: str, engine: Engine) -> list[str]:
    """Give the SQL texts that make an empty store what all steps together would; to be run in one transaction."""
    steps = migrations(database, engine)
    made = Found(database, max((step.version for step in steps), default=0), SCHEMA_COMPAT[database], 0, {})
    recorded = [f"{line};" for step in steps for line in recording(step)]
    return [*adoption(made, engine), *(step.sql for step in steps), *recorded]


def adoption(found: Found, engine: Engine) -> list[str]:
    """Give the SQL texts that make the record of a store which has what was found."""
    # Names, checksums and numbers are our own: there is nothing to be quoted, here and below.
    return [
        (FOLDER / f"record.{engine}.sql").read_text("utf-8"),
        f"INSERT INTO schema_version VALUES ('{found.database}', {found.version}, {found.compat}, {found.migrating});",  # noqa: S608
        f"INSERT INTO alembic_version VALUES ('{found.database}_{found.version:04}');",  # noqa: S608
    ]


def recording(step: Migration) -> list[str]:
    """Give the statements that record a step, in the transaction that makes it."""
    return [
        f"INSERT INTO schema_migration VALUES ({step.version}, '{step.name}', '{step.checksum}', {time.time()!r})",  # noqa: S608
        f"UPDATE schema_version SET version = {step.version}",  # noqa: S608
    ]


def marking(compat: int, version: int) -> str:
    """Give the statement that says that a migration to `version` has begun; 0: that it has ended."""
    return f"UPDATE schema_version SET compat = {compat}, migrating = {version};"  # noqa: S608
