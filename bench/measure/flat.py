# SPDX-License-Identifier: Apache-2.0
"""bench/flat: a mail costs the same, whether the stores are empty or hold 100,000 queued mails and millions of tracks.

Two gateways of our own run side by side, each with stores of its own, and are loaded in turn: one is empty; the other's queue
holds mails whose next hop is down, and its intranet holds tracks of the last 30 days. The ratios are medians of the rounds'
ratios, so a change of the machine's mood hits both. What is compared is mails a second and CPU a mail, engine and console
included; costs may rise, and the rate may fall, by 15 % at most.
"""

import json
import shutil
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from gatepost.config.configuration import Configuration, OwnedDomain, SendConnector
from gatepost.config.rules import Rule
from gatepost.testing.gateway import Gateway
from gatepost.testing.load import Plan
from gatepost.testing.load_processes import LoadProcesses
from gatepost.testing.ports import LOOPBACK, free_port, wait_until_unused
from measure import engines, place, rounds, search_fill
from measure.engines import POSTGRESQL, SQLITE, Engine, engine
from measure.place import tell
from measure.repeat import Cell
from measure.rivals import Rival, tracked_rival
from measure.rounds import Round
from measure.smtp_sink import SmtpSink
from measure.tracked import Tracked

TOLERANCE = 0.15
_CELL = Cell(4096, 8, False)
_DOWN = "down.example"
_QUEUED, _TRACKED = 100_000, {SQLITE: 1_000_000, POSTGRESQL: 10_000_000}
_QUICK_QUEUED, _QUICK_TRACKED = 2_000, 20_000


class _Filled(NamedTuple):
    """What the full gateway held when the rounds began."""

    queued: int
    tracked: int


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; exit code 1 when a cost is not flat or a repeat was worth nothing, 3 when it cannot be run here."""
    parser = place.arguments(__doc__ or "")
    engines.add_argument(parser, both=True)
    parser.add_argument("--queued", type=int, help=f"mails on the queue; {_QUEUED:,}")
    parser.add_argument("--tracked", type=int, help=f"tracks on the intranet; {_TRACKED[SQLITE]:,} on SQLite, {_TRACKED[POSTGRESQL]:,}")
    parser.add_argument("--pairs", type=int, help="rounds of repeats")
    parser.add_argument("--seconds", type=float, help="length of one repeat")
    options = parser.parse_args(arguments)
    stores = engines.BOTH if options.store == "both" else (options.store,)
    lacking = next((f"{tool} is not installed" for tool in ("smtp-source", "smtp-sink") if not shutil.which(tool)), "")
    if lacking := lacking or next(filter(None, map(engines.why_not, stores)), ""):
        tell(f"bench/flat: {lacking}")
        return 3
    pairs, seconds = options.pairs or (2 if options.quick else 7), options.seconds or (3.0 if options.quick else 10.0)
    found = []
    for store in stores:
        queued = options.queued if options.queued is not None else _QUICK_QUEUED if options.quick else _QUEUED
        tracked = options.tracked if options.tracked is not None else _QUICK_TRACKED if options.quick else _TRACKED[store]
        found.append(_measure(store, queued, tracked, pairs, seconds))
    # A short run tells whether all works; its ratios are the machine's mood.
    ok = all(not one["troubles"] and (one["flat"] or options.quick) for one in found)
    report = {"bench": "flat", "quick": options.quick, "tolerance": TOLERANCE, "rows": found, "ok": ok}
    sys.stdout.write((json.dumps(report) if options.json else _table(report)) + "\n")
    return 0 if ok else 1


def _measure(store: str, queued: int, tracked: int, pairs: int, seconds: float) -> dict[str, Any]:
    folder, hop, began = place.folder(f"flat-{store}"), free_port(), time.monotonic()
    with ExitStack() as ends:
        empty = _start(ends, folder / "empty", store, hop, ())
        full = _start(ends, folder / "full", store, hop, empty.roots, queued, tracked)
        filled = _held(full)
        tell(f"{store}: {filled.queued} mails are queued, {filled.tracked} tracked, after {time.monotonic() - began:.0f} s")
        pair = (empty._replace(beside=full.roots), full)
        with SmtpSink(hop) as sink:
            got, troubles = rounds.in_turn(_CELL, pair, sink, pairs, seconds, folder)
            wait_until_unused(hop)
        after = _held(full)
        if after.queued < filled.queued:
            troubles.append(f"the queue shrank from {filled.queued} to {after.queued} mails")
    return {"store": store, **filled._asdict(), **_ratios(got), "troubles": troubles, "took_s": round(time.monotonic() - began, 1)}


def _start(ends: ExitStack, folder: Path, store: str, hop: int, beside: tuple[int, ...], queued: int = 0, tracked: int = 0) -> Rival:
    """Start a gateway with a server of its own, where there is one, and fill both its stores."""
    folder.mkdir()
    kept = ends.enter_context(engine(store, folder / "postgres", search_fill.SETTINGS))
    gateway = Gateway(folder / "gatepost", _configuration(hop), stores=kept.stores)
    if tracked:
        _fill_tracks(gateway, kept, tracked)
    ends.enter_context(gateway)
    gateway.wait_for_console()
    if queued:
        _fill_queue(gateway, queued)
    return tracked_rival(folder.name, gateway, kept, beside)


def _configuration(hop: int) -> Configuration:
    def connector(name: str, domain: str, port: int) -> SendConnector:
        return SendConnector(name=name, direction="inbound", domains=(domain,), smart_hosts=(f"[{LOOPBACK}]:{port}",))

    return Configuration(
        owned_domains=(OwnedDomain(name="example.com"), OwnedDomain(name=_DOWN)),
        rules=(Rule(name="All mails", direction="any", mode="accept"),),
        # Nobody listens on port 1.
        send_connectors=(connector("up", "example.com", hop), connector("down", _DOWN, 1)),
    )


def _fill_tracks(gateway: Gateway, kept: Engine, count: int) -> None:
    """Let the gateway make its stores, then fill the intranet's while nobody has it."""
    with gateway:
        gateway.wait_for_console()
    search_fill.fill(gateway.bootstrap, count)
    if kept.server is not None:
        kept.server.psql("VACUUM ANALYZE", "intranet")


