# SPDX-License-Identifier: Apache-2.0
"""`gatepost track`: what became of each mail and why, asked of the intranet.

Times are written as 2026-11-25, 2026-11-25T20:44 or with seconds and an offset; without one they are UTC.
"""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, BinaryIO

from cyclopts import App, Parameter

from gatepost.cli.output import console, plain, print_json, table
from gatepost.cli.place import HERE, Place, ask_console
from gatepost.cli.track_words import as_search, moment, size
from gatepost.errors import GatepostError, UsageError
from gatepost.tracking.import_file import Document, ImportRefused, documents
from gatepost.tracking.import_track import read_track

Json = Annotated[bool, Parameter(help="Answer in JSON.", negative=())]
Tenant = Annotated[int, Parameter(help="Whose mail.")]
_AT_ONCE = 100
_CALL_BYTES = 2_000_000
_ASK_S = 60.0

track = App(name="track", help="See what became of each mail and why.")


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What narrows a search; all of it must be so."""

    between: Annotated[
        tuple[str, ...], Parameter(help="A sender, author or recipient: user@example.com, example.com, *part*, <>; twice: both.")
    ] = ()
    message_id: Annotated[str, Parameter(help="The mail's Message-ID.")] = ""
    subject: Annotated[str, Parameter(help="A part of the subject; without a period within the last 24 hours.")] = ""
    last: Annotated[str, Parameter(help="The period until now: 30min, 2h, 7d.")] = ""
    after: Annotated[str, Parameter(name="--from", help="The beginning of the period.")] = ""
    before: Annotated[str, Parameter(name="--to", help="The end of the period.")] = ""
    status: Annotated[tuple[str, ...], Parameter(help="Any of these, as success, delivery_pending, permanently_blocked.")] = ()
    direction: Annotated[str, Parameter(help="inbound or outbound.")] = ""
    rule: Annotated[str, Parameter(help="The rule that owns it.")] = ""
    client: Annotated[str, Parameter(help="The IP address that brought it.")] = ""
    min_scl: Annotated[float | None, Parameter(help="At least so many points.")] = None
    max_scl: Annotated[float | None, Parameter(help="At most so many points.")] = None


_NOTHING = Wanted()


@track.command
def search(
    word: Annotated[str, Parameter(help="A track, a <Message-ID>, an address or a domain.")] = "",
    *,
    wanted: Wanted = _NOTHING,
    limit: Annotated[int, Parameter(help="Show so many mails, newest first; at most 1000.")] = 50,
    cursor: Annotated[str, Parameter(help="Go on where the page before said so.")] = "",
    tenant: Tenant = 0,
    json: Json = False,
    place: Place = HERE,
) -> int:
    """Find mails, newest first; exit code 1 when there are none."""
    found = _ask(place, "track.search", **as_search(word, vars(wanted)), limit=limit, cursor=cursor, tenant_id=tenant)
    if json:
        print_json(found)
        return 0 if found["tracks"] else 1
    if found["tracks"]:
        console().print(_listed(found["tracks"]))
    else:
        print("No mail was found.")
    if found["searched_to"] is not None:
        print(f"It took long; searched back to {moment(found['searched_to'])}. Go on with --cursor {found['next']}")
    elif found["next"]:
        print(f"There may be more: --cursor {found['next']}")
    return 0 if found["tracks"] else 1


@track.command
def show(
    wanted: Annotated[str, Parameter(name="track", help="The track's name, as the client was told and the log names it.")],
    *,
    tenant: Tenant = 0,
    json: Json = False,
    place: Place = HERE,
) -> int:
    """Tell all that is known of a mail: who, what, which rule, each filter's points and reason, each delivery."""
    told = _ask(place, "track.show", track=wanted, tenant_id=tenant)
    if json:
        print_json(told)
        return 0
    shown = console()
    for sentence in told["explanation"]:
        shown.print(plain(sentence), soft_wrap=True)
    return 0


@track.command
def export(
    tracks: Annotated[tuple[str, ...], Parameter(help="Tracks by name; none: all that the search finds.")] = (),
    *,
    wanted: Wanted = _NOTHING,
    output: Annotated[Path | None, Parameter(help="The file to write; absent: standard output.")] = None,
    tenant: Tenant = 0,
    json: Annotated[bool, Parameter(help="Say in JSON what was written to the file.", negative=())] = False,
    place: Place = HERE,
) -> int:
    """Write tracks as JSON with the names that scripts know, one track a line; exit code 1 when there are none."""
    if bool(tracks) == (wanted != _NOTHING):
        raise UsageError("name the tracks to export, or narrow a search, as with --last 24h; not both")
    names = iter(tracks) if tracks else _found(place, wanted, tenant)
    written = 0
    with _written(output) as file:
        while some := list(islice(names, _AT_ONCE)):
            for document in _ask(place, "track.export", tracks=some, tenant_id=tenant):
                file.write(document.encode() + b"\n")
                written += 1
    if output is not None and json:
        print_json({"exported": written})
    elif output is not None:
        print(f"{_tracks(written)} written to {output}.")
    return 0 if written else 1


