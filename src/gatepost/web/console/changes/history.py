# SPDX-License-Identifier: Apache-2.0
"""Configuration › Changes › History: every version, who made it, when, why and what it changed; download one, go back to one."""

import asyncio
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from gatepost.errors import ConfigError, GatepostError
from gatepost.versioning.change import Applied, Faulty
from gatepost.versioning.current import head
from gatepost.versioning.record import Version
from gatepost.web.console.changes.parts import DRAFT, HISTORY, READ, TABS, WRITE
from gatepost.web.console.changes.told import COLOURS, KINDS, Told, spoken, told
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.words import Words, _
from gatepost.web.house import House

_ROWS: Final = 50
_HIGHEST: Final = 1_000_000_000


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""
    pages = _History(house)
    return [
        desk.route(HISTORY, pages.listed, READ),
        desk.route(HISTORY + "/{number:int}", pages.one, READ),
        desk.route(HISTORY + "/{number:int}", pages.roll_back, WRITE, post=True),
        desk.route(HISTORY + "/{number:int}/download", pages.download, READ),
    ]


class _History:
    """The versions of one house."""

    def __init__(self, house: House) -> None:
        self._versioning = house.versioning

    async def listed(self, visit: Visit) -> Response:
        """List versions, newest first."""
        below = visit.asked.whole("below") or _HIGHEST
        rows = await self._versioning.versions.history(_ROWS + 1, max(0, min(below, _HIGHEST)))
        more = f"{HISTORY}?below={rows[_ROWS - 1].number}" if len(rows) > _ROWS else ""
        newest = (await self._versioning.newest()).number
        shown = [spoken(one, visit.words) for one in rows[:_ROWS]]
        template = "changes_history_rows.html" if visit.wants_part else "changes_history.html"
        return visit.show(template, title=_("History"), tabs=TABS, versions=shown, more=more, newest=newest)

    async def one(self, visit: Visit, status: int = 200) -> Response:
        """Show one version: what it changed, and what going back to it would change."""
        version = await self._version(visit)
        if version is None:
            return visit.missing()
        newest = await self._versioning.newest()
        before = await self._versioning.versions.get(version.number - 1)
        trouble, differing, back = "", list[Told](), list[Told]()
        try:
            differing = await self._told(before, version, visit.words) if before is not None else []
            back = await self._told(newest, version, visit.words) if newest.number != version.number else []
        except ConfigError as fault:  # a key of another program's version
            trouble = str(fault)
        return visit.show(
            "changes_version.html",
            status,
            title=visit.words("Version {n}", n=version.number),
            tabs=TABS,
            version=spoken(version, visit.words),
            newest=newest.number,
            changes=differing,
            back=back,
            trouble=trouble,
            is_first=before is None,
            kinds=KINDS,
            colours=COLOURS,
            may_change=visit.visitor.may(WRITE),
        )

    async def roll_back(self, visit: Visit) -> Response:
        """Make the next version of this one's text."""
        version, form = await self._version(visit), visit.form
        if version is None:
            return visit.missing()
        if not form.text("reason"):
            form.fault("reason", _("is missing"), _("say why, for those who read the history"))
            return await self.one(visit, 400)
        if form.whole("newest") != (await self._versioning.newest()).number:
            form.fault("", _("somebody has applied another version meanwhile"), _("look again at what going back would change"))
            return await self.one(visit, 409)
        try:
            answer = await self._versioning.rollback(
                version.number, author=visit.visitor.name, reason=form.text("reason"), actor=visit.actor
            )
        except GatepostError as error:
            form.fault("", str(error))
            return await self.one(visit, 503)
        match answer:
            case Applied(made, _differing, True):
                said = visit.words("Version {n} is made. Each gateway works with it within seconds.", n=made.number)
                return visit.go(f"{HISTORY}/{made.number}", said)
            case Applied():
                return visit.go(DRAFT, visit.words("This version says what holds already."))
            case Faulty(faults):
                for fault in faults:
                    form.fault("", str(fault))
                return await self.one(visit, 400)
        form.fault("", _("somebody has applied another version meanwhile"), _("look again at what going back would change"))
        return await self.one(visit, 409)

    async def download(self, visit: Visit) -> Response:
        """Give a version as the file that `gatepost config export` writes."""
        version = await self._version(visit)
        if version is None:
            return visit.missing()
        headers = {"Content-Disposition": f'attachment; filename="configuration-{version.number}.toml"'}
        return Response(head(version.number) + version.document, media_type="application/toml", headers=headers)

    async def _told(self, before: Version, after: Version, words: Words) -> list[Told]:
        return told(await asyncio.to_thread(self._versioning.between, before, after), words)

    async def _version(self, visit: Visit) -> Version | None:
        number: int = visit.request.path_params["number"]
        return await self._versioning.versions.get(number) if number < _HIGHEST else None
