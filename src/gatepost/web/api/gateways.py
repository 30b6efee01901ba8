# SPDX-License-Identifier: Apache-2.0
"""Gateways: their links, and the mail that waits at each."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gatepost.contracts.actor import Entry
from gatepost.delivery.queue.record import QueuedRecipient, QueueLine
from gatepost.web import joining
from gatepost.web.api.operation import Call, Operations
from gatepost.web.api.problem import Away, Missing, Stopped, missing
from gatepost.web.api.values import Name
from gatepost.web.joining import Joined, Left

READ, WRITE = "monitoring:read", "monitoring:write"
LINKS = "configuration:write"
_JOIN_S = 60.0
Wanted = Annotated[str, Meta(min_length=1, max_length=255, description="A track, or a destination domain.")]
operations = Operations()


class OneGateway(msgspec.Struct, forbid_unknown_fields=True):
    """Names a gateway."""

    gateway: Name


class OneLink(msgspec.Struct, forbid_unknown_fields=True):
    """Names a link."""

    name: Name


class InQueue(OneGateway, forbid_unknown_fields=True):
    """What is looked for in a gateway's queue."""

    wanted: Annotated[str, Meta(max_length=255, description="A track, or a destination domain; absent: all.")] = ""
    limit: Annotated[int, Meta(ge=1, le=10_000)] = 1000


class Some(msgspec.Struct, forbid_unknown_fields=True):
    """Which waiting recipients."""

    wanted: Wanted


class SomeOrAll(msgspec.Struct, forbid_unknown_fields=True):
    """Which waiting recipients; none named: all."""

    wanted: Annotated[str, Meta(max_length=255)] = ""


class Process(msgspec.Struct, kw_only=True):
    """One process of a gateway."""

    process: str
    pid: int
    version: int
    """Of the configuration that it works with."""
    error: str = ""


class Link(msgspec.Struct):
    """A link to a gateway, and how it does."""

    name: str
    address: str
    fingerprint: str
    joined_at: float
    contact_at: float
    trouble: str
    store: str
    waiting: int | None
    oldest_age_s: float | None
    to_send: int
    to_send_oldest_age_s: float | None
    program: str
    processes: tuple[Process, ...]


class Join(msgspec.Struct, forbid_unknown_fields=True):
    """A gateway that is to be joined."""

    address: Annotated[str, Meta(min_length=1, max_length=300, description="HOST:PORT, as its `link.listen` has it.")]
    token: Annotated[str, Meta(min_length=1, max_length=500, description="What `gatepost role invite` printed there.")]
    name: Annotated[str, Meta(max_length=60, description="What it is called here; absent: the host.")] = ""


@operations.get("role.list", "/gateways", READ, answer=tuple[Link, ...], house=True)
async def list_(call: Call) -> list[dict[str, Any]]:
    """Show each link: what waits, since when, last contact, trouble, and what each process works with."""
    return await call.house.gateways.gateways()


@operations.post("role.join", "/gateways", LINKS, answer=Joined, house=True)
async def join(call: Call, body: Join) -> Joined | Away:
    """Pair this intranet with a gateway, and follow it from now on."""
    return await joining.join(call.house, call.actor, body.address, body.token, body.name)


@operations.delete("role.leave", "/gateways/{name}", LINKS, answer=Left, house=True)
async def leave(call: Call, asked: OneLink) -> Left | Missing | Away:
    """Part from a gateway: it is no longer called."""
    _expect(call, asked.name)
    return await joining.leave(call.house, call.actor, asked.name)


@operations.get("queue.list", "/gateways/{gateway}/queues", READ, answer=tuple[QueueLine, ...])
async def queues(call: Call, asked: OneGateway) -> Any | Missing | Away:
    """Show one line for each destination domain with mail: how much, since when, when next."""
    return await _ask(call, asked.gateway, "queue.list")


@operations.get("queue.show", "/gateways/{gateway}/queue", READ, answer=tuple[QueuedRecipient, ...])
async def queue(call: Call, asked: InQueue) -> Any | Missing | Away:
    """Show waiting recipients, oldest first."""
    return await _ask(call, asked.gateway, "queue.show", wanted=asked.wanted, limit=asked.limit)


@operations.post("queue.retry", "/gateways/{gateway}/queue/retry", WRITE, answer=int)
async def retry(call: Call, asked: OneGateway, body: SomeOrAll) -> Any | Missing | Away:
    """Try waiting recipients again now; tells how many."""
    return await _do(call, asked.gateway, "queue.retry", body.wanted)


@operations.post("queue.drop", "/gateways/{gateway}/queue/drop", WRITE, answer=int)
async def drop(call: Call, asked: OneGateway, body: Some) -> Any | Missing | Away:
    """Remove waiting recipients for good, without a report to the sender; tells how many."""
    return await _do(call, asked.gateway, "queue.drop", body.wanted)


async def _do(call: Call, gateway: str, do: str, wanted: str) -> Any:
    count = await _ask(call, gateway, do, wanted=wanted)
    await call.house.access.audit.note(Entry(call.actor, do, wanted or "all", None, {"gateway": gateway, "recipients": count}))
    return count


async def _ask(call: Call, gateway: str, do: str, **args: Any) -> Any:
    _expect(call, gateway)
    return await call.house.gateways.ask(gateway, do, {**args, "tenant_id": call.tenant_id})


def _expect(call: Call, gateway: str) -> None:
    """Refuse a gateway that is not there. Raises: Stopped."""
    if gateway not in call.house.gateways.names:
        raise Stopped(missing(f"there is no gateway {gateway!r}; `gatepost role list` shows those there are"))
