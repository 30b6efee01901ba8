# SPDX-License-Identifier: Apache-2.0
"""Message tracks and the counters of traffic."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from gatepost.errors import ControlError
from gatepost.tracking.import_file import ImportRefused
from gatepost.tracking.record import ActionEntry, AttachmentEntry, Attempt, FilterEntry, TrackHead
from gatepost.tracking.search import Found
from gatepost.tracking.service import AT_ONCE
from gatepost.tracking.traffic import MOST_HOURS, Refusals, Series
from gatepost.web.api.operation import Call, Operations
from gatepost.web.api.problem import Invalid, Missing, Place, invalid, missing
from gatepost.web.api.values import AnyTrack, Cursor, Moment, Points, TrackName, Word

READ, WRITE = "monitoring:read", "monitoring:write"
Status = Literal[
    "none",
    "success",
    "dispatcher_error",
    "temporarily_blocked",
    "permanently_blocked",
    "delivery_pending",
    "partial_success",
    "suppressed",
    "duplicate_drop",
    "put_on_hold",
]
operations = Operations()


class TrackSearch(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What narrows a search; all of it must be so. A part of an address or a subject is looked for in one day, or in the period."""

    track: AnyTrack = ""
    message_id: Word = ""
    between: Annotated[
        tuple[Word, ...],
        Meta(max_length=2, description="A sender, author or recipient: user@example.com, example.com, *part*, <>; twice: both."),
    ] = ()
    subject: Word = ""
    after: Moment | None = None
    before: Moment | None = None
    statuses: Annotated[tuple[Status, ...], Meta(max_length=10)] = ()
    direction: Literal["", "inbound", "outbound"] = ""
    rule: Word = ""
    client: Word = ""
    min_scl: Points | None = None
    max_scl: Points | None = None
    filter: Annotated[str, Meta(max_length=200, description="Refused mails that it gave points to; `-`: that none spoke against.")] = ""
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    cursor: Cursor = ""


class OneTrack(msgspec.Struct, forbid_unknown_fields=True):
    """Names a mail."""

    track: TrackName


class Tracks(msgspec.Struct, forbid_unknown_fields=True):
    """Names mails."""

    tracks: Annotated[tuple[TrackName, ...], Meta(min_length=1, max_length=AT_ONCE)]


class Exported(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """One exported track: its number in its file, the place of its first byte there, and its JSON as a text."""

    number: Annotated[int, Meta(ge=1, le=100_000_000)]
    offset: Annotated[int, Meta(ge=0, le=100_000_000)]
    text: str


class Import(msgspec.Struct, forbid_unknown_fields=True):
    """Exported tracks, all or none."""

    documents: Annotated[tuple[Exported, ...], Meta(min_length=1, max_length=AT_ONCE)]


class Imported(msgspec.Struct):
    """How many there are more, and how many were there already."""

    imported: int
    known: int


class Conversion(msgspec.Struct):
    """How the conversion of tracks of older versions gets on."""

    waiting: int
    converted: int
    refused: int


class Span(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A period; it is widened to whole hours."""

    after: Moment
    before: Moment


class Steps(Span, kw_only=True, forbid_unknown_fields=True):
    """A period in steps, at most 2000."""

    step_hours: Annotated[int, Meta(ge=1, le=MOST_HOURS)] = 1


def _spoken(model: type[msgspec.Struct], **other: Any) -> Any:
    """Give the shape of a Struct that travels as an array, as an object with names."""
    fields = [(field.name, other.get(field.name, field.type)) for field in msgspec.structs.fields(model)]
    fields += [(name, kind) for name, kind in other.items() if name not in model.__struct_fields__]
    return msgspec.defstruct(model.__name__, fields, namespace={"__doc__": model.__doc__})


class OperationTold(msgspec.Struct):
    """One thing that was found or done, as `DmarcValidationEntry`."""

    kind: str
    data: Any


Track = _spoken(
    TrackHead,
    status=Status,
    filters=tuple[_spoken(FilterEntry), ...],  # type: ignore[misc]  # shapes that are made of others
    actions=tuple[_spoken(ActionEntry), ...],  # type: ignore[misc]
    attachments=tuple[_spoken(AttachmentEntry), ...],  # type: ignore[misc]
    operations=tuple[OperationTold, ...],
    decided=Status,
    attempts=tuple[_spoken(Attempt), ...],  # type: ignore[misc]
    details_were_deleted=bool,
    explanation=tuple[str, ...],
)


@operations.get("track.search", "/tracks", READ)
async def search(call: Call, asked: TrackSearch) -> Found:
    """Find mails, newest first."""
    found: Found = await call.house.tracks.search(**msgspec.structs.asdict(asked), tenant_id=call.tenant_id)
    return found


@operations.get("track.show", "/tracks/{track}", READ, answer=Track)
async def show(call: Call, asked: OneTrack) -> dict[str, Any] | Missing:
    """Tell all that is known of a mail: who, what, which rule, each filter's points and reason, each delivery; and in sentences."""
    try:
        return await call.house.tracks.show(asked.track, call.tenant_id)
    except ControlError as error:
        return missing(str(error))


@operations.post("track.export", "/tracks/export", READ)
async def export(call: Call, body: Tracks) -> list[str] | Missing:
    """Give tracks as JSON with the names that scripts know, each as one text.

    A track that is not there refuses all.
    """
    try:
        return await call.house.tracks.export(list(body.tracks), call.tenant_id)
    except ControlError as error:
        return missing(str(error))


@operations.post("track.import", "/tracks/import", WRITE)
async def import_(call: Call, body: Import) -> Imported | Invalid:
    """Import exported tracks, all or none; those that are known stay as they are."""
    documents = [msgspec.structs.astuple(one) for one in body.documents]
    try:
        return Imported(**await call.house.tracks.import_(documents, call.tenant_id))
    except ImportRefused as refused:
        return invalid(str(refused), (Place(str(refused), "#/documents"),))


@operations.get("track.legacy", "/tracks/conversion", READ, house=True)
async def legacy(call: Call) -> Conversion:
    """Tell how the conversion of tracks of older versions gets on."""
    progress = await call.house.tracks.legacy.progress()
    return Conversion(progress.waiting, progress.converted, progress.refused)


@operations.get("traffic.series", "/traffic", READ)
async def series(call: Call, asked: Steps) -> Series:
    """Tell how much mail flowed, in steps of so many hours."""
    return await call.house.tracks.traffic.series(asked.after, asked.before, asked.step_hours, call.tenant_id)


@operations.get("traffic.refusals", "/traffic/refusals", READ)
async def refusals(call: Call, asked: Span) -> list[Refusals]:
    """Count refused mails by the filter that gave them points, most first."""
    return await call.house.tracks.traffic.refusals(asked.after, asked.before, call.tenant_id)