@track.command(name="import")
def import_(
    file: Annotated[Path, Parameter(help="What `gatepost track export` wrote.")],
    *,
    tenant: Tenant = 0,
    json: Json = False,
    place: Place = HERE,
) -> int:
    """Import exported tracks; those that are known stay as they are. The whole file is checked before anything is written."""
    try:
        with file.open("rb") as opened:
            for document in documents(opened):
                read_track(document, tenant)
        counts = {"imported": 0, "known": 0}
        with file.open("rb") as opened:
            for some in _calls(documents(opened)):
                answer = _ask(place, "track.import", documents=some, tenant_id=tenant)
                counts = {name: counts[name] + answer[name] for name in counts}
    except ImportRefused as refused:
        refused.args = (f"{file}: {refused}; nothing was imported",)
        raise
    except OSError as fault:
        raise GatepostError(f"{file}: cannot be read ({fault.strerror or fault})") from None
    if json:
        print_json(counts)
    else:
        print(f"{_tracks(counts['imported'])} imported, {counts['known']} known already.")
    return 0


@track.command
def legacy(*, json: Json = False, place: Place = HERE) -> int:
    """Tell how the conversion of tracks of older versions gets on; exit code 1 while some wait or were refused."""
    counts = _ask(place, "track.legacy")
    if json:
        print_json(counts)
    else:
        print(f"{counts['waiting']} wait, {counts['converted']} were converted, {counts['refused']} cannot be.")
    return 1 if counts["waiting"] or counts["refused"] else 0


def _ask(place: Place, do: str, **args: Any) -> Any:
    return ask_console(place, do, timeout_s=_ASK_S, kept="tracks", **args)


def _found(place: Place, wanted: Wanted, tenant: int) -> Iterator[str]:
    """Yield the names of all tracks that a search finds, page by page."""
    cursor, asked = "", as_search("", vars(wanted))
    while True:
        page = _ask(place, "track.search", **asked, limit=1000, cursor=cursor, tenant_id=tenant)
        yield from (one["track"] for one in page["tracks"])
        cursor = page["next"]
        if not cursor:
            return


def _calls(found: Iterable[Document]) -> Iterator[list[tuple[int, int, str]]]:
    """Yield what one call carries each."""
    some: list[tuple[int, int, str]] = []
    held = 0
    for document in found:
        if some and (len(some) == _AT_ONCE or held + len(document.untrusted_text) > _CALL_BYTES):
            yield some
            some, held = [], 0
        some.append((document.number, document.offset, document.untrusted_text.decode()))
        held += len(document.untrusted_text)
    if some:
        yield some


@contextmanager
def _written(output: Path | None) -> Iterator[BinaryIO]:
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        with output.open("wb") as file:
            yield file
    except OSError as fault:
        raise GatepostError(f"{output}: cannot be written ({fault.strerror or fault})") from None


def _listed(tracks: list[dict[str, Any]]) -> Any:
    made = table("time (UTC)", "status", "from", "to", "subject", "points", "size", "track", right=("points", "size", "track"))
    for one in tracks:
        more = f" +{len(one['recipients']) - 1}" if len(one["recipients"]) > 1 else ""
        times = f" ×{one['count']}" if one["count"] > 1 else ""
        made.add_row(
            plain(moment(one["sent_at"])),
            plain(one["status"] + times, _STYLES.get(one["status"], "")),
            plain(one["sender"] or "<>"),
            plain((one["recipients"][0] if one["recipients"] else "-") + more),
            plain(one["subject"] or "-"),
            f"{one['scl']:g}",
            size(one["size"]),
            plain(one["track"]),
        )
    return made


_STYLES = {
    "success": "green",
    "dispatcher_error": "red",
    "permanently_blocked": "red",
    "temporarily_blocked": "yellow",
    "delivery_pending": "yellow",
    "partial_success": "yellow",
    "put_on_hold": "yellow",
}


def _tracks(count: int) -> str:
    return "1 track was" if count == 1 else f"{count} tracks were"
