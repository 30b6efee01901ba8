# SPDX-License-Identifier: Apache-2.0
"""Monitoring › Message tracking: find mails, see what became of one and why, export it."""

import math
import time
from collections.abc import Mapping
from typing import Any, Final

from starlette.responses import Response
from starlette.routing import Route

from gatepost.errors import GatepostError, UsageError
from gatepost.tracking.record import Status
from gatepost.web.console.configuration.rules_words import NAMES, called
from gatepost.web.console.monitoring.track_path import stations
from gatepost.web.console.monitoring.zones import instant
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.forms import Form
from gatepost.web.frame.words import _
from gatepost.web.house import House

PATH: Final = "/monitoring/message-tracking"
RIGHT: Final = "monitoring:read"
_ROWS: Final = 50

PERIODS: Final[Mapping[str, tuple[int, str]]] = {
    "30min": (1_800, _("30 minutes")),
    "1h": (3_600, _("1 hour")),
    "2h": (7_200, _("2 hours")),
    "6h": (21_600, _("6 hours")),
    "12h": (43_200, _("12 hours")),
    "24h": (86_400, _("24 hours")),
    "2d": (172_800, _("2 days")),
    "7d": (604_800, _("7 days")),
    "14d": (1_209_600, _("14 days")),
    "30d": (2_592_000, _("30 days")),
    "60d": (5_184_000, _("60 days")),
    "90d": (7_776_000, _("90 days")),
}
RESULTS: Final[Mapping[str, str]] = {
    "success": _("Delivered"),
    "delivery_pending": _("Delivery pending"),
    "partial_success": _("Several delivery states"),
    "dispatcher_error": _("Delivery failed"),
    "temporarily_blocked": _("Temporarily refused"),
    "permanently_blocked": _("Permanently refused"),
    "put_on_hold": _("On hold"),
    "suppressed": _("Accepted, not delivered"),
    "duplicate_drop": _("Duplicate"),
    "none": _("Unknown"),
}
COLOURS: Final[Mapping[str, str]] = {
    "success": "bg-green-lt",
    "dispatcher_error": "bg-red-lt",
    "permanently_blocked": "bg-red-lt",
    "temporarily_blocked": "bg-yellow-lt",
    "delivery_pending": "bg-yellow-lt",
    "partial_success": "bg-yellow-lt",
    "put_on_hold": "bg-yellow-lt",
}
DIRECTIONS: Final[Mapping[str, str]] = {"inbound": _("Inbound"), "outbound": _("Outbound")}
assert set(RESULTS) == {status.name.lower() for status in Status}


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""

    async def search(visit: Visit) -> Response:
        form = visit.asked
        visit.form = form
        found = None
        try:
            found = await house.tracks.search(**asked(form, time.time()), tenant_id=visit.visitor.tenant_id)
        except UsageError as error:
            _at_field(form, str(error))
        shown: dict[str, Any] = {
            "found": found,
            "filters": NAMES,
            "periods": PERIODS,
            "results": RESULTS,
            "colours": COLOURS,
            "directions": DIRECTIONS,
        }
        if visit.wants_part and found is not None:
            return visit.show("tracking_rows.html", **shown, more=_more(form, found.next))
        return visit.show("tracking.html", title=_("Message tracking"), **shown, more=_more(form, found.next) if found is not None else "")

    async def details(visit: Visit) -> Response:
        try:
            track = await house.tracks.show(visit.request.path_params["track"], visit.visitor.tenant_id)
        except GatepostError as error:
            return visit.show("tracking_missing.html", 404, title=_("Message track"), why=str(error))
        return visit.show(
            "track.html",
            title=_("Message track"),
            track=track,
            path=stations(track, visit.words),
            called=called,
            results=RESULTS,
            colours=COLOURS,
            directions=DIRECTIONS,
        )

    async def export(visit: Visit) -> Response:
        name = visit.request.path_params["track"]
        try:
            (document,) = await house.tracks.export([name], visit.visitor.tenant_id)
        except GatepostError as error:
            return visit.show("tracking_missing.html", 404, title=_("Message track"), why=str(error))
        headers = {"Content-Disposition": f'attachment; filename="track-{name}.json"'}
        return Response(document + "\n", media_type="application/json", headers=headers)

    return [
        desk.route(PATH, search, RIGHT),
        desk.route(PATH + "/{track:str}", details, RIGHT),
        desk.route(PATH + "/{track:str}/export", export, RIGHT),
    ]


def asked(form: Form, now: float) -> dict[str, Any]:
    """Give the search that a form asks for. Raises: UsageError."""
    period = form.text("last", "" if form.text("from") or form.text("to") else "24h")
    after, before = instant(form, "from"), instant(form, "to")
    if period in PERIODS and after is None and before is None:
        after = now - PERIODS[period][0]
    word: dict[str, Any] = {
        "between": [side for side in (form.text("between1"), form.text("between2")) if side],
        "message_id": form.text("message_id"),
        "subject": form.text("subject"),
        "after": after,
        "before": before,
        "statuses": form.many("result"),
        "direction": form.text("direction"),
        "rule": form.text("rule"),
        "client": form.text("client"),
        "min_scl": _points(form, "min_scl"),
        "max_scl": _points(form, "max_scl"),
        "track": form.text("track"),
        "filter": form.text("filter"),
        "cursor": form.text("cursor"),
        "limit": _ROWS,
    }
    return word


def _points(form: Form, name: str) -> float | None:
    written = form.text(name).replace(",", ".")
    if not written:
        return None
    try:
        points = float(written)
    except ValueError:
        points = math.nan
    if not math.isfinite(points):
        raise UsageError(f"{name}: {written[:40]!r} is no number of points")
    return points


def _more(form: Form, cursor: str) -> str:
    """Give the address of the next page; '' when this is the last."""
    if not cursor:
        return ""
    from gatepost.web.frame.templates import query

    return f"{PATH}?{query(**{name: form.many(name) for name in form.names if name != 'cursor'}, cursor=cursor)}"


_SENTENCES: Final = (
    _("{0} is no IP address"),
    _("{0} is no number of points"),
    _("{0} is no time; write it as 2026-11-25T20:44"),
    _("{0}: is neither an address nor a domain; a part of an address is written *part*"),
    _("{0}: write a part of an address between two asterisks, *example*"),
    _("{0}: is no text that a track could hold"),
)
"""What a search says of its words; here for the catalogues."""
_REWORDED: Final = {"is not before `before`": _("is not before the end"), "is below `min_scl`": _("is below where the points begin")}
_FIELDS: Final = {"after": "from", "between": "between1", "status": "result", "message_id": "message_id"}


def _at_field(form: Form, sentence: str) -> None:
    """Put what is wrong with a search at its field, as far as the sentence says which."""
    field, colon, rest = sentence.partition(": ")
    known = colon and field.isidentifier()
    if known:
        form.fault(_FIELDS.get(field, field), _REWORDED.get(rest, rest))
    else:
        form.fault("between1" if sentence.startswith("'") else "", sentence)
