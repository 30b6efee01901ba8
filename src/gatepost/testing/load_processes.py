# SPDX-License-Identifier: Apache-2.0
"""Load from several processes, so that the generator is not what is measured.

The processes are started and made ready first; the clock begins with `go`.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from gatepost.testing.load import Plan, Result

_COMMAND = [sys.executable, "-m", "gatepost.testing.load", "--plan-from-stdin"]


class LoadProcesses:
    """A plan, shared out among processes; sessions, mails and rate are those of all together."""

    def __init__(
        self, plan: Plan, processes: int = 1, ledger: Path | None = None, *, niceness: int = 0, prefix: Sequence[str] = ()
    ) -> None:
        """Start the processes; `niceness` (0 to 19) makes them give way to others, `prefix` is a command that runs theirs."""
        processes = max(1, min(processes, plan.sessions))
        command = [*prefix, "nice", "-n", str(niceness), *_COMMAND, *(["--ledger", str(ledger)] if ledger is not None else [])]
        self._children = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(processes)]
        for number, child in enumerate(self._children):
            self._write(child, msgspec.json.encode(_share(plan, number, processes)))
            assert child.stdout is not None
            if child.stdout.readline() != b"ready\n":
                raise OSError("a load generator did not start")

    @property
    def pids(self) -> list[int]:
        """The processes."""
        return [child.pid for child in self._children]

    def go(self) -> None:
        """Begin."""
        for child in self._children:
            self._write(child, b"go")

    def stop(self) -> None:
        """Tell the processes to finish the mails that are under way."""
        for child in self._children:
            if child.poll() is None:
                child.terminate()

    def result(self) -> Result:
        """Wait for the end; gives what all processes did together."""
        total = Result()
        for child in self._children:
            out, _ = child.communicate()
            if child.returncode:
                raise OSError(f"a load generator ended with {child.returncode}")
            part = msgspec.json.decode(out, type=Result)
            total.accepted += part.accepted
            total.refused += part.refused
            total.lost += part.lost
            total.seconds = max(total.seconds, part.seconds)
            total.cpu_s += part.cpu_s
            total.latencies += part.latencies
            total.lines += part.lines
            for reply, count in part.replies.items():
                total.replies[reply] = total.replies.get(reply, 0) + count
        return total

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for child in self._children:
            if child.poll() is None:
                child.kill()
            child.wait()
            for stream in (child.stdin, child.stdout):
                if stream is not None and not stream.closed:
                    stream.close()

    @staticmethod
    def _write(child: "subprocess.Popen[bytes]", line: bytes) -> None:
        assert child.stdin is not None
        child.stdin.write(line + b"\n")
        child.stdin.flush()


def _share(plan: Plan, number: int, processes: int) -> Plan:
    def part(whole: int) -> int:
        return whole // processes + (number < whole % processes)

    return msgspec.structs.replace(
        plan,
        sessions=part(plan.sessions),
        mails=part(plan.mails),
        rate_per_s=plan.rate_per_s / processes,
        run=f"{plan.run}.{number}" if plan.run else "",
        share=(plan.share[0] + number * plan.share[1], plan.share[1] * processes),
    )
