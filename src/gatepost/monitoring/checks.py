# SPDX-License-Identifier: Apache-2.0
"""What each kind of incident is found by: from what roles tell to findings, without I/O of their own.

What they need comes in as callables (`Sources`); `roles/incident_checks` makes them from the links and the rooms.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from gatepost.monitoring.checks_certificates import EXPIRING, KEPT, AskCertificates, certificates_expiring, certificates_kept
from gatepost.monitoring.checks_processes import KIND as PROCESS_ENDING
from gatepost.monitoring.checks_processes import AskEnds, processes_ending
from gatepost.monitoring.engine import NOWHERE, Check
from gatepost.monitoring.filling import AskUsages
from gatepost.monitoring.record import HOUSE, Addressees, Finding, Level, Look, Standing

LAG_S = 300.0
STUCK_S = 3600.0
STUCK_LONG_S = 4 * 3600.0
"""From then on it is graver."""
MESSAGE_PERCENT, WARNING_PERCENT, HYSTERESIS = 70.0, 90.0, 2.0
_QUEUES_TOLD = 200
"""Stuck queues of one gateway that become incidents, the longest first; a world that is down needs no thousand mails."""


class LinkState(NamedTuple):
    """One link as the intranet sees it now."""

    name: str
    trouble: str = ""
    """Why it does not work; '' it does."""
    store_trouble: str = ""
    """The gateway answers, but its store does not."""
    to_fetch: int = 0
    to_fetch_age_s: float = 0.0
    to_send: int = 0
    to_send_age_s: float = 0.0
    processes: Sequence[Mapping[str, Any]] = ()
    """process, version, error of each."""

    @property
    def works(self) -> bool:
        """Whether what it tells can be taken for true."""
        return not (self.trouble or self.store_trouble)


class QueueState(NamedTuple):
    """One destination domain on one gateway."""

    domain: str
    waiting: int
    oldest_at: float


class RouteState(NamedTuple):
    """A route whose circuit breaker is open."""

    connector: str
    direction: str
    hosts: str
    configured: bool
    """Its hosts are named in the connector, so they are ours to mend; else they are a domain's mail exchangers."""
    reason: str


class Owner(NamedTuple):
    """Whose an owned domain is, and its name in the configuration."""

    tenant_id: int
    domain: str


class Sources(NamedTuple):
    """Where checks look. A gateway whose answer is None did not answer."""

    links: Callable[[], Awaitable[Sequence[LinkState]]]
    queues: Callable[[], Awaitable[Mapping[str, Sequence[QueueState] | None]]]
    routes: Callable[[], Awaitable[Mapping[str, Sequence[RouteState] | None]]]
    usages: AskUsages
    legacy_refused: Callable[[], Awaitable[int]]
    addressees: Callable[[], Awaitable[Addressees]]
    owner: Callable[[str], Owner | None]
    """Whose a domain is; None: nobody's here."""
    ends: AskEnds
    certificates: AskCertificates
    clock: Callable[[], float] = time.time


def checks(sources: Sources) -> dict[str, Check]:
    """Give the checks by kind."""
    return {
        "link.away": lambda _: _links_away(sources),
        "link.lagging": lambda _: _links_lagging(sources),
        "version.kept": lambda _: _versions_kept(sources),
        "queue.stuck": lambda _: _queues_stuck(sources),
        "connector.down": lambda _: _connectors_down(sources),
        "store.filling": lambda standing: _stores_filling(sources, standing),
        "store.away": lambda _: _stores_away(sources),
        PROCESS_ENDING: lambda standing: processes_ending(sources.ends, sources.clock(), standing),
        EXPIRING: lambda _: certificates_expiring(sources.certificates, sources.clock()),
        KEPT: lambda _: certificates_kept(sources.certificates),
        "legacy.waiting": lambda _: _legacy_waiting(sources),
        NOWHERE: lambda _: _notices_nowhere(sources),
    }


async def _links_away(sources: Sources) -> Look:
    found = [Finding("link.away", one.name, "error", {"reason": one.trouble}) for one in await sources.links() if one.trouble]
    return Look(tuple(found))


