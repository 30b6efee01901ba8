# SPDX-License-Identifier: Apache-2.0
"""What a tree of processes costs, read from /proc: CPU seconds with reaped children, and PSS.

PSS (proportional set size) counts shared pages once, divided among those who share them, so it may be summed.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_KERNEL_THREADS = 2
"""The pid of kthreadd, the parent of all kernel threads."""


class Process(NamedTuple):
    """One process at one moment; `cpu_s` is its own time and that of children it has reaped."""

    pid: int
    parent: int
    state: str
    cpu_s: float


def process(pid: int, proc: Path = PROC) -> Process | None:
    """Read one process; None when there is none. `proc` is where the wanted namespace's processes are mounted."""
    try:
        line = (proc / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The name stands in parentheses and may hold spaces and parentheses itself (proc(5)).
    fields = line[line.rindex(")") + 2 :].split()
    return Process(pid, int(fields[1]), fields[0], sum(map(int, fields[11:15])) / _TICKS_PER_S)


def alive(pid: int) -> bool:
    """Tell whether a process exists and is no zombie."""
    found = process(pid)
    return found is not None and found.state not in "ZX"


def all_processes(proc: Path = PROC) -> dict[int, Process]:
    """Read every process of this machine, by pid."""
    pids = [int(name) for name in os.listdir(proc) if name.isdigit()]
    return {pid: found for pid in pids if (found := process(pid, proc)) is not None}


def tree(roots: Iterable[int], processes: dict[int, Process] | None = None) -> list[int]:
    """Give the pids of these processes and of all below them."""
    processes = all_processes() if processes is None else processes
    children: dict[int, list[int]] = {}
    for found in processes.values():
        children.setdefault(found.parent, []).append(found.pid)
    pids, todo = [], [pid for pid in roots if pid in processes]
    while todo:
        pid = todo.pop()
        pids.append(pid)
        todo.extend(children.get(pid, ()))
    return pids


def pss_mib(pids: Iterable[int]) -> float:
    """Sum the proportional set size of these processes, in MiB."""
    total_kib = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total_kib += next((int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")), 0)
    return total_kib / 1024


class Snapshot(NamedTuple):
    """CPU seconds used so far: by the watched trees, and by all other processes but kernel threads."""

    watched_s: tuple[float, ...]
    foreign_s: float


def snapshot(watched: Iterable[Iterable[int]], ours: Iterable[int], proc: Path = PROC) -> Snapshot:
    """Sum the CPU time of each watched tree and of the processes that belong neither to them nor to our own trees.

    Kernel threads work for us as much as for others and are left out.
    """
    processes = all_processes(proc)
    known = set(tree([_KERNEL_THREADS], processes)) | set(tree(ours, processes))
    sums = []
    for roots in watched:
        pids = tree(roots, processes)
        known.update(pids)
        sums.append(sum(processes[pid].cpu_s for pid in pids))
    return Snapshot(tuple(sums), sum(found.cpu_s for pid, found in processes.items() if pid not in known))
