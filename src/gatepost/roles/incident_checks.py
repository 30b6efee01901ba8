# SPDX-License-Identifier: Apache-2.0
"""The incidents of one intranet, put together: checks look through its links and rooms, mails leave through its gateways."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from gatepost.config.configuration import Configuration
from gatepost.contracts.actor import Audit
from gatepost.errors import ControlError, GatepostError
from gatepost.monitoring.checks import LinkState, Owner, QueueState, RouteState, Sources, checks
from gatepost.monitoring.checks_certificates import Certificates
from gatepost.monitoring.checks_processes import End, Ends
from gatepost.monitoring.events_log import MOST_LINES, EventLog
from gatepost.monitoring.filling import FillLevels
from gatepost.monitoring.incidents import Incidents
from gatepost.monitoring.notice_mail import House, Letter
from gatepost.monitoring.record import Address, Addressees
from gatepost.monitoring.sending import Submitted
from gatepost.monitoring.webhook_url import Mark, process_mark
from gatepost.monitoring.webhooks import no_audit
from gatepost.smtp.certificate import CertificateState
from gatepost.storage.contract import Store
from gatepost.storage.usage import Measured, Usage
from gatepost.telemetry.events import ProcessEnded

ASK_S = 3.0
SUBMIT_S = 30.0
FRESH_S = 1.0
"""Checks that look at the links within it share one look."""
_NO_ANSWER = ControlError.exit_code
INTRANET = "intranet"


class Gateways(Protocol):
    """The links to gateways (`IntranetLinks`)."""

    @property
    def names(self) -> Sequence[str]:
        """The gateways there are."""

    async def gateways(self) -> list[dict[str, Any]]:
        """Tell how each does: name, trouble, store, waiting, oldest_age_s, to_send, to_send_oldest_age_s, processes."""

    async def ask(self, name: str, do: str, args: dict[str, Any], *, timeout_s: float = ..., identity: str = ...) -> Any:
        """Have one gateway answer or do something; a command of one `identity` is done once. Raises: ControlError."""


class Rooms(NamedTuple):
    """What of the console's other rooms is looked at."""

    configuration: Callable[[], Awaitable[Configuration]]
    """Gives the newest version, read."""
    legacy_refused: Callable[[], Awaitable[int]]
    """Counts tracks of older forms that cannot be converted."""
    certificate: Callable[[], CertificateState | None] = lambda: None
    """Tells how the console's own certificate does; None where it shows none."""


def incidents_of(
    store: Store,
    gateways: Gateways,
    rooms: Rooms,
    *,
    hostname: str,
    base_url: str = "",
    audit: Audit = no_audit,
    mark: Mark = process_mark,
) -> Incidents:
    """Give the incidents of an open store; `start` begins to look. `base_url` is the console's where the configuration names none."""
    watch = Watch(store, gateways, rooms, hostname, base_url)
    filling = FillLevels(watch.usages)
    sources = Sources(
        watch.links,
        watch.queues,
        watch.routes,
        filling.look,
        rooms.legacy_refused,
        watch.addressees,
        watch.owner,
        watch.ends,
        watch.certificates,
        time.time,
    )
    return Incidents(
        store,
        checks(sources),
        submit=watch.submit,
        addressees=watch.addressees,
        house=watch.house,
        filling=filling,
        audit=audit,
        mark=mark,
    )


