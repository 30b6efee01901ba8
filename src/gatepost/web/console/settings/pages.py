# SPDX-License-Identifier: Apache-2.0
"""Pages made of a description: one for a table of the configuration, two for a list (all its entries, and one of them).

    pages = TablePage(house, Described("/configuration/dns", "dns", _("Name servers"), intro=_("...")))
    pages = ListPages(house, Described("/configuration/...", "corporate_servers", _("..."), one=..., add=..., columns=...))
    return pages.routes(desk)

Every change goes into the visitor's draft. A page that holds more than its model's fields is a subclass.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from starlette.responses import Response
from starlette.routing import Route

from gatepost.config.configuration import Configuration
from gatepost.versioning.draft_record import Changed, Refused
from gatepost.versioning.edit import Put, Remove, Set
from gatepost.versioning.edit_fields import Entry, entries, table
from gatepost.versioning.edit_values import Fault
from gatepost.web.console.settings.draft import Editing, Seen
from gatepost.web.console.settings.form import SettingsForm
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.words import _
from gatepost.web.house import House

SEE: Final = "configuration:read"
CHANGE: Final = "configuration:write"
IN_DRAFT: Final = _("It is in your draft; nothing changes for mail until you apply it.")


class Described(NamedTuple):
    """What such pages show; all texts are English."""

    path: str
    section: str
    title: str
    intro: str = ""
    one: str = ""
    """The title of one entry's page."""
    add: str = ""
    """The label of the button for a new entry, and the title of its page."""
    columns: Sequence[str] = ()
    """The fields in the list; the first leads to the entry."""
    fixed: Mapping[str, str] = {}
    """Fields that are the same for all entries here: others are not shown, and the fields are not asked for."""
    tabs: Sequence[tuple[str, str]] = ()
    """Path and title of pages that belong together."""
    template: str = ""
    """Another template than the usual one, for the list or the table."""


class TablePage:
    """One table."""

    def __init__(self, house: House, described: Described) -> None:
        self.described = described
        self.editing = Editing(house)
        self.form = SettingsForm(described.section)

    def routes(self, desk: Desk) -> list[Route]:
        """Give the page's routes."""
        path = self.described.path
        return [desk.route(path, self.show, SEE), desk.route(path, self.save, CHANGE, post=True)]

    async def show(self, visit: Visit, status: int = 200, *, stale: bool = False) -> Response:
        """Show the table's values, or what was typed."""
        of = self.described
        draft = await self.editing.look(visit, of.section, stale=stale)
        stored = table(draft.configuration, of.section)
        if stale:
            self.form.take(visit.form, stored, visit.words)
        self.form.fill(visit.form, stored, visit.words)
        now = self.form.now(visit.form, stored, visit.words) if stale else {}
        shown: dict[str, Any] = {"inputs": self.form.inputs, "now": now, "was": self.form.marks(stored, visit.words)}
        return visit.show(of.template or "settings_table.html", status, title=of.title, of=of, draft=draft, **shown)

    async def save(self, visit: Visit) -> Response:
        """Put what was typed into the draft."""
        done = await self.editing.change(visit, Set(section=self.described.section, values=self.form.read(visit.form)))
        if isinstance(done, Changed):
            return visit.go(self.described.path, visit.words(IN_DRAFT))
        if isinstance(done, Refused):
            self.form.tell(visit.form, done.faults, visit.words)
        return await self.show(visit, 400, stale=not isinstance(done, Refused))


