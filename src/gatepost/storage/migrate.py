# SPDX-License-Identifier: Apache-2.0
"""The process that migrates a store: `python -m gatepost.storage.migrate`, started by `migration.py` and by nobody else.

DESCRIPTION
    Reads from standard input which store, as one JSON object. Sets the store's marker, has Alembic run the steps that are
    missing, each in a transaction of its own, clears the marker. An empty store is made. Prints one JSON object a line: the
    plan, each step that was made, then the schema that the store has, or the sentence that says why it has it not.
SECURITY
    The store's password comes through standard input and is neither printed nor seen in the list of processes.
DIAGNOSTICS
    Exit code 0: the store has this program's schema. 3: it has not.
BUGS
    None known.
"""

import json
import sys
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from gatepost.errors import StoreError
from gatepost.storage.migrating import PostgresTarget, SqliteTarget, Target
from gatepost.storage.postgres_url import PostgresUrl
from gatepost.storage.schema import FOLDER, SCHEMA_COMPAT, SCHEMA_VERSION, Migration, judge, migrations, recording


def main() -> int:
    """Carry out the order on standard input; gives the exit code."""
    order = json.load(sys.stdin)
    target: Target = SqliteTarget(Path(order["path"])) if order["path"] else PostgresTarget(PostgresUrl(order["where"], order["keywords"]))
    try:
        with target.alone():
            _migrate(target, order["database"], only_plan=order["only_plan"])
    except StoreError as error:
        return _refuse(str(error))
    except target.driver.error as error:
        return _refuse(str(target.driver.named(error)))
    except DBAPIError as error:
        return _refuse(str(target.driver.named(error.orig if isinstance(error.orig, Exception) else error)))
    return 0


def _migrate(target: Target, database: str, *, only_plan: bool) -> None:
    found = target.read()
    state = judge(found, database, target.engine, target.driver.where, resume=True)
    steps = migrations(database, target.engine)
    missing = [step for step in steps if found is None or step.version > found.version]
    _say(found=found.version if found else 0, steps=[{"version": step.version, "name": step.name} for step in missing])
    if only_plan:
        return
    if state == "empty":
        target.create(database)
    if found is not None and (state == "older" or found.migrating):
        target.mark(found, SCHEMA_COMPAT[database], SCHEMA_VERSION[database])
        _run_alembic(target, database, {f"{database}_{step.version:04}": step for step in steps})
        target.mark(found._replace(compat=SCHEMA_COMPAT[database]), SCHEMA_COMPAT[database], 0)
    _say(version=max(SCHEMA_VERSION[database], found.version if found else 0))


def _run_alembic(target: Target, database: str, steps: dict[str, Migration]) -> None:
    def applied(*, step: Any, ctx: Any, **_: Any) -> None:
        made = steps[step.up_revision_id]
        for statement in recording(made):
            ctx.connection.exec_driver_sql(statement)
        _say(step=made.version, name=made.name)

    config = Config()
    config.set_main_option("script_location", _escaped(FOLDER))
    config.set_main_option("version_locations", _escaped(FOLDER / database))
    config.set_main_option("path_separator", "newline")
    config.attributes["on_version_apply"] = applied
    engine = create_engine(f"{target.dialect}://", module=target.module, creator=target.lend, poolclass=NullPool)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(target.begin))
    try:
        with engine.connect() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def _refuse(sentence: str) -> int:
    _say(error=sentence)
    return 3


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")


def _say(**said: Any) -> None:
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
