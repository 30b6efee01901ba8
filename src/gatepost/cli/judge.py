# SPDX-License-Identifier: Apache-2.0
"""`gatepost check` with an envelope: the verdict on a mail file, in JSON or in sentences."""

from pathlib import Path
from typing import Any

import msgspec

from gatepost.cli.output import console, plain, print_json, table
from gatepost.config.bootstrap import Bootstrap
from gatepost.config.configuration import Configuration
from gatepost.config.loader import read_bootstrap
from gatepost.errors import UsageError


def judge(raw: bytes, question: dict[str, Any], config: Path, *, json: bool) -> int:
    """Judge and tell; exit code 1 when the mail is not accepted."""
    from gatepost.roles.trial import run_trial

    bootstrap, configuration = settings(config)
    verdict = run_trial(raw, asked(question), bootstrap, configuration)
    if json:
        print_json(verdict)
    else:
        _tell(msgspec.to_builtins(verdict))
    return 0 if verdict.verdict == "accepted" else 1


def settings(config: Path) -> tuple[Bootstrap, Configuration]:
    """Read the bootstrap file and the configuration that this gateway works with; no certificate or socket is needed for a judgement."""
    from gatepost.versioning.current import load

    bootstrap = read_bootstrap(config)
    return bootstrap, load(Path(bootstrap.data), bootstrap.configuration).configuration


def asked(question: dict[str, Any]) -> dict[str, Any]:
    """Check that who asks for a judgement has said from whom and to whom."""
    if not question["client_ip"] or not question["recipients"]:
        raise UsageError("a judgement needs both --client-ip and --rcpt; give the client's address and a recipient")
    return question


def _tell(verdict: dict[str, Any]) -> None:
    screen = console()
    colour = {"accepted": "green", "refused": "red", "deferred": "yellow", "discarded": "red"}[verdict["verdict"]]
    screen.print(plain(f"The mail is {verdict['verdict']}: {verdict['reply']}", colour))
    if not verdict["rule"]:
        screen.print(plain(f"It was decided at {verdict['stage'].upper()}, before any rule's filters."))
        return
    screen.print(
        plain(
            f"It is {verdict['direction']} and belongs to the rule {verdict['rule']!r}; "
            f"its points are {verdict['scl']:g}, and {verdict['threshold']:g} would refuse it."
        )
    )
    if verdict["filters"]:
        points = table("filter", "raw", "held", "x", "points", "ms", "found", right=("raw", "held", "x", "points", "ms"))
        for one in verdict["filters"]:
            unknown = f"unknown: {one['failed']}" if one["failed"] else ""
            found = "; ".join(filter(None, [*(one["details"] or [one["message"]]), unknown]))
            numbers = [f"{one[key]:g}" for key in ("raw", "clamped", "multiplier", "points", "ms")]
            points.add_row(plain(one["name"]), *map(plain, numbers), plain(found))
        screen.print(points)