async def _stores_away(sources: Sources) -> Look:
    links = await sources.links()
    found = [Finding("store.away", one.name, "error", {"reason": one.store_trouble}) for one in links if one.store_trouble]
    return Look(tuple(found), tuple(one.name for one in links if one.trouble))


async def _links_lagging(sources: Sources) -> Look:
    links = await sources.links()
    found = []
    for one in links:
        if one.works and max(one.to_fetch_age_s, one.to_send_age_s) > LAG_S:
            details = {
                "to_fetch": one.to_fetch,
                "to_fetch_age_s": round(one.to_fetch_age_s),
                "to_send": one.to_send,
                "to_send_age_s": round(one.to_send_age_s),
            }
            found.append(Finding("link.lagging", one.name, "warning", details))
    return Look(tuple(found), _silent(links))


async def _versions_kept(sources: Sources) -> Look:
    links = await sources.links()
    found: dict[str, Finding] = {}
    for link in links:
        for one in link.processes:
            if one.get("error"):
                subject = f"{link.name}/{one['process']}"
                details = {"version": one["version"], "reason": str(one["error"])}
                found.setdefault(subject, Finding("version.kept", subject, "error", details))
    return Look(tuple(found.values()), _silent(links))


async def _queues_stuck(sources: Sources) -> Look:
    queues = await sources.queues()
    now = sources.clock()
    found = []
    for gateway, lines in queues.items():
        old = sorted((one for one in lines or () if one.waiting and now - one.oldest_at > STUCK_S), key=lambda one: one.oldest_at)
        for one in old[:_QUEUES_TOLD]:
            owner = sources.owner(one.domain)
            age_s = now - one.oldest_at
            found.append(
                Finding(
                    "queue.stuck",
                    f"{gateway}/{one.domain}",
                    "error" if owner is not None and age_s > STUCK_LONG_S else "warning",
                    {"waiting": one.waiting, "oldest_age_s": round(age_s)},
                    tenant_id=owner.tenant_id if owner is not None else HOUSE,
                    domain=owner.domain if owner is not None else "",
                )
            )
    return Look(tuple(found), tuple(name for name, lines in queues.items() if lines is None))


async def _connectors_down(sources: Sources) -> Look:
    routes = await sources.routes()
    found = [
        Finding(
            "connector.down",
            f"{gateway}/{one.direction}/{one.connector}",
            "error",
            {"hosts": one.hosts, "reason": one.reason},
        )
        for gateway, lines in routes.items()
        for one in lines or ()
        if one.configured
    ]
    return Look(tuple(found), tuple(name for name, lines in routes.items() if lines is None))


async def _stores_filling(sources: Sources, standing: Standing) -> Look:
    usages = await sources.usages()
    found = []
    for name, usage in usages.items():
        if usage is None or usage.trouble or usage.percent is None:
            continue
        level = fill_level(usage.percent, standing.get((HOUSE, name)))
        if level is not None:
            details = {
                "percent": round(usage.percent),
                "used_bytes": usage.used_bytes,
                "free_bytes": usage.free_bytes,
                "where": usage.where,
            }
            found.append(Finding("store.filling", name, level, details))
    return Look(tuple(found), tuple(name for name, usage in usages.items() if usage is None or usage.trouble))


def fill_level(percent: float, before: Level | None) -> Level | None:
    """Give the level of a fill level: it rises at its mark, and falls `HYSTERESIS` points below it."""
    if percent >= WARNING_PERCENT - (HYSTERESIS if before == "warning" else 0.0):
        return "warning"
    if percent >= MESSAGE_PERCENT - (HYSTERESIS if before is not None else 0.0):
        return "message"
    return None


async def _legacy_waiting(sources: Sources) -> Look:
    refused = await sources.legacy_refused()
    return Look((Finding("legacy.waiting", "intranet", "warning", {"refused": refused}),) if refused else ())


async def _notices_nowhere(sources: Sources) -> Look:
    nowhere = not (await sources.addressees()).house.recipient
    return Look((Finding(NOWHERE, "mail", "warning"),) if nowhere else ())


def _silent(links: Sequence[LinkState]) -> tuple[str, ...]:
    return tuple(one.name for one in links if not one.works)
