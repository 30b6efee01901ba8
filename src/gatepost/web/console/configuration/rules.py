# SPDX-License-Identifier: Apache-2.0
"""Configuration › Rules: the list in its order, and each rule with its scopes, filters, threshold and rejection behaviour."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.responses import Response
from starlette.routing import Route

from gatepost.rules.default import DEFAULT_RULES
from gatepost.versioning.draft_record import Changed, Refused, Stale
from gatepost.versioning.edit import Move, Put
from gatepost.versioning.edit_fields import fields
from gatepost.versioning.edit_values import Fault
from gatepost.web.console.configuration.rules_order import Asked, aligned, asked_of, place_of
from gatepost.web.console.configuration.rules_words import NAMES, asked, filters, scopes
from gatepost.web.console.settings.draft import Seen
from gatepost.web.console.settings.form import tell_at
from gatepost.web.console.settings.pages import CHANGE, IN_DRAFT, Described, ListPages
from gatepost.web.console.untouched import NAME as WAS
from gatepost.web.console.untouched import marks, sides
from gatepost.web.frame.desk import Desk, Visit
from gatepost.web.frame.templates import query
from gatepost.web.frame.words import _
from gatepost.web.house import House

PATH: Final = "/configuration/rules"
_PARTS: Final = (
    (_("General"), ("name", "enabled", "direction", "mode")),
    (_("Message flow"), ("mail_from", "header_from", "recipients", "recipient_scope", "clients", "listeners")),
    (_("Filters"), ("threshold", "verdict_reply")),
    (_("Rejection behaviour"), ("rejection",)),
)
_NO_PLACE: Final = 0
_MULTIPLIER: Final = "multiplier-"
_WEIGHT: Final = next(use for one in fields("rules") if one.name == "filters" for use in one.fields if use.name == "multiplier")


def routes(desk: Desk, house: House) -> list[Route]:
    """Give the pages."""
    described = Described(
        PATH,
        "rules",
        _("Rules"),
        intro=_("The first rule that matches owns a mail; those below are not looked at. A special rule stands above a general one."),
        one=_("Rule"),
        add=_("Add a rule"),
        columns=("name",),
        template="rules.html",
    )
    pages = _Rules(house, described)
    return [*pages.routes(desk), desk.route(PATH, pages.act, CHANGE, post=True)]


class _Rules(ListPages):
    """The rules."""

    entry_template = "rules_rule.html"

    async def overview(self, visit: Visit, status: int = 200, *, stale: bool = False) -> Response:
        draft = await self.editing.look(visit, "rules", stale=stale)
        inputs = {one.field.name: one for one in self.form.inputs}
        focus = (visit.asked.raw("moved"), visit.asked.raw("by"))
        listed = self.listed(draft.configuration)
        visit.form = aligned(visit.form, [one.name for one in listed])
        return visit.show(
            "rules.html",
            status,
            title=self.described.title,
            of=self.described,
            draft=draft,
            listed=listed,
            are_default=draft.configuration.rules == DEFAULT_RULES,
            inputs=inputs,
            scopes=scopes,
            asked=asked,
            focus=focus,
        )

    async def act(self, visit: Visit) -> Response:
        """Move a rule, or enable or disable it, as a button, a typed position or a drag asks for it."""
        wanted = asked_of(visit.form)
        if visit.form.faults:
            return await self.overview(visit, 400)
        if wanted is None:
            return visit.go(PATH)
        done = await self.editing.change(visit, _operation(wanted))
        match done:
            case Changed():
                return visit.go(f"{PATH}?{query(moved=wanted.rule, by=wanted.by)}", visit.words(IN_DRAFT))
            case Refused(faults):
                for fault in faults:
                    tell_at(visit.form, place_of(visit.form, wanted.rule) if fault.field == "place" else "", fault, visit.words)
                return await self.overview(visit, 400)
            case Stale():
                return await self.overview(visit, 400, stale=True)

    def put(self, visit: Visit, name: str, values: dict[str, Any]) -> Put:
        """A new rule goes to its place, usually above all others: it is special, or it would be there already."""
        place = visit.form.whole("place") if not name else None
        if visit.form.at("place"):  # no number: it is told, and all else that is wrong with it
            place = _NO_PLACE
        return Put(section="rules", values=values, entry=name or None, place=place)

    async def values(self, visit: Visit, name: str) -> dict[str, Any] | None:
        multipliers = {one: visit.form.text(_MULTIPLIER + one) for one in visit.form.many("filter")}
        uses = [{"name": one, **({"multiplier": multiplier} if multiplier else {})} for one, multiplier in multipliers.items()]
        return {**self.form.read(visit.form), "filters": uses}

    def tell(self, visit: Visit, faults: Sequence[Fault], values: Mapping[str, Any]) -> None:
        """Faults of a filter stand at its line."""
        uses = values.get("filters", ())
        if visit.form.at("place"):
            faults = [one for one in faults if one.field != "place"]
        own = [one for one in faults if one.field.startswith("filters") or one.field == "place"]
        self.form.tell(visit.form, [one for one in faults if one not in own], visit.words)
        for fault in own:
            place = fault.field.removeprefix("filters[").partition("]")[0]
            name = uses[int(place)]["name"] if place.isdigit() and int(place) < len(uses) else ""
            weighs = fault.field.endswith(".multiplier")
            where = fault.field if not name else (_MULTIPLIER if weighs else "filter-") + name
            tell_at(visit.form, where, fault, visit.words, field=_WEIGHT if weighs else None)

    def marks(self, visit: Visit, stored: Mapping[str, Any]) -> str:
        return f"{super().marks(visit, stored)} {marks([_uses(stored)])}"

    def take(self, visit: Visit, stored: Mapping[str, Any]) -> None:
        form = visit.form
        typed = {"filters": [{"name": one, "multiplier": form.text(_MULTIPLIER + one)} for one in form.many("filter")]}
        (side,) = sides(form.raw(WAS).partition(" ")[2], [_uses(typed)], [_uses(stored)])
        if side == "theirs":
            form.put(filter=[use["name"] for use in stored["filters"]])
            form.put(**{_MULTIPLIER + use["name"]: str(use["multiplier"]) for use in stored["filters"]})
        super().take(visit, stored)

    def new(self, draft: Seen) -> Mapping[str, Any]:
        return {"filters": [{"name": one.name, "multiplier": 1} for one in filters() if one.fits("inbound")]}

    def more(self, visit: Visit, stored: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give the parts of the page, and each filter as it was chosen or is stored."""
        inputs = {one.field.name: one for one in self.form.inputs}
        sent = "form_token" in visit.form.names
        uses = {use["name"]: use["multiplier"] for use in stored.get("filters", ())}
        chosen = visit.form.many("filter") if sent else list(uses)
        lines = []
        for known in filters():
            visit.form.fill(**{_MULTIPLIER + known.name: str(uses.get(known.name, 1)), "filter-" + known.name: ""})
            lines.append((known, NAMES.get(known.name, known.name), known.name in chosen))
        visit.form.fill(place="1", filters="")
        parts = [(title, [inputs[name] for name in names]) for title, names in _PARTS]
        return {"parts": parts, "lines": lines, "multiplier": _MULTIPLIER}


def _uses(values: Mapping[str, Any]) -> str:
    """Write the filters that a rule asks as one text."""
    return " ".join(sorted(f"{use['name']}={use['multiplier']}" for use in values["filters"]))


def _operation(wanted: Asked) -> Move | Put:
    if wanted.place is None:
        return Put(section="rules", entry=wanted.rule, values={"enabled": wanted.by == "enable"})
    return Move(section="rules", entry=wanted.rule, place=wanted.place)
