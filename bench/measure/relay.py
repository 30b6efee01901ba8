# SPDX-License-Identifier: Apache-2.0
"""bench/relay: how many mails a second Gatepost relays, beside Postfix, and with filters on beside Postfix with rspamd.

All run side by side on the same disk and are loaded in turn (A B A B), so that a change of the machine's mood hits all;
the ratio is the median of the rounds' ratios. One mail a connection. A repeat's time runs from the
generator's start until the sink has counted its last mail; a repeat counts only if the tracks of its mails reach the
intranet (`repeat`). The generator is smtp-source; where STARTTLS is measured, or
filters are, it is our own for all: smtp-source has no TLS and one mail only. The part with filters runs on a network of
its own (`isolation`) and needs root; the packages it lacks are installed.
"""

import json
import shutil
import sys
import time
from typing import Any

from gatepost.testing.ports import free_port, wait_until_unused
from gatepost.testing.postfix import why_not
from gatepost.testing.processes import alive
from gatepost.testing.tls import self_signed
from measure import engines, fidelity, filtered, place, rounds, rows
from measure.place import tell
from measure.repeat import Cell
from measure.rivals import Rivals, rivals
from measure.smtp_sink import SmtpSink

_FULL = [Cell(size, sessions, False) for size in (4096, 61440) for sessions in (1, 8, 32)]
_FULL += [Cell(size, sessions, True) for size in (4096, 61440) for sessions in (8, 32)]
_FULL += [Cell(size, sessions, False, True) for size in (4096, 61440) for sessions in (8, 32)]
_QUICK = [Cell(4096, sessions, starttls) for starttls in (False, True) for sessions in (8, 32)]
_QUICK += [Cell(4096, sessions, False, True) for sessions in (8, 32)]


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; exit code 1 when a gateway changed or lost a mail, 3 when it cannot be run here."""
    parser = place.arguments(__doc__ or "")
    parser.add_argument(
        "--cells",
        nargs="+",
        type=_cell,
        metavar="SIZE/SESSIONS[/tls][/filters]",
        help="measure only these, e.g. 4k/8 60k/32/tls 4k/8/filters",
    )
    parser.add_argument("--filters", choices=("off", "default", "both"), default="both", help="which rows to measure")
    parser.add_argument("--pairs", type=int, help="rounds of repeats for each cell")
    parser.add_argument("--seconds", type=float, help="length of one repeat")
    parser.add_argument("--receive", type=int, default=1, help="Gatepost's receive processes; 1 is as shipped")
    engines.add_argument(parser)
    options = parser.parse_args(arguments)
    lacking = (
        why_not()
        or engines.why_not(options.store)
        or next((f"{tool} is not installed" for tool in ("smtp-source", "smtp-sink") if not shutil.which(tool)), "")
    )
    if lacking:
        tell(f"bench/relay: {lacking}")
        return 3
    pairs = options.pairs or (3 if options.quick else 5)
    seconds = options.seconds or (5.0 if options.quick else 10.0)
    wanted = {"off": (False,), "default": (True,), "both": (False, True)}[options.filters]
    cells = [cell for cell in options.cells or (_QUICK if options.quick else _FULL) if cell.filters in wanted]
    began = time.monotonic()
    found, troubles, examples = _measure(cells, pairs, seconds, options.receive, options.store)
    report = {
        "bench": "relay",
        "quick": options.quick,
        "pairs": pairs,
        "seconds": seconds,
        "receive_processes": options.receive,
        "store": options.store,
        "took_s": round(time.monotonic() - began, 1),
        "troubles": troubles,
        "rows": found,
        "examples": examples,
    }
    if options.json:
        sys.stdout.write(json.dumps(report) + "\n")
    else:
        sys.stdout.write(rows.table(found) + "\n" + "".join(f"TROUBLE {trouble}\n" for trouble in troubles) + _told(examples))
    return 1 if troubles else 0


def _cell(text: str) -> Cell:
    size, sessions, *more = text.lower().split("/")
    if not set(more) <= {"tls", "filters"} or len(more) > 1 or not size.endswith("k"):
        raise ValueError(text)
    return Cell(4096 if size == "4k" else int(size[:-1]) * 1024, int(sessions), "tls" in more, "filters" in more)


def _measure(
    cells: list[Cell], pairs: int, seconds: float, receive: int, store: str
) -> tuple[list[dict[str, Any]], list[str], dict[str, Any]]:
    plain, judged = [cell for cell in cells if not cell.filters], [cell for cell in cells if cell.filters]
    found: list[dict[str, Any]] = []
    troubles: list[str] = []
    examples: dict[str, Any] = {}
    if plain:
        found, troubles = _measure_plain(plain, pairs, seconds, receive, store)
    if judged:
        more, trouble, examples = filtered.measure(judged, pairs, seconds, receive, store)
        found, troubles = found + more, troubles + trouble
    return found, troubles, examples


def _measure_plain(cells: list[Cell], pairs: int, seconds: float, receive: int, store: str) -> tuple[list[dict[str, Any]], list[str]]:
    folder, hop = place.folder("relay"), free_port()
    found: list[dict[str, Any]] = []
    troubles: list[str] = []
    tell(f"on {place.file_system(folder)}; {len(cells)} cells of {pairs} rounds of {seconds:g} s")
    with rivals(folder, hop, self_signed(folder / "tls"), receive, store) as both:
        for cell in cells:
            if ended := [rival.name for rival in both if not all(map(alive, rival.roots))]:
                troubles.append(f"{cell} and what follows: {ended[0]} has ended")
                break
            try:
                _check_fidelity(cell, both, hop)
            except fidelity.Unfaithful as error:
                troubles.append(f"{cell}: {error}")
                tell(f"{cell}: {error}")
                continue
            with SmtpSink(hop) as sink:
                got, trouble = rounds.in_turn(cell, both, sink, pairs, seconds, folder)
                wait_until_unused(hop)
            found += rows.rows(cell, got)
            troubles += trouble
    return found, troubles


def _check_fidelity(cell: Cell, both: Rivals, hop: int) -> None:
    for rival in both:
        fidelity.check(rival, hop, size_bytes=cell.size_bytes, sessions=cell.sessions, starttls=cell.starttls)


def _told(examples: dict[str, Any]) -> str:
    """Tell what each judge found of one mail."""
    lines = []
    for size, example in examples.items():
        ours, theirs = example["gatepost"], example["rspamd"]
        lines += [
            f"One mail of {size} bytes, from {ours['sender']} at {ours['client']}, track {ours['track']}:",
            f"  gatepost, rule {ours['rule']!r}: {ours['scl']:g} points; " + ", ".join(f"{n} {p:g}" for n, p in ours["points"].items()),
            f"    {ours['authentication_results']}",
            f"  rspamd, {theirs['action']}: {theirs['score']:g}; " + ", ".join(f"{n} {p:g}" for n, p in theirs["symbols"].items()),
        ]
    return "".join(line + "\n" for line in lines)
