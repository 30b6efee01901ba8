# SPDX-License-Identifier: Apache-2.0
"""What the form around the list of rules asks for: it is sent by a button, by a typed position, or by a drag. Pure.

order   the names, as they stand on the page when it is sent; a drag has moved one
place-N what stands in the field of a rule's position; N counts from 0
do      up N, down N, enable N, disable N; place; nothing after a drag
shown   the names as the page was made
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from gatepost.web.frame.forms import Form
from gatepost.web.frame.words import _

_PLACE: Final = "place-"


class Asked(NamedTuple):
    """One change: a move to a place (counted from 1), or, without a place, to enable or disable."""

    rule: str
    by: str
    """up, down, place, drag, enable, disable: what gets the focus on the next page."""
    place: int | None = None


def asked_of(form: Form) -> Asked | None:
    """Give what a form asks for; None when it asks for nothing that can be done."""
    names = form.many("order")
    do, _, number = form.text("do").partition(" ")
    if do == "place":
        return _placed(names, form)
    if not do:
        return dragged(form.many("shown"), names)
    if not number.isascii() or not number.isdigit() or int(number) >= len(names):
        return None
    at = int(number)
    match do:
        case "enable" | "disable":
            return Asked(names[at], do)
        case "up" if at > 0:
            return Asked(names[at], do, at)
        case "down" if at + 1 < len(names):
            return Asked(names[at], do, at + 2)
    return None


def dragged(before: Sequence[str], after: Sequence[str]) -> Asked | None:
    """Find the one rule whose move explains the new order; None when none was moved, or more than one."""
    if len(before) != len(after) or list(before) == list(after):
        return None
    for name in after:
        if [one for one in before if one != name] == [one for one in after if one != name]:
            return Asked(name, "drag", list(after).index(name) + 1)
    return None


def aligned(form: Form, now: Sequence[str]) -> Form:
    """Give the positions that were typed anew and what is wrong with them, each where its rule stands now."""
    before, shown = _named(form), Form()
    for fault in form.faults:
        if not fault.field.startswith(_PLACE):
            shown.fault(*fault)
    for at, name in enumerate(before):
        if name not in now:
            continue
        field, written = f"{_PLACE}{now.index(name)}", form.raw(f"{_PLACE}{at}")
        if written.strip() not in ("", str(at + 1)):
            shown.put(**{field: written})
        for _field, cause, mend in form.at(f"{_PLACE}{at}"):
            shown.fault(field, cause, mend)
    return shown


def place_of(form: Form, rule: str) -> str:
    """Give the name of the field that a rule's position is typed in."""
    return f"{_PLACE}{_named(form).index(rule)}"


def _named(form: Form) -> list[str]:
    """Give the rules as they stood on the page; a drag has changed their order."""
    return form.many("shown") or form.many("order")


def _placed(names: Sequence[str], form: Form) -> Asked | None:
    """Find the rule whose position was typed anew; a fault in the form when it is no number, or of two rules at once."""
    typed = [(at, form.whole(f"{_PLACE}{at}", at + 1)) for at in range(len(names))]
    anew = [(at, place) for at, place in typed if place != at + 1 or form.at(f"{_PLACE}{at}")]
    if len(anew) > 1:
        for at, _place in anew:
            if not form.at(f"{_PLACE}{at}"):
                form.fault(f"{_PLACE}{at}", _("one rule is moved at a time"), _("put the other position back"))
    if len(anew) != 1 or form.faults:
        return None
    return Asked(names[anew[0][0]], "place", anew[0][1])