def _fill_queue(gateway: Gateway, count: int) -> None:
    plan = Plan(port=gateway.port, sessions=16, mails=count, mails_per_connection=100, hashes=False, recipients=(f"user-{{n}}@{_DOWN}",))
    with LoadProcesses(plan, 2) as load:
        load.go()
        result = load.result()
    if result.accepted != count:
        raise OSError(f"only {result.accepted} of {count} mails were taken for the queue: {result.replies}")
    if Tracked(gateway).drain(600.0) is None:
        raise OSError("the tracks of the queued mails did not reach the intranet within 10 minutes")


def _held(full: Rival) -> _Filled:
    assert full.tracked is not None
    return _Filled(full.tracked.queued(), full.tracked.count())


def _ratios(got: list[Round]) -> dict[str, Any]:
    good = [one for one in got if not any(repeat.trouble for repeat in one)]
    if not good:
        return {"flat": False}
    rate = statistics.median(full.per_s / empty.per_s for empty, full in good)
    cpu = statistics.median((full.cpu_s / full.mails) / (empty.cpu_s / empty.mails) for empty, full in good)
    return {
        "messages_per_s": [round(statistics.median(one[place].per_s for one in good), 1) for place in (0, 1)],
        "cpu_s_per_1000": [round(statistics.median(one[place].cpu_s / one[place].mails * 1000 for one in good), 3) for place in (0, 1)],
        "pss_mib": [round(statistics.median(one[place].pss_mib for one in good), 1) for place in (0, 1)],
        "rate_ratio": round(rate, 3),
        "cpu_ratio": round(cpu, 3),
        "pairs_used": len(good),
        "foreign_cpu": round(max(repeat.foreign_cpu for one in good for repeat in one), 2),
        "flat": rate >= 1 - TOLERANCE and cpu <= 1 + TOLERANCE,
    }


def _table(report: dict[str, Any]) -> str:
    lines = []
    for row in report["rows"]:
        lines += [f"{name:16} {value}" for name, value in row.items()] + [""]
    return "\n".join([*lines, "OK" if report["ok"] else "NOT OK"])