class ListPages:
    """A list, and each of its entries."""

    entry_template = "settings_entry.html"

    def __init__(self, house: House, described: Described) -> None:
        self.described = described
        self.editing = Editing(house)
        self.form = SettingsForm(described.section, without=tuple(described.fixed))

    def routes(self, desk: Desk) -> list[Route]:
        """Give the pages' routes."""
        path = self.described.path
        return [
            desk.route(path, self.overview, SEE),
            desk.route(path + "/entry", self.entry, SEE),
            desk.route(path + "/entry", self.save, CHANGE, post=True),
        ]

    async def overview(self, visit: Visit, status: int = 200, *, stale: bool = False) -> Response:
        """Show all entries."""
        of = self.described
        draft = await self.editing.look(visit, of.section, stale=stale)
        inputs = {one.field.name: one for one in self.form.inputs}
        columns = [inputs[name] for name in of.columns]
        listed = self.listed(draft.configuration)
        return visit.show(of.template or "settings_list.html", status, title=of.title, of=of, draft=draft, columns=columns, listed=listed)

    async def entry(self, visit: Visit, status: int = 200, *, stale: bool = False, new: bool = False) -> Response:
        """Show one entry, or a new one; what was typed stays."""
        of, name = self.described, "" if new else self.name_of(visit)
        draft = await self.editing.look(visit, of.section, stale=stale)
        found = next((one for one in self.listed(draft.configuration) if one.name == name), None)
        if name and found is None:
            return await self.gone(visit)
        stored = found.values if found else self.new(draft)
        if stale and found:
            self.take(visit, stored)
        self.form.fill(visit.form, stored, visit.words)
        now = self.form.now(visit.form, stored, visit.words) if stale and found else {}
        was = self.marks(visit, stored) if found else ""
        shown = {"of": of, "draft": draft, "entry": found, "inputs": self.form.inputs, "now": now, "label": self.label(found), "was": was}
        return visit.show(self.entry_template, status, title=of.one if found else of.add, **shown, **self.more(visit, stored))

    async def gone(self, visit: Visit) -> Response:
        """Say that an entry is not there, or no more; of what was typed it becomes a new one."""
        if visit.request.method != "POST":
            return visit.missing()
        if visit.form.text("do") == "remove":
            return visit.go(self.described.path)
        visit.form.faults.clear()
        visit.form.fault("", _("it was removed meanwhile"), _("save it to add it anew"))
        return await self.entry(visit, 400, new=True)

    async def save(self, visit: Visit) -> Response:
        """Put what was typed into the draft, or remove the entry."""
        of, name = self.described, self.name_of(visit)
        values: dict[str, Any] | None = None
        if name and of.fixed and not await self._has(visit, name):
            return await self.gone(visit)
        if visit.form.text("do") == "remove":
            done = await self.editing.change(visit, Remove(section=of.section, entry=name))
        else:
            values = await self.values(visit, name)
            if values is None:
                return await self.entry(visit, 400)
            done = await self.editing.change(visit, self.put(visit, name, {**values, **of.fixed}))
        if isinstance(done, Changed):
            return visit.go(of.path, visit.words(IN_DRAFT))
        if isinstance(done, Refused):
            self.tell(visit, done.faults, values or {})
        return await self.entry(visit, 400, stale=not isinstance(done, Refused))

    async def _has(self, visit: Visit, name: str) -> bool:
        """Tell whether an entry is one of those that are shown here, as a connector is of one direction."""
        draft = await self.editing.look(visit, self.described.section)
        return name in [one.name for one in self.listed(draft.configuration)]

    # --- what a page of its own does otherwise ------------------------------------------------------------------------------------

    def put(self, visit: Visit, name: str, values: dict[str, Any]) -> Put:
        """Give the edit that saves an entry."""
        return Put(section=self.described.section, values=values, entry=name or None)

    async def values(self, visit: Visit, name: str) -> dict[str, Any] | None:
        """Give the values that were typed, for the entry of this name ('' for a new one); None when a fault was told already."""
        return self.form.read(visit.form)

    def tell(self, visit: Visit, faults: Sequence[Fault], values: Mapping[str, Any]) -> None:
        """Put faults at their inputs."""
        self.form.tell(visit.form, faults, visit.words)

    def marks(self, visit: Visit, stored: Mapping[str, Any]) -> str:
        """Mark what is stored, for the form that shows it."""
        return self.form.marks(stored, visit.words)

    def take(self, visit: Visit, stored: Mapping[str, Any]) -> None:
        """Put what is stored by now into the inputs that nobody has touched."""
        self.form.take(visit.form, stored, visit.words)

    def new(self, draft: Seen) -> Mapping[str, Any]:
        """Give the values that the form of a new entry begins with, beside the model's defaults."""
        return {}

    def more(self, visit: Visit, stored: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give what the entry's template needs beside the usual."""
        return {}

    # --- the entries --------------------------------------------------------------------------------------------------------------

    def listed(self, configuration: Configuration) -> list[Entry]:
        """Give the entries that are shown here."""
        fixed = self.described.fixed.items()
        return [one for one in entries(configuration, self.described.section) if all(one.values[name] == value for name, value in fixed)]

    def name_of(self, visit: Visit) -> str:
        """Give the name of the entry that a request is about; '' for a new one."""
        return visit.form.raw("entry") if visit.request.method == "POST" else visit.asked.raw("entry")

    def label(self, entry: Entry | None) -> str:
        """Give what people call an entry."""
        return str(entry.values[self.described.columns[0]]) if entry else ""
