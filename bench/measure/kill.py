# SPDX-License-Identifier: Apache-2.0
"""bench/kill: kill -9 under load; every mail that got 250 must be in the sink, bounced or on the queue, and have its one track.

The generator and the sink keep a ledger each and are never killed. Small mails (bodies in the store's rows) and large ones
(bodies in files) run together. Victims come in shuffled rounds: four `receive`, four `deliver`, three `console`, the
supervisor, and all processes at once; on PostgreSQL also two of the server's backends and its whole server twice. A kill comes
at a random moment after the gateway has recovered from the one before. At the end the outbox is empty, and the intranet has
one track of each accepted mail, with its right status and each attempt once.
"""

import json
import random
import sys
import time
from collections import Counter
from typing import Any

import msgspec

from gatepost.config.limits import DeliveryLimits
from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.ledger import read_ledger
from gatepost.testing.load import Plan
from gatepost.testing.load_processes import LoadProcesses
from measure import engines, place
from measure.accounts import Accounts, compare
from measure.engines import POSTGRESQL, engine
from measure.place import tell
from measure.sink_process import SinkProcess
from measure.track_accounts import TrackAccounts, compare_tracks
from measure.tracked import Tracked
from measure.victims import Victims, doubling, series

_LEASE_S = 10.0
"""On PostgreSQL a claim outlives its holder by at most this; as shipped it is a minute, which only lengthens the series."""
_CUT_SHORT = "the connection ended inside a command"
"""What the sink may say of a client that was killed while it spoke."""


def main(arguments: list[str] | None = None) -> int:
    """Run the series; exit code 1 when a mail or a track is lost or damaged, or more mails are doubled than were in flight."""
    parser = place.arguments(__doc__ or "")
    parser.add_argument("--kills", type=int, help="how many on each engine; 200, or one of each kind with --quick")
    parser.add_argument("--rate", type=float, default=400.0, help="small mails due each second")
    parser.add_argument("--receive", type=int, default=1, help="receive processes")
    parser.add_argument("--seed", type=int, help="repeat a series' choices")
    engines.add_argument(parser, both=True)
    options = parser.parse_args(arguments)
    stores = engines.BOTH if options.store == "both" else (options.store,)
    for lacking in filter(None, map(engines.why_not, stores)):
        tell(f"bench/kill: {lacking}")
        return 3
    kills = options.kills or (0 if options.quick else 200)
    seed = options.seed if options.seed is not None else random.randrange(1 << 32)
    found = [_series(store, kills, options.rate, options.receive, random.Random(seed)) for store in stores]
    report = {"bench": "kill", "quick": options.quick, "seed": seed, "series": found, "ok": all(one["ok"] for one in found)}
    sys.stdout.write((json.dumps(report) if options.json else _table(report)) + "\n")
    return 0 if report["ok"] else 1


def _series(store: str, kills: int, rate: float, receive: int, chance: random.Random) -> dict[str, Any]:
    folder, began = place.folder(f"kill-{store}"), time.monotonic()
    sent = folder / "sent.ledger"
    delivery = DeliveryLimits(lease_s=_LEASE_S) if store == POSTGRESQL else DeliveryLimits()
    with SinkProcess(folder / "sink.ledger") as sink, engine(store, folder / "postgres") as kept:
        gateway = Gateway(folder / "gatepost", relay_all_to(sink.port, delivery=delivery), receive=receive, stores=kept.stores)
        run = f"{time.time_ns():x}"
        small = Plan(port=gateway.port, sessions=12, rate_per_s=rate, size_bytes=4096, run=f"small{run}", give_up_s=30)
        large = Plan(port=gateway.port, sessions=2, rate_per_s=rate / 50, size_bytes=200_000, run=f"large{run}", give_up_s=30)
        done: Counter[str] = Counter()
        victims, tracked = Victims(gateway, kept.server, chance), Tracked(gateway)
        with gateway, LoadProcesses(small, 1, sent) as small_load, LoadProcesses(large, 1, sent) as large_load:
            gateway.wait_for_console()
            small_load.go()
            large_load.go()
            for number, victim in enumerate(series(store, kills, chance), 1):
                time.sleep(chance.uniform(0.05, 1.5))
                victims.kill(victim)
                done[victim] += 1
                tell(f"{store}: kill {number}: {victim}")
            time.sleep(1.0)
            for load in (small_load, large_load):
                load.stop()
            for load in (small_load, large_load):
                load.result()
            drained_s, tracks_drained_s = _drain(gateway), tracked.drain()
            offered = read_ledger(sent)
            on_queue = _tracks_on_queue(gateway)
            accounts = compare(offered, sink.lines(), on_queue)
            unexpected = len(gateway.events("process.unexpected"))
        books = compare_tracks(offered, sink.lines(), on_queue, tracked.tracks())
        errors = [error for error in sink.stop()["errors"] if _CUT_SHORT not in error]
    bound = doubling(done, victims.stragglers) * delivery.connections_per_route
    return {
        "store": store,
        "kills": dict(done),
        **msgspec.structs.asdict(accounts),
        "duplicates_bound": bound,
        **msgspec.structs.asdict(books),
        "drained_s": drained_s,
        "tracks_drained_s": tracks_drained_s,
        "stragglers": victims.stragglers,
        "sink_errors": errors[:10],
        "unexpected_errors": unexpected,
        "took_s": round(time.monotonic() - began, 1),
        "ok": _ok(accounts, bound, errors) and _tracks_ok(books, tracks_drained_s),
    }


def _ok(accounts: Accounts, bound: int, errors: list[str]) -> bool:
    return accounts.accepted > 0 and not (accounts.lost or accounts.damaged or accounts.unknown or errors) and accounts.duplicates <= bound


def _tracks_ok(books: TrackAccounts, drained_s: float | None) -> bool:
    return drained_s is not None and not (books.tracks_missing or books.tracks_wrong or books.tracks_doubled or books.tracks_unknown)


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
    done = gateway.command("queue", "show", "--json", "--limit", "1000000")
    return {line["track"] for line in json.loads(done.stdout or "[]")}


_MAILS = ("accepted", "delivered", "bounced", "on_queue", "lost", "damaged", "unknown", "duplicates", "duplicates_bound")
_TRACKS = ("tracks", "tracks_missing", "tracks_wrong", "tracks_doubled", "tracks_unknown", "tracks_of_unanswered", "tracks_drained_s")
_REST = ("refused", "unanswered", "unanswered_delivered", "drained_s", "stragglers", "unexpected_errors", "took_s")


def _table(report: dict[str, Any]) -> str:
    lines = []
    for one in report["series"]:
        kills = ", ".join(f"{count} x {name}" for name, count in sorted(one["kills"].items()))
        lines += [f"{'store':24} {one['store']}", f"{'killed':24} {kills}"]
        lines += [f"{name:24} {one[name]}" for name in (*_MAILS, *_TRACKS, *_REST)]
        lines += [f"lost: {name}" for name in one["lost_ids"]] + [f"sink: {error}" for error in one["sink_errors"]]
        lines += [f"track: {sentence}" for sentence in one["track_troubles"]]
    lines += [f"{'seed':24} {report['seed']}", "OK" if report["ok"] else "NOT OK"]
    return "\n".join(lines)
