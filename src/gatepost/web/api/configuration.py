# SPDX-License-Identifier: Apache-2.0
"""The configuration as versions: shown, compared, planned, applied, taken back, tried on the mail of yesterday."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from gatepost.config.loader import read_configuration_text
from gatepost.errors import ConfigError, GatepostError
from gatepost.rules.replay_tally import Replay
from gatepost.versioning.change import Answer, Applied, Faulty, Outdated
from gatepost.versioning.plan import Change, sentence
from gatepost.versioning.record import ProcessState, VersionLine
from gatepost.web.api.operation import Call, Operations
from gatepost.web.api.problem import Missing, Place, Problem, missing
from gatepost.web.api.values import Document, Moment, Sentence, Version

READ, WRITE = "configuration:read", "configuration:write"
Source = Annotated[str, Meta(max_length=300, description="What faults call the document.")]
BasedOn = Annotated[Version | None, Meta(description="The version that the document changes; absent: If-Match says it.")]
_SOURCE = "the document"
operations = Operations()


class ChangeTold(Change, frozen=True, omit_defaults=True, kw_only=True):
    """One difference, and in words."""

    sentence: str


class Whole(VersionLine, frozen=True, kw_only=True):
    """A version with its text, secrets left out but for hashes of passwords."""

    document: str


class Differences(msgspec.Struct):
    """What differs between two versions, or between a version and a document."""

    before: int
    after: int | str
    changes: tuple[ChangeTold, ...]


class Outcome(msgspec.Struct):
    """What became of a change: `unchanged` where it says already what was proposed, or where this was only a plan."""

    outcome: Literal["made", "unchanged"]
    version: VersionLine
    changes: tuple[ChangeTold, ...]


class LateVersion(Problem, frozen=True, kw_only=True):
    """The change rests on a version that is not the newest: who changed what meanwhile."""

    status: Literal[409, 412]
    outcome: Literal["outdated"]
    version: VersionLine
    meanwhile: tuple[VersionLine, ...]
    changes: tuple[ChangeTold, ...]


class DocumentFault(msgspec.Struct):
    """What is wrong with a document: where, why, and how to mend it."""

    path: str
    cause: str
    mend: str


class FaultyDocument(Problem, frozen=True, kw_only=True):
    """The settings cannot work."""

    status: Literal[422]
    outcome: Literal["faulty"]
    faults: tuple[DocumentFault, ...]


class State(ProcessState, frozen=True, kw_only=True):
    """Which version one process works with, and whether that is the newest."""

    holds_newest: bool


class Status(msgspec.Struct):
    """The newest version, and who works with which."""

    newest: VersionLine
    processes: tuple[State, ...]


class OneVersion(msgspec.Struct, forbid_unknown_fields=True):
    """Names a version; absent: the newest."""

    number: Version | None = None


class History(msgspec.Struct, forbid_unknown_fields=True):
    """How many."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class Compared(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Two versions, or a version and a document; without anything: the last change."""

    before: Version | None = None
    after: Version | None = None
    document: Document = ""
    source: Source = _SOURCE


