# SPDX-License-Identifier: Apache-2.0
"""bench/idle: what a gateway costs that does nothing, how soon it answers, and whether a huge mail hurts others.

Memory is the PSS of all processes of a single machine, the console included, some time after the start. Then small mails come
at a steady rate, in turn alone, while 50 MB mails pass by the gateway (a control), and while they pass through it; only small
mails whose own time overlaps with a large one's count as "beside". What makes and swallows the large ones gives way to all
others. A small mail's time runs from when it was due, so waiting for a free session counts.
"""

import json
import os
import sys
import time
from typing import Any

from gatepost.config.configuration import Configuration, OwnedDomain, SendConnector
from gatepost.config.rules import Rule
from gatepost.testing.gateway import Gateway
from gatepost.testing.ledger import LedgerLine
from gatepost.testing.load import Plan
from gatepost.testing.load_processes import LoadProcesses
from gatepost.testing.ports import LOOPBACK
from gatepost.testing.processes import pss_mib, snapshot
from measure import place
from measure.place import tell
from measure.sink_process import SinkProcess
from measure.tracked import Tracked

_LARGE_BYTES = 50_000_000
_GIVING_WAY = 19
"""Niceness of what makes and swallows large mails: its hunger for CPU is not the gateway's doing."""
_LIMITS = {"pss_mib": 200.0, "answers_after_s": 3.0, "p99_ratio": 2.0}


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; exit code 1 when a limit is broken."""
    parser = place.arguments(__doc__ or "")
    parser.add_argument("--rate", type=float, default=100.0, help="small mails due each second")
    options = parser.parse_args(arguments)
    rest_s, rounds, seconds = (10.0, 2, 8.0) if options.quick else (60.0, 4, 15.0)
    report = {"bench": "idle", "quick": options.quick, **_measure(rest_s, rounds, seconds, options.rate), "limits": _LIMITS}
    report["broken"] = [name for name, limit in _LIMITS.items() if report[name] > limit]
    report["ok"] = not report["broken"] and not report["troubles"]
    sys.stdout.write((json.dumps(report) if options.json else "\n".join(f"{name:24} {value}" for name, value in report.items())) + "\n")
    return 0 if report["ok"] else 1


def _configuration(small_hop: int, large_hop: int) -> Configuration:
    """Large mails go to a next hop of their own, so that one sink's work for them delays nobody."""

    def connector(name: str, domain: str, hop: int) -> SendConnector:
        return SendConnector(name=name, direction="inbound", domains=(domain,), smart_hosts=(f"[{LOOPBACK}]:{hop}",))

    return Configuration(
        owned_domains=(OwnedDomain(name="example.com"), OwnedDomain(name="large.example")),
        rules=(Rule(name="All mails", direction="any", mode="accept"),),
        send_connectors=(connector("small", "example.com", small_hop), connector("large", "large.example", large_hop)),
    )


def _measure(rest_s: float, rounds: int, seconds: float, rate: float) -> dict[str, Any]:
    folder = place.folder("idle")
    with SinkProcess(folder / "small.ledger") as small, SinkProcess(folder / "large.ledger", niceness=_GIVING_WAY) as large:
        gateway = Gateway(folder / "gatepost", _configuration(small.port, large.port))
        answers_after_s = gateway.start()
        try:
            gateway.wait_for_console()
            tell(f"answers after {answers_after_s:.2f} s; resting {rest_s:g} s")
            time.sleep(rest_s)
            memory = {f"{name}-{pid}": round(pss_mib([pid]), 1) for name, pids in gateway.running().items() for pid in pids}
            rest = {"answers_after_s": round(answers_after_s, 2), "pss_mib": round(gateway.pss_mib(), 1), "pss_mib_processes": memory}
            samples = _Samples()
            before, began = snapshot([], [os.getpid()]).foreign_s, time.monotonic()
            for number in range(rounds):
                _round(gateway.port, large.port, rate, seconds, samples)
                tell(f"round {number + 1}: {samples.words()}")
            foreign = (snapshot([], [os.getpid()]).foreign_s - before) / (time.monotonic() - began)
            time.sleep(2.0)
            drained_s = Tracked(gateway).drain()
            samples.troubles += ["the outbox was not empty in time"] if drained_s is None else []
            arrived = {line.id: line.at for line in small.lines()}
            rest["pss_mib_after_load"] = round(gateway.pss_mib(), 1)
        finally:
            gateway.terminate()
    return {**rest, **samples.report(arrived), "foreign_cpu": round(foreign, 2)}


