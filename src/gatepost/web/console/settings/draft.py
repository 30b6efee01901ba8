# SPDX-License-Identifier: Apache-2.0
"""The visitor's draft on a page of the configuration: what it holds, who else changes the same, and edits of it.

    draft = await Editing(house).look(visit, "rules")         # for settings.bar(draft), settings.seen(draft) in a template
    match await Editing(house).change(visit, operation):      # with the revision that the page was made from
        case Changed(): ...
        case Refused(faults): ...
        case Stale(): ...                                     # look again with stale=True; what was typed stays

Promise: an edit is made only to what its page showed. Without a draft that is the version the page was made from.
"""

from collections.abc import Iterable
from typing import NamedTuple

from gatepost.config.configuration import Configuration
from gatepost.versioning.draft_record import Changed, OtherDraft, Refused, Stale, View
from gatepost.versioning.edit import Operation
from gatepost.versioning.edit_values import Fault
from gatepost.versioning.plan import Change
from gatepost.versioning.record import VersionLine
from gatepost.web.console.settings.faults import said
from gatepost.web.console.settings.places import label, place_of
from gatepost.web.frame.desk import Visit
from gatepost.web.frame.words import Words
from gatepost.web.house import House


class Other(NamedTuple):
    """A draft of somebody else that changes what a page shows; `same` is what both drafts change."""

    author: str
    entries: tuple[str, ...]
    same: tuple[str, ...]


class Seen(NamedTuple):
    """The draft as a page shows it."""

    configuration: Configuration
    revision: int
    based_on: int
    changes: tuple[Change, ...]
    newest: VersionLine
    is_outdated: bool
    faults: tuple[str, ...]
    others: tuple[Other, ...]
    stale: bool


class Editing:
    """Looks at drafts and changes them, for one visitor at a time."""

    def __init__(self, house: House) -> None:
        self._drafts = house.drafts

    async def look(self, visit: Visit, *sections: str, stale: bool = False) -> Seen:
        """Give what a page of these sections shows. Raises: StoreAway; ConfigError for a draft that cannot be read."""
        view = await self._drafts.view(visit.actor)
        others = await self._drafts.others(visit.actor)
        return Seen(
            configuration=view.configuration,
            revision=view.revision,
            based_on=view.based_on,
            changes=view.changes,
            newest=view.newest,
            is_outdated=view.is_outdated,
            faults=tuple(in_words(one, visit.words) for one in view.faults),
            others=tuple(_told(others, sections, visit.words)),
            stale=stale,
        )

    async def change(self, visit: Visit, operation: Operation) -> Changed | Refused | Stale:
        """Edit the draft, as the form that was sent had seen it. Raises: StoreFull, StoreAway, ConfigError."""
        revision = visit.form.whole("revision", -1)
        if revision == 0:
            view: View = await self._drafts.view(visit.actor)
            if view.revision or view.based_on != visit.form.whole("based_on", -1):
                return Stale(view)
        return await self._drafts.change(visit.actor, -1 if revision is None else revision, operation)


def in_words(fault: Fault, words: Words) -> str:
    """Say what stops an apply, with its place."""
    cause, mend = said(fault, None, words)
    place = place_of(fault.section, fault.entry, words) + (f" › {label(fault.section, fault.field, words)}" if fault.field else "")
    return f"{place}: {cause}" + (f"; {mend}" if mend else "")


def _told(others: Iterable[OtherDraft], sections: tuple[str, ...], words: Words) -> Iterable[Other]:
    for other in others:
        here = [one for one in other.changes if one.section in sections]
        if here:
            same = [one for one in other.overlapping if one.section in sections]
            yield Other(other.author, _entries(here, words), _entries(same, words))


def _entries(changes: Iterable[Change], words: Words) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one.entry or label(one.section, one.field, words) for one in changes))