class Watch:
    """Asks what checks need to know."""

    def __init__(self, store: Store, gateways: Gateways, rooms: Rooms, hostname: str, base_url: str = "") -> None:
        """`hostname` is the one under which this machine's own events stand."""
        self._hostname, self._base_url = hostname, base_url
        self._events = EventLog(store)
        self._gateways = gateways
        self._rooms = rooms
        self._own = Measured(store, kept_s=55.0)
        self._turn = asyncio.Lock()
        self._links: Sequence[LinkState] = ()
        self._looked_at = float("-inf")
        self._owners: Mapping[str, Owner] = {}
        self._stores: dict[str, str] = {}

    async def links(self) -> Sequence[LinkState]:
        """Tell how each link does, and of one that does not work why: its gateway, or the gateway's store."""
        async with self._turn:
            if time.monotonic() - self._looked_at > FRESH_S:
                told = await self._gateways.gateways()
                self._links = await asyncio.gather(*(self._state(one) for one in told))
                self._stores.update({one["name"]: one["store"] for one in told if one.get("store")})
                self._looked_at = time.monotonic()
            return self._links

    async def _state(self, told: Mapping[str, Any]) -> LinkState:
        name, trouble, store_trouble = told["name"], told["trouble"], ""
        if trouble:
            usage = await self._usage(name)
            if usage is not None and usage.trouble:
                trouble, store_trouble = "", usage.trouble
        return LinkState(
            name,
            trouble,
            store_trouble,
            told.get("waiting") or 0,
            told.get("oldest_age_s") or 0.0,
            told.get("to_send") or 0,
            told.get("to_send_oldest_age_s") or 0.0,
            told.get("processes") or (),
        )

    async def queues(self) -> Mapping[str, Sequence[QueueState] | None]:
        """Ask each gateway for its queues."""
        owned = (await self._rooms.configuration()).owned_domains
        self._owners = {one.name: Owner(one.tenant, one.name) for one in owned}
        answers = await self._all("queue.list")
        return {
            name: None if lines is None else [QueueState(one["domain"], one["waiting"], one["oldest_at"]) for one in lines]
            for name, lines in answers.items()
        }

    async def routes(self) -> Mapping[str, Sequence[RouteState] | None]:
        """Ask each gateway which routes are down."""
        answers = await self._all("queue.routes")
        configured = {(str(one.direction), one.name) for one in (await self._rooms.configuration()).send_connectors if one.smart_hosts}
        return {
            name: None if lines is None else [_route(one["route"], one["reason"], configured) for one in lines]
            for name, lines in answers.items()
        }

    async def usages(self) -> Mapping[str, Usage | None]:
        """Ask for the usage of our own store and of each gateway's; one that several gateways share is asked for once."""
        found: dict[str, Usage | None] = {INTRANET: await self._own.usage()}
        shared: dict[str, list[str]] = {}
        for name in sorted(self._gateways.names):
            shared.setdefault(self._stores.get(name) or name, []).append(name)
        answers = await asyncio.gather(*(self._first_usage(names) for names in shared.values()))
        return found | {names[0]: usage for names, usage in zip(shared.values(), answers, strict=True)}

    async def _first_usage(self, names: Sequence[str]) -> Usage | None:
        for name in names:
            if (usage := await self._usage(name)) is not None:
                return usage
        return None

    async def _usage(self, name: str) -> Usage | None:
        answer = await self._one(name, "store.usage")
        try:
            return None if answer is None else msgspec.convert(answer, Usage)
        except msgspec.ValidationError:  # a gateway of another version
            return None

    async def addressees(self) -> Addressees:
        """Give who is told by mail, as the newest configuration has it."""
        configuration = await self._rooms.configuration()
        domains = {
            one.name: Address(one.administrative_address, one.notice_sender)
            for one in configuration.owned_domains
            if one.administrative_address or one.notice_sender
        }
        notices = configuration.notices
        first = next((one.name for one in configuration.owned_domains if not one.name.startswith("*.")), "")
        sender = notices.notice_sender or (f"postmaster@{first}" if first else "")
        return Addressees(Address(notices.administrative_address, sender), domains)

    async def house(self) -> House:
        """Give who writes, and where links lead, as the newest configuration has it."""
        return House(self._hostname, (await self._rooms.configuration()).console.public_address or self._base_url)

    def owner(self, domain: str) -> Owner | None:
        """Tell whose a domain was when the queues were asked for last."""
        found = self._owners.get(domain)
        parent = domain.partition(".")[2]
        while found is None and parent:
            found, parent = self._owners.get(f"*.{parent}"), parent.partition(".")[2]
        return found

    async def ends(self, since: float) -> Ends:
        """Give the ends of processes that supervisors told of, and which machines' events come at all."""
        page = await self._events.search(after=since, name=ProcessEnded.name, limit=MOST_LINES)
        found = [
            End(one.at, one.gateway, str(one.fields.get("process", "")), _whole(one.fields.get("status")))
            for one in page.events
            if one.name == ProcessEnded.name
        ]
        works = {one.name for one in await self.links() if one.works}
        healths = await self._all("replication.health")
        hostnames = [str(one.get("hostname", "")) for name, one in healths.items() if one and name in works]
        return Ends(found, frozenset(hostnames) | {self._hostname}, silent=len(hostnames) < len(healths))

    async def certificates(self) -> Certificates:
        """Give the certificates that processes of gateways that answer show, and the console's own."""
        links = await self.links()
        found = [
            (f"{link.name}/{one['process']}", state)
            for link in links
            if link.works
            for one in link.processes
            if (state := _certificate(one.get("certificate"))) is not None
        ]
        if (ours := self._rooms.certificate()) is not None:
            found.append((f"{INTRANET}/console", ours))
        return Certificates(found, tuple(one.name for one in links if not one.works))

    async def submit(self, letter: Letter, identity: str) -> Submitted:
        """Give a mail to the first gateway that takes it; one that answers nothing may have it, so no other is asked then."""
        troubles = []
        for name in sorted(self._gateways.names):
            try:
                await self._gateways.ask(name, "replication.health", {}, timeout_s=ASK_S)
            except GatepostError as error:
                troubles.append(f"{name}: {error}")
                continue
            args = {"sender": letter.sender, "recipient": letter.recipient, "content": letter.content, "tenant_id": letter.tenant_id}
            try:
                await self._gateways.ask(name, "notice.submit", args, timeout_s=SUBMIT_S, identity=identity)
            except ControlError as error:
                if error.exit_code == _NO_ANSWER:
                    return Submitted(f"{name}: {error}", doubt=True)
                troubles.append(f"{name}: {error}")
            else:
                return Submitted()
        return Submitted("; ".join(troubles) or "there is no gateway that could send it; join one with `gatepost role join`")

    async def _all(self, do: str) -> dict[str, Any]:
        names = sorted(self._gateways.names)
        return dict(zip(names, await asyncio.gather(*(self._one(name, do) for name in names)), strict=True))

    async def _one(self, name: str, do: str) -> Any:
        try:
            return await self._gateways.ask(name, do, {}, timeout_s=ASK_S)
        except GatepostError:  # what is the matter with it is the link's own incident
            return None


def _certificate(told: Any) -> CertificateState | None:
    try:
        return msgspec.convert(told, CertificateState | None)
    except msgspec.ValidationError:  # a gateway of another version
        return None


def _whole(told: Any) -> int:
    return told if isinstance(told, int) else 0


def _route(key: str, reason: str, configured: set[tuple[str, str]]) -> RouteState:
    direction, _, rest = key.partition("/")
    name = max((one for way, one in configured if way == direction and rest.startswith(f"{one}/")), key=len, default="")
    connector = name or rest.partition("/")[0]
    hosts = rest[len(connector) + 1 :].partition("/")[2]
    return RouteState(connector, direction, hosts, bool(name) and not hosts.startswith("mx:"), reason)
