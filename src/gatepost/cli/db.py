# SPDX-License-Identifier: Apache-2.0
"""`gatepost db`: the databases of this machine."""

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from gatepost.cli.output import console, plain, print_json, table
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


@db.command
def usage(
    *,
    tables: Annotated[int, Parameter(help="Show so many of the largest tables of each.")] = 5,
    json: Annotated[bool, Parameter(help="Answer in JSON.", negative=())] = False,
    config: Annotated[Path, Parameter(help="The bootstrap file.")] = Path(DEFAULT_BOOTSTRAP),
) -> int:
    """Show how full each database is, and which tables are large; on a machine without a console, the gateway's own."""
    from gatepost.roles.control import ask, console_path, control_path

    bootstrap = read_bootstrap(config)
    if bootstrap.role == "gateway":
        one = ask(control_path(bootstrap), "store.usage")
        share = None if one["percent"] is None else one["percent"] / 100
        answer = [{**one, "name": "gateway", "bytes": one["used_bytes"], "share": share}]
    else:
        answer = ask(console_path(bootstrap), "store.usage")
    if json:
        print_json(answer)
    else:
        _tell_usage(answer, max(0, tables))
    return 0


def _tell_usage(stores: list[dict[str, Any]], tables: int) -> None:
    lines = table("database", "table", "size", "rows", "full", "", right=("size", "rows", "full"))
    for one in stores:
        if one["trouble"]:
            lines.add_row(plain(one["name"], "bold"), "", "", "", "", plain(one["trouble"], "red"))
            continue
        full = "no limit known" if one["share"] is None else f"{one['share']:.0%} of the {one['bound']}"
        lines.add_row(plain(one["name"], "bold"), "", _size(one["bytes"]), "", full, plain(one["where"]))
        for part in one["tables"][:tables]:
            about = "about " if part["estimated"] else ""
            lines.add_row("", plain(part["name"]), about + _size(part["bytes"]), f"about {part['rows']}", "", "")
    console().print(lines)


def _size(count: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def _sentence(one: dict[str, Any], *, plan: bool) -> str:
    if not one["steps"]:
        return f"{one['database']}: {one['store']} has schema {one['version']}; nothing is to be done."
    if plan:
        return f"{one['database']}: {one['store']} has schema {one['found']}; to be made: {', '.join(step.name for step in one['steps'])}."
    return f"{one['database']}: {one['store']} has schema {one['version']} now."
