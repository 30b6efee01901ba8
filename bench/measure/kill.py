# SPDX-License-Identifier: Apache-2.0
"""bench/kill: kill -9 under load; every mail that got 250 must be in the sink, bounced or on the queue.

The generator and the sink keep a ledger each and are never killed. Small mails (bodies in the store's
rows) and large ones (bodies in files) run together. Victims come in shuffled rounds of four `receive`,
four `deliver`, the supervisor, and all processes at once; a kill comes at a random moment after the
gateway has recovered from the one before.
"""

import json
import random
import sys
import time
from collections import Counter
from typing import Any

import msgspec

from gatepost.testing.gateway import SUPERVISOR, Gateway, relay_all_to
from gatepost.testing.ledger import read_ledger
from gatepost.testing.load import Plan
from gatepost.testing.load_processes import LoadProcesses
from gatepost.testing.ports import answers
from gatepost.testing.processes import alive
from measure import place
from measure.accounts import Accounts, compare
from measure.place import tell
from measure.sink_process import SinkProcess

EVERYTHING = "all"
_ROUND = ["receive"] * 4 + ["deliver"] * 4 + [SUPERVISOR, EVERYTHING]
_RECOVERY_S = 60.0
_CUT_SHORT = "the connection ended inside a command"
"""What the sink may say of a client that was killed while it spoke."""


def main(arguments: list[str] | None = None) -> int:
    """Run the series; exit code 1 when a mail is lost or damaged, or more are doubled than were in flight."""
    parser = place.arguments(__doc__ or "")
    parser.add_argument("--kills", type=int, help="how many; 200, or 10 with --quick")
    parser.add_argument("--rate", type=float, default=400.0, help="small mails due each second")
    parser.add_argument("--receive", type=int, default=1, help="receive processes")
    parser.add_argument("--seed", type=int, help="repeat a series' choices")
    options = parser.parse_args(arguments)
    kills = options.kills or (10 if options.quick else 200)
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    report = _series(kills, options.rate, options.receive, random.Random(seed))
    report = {"bench": "kill", "quick": options.quick, "seed": seed, **report}
    sys.stdout.write((json.dumps(report) if options.json else _table(report)) + "\n")
    return 0 if report["ok"] else 1


def _series(kills: int, rate: float, receive: int, chance: random.Random) -> dict[str, Any]:
    folder, began = place.folder("kill"), time.monotonic()
    sent = folder / "sent.ledger"
    with SinkProcess(folder / "sink.ledger") as sink:
        gateway = Gateway(folder / "gatepost", relay_all_to(sink.port), receive=receive)
        small = Plan(port=gateway.port, sessions=12, rate_per_s=rate, size_bytes=4096, run=f"small{time.time_ns():x}", give_up_s=30)
        large = Plan(port=gateway.port, sessions=2, rate_per_s=rate / 50, size_bytes=200_000, run=f"large{time.time_ns():x}", give_up_s=30)
        done: Counter[str] = Counter()
        stragglers = 0
        with gateway, LoadProcesses(small, 1, sent) as small_load, LoadProcesses(large, 1, sent) as large_load:
            small_load.go()
            large_load.go()
            for number, victim in enumerate(_victims(kills, chance)):
                time.sleep(chance.uniform(0.05, 1.5))
                stragglers += _kill(gateway, victim)
                done[victim] += 1
                tell(f"kill {number + 1}/{kills}: {victim}")
            time.sleep(1.0)
            small_load.stop()
            large_load.stop()
            small_load.result()
            large_load.result()
            drained_s = _drain(gateway)
            tracks = _tracks_on_queue(gateway)
            accounts = compare(read_ledger(sent), sink.lines(), tracks)
            unexpected = len(gateway.events("process.unexpected"))
        errors = [error for error in sink.stop()["errors"] if _CUT_SHORT not in error]
        connections = gateway.configuration.delivery.connections_per_route
    bound = (done["deliver"] + done[EVERYTHING] + stragglers) * connections
    return {
        "kills": dict(done),
        **msgspec.structs.asdict(accounts),
        "duplicates_bound": bound,
        "drained_s": drained_s,
        "stragglers": stragglers,
        "sink_errors": errors[:10],
        "unexpected_errors": unexpected,
        "took_s": round(time.monotonic() - began, 1),
        "ok": _ok(accounts, bound, errors),
    }


