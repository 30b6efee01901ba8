# SPDX-License-Identifier: Apache-2.0
"""What `gatepost config` may ask of the console: the commands of its private API, in plain values."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from gatepost.config.loader import read_configuration_text
from gatepost.replication.service import Handler, Operation
from gatepost.versioning.change import Answer, Applied, Faulty, Outdated, Versioning
from gatepost.versioning.plan import Change, sentence
from gatepost.versioning.record import ProcessState, VersionLine

States = Callable[[], Awaitable[list[ProcessState]]]
"""Asks every gateway how its processes do."""
_HISTORY_MOST = 1000


def commands(versioning: Versioning, states: States) -> Mapping[str, Handler | Operation]:
    """Give the operations by name."""

    async def export(number: int | None = None) -> dict[str, Any]:
        version = await versioning.get(number) if number is not None else await versioning.newest()
        return {**_line(version.line), "document": version.document}

    async def diff(before: int | None = None, after: int | None = None, document: str = "", source: str = "") -> dict[str, Any]:
        newest = (await versioning.newest()).number
        if document:
            old = newest if before is None else before
            told = await versioning.difference(old, read_configuration_text(document, source))
            return {"before": old, "after": source, "changes": _told(told)}
        new = newest if after is None else after
        old = max(new - 1, 1) if before is None else before
        return {"before": old, "after": new, "changes": _told(await versioning.difference(old, new))}

    async def plan(document: str, source: str, based_on: int | None = None) -> dict[str, Any]:
        return told_answer(await versioning.plan(document, source, based_on))

    async def apply(document: str, source: str, author: str, reason: str, based_on: int) -> dict[str, Any]:
        return told_answer(await versioning.apply(document, source, author=author, reason=reason, based_on=based_on))

    async def history(limit: int = 100) -> list[dict[str, Any]]:
        return [_line(line) for line in await versioning.versions.history(max(1, min(limit, _HISTORY_MOST)))]

    async def rollback(number: int, author: str, reason: str) -> dict[str, Any]:
        return told_answer(await versioning.rollback(number, author=author, reason=reason))

    async def status() -> dict[str, Any]:
        newest = await versioning.newest()
        told = await states()
        return {"newest": _line(newest.line), "processes": [{**msgspec.to_builtins(one), **_holds(one, newest.number)} for one in told]}

    return {
        "config.export": export,
        "config.diff": diff,
        "config.plan": plan,
        "config.apply": Operation(apply, command=True),
        "config.history": history,
        "config.rollback": Operation(rollback, command=True),
        "config.status": status,
    }


def _holds(state: ProcessState, newest: int) -> dict[str, bool]:
    return {"holds_newest": state.version == newest}


def told_answer(answer: Answer) -> dict[str, Any]:
    """Give what became of a change in plain values."""
    match answer:
        case Applied(version, differing, made):
            return {"outcome": "made" if made else "unchanged", "version": _line(version), "changes": _told(differing)}
        case Outdated(newest, meanwhile, differing):
            return {
                "outcome": "outdated",
                "version": _line(newest),
                "meanwhile": [_line(one) for one in meanwhile],
                "changes": _told(differing),
            }
        case Faulty(faults):
            return {"outcome": "faulty", "faults": [{"path": one.path, "cause": one.cause, "mend": one.mend} for one in faults]}


def _line(line: VersionLine) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(line)
    return told


def _told(differing: tuple[Change, ...]) -> list[dict[str, Any]]:
    return [{**msgspec.to_builtins(one), "sentence": sentence(one)} for one in differing]
