# SPDX-License-Identifier: Apache-2.0
"""Put a draft onto what others applied meanwhile. Where both changed the same, whoever has the draft chooses, place by place.

Until everything is chosen nothing is changed; what was chosen stays chosen on the page. A choice is sent under the place that it
is about, so one that was made for other conflicts, as when a further version came meanwhile, is never taken for another.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple, cast
from urllib.parse import quote, unquote

from starlette.responses import Response
from starlette.routing import Route

from gatepost.versioning.draft_record import Changed, Conflicting, Stale
from gatepost.versioning.rebase import ORDER, Choice, Conflict, Side
from gatepost.versioning.record import VersionLine
from gatepost.web.console.changes.parts import CHANGED, CONFLICTS, DRAFT, TABS, WRITE, seen
from gatepost.web.console.changes.told import sides, spoken
from gatepost.web.console.settings.places import label, place_of
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.forms import Form
from gatepost.web.frame.words import Words, _
from gatepost.web.house import House

_KEEP: Final = "keep."
SIDES: Final = ("mine", "theirs")
_ORDER: Final = _("Order")
_WHOLE: Final = _("The whole entry")


class Shown(NamedTuple):
    """One conflict as the page shows it."""

    name: str
    """Of its choice in the form."""
    place: str
    what: str
    base: tuple[str, ...]
    mine: tuple[str, ...]
    theirs: tuple[str, ...]
    by: tuple[VersionLine, ...]
    chosen: str


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the page."""
    drafts = house.drafts

    async def rebase(visit: Visit) -> Response:
        form = visit.form
        answer = await drafts.rebase(visit.actor, seen(form), form.whole("onto", 0) or 0, _choices(form))
        match answer:
            case Changed():
                return visit.go(DRAFT, visit.words("Your draft rests on the newest version now. Look at it once more, then apply it."))
            case Stale():
                return visit.go(DRAFT, visit.words(CHANGED))
            case Conflicting(newest, conflicts):
                shown = [_shown(one, form, visit.words) for one in conflicts]
                tried = bool(form.text("onto"))
                return visit.show(
                    "changes_conflicts.html",
                    409 if tried else 200,
                    title=_("Conflicts"),
                    tabs=TABS,
                    newest=spoken(newest, visit.words),
                    conflicts=shown,
                    revision=seen(form),
                    missing=sum(not one.chosen for one in shown) if tried else 0,
                )

    return [desk.route(CONFLICTS, rebase, WRITE, post=True)]


def _shown(conflict: Conflict, form: Form, words: Words) -> Shown:
    name = _KEEP + "/".join(quote(part, safe="") for part in conflict.place)
    is_order = conflict.field == ORDER and not conflict.entry
    what = words(_ORDER) if is_order else label(conflict.section, conflict.field, words) if conflict.field else words(_WHOLE)
    base, mine, theirs = (tuple(side) for side in sides(conflict, words))
    by = tuple(spoken(one, words) for one in conflict.by)
    return Shown(name, place_of(conflict.section, conflict.entry, words), what, base, mine, theirs, by, form.text(name))


def _choices(form: Form) -> Iterator[Choice]:
    for name in form.names:
        parts = name.removeprefix(_KEEP).split("/")
        keep = form.text(name)
        if name.startswith(_KEEP) and len(parts) == 3 and keep in SIDES:
            section, entry, field = map(unquote, parts)
            yield Choice(section=section, entry=entry, field=field, keep=cast(Side, keep))
