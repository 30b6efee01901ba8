# SPDX-License-Identifier: Apache-2.0
"""bench/relay: how many mails a second Gatepost relays, beside Postfix on the same disk.

Both run side by side and are loaded in turn (A B A B), so that a change of the machine's mood hits both;
the ratio is the median of the pairs' ratios. One mail a connection. A repeat's time runs from the
generator's start until the sink has counted its last mail. The generator is smtp-source; where STARTTLS is
measured it is our own for both, since smtp-source has no TLS.
"""

import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from gatepost.testing.ports import free_port, wait_until_unused
from gatepost.testing.postfix import why_not
from gatepost.testing.processes import alive
from gatepost.testing.tls import self_signed
from measure import fidelity, place, repeat, rows
from measure.place import tell
from measure.repeat import Cell, Repeat
from measure.rivals import Rival, rivals
from measure.smtp_sink import SmtpSink

_FULL = [Cell(size, sessions, False) for size in (4096, 61440) for sessions in (1, 8, 32)]
_FULL += [Cell(size, sessions, True) for size in (4096, 61440) for sessions in (8, 32)]
_QUICK = [Cell(4096, sessions, starttls) for starttls in (False, True) for sessions in (8, 32)]


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; exit code 1 when a gateway changed or lost a mail, 3 when it cannot be run here."""
    parser = place.arguments(__doc__ or "")
    parser.add_argument("--cells", nargs="+", type=_cell, metavar="SIZE/SESSIONS[/tls]", help="measure only these, e.g. 4k/8 60k/32/tls")
    parser.add_argument("--pairs", type=int, help="pairs of repeats for each cell")
    parser.add_argument("--seconds", type=float, help="length of one repeat")
    parser.add_argument("--receive", type=int, default=1, help="Gatepost's receive processes; 1 is as shipped")
    options = parser.parse_args(arguments)
    lacking = why_not() or next((f"{tool} is not installed" for tool in ("smtp-source", "smtp-sink") if not shutil.which(tool)), "")
    if lacking:
        tell(f"bench/relay: {lacking}")
        return 3
    pairs = options.pairs or (3 if options.quick else 5)
    seconds = options.seconds or (5.0 if options.quick else 10.0)
    cells = options.cells or (_QUICK if options.quick else _FULL)
    began = time.monotonic()
    found, troubles = _measure(cells, pairs, seconds, options.receive)
    report = {
        "bench": "relay",
        "quick": options.quick,
        "pairs": pairs,
        "seconds": seconds,
        "receive_processes": options.receive,
        "took_s": round(time.monotonic() - began, 1),
        "troubles": troubles,
        "rows": found,
    }
    if options.json:
        sys.stdout.write(json.dumps(report) + "\n")
    else:
        sys.stdout.write(rows.table(found) + "\n" + "".join(f"TROUBLE {trouble}\n" for trouble in troubles))
    return 1 if troubles else 0


def _cell(text: str) -> Cell:
    size, sessions, *tls = text.lower().split("/")
    if tls not in ([], ["tls"]) or not size.endswith("k"):
        raise ValueError(text)
    return Cell(4096 if size == "4k" else int(size[:-1]) * 1024, int(sessions), bool(tls))


def _measure(cells: list[Cell], pairs: int, seconds: float, receive: int) -> tuple[list[dict[str, Any]], list[str]]:
    folder, hop = place.folder("relay"), free_port()
    found: list[dict[str, Any]] = []
    troubles: list[str] = []
    tell(f"on {place.file_system(folder)}; {len(cells)} cells of {pairs} pairs of {seconds:g} s")
    with rivals(folder, hop, self_signed(folder / "tls"), receive) as both:
        for cell in cells:
            if ended := [rival.name for rival in both if not alive(rival.root)]:
                troubles.append(f"{cell} and what follows: {ended[0]} has ended")
                break
            try:
                got, trouble = _measure_cell(cell, both, hop, pairs, seconds, folder)
            except fidelity.Unfaithful as error:
                troubles.append(f"{cell}: {error}")
                tell(f"{cell}: {error}")
                continue
            found += rows.rows(cell, got)
            troubles += trouble
    return found, troubles


def _measure_cell(
    cell: Cell, both: tuple[Rival, Rival], hop: int, pairs: int, seconds: float, folder: Path
) -> tuple[list[rows.Pair], list[str]]:
    for rival in both:
        fidelity.check(rival, hop, size_bytes=cell.size_bytes, sessions=cell.sessions, starttls=cell.starttls)
    got: list[rows.Pair] = []
    troubles: list[str] = []
    with SmtpSink(hop) as sink:
        counts = [_mails(rival, sink, cell, seconds, folder) for rival in both]
        for number in range(pairs):
            pair: list[Repeat] = []
            for rival, mails in zip(both, counts, strict=True):
                time.sleep(0.3)
                pair.append(repeat.run(rival, sink, cell, mails, folder))
                _tell_repeat(cell, number, rival, pair[-1])
                if pair[-1].trouble:
                    troubles.append(f"{cell} {rival.name}: {pair[-1].trouble}")
            got.append((pair[0], pair[1]))
        wait_until_unused(hop)
    return got, troubles


def _mails(rival: Rival, sink: SmtpSink, cell: Cell, seconds: float, folder: Path) -> int:
    """Find how many mails fill the wanted time: a short warm-up, then a longer one at its rate."""
    warm = repeat.run(rival, sink, cell, 200, folder)
    warm = repeat.run(rival, sink, cell, max(200, int(warm.per_s * min(2.0, seconds / 4))), folder)
    return max(200, int(warm.per_s * seconds))


def _tell_repeat(cell: Cell, number: int, rival: Rival, got: Repeat) -> None:
    tell(
        f"{cell!s:10} pair {number + 1} {rival.name:9} {got.per_s:7.0f}/s {got.cpu_s / got.mails * 1000:6.2f} s/1000 "
        f"{got.pss_mib:5.0f} MiB, generator {got.generator_cpu_s / got.mails * 1000:.2f} s/1000, others {got.foreign_cpu:.2f} CPU "
        f"({got.mails} in {got.seconds:.1f} s) {got.trouble}"
    )
