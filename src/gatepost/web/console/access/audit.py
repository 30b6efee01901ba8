# SPDX-License-Identifier: Apache-2.0
"""Troubleshooting › Audit: who changed what, when, by which way, and how it was before."""

import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from starlette.responses import Response
from starlette.routing import Route

from gatepost.access.audit import AuditSearch
from gatepost.access.record import AuditLine
from gatepost.versioning.record import VersionLine
from gatepost.web.console.access.audit_differences import Difference, differences
from gatepost.web.console.access.audit_operations import OPERATIONS
from gatepost.web.console.changes.told import spoken
from gatepost.web.console.monitoring.tracking import PERIODS
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.templates import query
from gatepost.web.frame.words import Words, _
from gatepost.web.house import House

PATH: Final = "/troubleshooting/audit"
VIAS: Final = {"console": _("Console"), "api": _("REST API"), "cli": _("Command line")}
_ROWS: Final = 50
_APPLY: Final = "config.apply"


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""

    async def search(visit: Visit) -> Response:
        form = visit.form = visit.asked
        period = form.text("last", "7d")
        since = time.time() - PERIODS[period][0] if period in PERIODS else None
        wanted = AuditSearch(
            since=since,
            author=form.text("author"),
            operation=form.text("operation"),
            subject=form.text("subject"),
            before_id=form.whole("before"),
            limit=_ROWS,
        )
        page = await house.access.audit.search(wanted, visit.visitor.tenant_id)
        more = (
            f"{PATH}?{query(**{name: form.many(name) for name in form.names if name != 'before'}, before=page.next)}" if page.next else ""
        )
        lines = [_line(one, visit.words) for one in page.entries]
        shown: dict[str, Any] = {"lines": lines, "more": more, "periods": PERIODS, "period": period, "vias": VIAS, "operations": OPERATIONS}
        return visit.show("audit_rows.html" if visit.wants_part else "audit.html", title=_("Audit"), **shown)

    return [desk.route(PATH, search, "administration:read")]


class Line(NamedTuple):
    """One entry as it is shown."""

    entry: AuditLine
    differences: Sequence[Difference]
    version: int | None
    """Of the configuration, that the entry made; its page tells each difference in the reader's language."""


def _line(entry: AuditLine, words: Words) -> Line:
    after, version = entry.after, None
    if entry.operation == _APPLY and isinstance(after, dict):
        made, reason = after.get("version"), after.get("reason")
        version = made if isinstance(made, int) and made > 0 else None
        if isinstance(reason, str):
            after = {**after, "reason": spoken(VersionLine(0, entry.author, 0.0, reason, ""), words).reason}
    return Line(entry, differences(entry.before, after, words), version)
