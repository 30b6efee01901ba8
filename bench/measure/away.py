# SPDX-License-Identifier: Apache-2.0
"""bench/away: the intranet is away for as many mails as an hour brings, and mail does not notice.

The console is stopped in the middle of its work (SIGSTOP: it neither fetches nor hangs up), the mails of an hour at 55 a second go
through as fast as they can, then it is let go on. Compared are the rate of the first and of the last tenth without it; at the end
each mail must have its one track.
"""

import json
import os
import signal
import sys
import time
from typing import Any

from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.load import Plan
from gatepost.testing.load_processes import LoadProcesses
from gatepost.testing.ports import free_port
from measure import engines, place
from measure.engines import engine
from measure.place import tell
from measure.smtp_sink import SmtpSink
from measure.tracked import Tracked

_MAILS, _QUICK_MAILS = 200_000, 4_000
_PARTS = 10
_DRAIN_S = 600.0


def main(arguments: list[str] | None = None) -> int:
    """Run the trial; exit code 1 when a track is missing or doubled, 3 when it cannot be run here."""
    parser = place.arguments(__doc__ or "")
    engines.add_argument(parser)
    options = parser.parse_args(arguments)
    if lacking := engines.why_not(options.store):
        tell(f"bench/away: {lacking}")
        return 3
    report = _measure(options.store, _QUICK_MAILS if options.quick else _MAILS)
    sys.stdout.write((json.dumps(report) if options.json else "\n".join(f"{name:16} {value}" for name, value in report.items())) + "\n")
    return 0 if report["ok"] else 1


def _measure(store: str, mails: int) -> dict[str, Any]:
    folder, hop = place.folder(f"away-{store}"), free_port()
    with (
        engine(store, folder / "postgres") as kept,
        SmtpSink(hop),
        Gateway(folder / "gatepost", relay_all_to(hop), stores=kept.stores) as gateway,
    ):
        gateway.wait_for_console()
        (console,) = gateway.running()["console"]
        tracked = Tracked(gateway)
        os.kill(console, signal.SIGSTOP)
        try:
            rates = [_send(gateway.port, mails // _PARTS) for _ in range(_PARTS)]
            waiting = tracked.backlog().waiting
        finally:
            os.kill(console, signal.SIGCONT)
        tell(f"{waiting} artefacts wait")
        drained_s = tracked.drain(_DRAIN_S)
        found = tracked.count()
    return {
        "bench": "away",
        "store": store,
        "mails": mails,
        "first_per_s": round(rates[0], 1),
        "last_per_s": round(rates[-1], 1),
        "waiting": waiting,
        "drained_s": drained_s,
        "tracks": found,
        "ok": found == mails and drained_s is not None,
    }


def _send(port: int, count: int) -> float:
    """Send mails, all of which must be taken; gives how many a second."""
    plan = Plan(port=port, sessions=8, mails=count, hashes=False)
    with LoadProcesses(plan, 1) as load:
        began = time.monotonic()
        load.go()
        result = load.result()
        taken_s = time.monotonic() - began
    if result.accepted != count:
        raise OSError(f"only {result.accepted} of {count} mails were taken: {result.replies}")
    tell(f"{count} mails, {count / taken_s:.0f}/s")
    return count / taken_s
