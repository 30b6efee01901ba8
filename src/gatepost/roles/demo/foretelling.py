# SPDX-License-Identifier: Apache-2.0
"""What `gatepost check` says of each mail before it is sent; the gateway must then say the same, point by point.

It shows a command that anybody can repeat for one mail, and keeps that mail as a file for it.
"""

from collections.abc import Iterable
from pathlib import Path

from gatepost.config.configuration import Configuration
from gatepost.roles.demo.attempt import FILTERS, Attempt, check_of
from gatepost.roles.demo.settings import HOSTNAME
from gatepost.roles.judge_file import file_judge

_NOT_IN_A_FILE = frozenset({"size", "blocked client"})
"""Checks that see more than one mail and its envelope."""


async def foretell(attempts: Iterable[Attempt], configuration: Configuration) -> None:
    """Ask about each mail from the world, and expect what is said where nothing else is."""
    with file_judge(configuration, HOSTNAME) as judge:
        for attempt in attempts:
            if not attempt.client or attempt.check in _NOT_IN_A_FILE:
                continue
            attempt.foretold = verdict = await judge(attempt.content, attempt.question)
            if attempt.expected is None:
                attempt.expected = "delivered" if verdict.verdict == "accepted" else "refused"
                attempt.check = "" if verdict.verdict == "accepted" else check_of(verdict.reply)


def differs(attempt: Attempt) -> bool:
    """Tell whether the gateway's reply, its rule or a filter's points, as its event has them, are not what was foretold."""
    told = attempt.foretold
    if told is None:
        return False
    if (told.verdict == "accepted") != attempt.taken or not (attempt.taken or str(attempt.reply).startswith(told.reply)):
        return True
    points = {line.name: line.points for line in told.filters}
    return bool(points) and (attempt.logged.get("rule"), attempt.logged.get("points")) != (told.rule, points)


def acting(attempt: Attempt) -> str:
    """Name the filters that gave a mail points, as the gateway's event has them, the one with most first."""
    points: dict[str, float] = attempt.logged.get("points", {})
    return " ".join(sorted((name for name, given in points.items() if given > 0), key=lambda name: -points[name]))


def reasons(attempt: Attempt) -> str:
    """Tell in one line what a mail has points for, the filter with most first."""
    lines = sorted(attempt.foretold.filters if attempt.foretold else (), key=lambda line: -line.points)
    return "; ".join(detail for line in lines if line.points > 0 for detail in line.details or (line.message,))


def keep(attempts: Iterable[Attempt], folder: Path) -> dict[str, Path]:
    """Write each mail of our own that filters refuse as a file; gives the files by the attempts' names."""
    folder.mkdir(exist_ok=True)
    files = {}
    for attempt in attempts:
        if attempt.check == FILTERS and attempt.filters:
            files[attempt.name] = path = folder / f"{attempt.name.replace(' ', '-').replace(',', '')}.eml"
            path.write_bytes(attempt.content)
    return files


def arguments(attempt: Attempt, file: str, config: str) -> list[str]:
    """Give the arguments of `gatepost` that ask about one mail."""
    envelope = ["--client-ip", attempt.client, "--helo", attempt.helo, "--mail-from", attempt.sender or "<>"]
    return ["check", file, *envelope, *(word for to in attempt.recipients for word in ("--rcpt", to)), "--config", config]
