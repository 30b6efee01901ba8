# SPDX-License-Identifier: Apache-2.0
"""The form of one part of the configuration: a table, or an entry of a list, as its model describes it.

    form = SettingsForm("receive")                                # a section of versioning.edit_sections; or some of its fields
    form.fill(visit.form, table(view.configuration, "receive"), visit.words)      # what a GET shows; an Entry's `values` alike
    Set(section="receive", values=form.read(visit.form))          # what a POST means, for Drafts.change
    form.tell(visit.form, refused.faults, visit.words)            # each fault at its field; what was typed stays
    {% import "settings_parts.html" as settings with context %} {{ settings.inputs(form.inputs) }}

`only` chooses fields and their order; `prefix` stands before the names of the inputs, so that several forms fit on one page.
Fields of tables (a rule's filters) are left out: their page asks for them itself.
Labels stand in settings_form_labels; the hint is the model's manual, whose German is in words/de.settings.toml.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from gatepost.config.secret_marks import HASHED
from gatepost.versioning.edit_fields import Field, fields
from gatepost.versioning.edit_values import Fault
from gatepost.versioning.plan import HIDDEN
from gatepost.web.console.settings.faults import said
from gatepost.web.console.settings.hints import hint
from gatepost.web.console.settings.labels import CHOICES, label_of
from gatepost.web.console.untouched import NAME as WAS
from gatepost.web.console.untouched import marks, sides
from gatepost.web.frame.forms import Fault as Shown
from gatepost.web.frame.forms import Form
from gatepost.web.frame.words import Words, _

YES, NO = _("Yes"), _("No")


class Input(NamedTuple):
    """One input: `name` is what the browser sends, `label` its name for people, in English."""

    section: str
    name: str
    label: str
    field: Field

    def hint(self, words: Words) -> Any:
        """Give the manual, the range and the default, in the reader's language."""
        return hint(self.section, self.field, words)

    def options(self, words: Words) -> list[tuple[str, str]]:
        """Give the choices as pairs of value and label."""
        known = CHOICES.get((self.section, self.field.name), {})
        return [(one, words(known.get(one, one))) for one in self.field.choices]

    def shown(self, value: Any, words: Words) -> str:
        """Say a value for people, as lists of entries do."""
        match value:
            case bool():
                return words(YES if value else NO)
            case None:
                return ""
            case int() | float():
                return written(value, words)
            case list() | tuple():
                return ", ".join(map(str, value))
            case _:
                return dict(self.options(words)).get(value, str(value))


