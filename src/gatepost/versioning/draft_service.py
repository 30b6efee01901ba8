# SPDX-License-Identifier: Apache-2.0
"""Drafts over the private API, in plain values: `config.draft.*`. Who asks is named by the caller, as with `config.apply`."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gatepost.contracts.actor import local_actor
from gatepost.errors import UsageError
from gatepost.replication.service import Handler, Operation
from gatepost.versioning.draft import Drafts
from gatepost.versioning.draft_record import Changed, Conflicting, Refused, Stale, View
from gatepost.versioning.edit import Operation as Edit
from gatepost.versioning.plan import Change, sentence
from gatepost.versioning.rebase import Choice
from gatepost.versioning.service import told_answer


def commands(drafts: Drafts) -> Mapping[str, Handler | Operation]:
    """Give the operations by name."""

    async def show(author: str, tenant_id: int = 0) -> dict[str, Any]:
        return _view(await drafts.view(local_actor(author, tenant_id)))

    async def change(author: str, revision: int, operation: dict[str, Any], tenant_id: int = 0) -> dict[str, Any]:
        return _told(await drafts.change(local_actor(author, tenant_id), revision, _converted(operation, Edit)))

    async def replace(author: str, revision: int, document: str, tenant_id: int = 0) -> dict[str, Any]:
        return _told(await drafts.replace(local_actor(author, tenant_id), revision, document))

    async def discard(author: str, revision: int, tenant_id: int = 0) -> bool:
        return await drafts.discard(local_actor(author, tenant_id), revision)

    async def others(author: str, tenant_id: int = 0) -> list[dict[str, Any]]:
        found = await drafts.others(local_actor(author, tenant_id))
        return [{**msgspec.to_builtins(one), "changes": _changes(one.changes), "overlapping": _changes(one.overlapping)} for one in found]

    async def rebase(
        author: str, revision: int, onto: int, choices: list[dict[str, Any]] | None = None, tenant_id: int = 0
    ) -> dict[str, Any]:
        chosen = _converted(choices or [], list[Choice])
        return _told(await drafts.rebase(local_actor(author, tenant_id), revision, onto, chosen))

    async def apply(author: str, revision: int, reason: str, tenant_id: int = 0) -> dict[str, Any]:
        answer = await drafts.apply(local_actor(author, tenant_id), revision, reason)
        return _told(answer) if isinstance(answer, Stale) else told_answer(answer)

    return {
        "config.draft.show": show,
        "config.draft.change": Operation(change, command=True),
        "config.draft.replace": Operation(replace, command=True),
        "config.draft.discard": Operation(discard, command=True),
        "config.draft.others": others,
        "config.draft.rebase": Operation(rebase, command=True),
        "config.draft.apply": Operation(apply, command=True),
    }


def _converted(untrusted: Any, wanted: Any) -> Any:
    try:
        return msgspec.convert(untrusted, wanted)
    except msgspec.ValidationError as fault:
        raise UsageError(f"this edit cannot be understood: {fault}") from None


def _told(answer: Changed | Refused | Stale | Conflicting) -> dict[str, Any]:
    match answer:
        case Changed(view):
            return {"outcome": "changed", **_view(view)}
        case Stale(view):
            return {"outcome": "stale", **_view(view)}
        case Refused(faults):
            return {"outcome": "refused", "faults": msgspec.to_builtins(faults)}
        case Conflicting(newest, conflicts):
            return {"outcome": "conflicting", "version": msgspec.to_builtins(newest), "conflicts": msgspec.to_builtins(conflicts)}


def _view(view: View) -> dict[str, Any]:
    return {
        "based_on": view.based_on,
        "revision": view.revision,
        "changed_at": view.changed_at,
        "newest": msgspec.to_builtins(view.newest),
        "outdated": view.is_outdated,
        "changes": _changes(view.changes),
        "faults": msgspec.to_builtins(view.faults),
    }


def _changes(told: tuple[Change, ...]) -> list[dict[str, Any]]:
    return [{**msgspec.to_builtins(one), "sentence": sentence(one)} for one in told]
