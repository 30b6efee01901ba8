# SPDX-License-Identifier: Apache-2.0
"""`gatepost incident`: what needs care, what to do about it, and who was told; asked of the console."""

import time
from typing import Annotated, Any

from cyclopts import App, Parameter

from gatepost.cli.output import age, console, plain, print_json, table
from gatepost.cli.place import HERE, Place, ask_console
from gatepost.errors import UsageError
from gatepost.monitoring.kinds import thing

Json = Annotated[bool, Parameter(help="Answer in JSON.", negative=())]
Tenant = Annotated[int, Parameter(help="This tenant's; 0 is the house's.")]
_COLOURS = {"message": "cyan", "warning": "yellow", "error": "red"}

incident = App(name="incident", help="See what needs care.")


@incident.command(name="list")
def list_(
    *,
    all: Annotated[bool, Parameter(help="Also those that have healed, newest first.", negative=())] = False,
    limit: Annotated[int, Parameter(help="With --all: at most so many.")] = 50,
    tenant: Tenant = 0,
    json: Json = False,
    place: Place = HERE,
) -> int:
    """Show what is open, the gravest first; exit code 1 when something is."""
    if not 1 <= limit <= 200:
        raise UsageError("--limit is a number from 1 to 200")
    answer = ask_console(place, "incident.list", all=all, limit=limit, tenant_id=tenant)
    found = answer["incidents"]
    if json:
        print_json(answer)
    elif found:
        _tell_list(found)
    else:
        print("Nothing needs care.")
    return 1 if any(one["healed_at"] is None for one in found) else 0


@incident.command
def show(
    number: Annotated[int, Parameter(help="The incident's number.")], *, tenant: Tenant = 0, json: Json = False, place: Place = HERE
) -> int:
    """Show one incident: what it means, what to do, who was told."""
    answer = ask_console(place, "incident.show", number=number, tenant_id=tenant)
    if json:
        print_json(answer)
        return 0
    one, screen = answer["incident"], console()
    screen.print(plain(": ".join(filter(None, (one["title"], thing(one["kind"], one["subject"])))), "bold"))
    screen.print(plain(f"{one['level']}, since {_when(one['opened_at'])}, {_healed(one)}", _COLOURS[one["level"]]))
    for name, value in one["details"].items():
        screen.print(plain(f"{name}: {value}"))
    screen.print(plain(f"What it means: {one['meaning']}"))
    screen.print(plain(f"What to do: {one['what_to_do']}"))
    _tell_notices(answer["notices"])
    return 0


@incident.command
def check(
    number: Annotated[int, Parameter(help="The incident's number.")], *, tenant: Tenant = 0, json: Json = False, place: Place = HERE
) -> int:
    """Look again now; exit code 1 when it is still so."""
    one = ask_console(place, "incident.show", number=number, tenant_id=tenant)["incident"]
    answer = ask_console(place, "incident.recheck", kind=one["kind"], subject=one["subject"], tenant_id=tenant)
    if json:
        print_json({"open": answer is not None, "incident": answer})
    elif answer is None:
        print("It has healed.")
    else:
        _tell_list([answer])
    return 0 if answer is None else 1


def _tell_list(found: list[dict[str, Any]]) -> None:
    lines = table("number", "level", "what", "about", "since", "", right=("number",))
    for one in found:
        lines.add_row(
            str(one["id"]),
            plain(one["level"], _COLOURS[one["level"]]),
            plain(one["title"]),
            plain(thing(one["kind"], one["subject"])),
            _when(one["opened_at"]),
            _healed(one),
        )
    console().print(lines)


def _tell_notices(notices: list[dict[str, Any]]) -> None:
    if not notices:
        print("Nobody was told.")
        return
    lines = table("told by", "to", "of", "when", "tries", "", right=("tries",))
    for one in notices:
        told = _when(one["told_at"]) if one["told_at"] else "given up" if one["given_up"] else f"due {_when(one['due_at'])}"
        lines.add_row(one["channel"], plain(one.get("name") or one["target"]), one["event"], told, str(one["tries"]), plain(one["trouble"]))
    console().print(lines)


def _healed(one: dict[str, Any]) -> str:
    return f"open for {age(time.time() - one['opened_at'])}" if one["healed_at"] is None else f"healed {_when(one['healed_at'])}"


def _when(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
