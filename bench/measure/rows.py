# SPDX-License-Identifier: Apache-2.0
"""From repeats to rows: medians, the ratio of each pair, and which repeats were disturbed."""

import statistics
from typing import Any

from measure.repeat import Cell, Repeat

FOREIGN_LIMIT = 0.25
"""CPUs; a pair in which other processes took more is dropped when quiet pairs exist."""

Pair = tuple[Repeat, Repeat]
"""Postfix's repeat and the Gatepost one right after it."""


def quiet(pair: Pair) -> bool:
    """Tell whether both repeats of a pair were undisturbed."""
    return all(repeat.foreign_cpu <= FOREIGN_LIMIT for repeat in pair)


def rows(cell: Cell, pairs: list[Pair]) -> list[dict[str, Any]]:
    """Give Postfix's and Gatepost's row of a cell."""
    good = [pair for pair in pairs if not any(repeat.trouble for repeat in pair)]
    used = [pair for pair in good if quiet(pair)] or good
    if not used:
        return []
    ratio = statistics.median(gatepost.per_s / postfix.per_s for postfix, gatepost in used)
    return [
        _row("postfix", cell, [pair[0] for pair in used], 1.0, len(pairs)),
        _row("gatepost", cell, [pair[1] for pair in used], ratio, len(pairs)),
    ]


def _row(gateway: str, cell: Cell, repeats: list[Repeat], ratio: float, pairs: int) -> dict[str, Any]:
    speeds = sorted(repeat.per_s for repeat in repeats)
    foreign = max(repeat.foreign_cpu for repeat in repeats)
    return {
        "gateway": gateway,
        "filters": "off",
        "size_bytes": cell.size_bytes,
        "sessions": cell.sessions,
        "tls": "starttls" if cell.starttls else "none",
        "messages_per_s": round(statistics.median(speeds), 1),
        "messages_per_s_range": [round(speeds[0], 1), round(speeds[-1], 1)],
        "cpu_s_per_1000": round(statistics.median(repeat.cpu_s / repeat.mails * 1000 for repeat in repeats), 3),
        "generator_cpu_s_per_1000": round(statistics.median(repeat.generator_cpu_s / repeat.mails * 1000 for repeat in repeats), 3),
        "pss_mib": round(statistics.median(repeat.pss_mib for repeat in repeats), 1),
        "ratio_postfix": round(ratio, 2),
        "pairs": pairs,
        "pairs_used": len(repeats),
        "foreign_cpu": round(foreign, 2),
        "disturbed": foreign > FOREIGN_LIMIT,
    }


def table(found: list[dict[str, Any]]) -> str:
    """Lay rows out for people."""
    head = f"{'gateway':9} {'size':>5} {'sess':>4} {'tls':8} {'mails/s':>8} {'range':>15} {'cpu s/1000':>10} {'PSS MiB':>8} {'ratio':>6}"
    lines = [head, "-" * len(head)]
    for row in found:
        low, high = row["messages_per_s_range"]
        note = f"  disturbed: others used {row['foreign_cpu']} CPU" if row["disturbed"] else ""
        lines.append(
            f"{row['gateway']:9} {row['size_bytes'] // 1024:>4}k {row['sessions']:>4} {row['tls']:8} {row['messages_per_s']:>8.0f} "
            f"{f'{low:.0f}-{high:.0f}':>15} {row['cpu_s_per_1000']:>10.2f} {row['pss_mib']:>8.0f} {row['ratio_postfix']:>6.2f}"
            f"  {row['pairs_used']}/{row['pairs']}{note}"
        )
    return "\n".join(lines)
