# SPDX-License-Identifier: Apache-2.0
"""From repeats to rows: medians, the ratios of each round, and which repeats were disturbed."""

import statistics
from collections.abc import Sequence
from typing import Any

from measure.repeat import Cell, Repeat, Tracks
from measure.rounds import Round

FOREIGN_LIMIT = 0.25
"""CPUs; a round in which other processes took more is dropped when quiet rounds exist."""

NAMES = ("postfix", "gatepost")


def quiet(one: Round) -> bool:
    """Tell whether all repeats of a round were undisturbed."""
    return all(repeat.foreign_cpu <= FOREIGN_LIMIT for repeat in one)


def rows(cell: Cell, rounds: Sequence[Round], names: Sequence[str] = NAMES) -> list[dict[str, Any]]:
    """Give a row for each gateway of a cell, in the order of the names; each but Gatepost is a yardstick."""
    good = [one for one in rounds if not any(repeat.trouble for repeat in one)]
    used = [one for one in good if quiet(one)] or good
    if not used:
        return []
    yardsticks = {name: place for place, name in enumerate(names) if name != "gatepost"}
    found = []
    for place, name in enumerate(names):
        ratios = {
            "ratio_" + yardstick.rpartition("+")[2]: round(statistics.median(one[place].per_s / one[other].per_s for one in used), 2)
            for yardstick, other in yardsticks.items()
        }
        found.append(_row(name, cell, [one[place] for one in used], ratios, len(rounds)))
    return found


def _row(gateway: str, cell: Cell, repeats: list[Repeat], ratios: dict[str, float], pairs: int) -> dict[str, Any]:
    speeds = sorted(repeat.per_s for repeat in repeats)
    foreign = max(repeat.foreign_cpu for repeat in repeats)
    return {
        "gateway": gateway,
        "filters": "default" if cell.filters and gateway != "postfix" else "off",
        "size_bytes": cell.size_bytes,
        "sessions": cell.sessions,
        "tls": "starttls" if cell.starttls else "none",
        "mails": "different" if cell.filters else "same",
        "messages_per_s": round(statistics.median(speeds), 1),
        "messages_per_s_range": [round(speeds[0], 1), round(speeds[-1], 1)],
        "cpu_s_per_1000": round(statistics.median(repeat.cpu_s / repeat.mails * 1000 for repeat in repeats), 3),
        "generator_cpu_s_per_1000": round(statistics.median(repeat.generator_cpu_s / repeat.mails * 1000 for repeat in repeats), 3),
        "pss_mib": round(statistics.median(repeat.pss_mib for repeat in repeats), 1),
        **_tracks([repeat.tracks for repeat in repeats if repeat.tracks is not None]),
        **ratios,
        "pairs": pairs,
        "pairs_used": len(repeats),
        "foreign_cpu": round(foreign, 2),
        "disturbed": foreign > FOREIGN_LIMIT,
    }


def _tracks(tracks: list[Tracks]) -> dict[str, Any]:
    """Tell of the tracks, where mails leave some."""
    if not tracks:
        return {}
    return {
        "tracks": sum(one.reached for one in tracks),
        "track_lag_s": max(one.lag_s for one in tracks),
        "tracks_drained_s": max(one.drained_s or 0.0 for one in tracks),
    }


def table(found: list[dict[str, Any]]) -> str:
    """Lay rows out for people."""
    head = (
        f"{'gateway':14} {'filters':7} {'size':>5} {'sess':>4} {'tls':8} {'mails/s':>8} {'range':>15} {'cpu s/1000':>10} {'PSS MiB':>8} "
        f"{'x postfix':>9} {'x rspamd':>8} {'tracks':>7} {'lag s':>5} {'drained':>7}"
    )
    lines = [head, "-" * len(head)]
    for row in found:
        low, high = row["messages_per_s_range"]
        note = f"  disturbed: others used {row['foreign_cpu']} CPU" if row["disturbed"] else ""
        rspamd = f"{row['ratio_rspamd']:.2f}" if "ratio_rspamd" in row else ""
        tracks = f"{row['tracks']:>7} {row['track_lag_s']:>5} {row['tracks_drained_s']:>7}" if "tracks" in row else " " * 21
        lines.append(
            f"{row['gateway']:14} {row['filters']:7} {row['size_bytes'] // 1024:>4}k {row['sessions']:>4} {row['tls']:8} "
            f"{row['messages_per_s']:>8.0f} {f'{low:.0f}-{high:.0f}':>15} {row['cpu_s_per_1000']:>10.2f} {row['pss_mib']:>8.0f} "
            f"{row['ratio_postfix']:>9.2f} {rspamd:>8} {tracks}  {row['pairs_used']}/{row['pairs']}{note}"
        )
    return "\n".join(lines)
