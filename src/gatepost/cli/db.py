# SPDX-License-Identifier: Apache-2.0
"""`gatepost db`: the databases of this machine."""

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from gatepost.cli.output import print_json
from gatepost.config.loader import DEFAULT_BOOTSTRAP, read_bootstrap

db = App(name="db", help="Look after the databases.")


@db.command
def migrate(
    *,
    database: Annotated[Literal["gateway", "intranet"] | None, Parameter(help="Only this database; absent: each.")] = None,
    plan: Annotated[bool, Parameter(help="Only show what would be done.", negative=())] = False,
    json: Annotated[bool, Parameter(help="Answer in JSON.", negative=())] = False,
    config: Annotated[Path, Parameter(help="The bootstrap file.")] = Path(DEFAULT_BOOTSTRAP),
) -> int:
    """Bring the databases to this program's schema, or end a migration that was interrupted; exit code 3 when that fails."""
    from gatepost.roles.database import DATABASES, StoreMigration, migrate_store

    def tell(name: str, step: str) -> None:
        if not json:
            print(f"{name}: made step {step}", flush=True)

    said: list[StoreMigration] = []
    bootstrap = read_bootstrap(config)
    for name in (database,) if database else DATABASES:
        one = migrate_store(bootstrap, name, only_plan=plan, progress=tell)
        said.append(one)
        if not json:
            print(_sentence(one._asdict(), plan=plan), flush=True)
    if json:
        print_json([{**one._asdict(), "steps": [step._asdict() for step in one.steps]} for one in said])
    return 0


def _sentence(one: dict[str, Any], *, plan: bool) -> str:
    if not one["steps"]:
        return f"{one['database']}: {one['store']} has schema {one['version']}; nothing is to be done."
    if plan:
        return f"{one['database']}: {one['store']} has schema {one['found']}; to be made: {', '.join(step.name for step in one['steps'])}."
    return f"{one['database']}: {one['store']} has schema {one['version']} now."
