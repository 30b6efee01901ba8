# SPDX-License-Identifier: Apache-2.0
"""What the operations on people have alike: outcomes of changes as answers and problems."""

from typing import Generic, Literal, TypeVar

import msgspec

from gatepost.people.answers import Fault, Faulty, Outdated, Removed, Saved
from gatepost.people.record import AdditionalField, Partner, PartnerAddress, User
from gatepost.web.api.operation import Call
from gatepost.web.api.problem import Place, Problem, pointer

READ, WRITE = "people:read", "people:write"
Row = TypeVar("Row", User, Partner, PartnerAddress, AdditionalField)


class RowSaved(msgspec.Struct, Generic[Row]):
    """The thing as it is now."""

    outcome: Literal["saved"]
    row: Row


class RowRemoved(msgspec.Struct, Generic[Row]):
    """The thing as it was."""

    outcome: Literal["removed"]
    row: Row


class Late(Problem, Generic[Row], frozen=True, kw_only=True):
    """Somebody else changed it meanwhile: the thing as it is now, null when it is gone. Nothing was changed."""

    status: Literal[409, 412]
    outcome: Literal["outdated"]
    row: Row | None


class Unfit(Problem, frozen=True, kw_only=True):
    """It cannot be as it was asked for: each fault, at its field. Nothing was changed."""

    status: Literal[422]
    outcome: Literal["faulty"] = "faulty"
    faults: tuple[Fault, ...] = ()


def saved(call: Call, answer: Saved[Row] | Outdated[Row] | Faulty) -> RowSaved[Row] | Late[Row] | Unfit:
    """Give what became of a thing that was to be added or changed."""
    if not isinstance(answer, Saved):
        return _refused(call, answer)
    call.tag(answer.row.revision)
    return RowSaved("saved", answer.row)


def removed(call: Call, answer: Removed[Row] | Outdated[Row] | Faulty) -> RowRemoved[Row] | Late[Row] | Unfit:
    """Give what became of a thing that was to be removed."""
    return RowRemoved("removed", answer.row) if isinstance(answer, Removed) else _refused(call, answer)


def unfit(*faults: Fault) -> Unfit:
    """Say what is wrong, fault by fault."""
    places = [Place(f"{one.cause}; {one.mend}", pointer(one.field)) for one in faults]
    return Unfit.said(422, "; ".join(f"{one.field}: {one.cause}".removeprefix(": ") for one in faults[:3]), places, faults=faults)


def _refused(call: Call, answer: Outdated[Row] | Faulty) -> Late[Row] | Unfit:
    if isinstance(answer, Faulty):
        return unfit(*answer.faults)
    said = "Somebody else changed it meanwhile." if answer.current is not None else "It is gone; somebody removed it."
    return Late[Row].said(call.late, said, outcome="outdated", row=answer.current)