class SettingsForm:
    """The inputs of one section. Raises KeyError when there is no such section or field."""

    def __init__(self, section: str, only: Sequence[str] = (), *, without: Sequence[str] = (), prefix: str = "") -> None:
        described = {field.name: field for field in fields(section)}
        names = only or [name for name, field in described.items() if field.kind != "tables" and name not in without]
        self.section = section
        self._described = described
        self.inputs = tuple(Input(section, prefix + name, label_of(section, name), described[name]) for name in names)

    def fill(self, form: Form, values: Mapping[str, Any], words: Words) -> None:
        """Give the inputs what is stored, where nothing was typed; `values` are by field, as `edit_fields` gives them."""
        sent = "form_token" in form.names
        shown = [one for one in self.inputs if not (sent and one.field.kind == "box")]  # A box that is not ticked is not sent.
        form.fill(**{one.name: as_text(one.field, values.get(one.field.name, one.field.default), words) for one in shown})

    def read(self, form: Form) -> dict[str, Any]:
        """Give what was typed as plain values by field, for an edit; what is wrong is told by the edit."""
        return {one.field.name: _typed(one, form) for one in self.inputs}

    def tell(self, form: Form, faults: Iterable[Fault], words: Words) -> None:
        """Put each fault at its input, in the reader's language; what has none here is told above the buttons."""
        known = {one.field.name: one for one in self.inputs}
        for fault in faults:
            name, _bracket, rest = fault.field.partition("[")
            if here := known.get(name):
                tell_at(form, here.name, fault, words, field=here.field, line=int(rest.partition("]")[0]) + 1 if rest else 0)
            else:
                before = f"{words(label_of(self.section, name, missing=fault.field))}: " if fault.field else ""
                tell_at(form, "", fault, words, field=self._within(fault.field), before=before)

    def _within(self, path: str) -> Field | None:
        """Find the field at a fault's path, as `filters[0].multiplier`."""
        name, _bracket, rest = path.partition("[")
        field = self._described.get(name)
        below = rest.rpartition(".")[2] if rest else ""
        return next((one for one in field.fields if one.name == below), None) if field and rest else field

    def marks(self, values: Mapping[str, Any], words: Words) -> str:
        """Mark what is stored, for the form that shows it."""
        return marks(self._stored(one, values, words) for one in self.inputs)

    def take(self, form: Form, values: Mapping[str, Any], words: Words) -> None:
        """Put what is stored by now into the inputs that nobody has touched, where a form comes back that was made before."""
        saved = [self._stored(one, values, words) for one in self.inputs]
        typed = ["on" * form.ticked(one.name) if one.field.kind == "box" else form.text(one.name) for one in self.inputs]
        decided = zip(self.inputs, saved, sides(form.raw(WAS).partition(" ")[0], typed, saved), strict=True)
        form.put(**{one.name: text for one, text, side in decided if side == "theirs"})

    def _stored(self, one: Input, values: Mapping[str, Any], words: Words) -> str:
        return str(as_text(one.field, values.get(one.field.name, one.field.default), words))

    def now(self, form: Form, values: Mapping[str, Any], words: Words) -> dict[str, str]:
        """Tell by input what is stored, where something else was typed: what somebody must see whose page was outdated."""
        told = {}
        for one in self.inputs:
            stored = values.get(one.field.name, one.field.default)
            typed = form.ticked(one.name) if one.field.kind == "box" else "\n".join(form.text(one.name).split())
            if typed != (stored if one.field.kind == "box" else "\n".join(as_text(one.field, stored, words).split())) and stored != HIDDEN:
                told[one.name] = one.shown(stored, words)
        return told


def as_text(field: Field, value: Any, words: Words) -> Any:
    """Write a value as its input holds it."""
    if value is None or (field.secret == HASHED["secret"]):
        return ""
    match field.kind:
        case "box":
            return "on" if value else ""
        case "texts":
            return "\n".join(map(str, value))
        case "whole" | "number":
            return written(value, words) if field.kind == "number" else str(value)
        case _:
            return str(value)


def written(value: float, words: Words) -> str:
    """Write a number as people of the language do, without marks between thousands."""
    return f"{value:.10g}".replace(".", "," if words.language == "de" else ".")


def tell_at(form: Form, name: str, fault: Fault, words: Words, *, field: Field | None = None, line: int = 0, before: str = "") -> None:
    """Put a fault at an input, together with what is told there already, as of other lines; '' is the form as a whole."""
    cause, mend = said(fault, field, words)
    cause = before + (words("line {n}: {cause}", n=line, cause=cause) if line else cause)
    for place, known in enumerate(form.faults):
        if name and known.field == name:
            told = f"{known.cause}; {known.mend}" if known.mend and known.mend != mend else known.cause
            form.faults[place] = Shown(name, f"{told}. {cause}", mend)
            return
    form.faults.append(Shown(name, cause, mend))


def _typed(one: Input, form: Form) -> Any:
    field, text = one.field, form.text(one.name)
    match field.kind:
        case "box":
            return form.ticked(one.name)
        case "texts":
            return form.lines(one.name)
        case "number":
            return text.replace(",", ".") if text else None
        case "whole":
            return text or None
        case _ if field.secret:
            return form.raw(one.name) or (HIDDEN if field.secret == HASHED["secret"] else "")
        case _:
            return text
