# SPDX-License-Identifier: Apache-2.0
"""`gatepost role`: pair this machine's role with others, see how the links between them do, part them again."""

import time
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from gatepost.cli.output import age, console, plain, print_json, table
from gatepost.cli.place import HERE, Place, ask_console
from gatepost.config.loader import DEFAULT_BOOTSTRAP, read_bootstrap
from gatepost.errors import UsageError
from gatepost.roles.control import ask, control_path

Config = Annotated[Path, Parameter(help="The bootstrap file.")]
Json = Annotated[bool, Parameter(help="Answer in JSON.", negative=())]
_DEFAULT = Path(DEFAULT_BOOTSTRAP)
_JOIN_S = 60.0

role = App(name="role", help="Pair this machine's role with roles on other machines, and see how they do.")


@role.command
def invite(*, json: Json = False, config: Config = _DEFAULT) -> int:
    """Make a one-time token, valid for 15 minutes, with which an intranet may join this gateway."""
    bootstrap = read_bootstrap(config)
    if bootstrap.role == "intranet":
        raise UsageError("an intranet calls others and is not called; make the token on the gateway that is to join it")
    made = ask(control_path(bootstrap), "role.invite")
    if json:
        print_json(made)
        return 0
    host = made["hostname"] if made["listen"].startswith(("0.0.0.0:", "[::]:")) else made["listen"].rpartition(":")[0]
    port = made["listen"].rpartition(":")[2]
    print("On the intranet, within 15 minutes:\n")
    print(f"  gatepost role join {host}:{port} --token {made['token']}\n")
    print(f"Compare there this gateway's fingerprint:\n\n  {made['fingerprint']}")
    return 0


@role.command
def join(
    address: Annotated[str, Parameter(help="HOST:PORT of the gateway, as its `link.listen` has it.")],
    *,
    token: Annotated[str, Parameter(help="What `gatepost role invite` printed there.")],
    name: Annotated[str, Parameter(help="What this gateway is called here; absent: the host.")] = "",
    json: Json = False,
    url: Annotated[str, Parameter(help="Ask the console at https://HOST instead, with the token that GATEPOST_TOKEN says.")] = "",
    config: Config = _DEFAULT,
) -> int:
    """Pair this intranet with a gateway, and follow it from now on."""
    place = Place(config=config, url=url)
    if _is_gateway(place):
        raise UsageError("a gateway is called and calls nobody; join it from the intranet")
    made = ask_console(place, "role.join", timeout_s=_JOIN_S, address=address, token=token, name=name)
    if json:
        print_json(made)
        return 0
    print(f"{made['name']} has joined. Compare:\n")
    print(f"  the gateway's fingerprint, as it printed it   {made['fingerprint']}")
    print(f"  ours, as `gatepost role list` shows it there  {made['own_fingerprint']}")
    return 0


@role.command(name="list")
def list_(*, json: Json = False, place: Place = HERE) -> int:
    """Show each link: what waits, since when, last contact, trouble, and what each process works with."""
    links = _ask(place, "role.list")
    if json:
        print_json(links)
    elif links:
        _show(links, time.time())
    else:
        print("No role has been joined.")
    return 0


@role.command
def leave(
    name: Annotated[str, Parameter(help="The link's name, as `gatepost role list` shows it.")],
    *,
    json: Json = False,
    place: Place = HERE,
) -> int:
    """Part from a role: it is no longer called, or may call no longer."""
    parted = _ask(place, "role.leave", name=name)
    if json:
        print_json(parted)
    elif parted["told"] or _is_gateway(place):
        print(f"{name} has left.")
    else:
        print(f"{name} has left here; it could not be told ({parted['trouble']}).\nSay `gatepost role leave` there, too.")
    return 0


def _ask(place: Place, do: str, **args: Any) -> Any:
    return ask(control_path(read_bootstrap(place.config)), do, **args) if _is_gateway(place) else ask_console(place, do, **args)


def _is_gateway(place: Place) -> bool:
    """Tell whether it is this machine's own role that is asked, and that one has no console."""
    return not place.address and read_bootstrap(place.config).role == "gateway"


def _show(links: list[dict[str, Any]], now: float) -> None:
    made = table("role", "address", "waiting", "oldest", "to send", "last contact", "processes", "trouble", right=("waiting", "to send"))
    for link in links:
        waiting, oldest = link.get("waiting"), link.get("oldest_age_s")
        made.add_row(
            plain(link["name"], "bold"),
            plain(link.get("address") or "-"),
            "?" if waiting is None else str(waiting),
            age(oldest) if waiting and oldest is not None else "-",
            str(link.get("to_send", "-")),
            f"{age(now - link['contact_at'])} ago" if link["contact_at"] else "never",
            plain(_processes(link["processes"])),
            plain(link["trouble"] or "-", "red" if link["trouble"] else ""),
        )
    console().print(made)
    for link in links:
        if link["fingerprint"]:
            print(f"{link['name']}  {' '.join(link['fingerprint'][i : i + 4] for i in range(0, 64, 4))}")


def _processes(processes: list[dict[str, Any]]) -> str:
    """Say which version of the configuration each process works with: `deliver 3, receive 3`."""
    return ", ".join(f"{one['process']} {one['version']}{' (!)' if one['error'] else ''}" for one in processes) or "-"