class Proposed(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A whole configuration that somebody proposes."""

    document: Document
    source: Source = _SOURCE
    based_on: BasedOn = None


class Applying(Proposed, kw_only=True, forbid_unknown_fields=True):
    """A whole configuration that is to be the next version."""

    reason: Sentence


class Back(msgspec.Struct, forbid_unknown_fields=True):
    """The version to go back to."""

    number: Version
    reason: Sentence


class Tried(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is tried on which mails: a document, or one's own draft; the last 24 hours unless a period is given."""

    document: Document = ""
    source: Source = _SOURCE
    after: Moment | None = None
    before: Moment | None = None


@operations.get("config.export", "/configuration", READ, house=True)
async def export(call: Call, asked: OneVersion) -> Whole | Missing:
    """Give the configuration as one TOML document."""
    versioning = call.house.versioning
    try:
        version = await (versioning.newest() if asked.number is None else versioning.get(asked.number))
    except GatepostError as error:
        return _missing(error)
    call.tag(version.number)
    return Whole(**msgspec.structs.asdict(version.line), document=version.document)


@operations.post("config.diff", "/configuration/diff", READ, house=True)
async def diff(call: Call, body: Compared) -> Differences | Missing:
    """Tell in words what differs between two versions, or between a version and a document."""
    versioning = call.house.versioning
    newest = (await versioning.newest()).number
    other: Any = newest if body.after is None else body.after
    named: int | str = other
    before = max(other - 1, 1) if body.before is None else body.before
    if body.document:
        other, named = read_configuration_text(body.document, body.source), body.source
        before = newest if body.before is None else body.before
    try:
        return Differences(before, named, told_changes(await versioning.difference(before, other)))
    except GatepostError as error:
        return _missing(error)


@operations.post("config.plan", "/configuration/plan", READ, house=True, if_match=True)
async def plan(call: Call, body: Proposed) -> Outcome | LateVersion | FaultyDocument:
    """Tell what an apply would change; nothing is changed."""
    based_on = body.based_on if body.based_on is not None else call.if_match
    return told_change(call, await call.house.versioning.plan(body.document, body.source, based_on))


@operations.post("config.apply", "/configuration/versions", WRITE, house=True, if_match=True)
async def apply(call: Call, body: Applying) -> Outcome | LateVersion | FaultyDocument:
    """Make a document the next version."""
    based_on = call.rests_on("based_on", body.based_on)
    actor = call.actor
    said: dict[str, Any] = {"author": actor.name, "reason": body.reason, "based_on": based_on, "actor": actor}
    return told_change(call, await call.house.versioning.apply(body.document, body.source, **said))


@operations.get("config.history", "/configuration/versions", READ, house=True)
async def history(call: Call, asked: History) -> tuple[VersionLine, ...]:
    """Tell who changed the configuration, when and why, newest first."""
    return tuple(await call.house.versioning.versions.history(asked.limit))


@operations.post("config.rollback", "/configuration/rollback", WRITE, house=True)
async def rollback(call: Call, body: Back) -> Outcome | LateVersion | FaultyDocument | Missing:
    """Make the next version with the text of an older one; nothing is lost from the history."""
    actor = call.actor
    try:
        await call.house.versioning.get(body.number)
    except GatepostError as error:
        return _missing(error)
    answer = await call.house.versioning.rollback(body.number, author=actor.name, reason=body.reason, actor=actor)
    return told_change(call, answer)


@operations.get("config.status", "/configuration/status", READ, house=True)
async def status(call: Call) -> Status:
    """Tell the version that each process works with, and why one kept an older."""
    newest = await call.house.versioning.newest()
    states = await call.house.process_states()
    told = [State(*msgspec.structs.astuple(one), holds_newest=one.version == newest.number) for one in states]
    return Status(newest.line, tuple(told))


@operations.post("config.replay", "/configuration/replay", READ, house=True)
async def replay(call: Call, body: Tried) -> Replay:
    """Tell which mails of the last day would be judged otherwise, by a document or by one's own draft."""
    if body.document:
        configuration = read_configuration_text(body.document, body.source)
    else:
        configuration = (await call.house.drafts.view(call.actor)).configuration
    told: Replay = await call.house.replaying.whole(configuration, tenant_id=call.tenant_id, after=body.after, before=body.before)
    return told


def told_change(call: Call, answer: Answer) -> Outcome | LateVersion | FaultyDocument:
    """Give what became of a change."""
    match answer:
        case Outdated(newest, meanwhile, differing):
            said = f"Version {newest.number} is the newest, and this change does not rest on it."
            told: dict[str, Any] = {"version": newest, "meanwhile": meanwhile, "changes": told_changes(differing)}
            return LateVersion.said(call.late, said, outcome="outdated", **told)
        case Faulty(faults):
            return faulty(*faults)
        case Applied(version, differing, made):
            call.tag(version.number)
            return Outcome("made" if made else "unchanged", version, told_changes(differing))


def faulty(*faults: ConfigError) -> FaultyDocument:
    """Say what keeps a document from being a configuration."""
    told = tuple(DocumentFault(one.path, one.cause, one.mend) for one in faults)
    return FaultyDocument.said(422, str(faults[0]), [Place(str(one), "#/document") for one in faults], outcome="faulty", faults=told)


def told_changes(changes: tuple[Change, ...]) -> tuple[ChangeTold, ...]:
    """Give differences with their sentences."""
    return tuple(ChangeTold(**msgspec.structs.asdict(one), sentence=sentence(one)) for one in changes)


def _missing(error: GatepostError) -> Missing:
    """Tell that there is no such version. Raises: what else it is."""
    if type(error) is not GatepostError:
        raise error
    return missing(str(error))
