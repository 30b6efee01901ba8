# SPDX-License-Identifier: Apache-2.0
"""The part of bench/relay with filters on: runs alone in namespaces of its own, writes one JSON object; see `isolation`.

Bare Postfix, Postfix with rspamd and Gatepost take the same thousand different mails, in turn, and ask the same name service.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from gatepost.testing.ports import free_port, wait_until_unused
from gatepost.testing.processes import alive
from measure import engines, filtered_fidelity, isolation, names, place, rounds, rows, rspamd
from measure.fidelity import Unfaithful
from measure.filtering_rivals import NAMES, Filtering, filtering
from measure.mailbag import mailbag, zone_file
from measure.packages import provide
from measure.place import tell
from measure.repeat import Cell
from measure.senders import senders
from measure.smtp_sink import SmtpSink

PROGRAMS = {**isolation.PROGRAMS, **names.PROGRAMS, **rspamd.PROGRAMS}


def measure(
    cells: list[Cell], pairs: int, seconds: float, receive: int, store: str
) -> tuple[list[dict[str, Any]], list[str], dict[str, Any]]:
    """Measure these cells in an isolated process; gives rows, troubles, and what was found of one mail by size."""
    if lacking := provide(PROGRAMS):
        return [], [lacking], {}
    for size_bytes in {cell.size_bytes for cell in cells}:
        mailbag(size_bytes)
    wanted = [f"{cell.size_bytes}/{cell.sessions}" for cell in cells]
    arguments = ["--pairs", str(pairs), "--seconds", str(seconds), "--receive", str(receive), "--store", store, "--cells", *wanted]
    done = isolation.run_isolated("measure.filtered", arguments)
    try:
        report = json.loads(done.stdout.splitlines()[-1])
    except (ValueError, IndexError):
        return [], [f"the part with filters ended with {done.returncode} and said nothing"], {}
    return report["rows"], report["troubles"], report["examples"]


def main() -> int:
    """Run within the namespaces."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--receive", type=int, required=True)
    parser.add_argument("--cells", nargs="+", required=True)
    engines.add_argument(parser)
    options = parser.parse_args()
    cells = [Cell(*map(int, cell.split("/")), False, True) for cell in options.cells]
    folder, zone, hop = place.folder("relay-filters"), zone_file(), free_port()
    isolation.build(folder / "resolv.conf")
    report: dict[str, Any] = {"rows": [], "troubles": [], "examples": {}}
    with names.Names(folder / "names", zone) as service:
        service.wait_for(senders()[0].domain)
        known, first = senders()[0].domain, senders()[1].domain
        tell(f"names answer after {service.wait_for(first):.1f} ms, and {service.wait_for(known):.1f} ms when known")
        with filtering(folder, hop, options.receive, options.store) as running:
            _measure(cells, running, hop, options, folder, report)
        tell(f"{service.stop()} questions went beyond the cache")
    sys.stdout.write(json.dumps(report) + "\n")
    return 0


def _measure(cells: list[Cell], running: Filtering, hop: int, options: argparse.Namespace, folder: Path, report: dict[str, Any]) -> None:
    for cell in cells:
        if ended := [rival.name for rival in running.rivals if not all(map(alive, rival.roots))]:
            report["troubles"].append(f"{cell} and what follows: {ended[0]} has ended")
            return
        size = str(cell.size_bytes)
        try:
            if size not in report["examples"]:
                report["examples"][size] = filtered_fidelity.check(running, hop, cell.size_bytes)
        except Unfaithful as error:
            report["troubles"].append(f"{cell}: {error}")
            tell(f"{cell}: {error}")
            continue
        with SmtpSink(hop, isolation.SINK_ADDRESS, isolation.inside(isolation.SINK)) as sink:
            got, troubles = rounds.in_turn(cell, running.rivals, sink, options.pairs, options.seconds, folder)
            wait_until_unused(hop)
        report["rows"] += rows.rows(cell, got, NAMES)
        report["troubles"] += troubles


if __name__ == "__main__":
    sys.exit(main())
