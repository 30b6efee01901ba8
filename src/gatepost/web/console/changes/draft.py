# SPDX-License-Identifier: Apache-2.0
"""Configuration › Changes: one's own draft, what it changes and what stops it; who else has one; apply, or give it up.

A draft is written on the pages of the configuration. Here it is looked at as a whole, tried on the mail of yesterday, put onto
what others applied meanwhile, and applied. What was seen is what is applied: each form names the revision it was made from.
"""

from typing import Any, Final

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from gatepost.errors import ConfigError, GatepostError
from gatepost.versioning.change import Applied, Faulty, Outdated
from gatepost.versioning.draft_record import OtherDraft, Stale
from gatepost.versioning.edit_faults import located
from gatepost.versioning.edit_values import Fault
from gatepost.web.console.changes import conflicts, history, replay, text
from gatepost.web.console.changes.parts import CHANGED, DRAFT, READ, TABS, WRITE, seen
from gatepost.web.console.changes.told import COLOURS, KINDS, spoken, told
from gatepost.web.console.settings.faults import said
from gatepost.web.console.settings.places import label, place_of
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.words import Words, _
from gatepost.web.house import House

PATH: Final = DRAFT
_LATE: Final = _("Somebody has applied another version meanwhile; put your draft onto it first. Nothing of yours is lost.")


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""
    trials = replay.Replays(house.replaying)
    pages = _Changes(house, trials)
    return [
        desk.route(PATH, pages.show, READ),
        desk.route(PATH + "/apply", pages.apply, WRITE, post=True),
        desk.route(PATH + "/discard", pages.discard, WRITE, post=True),
        desk.route(PATH + "/discard-other", pages.discard_other, WRITE, post=True),
        *conflicts.routes(desk, house),
        *replay.routes(desk, house, trials),
        *text.routes(desk, house),
        *history.routes(desk, house),
    ]


class _Changes:
    """The draft as a whole."""

    def __init__(self, house: House, trials: replay.Replays) -> None:
        self._drafts = house.drafts
        self._trials = trials

    async def show(self, visit: Visit, status: int = 200, alert: str = "") -> Response:
        """Show one's own draft, and those of others."""
        try:
            view = await self._drafts.view(visit.actor)
        except ConfigError as fault:
            return await self._unreadable(visit, fault)
        others = await self._drafts.others(visit.actor)
        return visit.show(
            "changes.html",
            status,
            title=_("Changes"),
            tabs=TABS,
            view=msgspec.structs.replace(view, newest=spoken(view.newest, visit.words)),
            has_draft=bool(view.revision),
            changes=told(view.changes, visit.words),
            faults=[_fault(one, visit.words) for one in view.faults],
            others=[_other(one, visit.words) for one in others],
            kinds=KINDS,
            colours=COLOURS,
            trial=self._trials.of(visit.actor, view.revision),
            alert=visit.words(alert),
            may_change=visit.visitor.may(WRITE),
        )

    async def apply(self, visit: Visit) -> Response:
        """Make the draft, as it was seen, the next version."""
        form = visit.form
        if not form.text("reason"):
            form.fault("reason", _("is missing"), _("say why, for those who read the history"))
            return await self.show(visit, 400)
        try:
            answer = await self._drafts.apply(visit.actor, seen(form), form.text("reason"))
        except GatepostError as error:
            form.fault("", str(error))
            return await self.show(visit, 503)
        match answer:
            case Stale():
                return await self.show(visit, 409, CHANGED)
            case Outdated():
                return await self.show(visit, 409, _LATE)
            case Faulty(faults):
                view = await self._drafts.view(visit.actor)
                for fault in faults if not view.faults else ():  # those of the draft itself are shown by the page
                    form.fault("", *_cause(located(view.configuration, fault), visit.words))
                return await self.show(visit, 400)
            case Applied(version, _differing, made):
                if not made:
                    return visit.go(PATH, visit.words("It changes nothing any more, so no version was made; the draft has ended."))
                number = version.number
                return visit.go(PATH, visit.words("Version {n} is made. Each gateway works with it within seconds.", n=number))

    async def discard(self, visit: Visit) -> Response:
        """Give the draft up."""
        if not await self._drafts.discard(visit.actor, seen(visit.form)):
            return await self.show(visit, 409, CHANGED)
        return visit.go(PATH, visit.words("The draft is discarded."))

    async def discard_other(self, visit: Visit) -> Response:
        """Give up a draft that somebody else has left behind."""
        author = visit.form.text("author")
        done = await self._drafts.discard_of(visit.actor, author)
        return visit.go(PATH, visit.words("The draft of {name} is discarded.", name=author) if done else "")

    async def _unreadable(self, visit: Visit, fault: ConfigError) -> Response:
        """Show a draft of an older program, which can only be given up."""
        draft = await self._drafts.get(visit.actor)
        return visit.show(
            "changes_unreadable.html",
            title=_("Changes"),
            tabs=TABS,
            why=str(fault),
            revision=draft.revision if draft is not None else 0,
            may_change=visit.visitor.may(WRITE),
        )


def _other(other: OtherDraft, words: Words) -> dict[str, Any]:
    """Say a draft of somebody else; the changes that touch one's own come first and are marked."""
    rest = [one for one in other.changes if one not in other.overlapping]
    return {
        "draft": other,
        "overlapping": told(other.overlapping, words),
        "rest": told(rest, words),
    }


def _fault(fault: Fault, words: Words) -> dict[str, str]:
    cause, mend = _cause(fault, words)
    field = label(fault.section, fault.field, words) if fault.field else ""
    return {"place": place_of(fault.section, fault.entry, words), "field": field, "cause": cause, "mend": mend}


def _cause(fault: Fault, words: Words) -> tuple[str, str]:
    return said(fault, None, words)
