# SPDX-License-Identifier: Apache-2.0
"""One's own draft of the configuration: edited entry by entry, put onto what others applied meanwhile, applied."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from gatepost.versioning.draft_record import Changed, Conflicting, Refused, Stale, View
from gatepost.versioning.edit import Operation
from gatepost.versioning.edit_values import Fault
from gatepost.versioning.rebase import Choice, Conflict
from gatepost.versioning.record import VersionLine
from gatepost.web.api.configuration import READ, WRITE, ChangeTold, FaultyDocument, LateVersion, Outcome, told_change, told_changes
from gatepost.web.api.operation import Call, Operations
from gatepost.web.api.problem import Place, Problem, pointer
from gatepost.web.api.values import Document, Sentence, Version

Seen = Annotated[int, Meta(ge=0, le=9_007_199_254_740_991, description="The revision that was seen; 0: there was no draft.")]
operations = Operations()


class DraftView(msgspec.Struct, kw_only=True):
    """A draft, or, with revision 0, that there is none."""

    based_on: int
    revision: int
    changed_at: float
    newest: VersionLine
    outdated: bool
    """Somebody has applied another version since: it must be rebased before it can be applied."""
    changes: tuple[ChangeTold, ...]
    faults: tuple[Fault, ...]
    """What still stops an apply."""


class DraftChanged(DraftView, kw_only=True):
    """The draft as it is now."""

    outcome: Literal["changed"] = "changed"


class Revision(msgspec.Struct, forbid_unknown_fields=True):
    """What was seen of the draft."""

    revision: Seen


class Edit(msgspec.Struct, forbid_unknown_fields=True):
    """An edit, and the revision that it changes."""

    revision: Seen
    operation: Operation


class Text(msgspec.Struct, forbid_unknown_fields=True):
    """A whole TOML document, and the revision that it replaces."""

    revision: Seen
    document: Document


class Rebase(msgspec.Struct, forbid_unknown_fields=True):
    """What was seen, and what is kept of each conflict."""

    revision: Seen
    onto: Version
    choices: Annotated[tuple[Choice, ...], Meta(max_length=10_000)] = ()


class Apply(msgspec.Struct, forbid_unknown_fields=True):
    """What was seen, and why it is to hold."""

    revision: Seen
    reason: Sentence


class DraftOfOther(msgspec.Struct):
    """A draft of somebody else."""

    author: str
    changed_at: float
    based_on: int
    changes: tuple[ChangeTold, ...]
    overlapping: tuple[ChangeTold, ...]
    """Those that touch what one's own draft changes too."""
    unreadable: str


class StaleDraft(Problem, frozen=True, kw_only=True):
    """The draft was changed, begun or ended elsewhere, as in another tab; it is as it was there."""

    status: Literal[409]
    outcome: Literal["stale"]
    based_on: int
    revision: int
    changed_at: float
    newest: VersionLine
    outdated: bool
    changes: tuple[ChangeTold, ...]
    faults: tuple[Fault, ...]


class Conflicts(Problem, frozen=True, kw_only=True):
    """What the draft and the versions since changed differently; the draft is as it was."""

    status: Literal[409]
    outcome: Literal["conflicting"]
    version: VersionLine
    conflicts: tuple[Conflict, ...]


class RefusedEdit(Problem, frozen=True, kw_only=True):
    """The edit cannot be; the draft is as it was."""

    status: Literal[422]
    outcome: Literal["refused"] = "refused"
    faults: tuple[Fault, ...] = ()


@operations.get("config.draft.show", "/configuration/draft", READ, house=True)
async def show(call: Call) -> DraftView:
    """Show one's own draft, as what it changes and what still stops an apply."""
    return DraftView(**_seen(await call.house.drafts.view(call.actor)))


@operations.patch("config.draft.change", "/configuration/draft", WRITE, house=True)
async def change(call: Call, body: Edit) -> DraftChanged | StaleDraft | RefusedEdit:
    """Edit one place of the draft; the first edit begins it."""
    return _edited(await call.house.drafts.change(call.actor, body.revision, body.operation), "/operation/values")


@operations.put("config.draft.replace", "/configuration/draft", WRITE, house=True)
async def replace(call: Call, body: Text) -> DraftChanged | StaleDraft | RefusedEdit:
    """Make a whole TOML document the draft; what still stops an apply is told with it."""
    return _edited(await call.house.drafts.replace(call.actor, body.revision, body.document), "/document")


@operations.delete("config.draft.discard", "/configuration/draft", WRITE, house=True)
async def discard(call: Call, asked: Revision) -> bool:
    """Give the draft up; tells whether it was there as it was seen."""
    return await call.house.drafts.discard(call.actor, asked.revision)


@operations.get("config.draft.others", "/configuration/drafts", READ, house=True)
async def others(call: Call) -> tuple[DraftOfOther, ...]:
    """Tell who else has a draft, and what it changes."""
    found = await call.house.drafts.others(call.actor)
    return tuple(
        DraftOfOther(one.author, one.changed_at, one.based_on, told_changes(one.changes), told_changes(one.overlapping), one.unreadable)
        for one in found
    )


@operations.post("config.draft.rebase", "/configuration/draft/rebase", WRITE, house=True)
async def rebase(call: Call, body: Rebase) -> DraftChanged | StaleDraft | Conflicts:
    """Put the draft onto the newest version; with conflicts in which nothing is chosen nothing is changed."""
    answer = await call.house.drafts.rebase(call.actor, body.revision, body.onto, body.choices)
    if not isinstance(answer, Conflicting):
        return _changed(answer)
    said = f"{len(answer.conflicts)} conflicts with version {answer.newest.number}; choose in each what is kept."
    return Conflicts.said(409, said, outcome="conflicting", version=answer.newest, conflicts=answer.conflicts)


@operations.post("config.draft.apply", "/configuration/draft/apply", WRITE, house=True)
async def apply(call: Call, body: Apply) -> Outcome | StaleDraft | LateVersion | FaultyDocument:
    """Make the draft, as it was seen, the next version, and end it."""
    answer = await call.house.drafts.apply(call.actor, body.revision, body.reason)
    return _stale(answer) if isinstance(answer, Stale) else told_change(call, answer)


def _edited(answer: Changed | Refused | Stale, below: str) -> DraftChanged | StaleDraft | RefusedEdit:
    if not isinstance(answer, Refused):
        return _changed(answer)
    faults = answer.faults
    places = [Place(f"{one.cause}; {one.mend}", pointer(one.field, below)) for one in faults]
    return RefusedEdit.said(422, "; ".join(f"{one.field}: {one.cause}".removeprefix(": ") for one in faults[:3]), places, faults=faults)


def _changed(answer: Changed | Stale) -> DraftChanged | StaleDraft:
    return DraftChanged(**_seen(answer.view)) if isinstance(answer, Changed) else _stale(answer)


def _stale(answer: Stale) -> StaleDraft:
    return StaleDraft.said(409, "The draft was changed elsewhere; look at it again.", outcome="stale", **_seen(answer.view))


def _seen(view: View) -> dict[str, Any]:
    return {
        "based_on": view.based_on,
        "revision": view.revision,
        "changed_at": view.changed_at,
        "newest": view.newest,
        "outdated": view.is_outdated,
        "changes": told_changes(view.changes),
        "faults": view.faults,
    }
