# SPDX-License-Identifier: Apache-2.0
"""`gatepost queue`: the mail that waits for delivery, asked of this machine's running gateway, or of another one by its console.

WANTED is a track id, as the 250 reply and the log name it, or a destination domain.
"""

import time
from typing import Annotated, Any

import msgspec
from cyclopts import App, Parameter

from gatepost.cli.output import age, bar, console, plain, print_json, table
from gatepost.cli.place import HERE, Place, ask_console
from gatepost.config.loader import read_bootstrap
from gatepost.delivery.queue.record import QueuedRecipient, QueueLine
from gatepost.errors import UsageError
from gatepost.roles.control import ask, control_path

Gateway = Annotated[str, Parameter(help="With --url: the gateway, as `role list` names it; absent: the only one.")]
Json = Annotated[bool, Parameter(help="Answer in JSON.", negative=())]
Tenant = Annotated[int | None, Parameter(help="Only this tenant's mail; absent: all.")]

queue = App(name="queue", help="Look at the mail that waits for delivery, and act on it.")


@queue.command(name="list")
def list_(*, json: Json = False, tenant: Tenant = None, gateway: Gateway = "", place: Place = HERE) -> int:
    """Show one line for each destination domain with mail: how much, since when, when next."""
    answer = _ask(place, gateway, "queue.list", tenant_id=tenant)
    if json:
        print_json(answer)
        return 0
    lines = msgspec.convert(answer, list[QueueLine])
    if lines:
        console().print(_overview(lines, time.time()))
    else:
        print("No mail is waiting.")
    return 0


@queue.command
def show(
    wanted: Annotated[str, Parameter(help="A track id or a destination domain; absent: all.")] = "",
    *,
    limit: Annotated[int, Parameter(help="Show at most so many recipients, oldest first.")] = 1000,
    json: Json = False,
    tenant: Tenant = None,
    gateway: Gateway = "",
    place: Place = HERE,
) -> int:
    """Show the waiting recipients of a mail or a domain, oldest first; exit code 1 when there is none."""
    if limit < 1:
        raise UsageError("--limit is a number of at least 1")
    answer = _ask(place, gateway, "queue.show", wanted=wanted, limit=limit, tenant_id=tenant)
    if json:
        print_json(answer)
    elif answer:
        console().print(_recipients(msgspec.convert(answer, list[QueuedRecipient]), time.time()))
    else:
        print(f"Nothing waits for {wanted}." if wanted else "No mail is waiting.")
    return 1 if wanted and not answer else 0


@queue.command
def retry(
    wanted: Annotated[str, Parameter(help="A track id or a destination domain.")] = "",
    *,
    all: Annotated[bool, Parameter(help="Retry the whole queue.", negative=())] = False,
    json: Json = False,
    tenant: Tenant = None,
    gateway: Gateway = "",
    place: Place = HERE,
) -> int:
    """Try waiting recipients again now; exit code 1 when none waits."""
    if bool(wanted) == all:
        raise UsageError("name a track id or a domain to retry, or say --all")
    return _count(_ask(place, gateway, "queue.retry", wanted=wanted, tenant_id=tenant), "retried", "are due now", json)


@queue.command
def drop(
    wanted: Annotated[str, Parameter(help="A track id or a destination domain.")],
    *,
    json: Json = False,
    tenant: Tenant = None,
    gateway: Gateway = "",
    place: Place = HERE,
) -> int:
    """Remove waiting recipients for good, without a report to the sender; exit code 1 when none waits."""
    if not wanted:
        raise UsageError("name a track id or a domain to drop")
    return _count(_ask(place, gateway, "queue.drop", wanted=wanted, tenant_id=tenant), "dropped", "were removed", json)


def _ask(place: Place, gateway: str, do: str, **args: Any) -> Any:
    if place.address:
        return ask_console(place, do, gateway=gateway or _only(place), **args)
    if gateway:
        raise UsageError("--gateway goes with --url; on this machine its own gateway is asked")
    return ask(control_path(read_bootstrap(place.config)), do, **args)


def _only(place: Place) -> str:
    """Name the gateway, where there is but one. Raises: UsageError."""
    names = [link["name"] for link in ask_console(place, "role.list")]
    if len(names) != 1:
        raise UsageError(f"say which gateway with --gateway; there are {', '.join(names) or 'none'}")
    return str(names[0])


def _count(number: int, key: str, became: str, json: bool) -> int:
    if json:
        print_json({key: number})
    elif number:
        print(
            "1 recipient " + became.replace("are", "is").replace("were", "was") + "." if number == 1 else f"{number} recipients {became}."
        )
    else:
        print("Nothing of that kind is waiting.")
    return 0 if number else 1


def _overview(lines: list[QueueLine], now: float) -> Any:
    made = table("domain", "waiting", "sending", "length", "oldest", "age", "next try", right=("waiting", "sending", "oldest", "next try"))
    longest = max(line.waiting + line.sending for line in lines)
    oldest = max(now - line.oldest_at for line in lines)
    for line in lines:
        made.add_row(
            plain(line.domain, "bold"),
            str(line.waiting),
            str(line.sending),
            plain(bar(line.waiting + line.sending, longest), "cyan"),
            age(now - line.oldest_at),
            plain(bar(now - line.oldest_at, oldest), "yellow"),
            _due(line.next_due_at, now),
        )
    return made


def _recipients(recipients: list[QueuedRecipient], now: float) -> Any:
    made = table("track", "from", "to", "state", "tries", "age", "next try", "last reply", right=("tries", "age", "next try"))
    for one in recipients:
        reply = f"{one.last_host}: {one.last_reply}" if one.last_host else one.last_reply
        made.add_row(
            plain(one.track),
            plain(one.sender or "<>"),
            plain(one.recipient),
            plain(one.state),
            str(one.attempts),
            age(now - one.received_at),
            _due(one.due_at, now),
            plain(reply),
        )
    return made


def _due(at: float, now: float) -> str:
    return "-" if at <= 0 else "now" if at <= now else f"in {age(at - now)}"