class _Samples:
    """The small mails of all rounds: alone, while large ones pass by the gateway, and while they pass through it."""

    def __init__(self) -> None:
        self.alone: list[LedgerLine] = []
        self.bypass: list[LedgerLine] = []
        self.beside: list[LedgerLine] = []
        self.large: list[LedgerLine] = []
        self.troubles: list[str] = []

    def words(self) -> str:
        """Say what there is so far."""
        return f"p99 {_p99(self.alone):.1f} ms alone, {_p99(self.bypass):.1f} bypass, {_p99(self.beside):.1f} beside large mails"

    def report(self, arrived: dict[str, float]) -> dict[str, Any]:
        """Give percentiles; `arrived` tells when a mail came to the sink."""
        return {
            "p99_alone_ms": round(_p99(self.alone), 2),
            "p99_bypass_ms": round(_p99(self.bypass), 2),
            "p99_beside_ms": round(_p99(self.beside), 2),
            "p99_ratio": round(_p99(self.beside) / _p99(self.alone), 2) if self.alone and self.beside else 999.0,
            "delivered_p99_alone_ms": round(_p99_delivered(self.alone, arrived), 2),
            "delivered_p99_beside_ms": round(_p99_delivered(self.beside, arrived), 2),
            "small_mails_alone": len(self.alone),
            "small_mails_beside": len(self.beside),
            "large_mails": len(self.large),
            "troubles": self.troubles[:10],
        }


def _round(port: int, by: int, rate: float, seconds: float, samples: _Samples) -> None:
    """Measure alone, then the control, then the case: the control shows what the machine alone makes of so many bytes."""
    alone, _ = _phase(port, rate, seconds, None)
    control, passing = _phase(port, rate, seconds, by)
    busy, large = _phase(port, rate, seconds, port)
    samples.alone += alone
    samples.bypass += _overlapping(control, passing)
    samples.beside += _overlapping(busy, large)
    samples.large += large
    samples.troubles += [f"not accepted: {line.reply}" for line in (*alone, *control, *busy, *large) if not line.accepted]


def _phase(port: int, rate: float, seconds: float, large_port: int | None) -> tuple[list[LedgerLine], list[LedgerLine]]:
    """Send small mails at a steady rate, and large ones to another port or to the same; gives both."""
    small = Plan(port=port, sessions=20, rate_per_s=rate, seconds=seconds)
    if large_port is None:
        with LoadProcesses(small) as load:
            load.go()
            return load.result().lines, []
    # The first large mail starts half a second later and no new one starts in the last moment.
    large = Plan(port=large_port, sessions=1, seconds=max(1.0, seconds - 2), size_bytes=_LARGE_BYTES, recipients=("user@large.example",))
    with LoadProcesses(small) as load, LoadProcesses(large, niceness=_GIVING_WAY) as big:
        load.go()
        time.sleep(0.5)
        big.go()
        return load.result().lines, big.result().lines


def _overlapping(small: list[LedgerLine], large: list[LedgerLine]) -> list[LedgerLine]:
    return [line for line in small if any(line.at >= big.at - big.seconds and line.at - line.seconds <= big.at for big in large)]


def _p99(lines: list[LedgerLine]) -> float:
    return _percentile([line.seconds * 1000 for line in lines])


def _p99_delivered(lines: list[LedgerLine], arrived: dict[str, float]) -> float:
    return _percentile([(arrived[line.id] - line.at + line.seconds) * 1000 for line in lines if line.id in arrived])


def _percentile(values: list[float], share: float = 0.99) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
