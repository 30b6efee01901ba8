# SPDX-License-Identifier: Apache-2.0
"""What the pages of people and identities are made of: tabs, a form as data, and what to do when somebody else was faster.

A change names the revision that its page was made from. When another one was saved meanwhile, the two are merged field by field.
Where both changed the same, the page shows both: what was typed stays in its field, what is saved now stands beside it, and the next
press saves over exactly that. A field that somebody did not touch is never written over.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

from starlette.responses import Response

from gatepost.people.answers import Fault, Faulty, Outdated, Removed, Saved
from gatepost.people.record import AdditionalField
from gatepost.web.console.untouched import NAME as WAS
from gatepost.web.console.untouched import marks, sides
from gatepost.web.frame.desk import Visit
from gatepost.web.frame.forms import Form
from gatepost.web.frame.templates import query
from gatepost.web.frame.words import Words, _

READ: Final = "people:read"
WRITE: Final = "people:write"
ADD: Final = "/-/add"
"""What follows a list's address; no id, domain, address or field is called so."""
SAVED: Final = _("It is saved.")
REMOVED: Final = _("It is removed.")
LATE_REMOVAL: Final = _("Somebody else has changed it meanwhile, so it was not removed. This is how it is now.")
ROOM_SAYS: Final = (
    _("{0} belongs to {1} already"),
    _("the user comes from the directory {0}"),
    _("change it in the directory {0}; here only the activity can be changed"),
)
"""What the room of people says in a form and puts together elsewhere than in its fault."""
LATE: Final = 409
FAULTY: Final = 400


class Tab(NamedTuple):
    """A page beside others; `title` is English."""

    title: str
    path: str


class Field(NamedTuple):
    """One field of a form; label, hint and the labels of `choices` are English."""

    name: str
    label: str
    kind: Literal["line", "area", "box", "choice"] = "line"
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    required: bool = False
    placeholder: str = ""

    def typed(self, form: Form) -> str:
        """Give what was typed, as `saved` writes it."""
        return ("on" if form.ticked(self.name) else "") if self.kind == "box" else form.text(self.name)

    def saved(self, held: Mapping[str, Any]) -> str:
        """Give what is saved, as a form holds it."""
        return ("on" if held.get(self.name) else "") if self.kind == "box" else str(held.get(self.name, ""))

    def shown(self, value: Any, words: Words) -> str:
        """Say a value of this field to people."""
        if self.kind == "box":
            return words("yes") if value else words("no")
        if self.kind == "choice":
            return words(dict(self.choices).get(str(value), str(value)))
        return str(value) or "–"

    def compared(self, form: Form, theirs: Mapping[str, Any], words: Words) -> "Differing":
        """Put what was typed beside what is saved."""
        return Differing(words(self.label), self.shown(self.typed(form), words), self.shown(self.saved(theirs), words))


class Differing(NamedTuple):
    """A field in which the two differ."""

    label: str
    mine: str
    theirs: str


class Late(NamedTuple):
    """Somebody else saved, or removed, while this one typed."""

    differing: tuple[Differing, ...]
    is_gone: bool
    fresh: str
    """The page that shows what is saved now."""


class Removal(NamedTuple):
    """The button that removes, and the question before it; both are English."""

    action: str
    ask: str
    title: str = _("Remove")
    hidden: Mapping[str, str] = {}
    """What the button sends besides the revision."""


class Sheet(NamedTuple):
    """A form on a page, and what stands around it."""

    title: str
    """English, or a name."""
    fields: tuple[Field, ...]
    action: str
    back: Tab
    revision: int = 0
    tabs: tuple[Tab, ...] = ()
    told: tuple[tuple[str, str], ...] = ()
    """What cannot be changed here: label (English) and value."""
    heading: str = ""
    """What of the thing is changed here, where that is a part of it; English."""
    note: str = ""
    may_save: bool = True
    revives: bool = True
    """Whether what somebody else has removed is there again when it is saved."""
    save: str = _("Save")
    removal: Removal | None = None
    late: Late | None = None
    was: str = ""
    """Marks the values that the page shows as saved; '' while it shows what was typed."""
    template: str = "people_sheet.html"
    more: Mapping[str, Any] = {}
    """What the template shows besides."""

    def opened(self, visit: Visit, held: Mapping[str, Any]) -> Response:
        """Show the page with what is saved."""
        visit.form.fill(**held)
        return self._replace(was=mark(self.fields, held)).show(visit)

    def show(self, visit: Visit, status: int = 200) -> Response:
        """Show the page."""
        sheet = self if self.was else self._replace(was=visit.form.raw(WAS))
        return visit.show(self.template, status, title=self.title, sheet=sheet, **self.more)

    def behind(self, visit: Visit, theirs: Mapping[str, Any] | None, revision: int = 0) -> Response:
        """Show the page to who was late: what he typed, and what is saved now; None: it is gone."""
        words, form = visit.words, visit.form
        differing = _merged(form, self.fields, theirs) if theirs is not None else ()
        rows = tuple(field.compared(form, theirs or {}, words) for field in differing)
        late = Late(rows, theirs is None, self.action if theirs is not None else self.back.path)
        may_save = self.may_save and (theirs is not None or self.revives)
        was = mark(self.fields, theirs) if theirs is not None else ""
        return self._replace(revision=revision, was=was, late=late, may_save=may_save).show(visit, LATE)