def _ok(accounts: Accounts, bound: int, errors: list[str]) -> bool:
    return accounts.accepted > 0 and not (accounts.lost or accounts.damaged or accounts.unknown or errors) and accounts.duplicates <= bound


def _victims(kills: int, chance: random.Random) -> list[str]:
    victims: list[str] = []
    while len(victims) < kills:
        one_round = _ROUND.copy()
        chance.shuffle(one_round)
        victims += one_round
    return victims[:kills]


def _kill(gateway: Gateway, victim: str) -> int:
    """Kill and wait for the recovery; gives how many processes had to be killed because they outlived their supervisor."""
    if victim == EVERYTHING:
        gateway.kill_all()
        gateway.start(_RECOVERY_S)
        return 0
    if victim == SUPERVISOR:
        orphans = [pid for pids in gateway.running().values() for pid in pids]
        gateway.sigkill(SUPERVISOR)
        stragglers = _outlive(orphans)
        if stragglers:
            gateway.kill_all()
        gateway.start(_RECOVERY_S)
        return stragglers
    end = time.monotonic() + _RECOVERY_S
    while not gateway.sigkill(victim):
        _pause(end, gateway, f"no process {victim} runs")
    while not gateway.running().get(victim) or not answers(gateway.port, 5.0):
        _pause(end, gateway, f"{victim} did not come back")
    return 0


def _pause(end: float, gateway: Gateway, complaint: str) -> None:
    if time.monotonic() > end:
        raise TimeoutError(f"{complaint} within {_RECOVERY_S} s: {gateway.last_words()}")
    time.sleep(0.02)


def _outlive(pids: list[int], timeout_s: float = 45.0) -> int:
    """Wait for processes whose supervisor is gone to end by themselves; gives how many did not."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if not any(map(alive, pids)):
            return 0
        time.sleep(0.02)
    return sum(map(alive, pids))


def _drain(gateway: Gateway, timeout_s: float = 240.0) -> float | None:
    """Wait until the queue is empty; gives the seconds that took, None when it did not."""
    began, told = time.monotonic(), -1
    while time.monotonic() - began < timeout_s:
        lines = json.loads(gateway.command("queue", "list", "--json").stdout or "null")
        if lines == []:
            return round(time.monotonic() - began, 1)
        held = sum(line["waiting"] + line["sending"] for line in lines or ())
        if held != told:
            tell(f"on the queue: {held}")
            told = held
        time.sleep(1.0)
    return None


def _tracks_on_queue(gateway: Gateway) -> set[str]:
    shown = gateway.command("queue", "show", "--limit", "1000000", "--json").stdout
    return {recipient["track"] for recipient in json.loads(shown or "[]")}


def _table(report: dict[str, Any]) -> str:
    kills = ", ".join(f"{count} x {name}" for name, count in sorted(report["kills"].items()))
    lines = [f"{'killed':24} {kills}"]
    names: tuple[str, ...] = (
        "accepted",
        "delivered",
        "bounced",
        "on_queue",
        "lost",
        "damaged",
        "unknown",
        "duplicates",
        "duplicates_bound",
    )
    names += ("refused", "unanswered", "unanswered_delivered", "drained_s", "stragglers", "unexpected_errors", "took_s", "seed")
    lines += [f"{name:24} {report[name]}" for name in names]
    lines += [f"lost: {name}" for name in report["lost_ids"]] + [f"sink: {error}" for error in report["sink_errors"]]
    lines.append("OK" if report["ok"] else "NOT OK")
    return "\n".join(lines)