def settled(
    visit: Visit, answer: Saved[Any] | Outdated[Any] | Faulty, sheet: Sheet, held: Callable[[Any], Mapping[str, Any]], then: str
) -> Response:
    """Go on where a change was saved, else show its page again; `held` gives a row's values by the names of the form's fields."""
    match answer:
        case Saved():
            return visit.go(then, visit.words(SAVED))
        case Faulty(faults):
            put_faults(visit.form, faults)
            return sheet._replace(revision=seen(visit.form)).show(visit, FAULTY)
        case Outdated(current):
            return sheet.behind(visit, held(current) if current is not None else None, current.revision if current is not None else 0)


def removed(visit: Visit, answer: Removed[Any] | Outdated[Any] | Faulty, one: str, back: str) -> Response:
    """Go on where something was removed or is gone; else back to its page, with the reason."""
    match answer:
        case Faulty(faults):
            return visit.go(one, "; ".join(visit.words(said) for said in (faults[0].cause, faults[0].mend)))
        case Outdated(current) if current is not None:
            return visit.go(one, visit.words(LATE_REMOVAL))
        case _:
            return visit.go(back, visit.words(REMOVED))


def going_on(form: Form, path: str, cursor: str) -> str:
    """Give the address of a list's next page; '' after the last."""
    asked = {name: form.many(name) for name in form.names if name != "cursor"}
    return f"{path}?{query(**asked | {'cursor': cursor})}" if cursor else ""


def put_faults(form: Form, faults: Iterable[Fault], places: Mapping[str, str] | None = None) -> None:
    """Put each fault at its field; `places` names the fields that a form calls otherwise."""
    for one in faults:
        form.fault((places or {}).get(one.field, one.field), one.cause, one.mend)


def seen(form: Form) -> int:
    """Give the revision that a form was made from; 0 for what is new."""
    return form.whole("revision", 0) or 0


def mark(fields: Iterable[Field], held: Mapping[str, Any]) -> str:
    """Mark the saved values of a form's fields, to find out later who has changed which."""
    return marks(one.saved(held) for one in fields)


def rests_on(form: Form, fields: Sequence[Field], held: Mapping[str, Any], revision: int) -> int:
    """Give the revision that a change of these fields rests on: the newest, unless both changed the same since.

    What somebody else saved in fields that were not touched is put into the form, so that it is to be read after this.
    """
    typed = [one.typed(form) for one in fields]
    if "both" in sides(form.raw(WAS), typed, [one.saved(held) for one in fields]):
        return seen(form)
    _merged(form, fields, held)
    form.put(**{WAS: mark(fields, held)})
    return revision


def removal_rests_on(form: Form, fields: Sequence[Field], held: Mapping[str, Any], revision: int) -> int:
    """Give the revision that a removal rests on: the newest, as long as what changed since was nothing of these fields."""
    return revision if form.raw(WAS) == mark(fields, held) else seen(form)


def _merged(form: Form, fields: Sequence[Field], theirs: Mapping[str, Any]) -> tuple[Field, ...]:
    """Put what others saved into the fields that were not touched; gives those that differ still."""
    typed, saved = [one.typed(form) for one in fields], [one.saved(theirs) for one in fields]
    decided = list(zip(fields, sides(form.raw(WAS), typed, saved), strict=True))
    form.put(**{one.name: one.saved(theirs) for one, side in decided if side == "theirs"})
    return tuple(one for one, side in decided if side in ("mine", "both"))


def value_fields(known: Sequence[AdditionalField], words: Words, above: Mapping[str, str] | None = None) -> tuple[Field, ...]:
    """Give a form's fields for the values of additional fields; an empty one inherits what `above` says, else the default value."""
    inherited = {one.name: (above or {}).get(one.name) or one.default_value for one in known}
    hints = {name: words("Left empty, {value} holds.", value=value) if value else "" for name, value in inherited.items()}
    return tuple(Field(f"fields.{one.name}", one.label, hint=hints[one.name], placeholder=inherited[one.name]) for one in known)


def values_sent(form: Form, known: Iterable[AdditionalField]) -> dict[str, str]:
    """Give the values of additional fields as they were typed."""
    return {one.name: form.text(f"fields.{one.name}") for one in known}


def as_fields(values: Mapping[str, str], known: Iterable[AdditionalField]) -> dict[str, str]:
    """Give the values of additional fields by the names of a form's fields."""
    return {f"fields.{one.name}": values.get(one.name, "") for one in known}
