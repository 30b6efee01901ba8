# SPDX-License-Identifier: Apache-2.0
"""What the form around the list of rules asks for: it is sent by a button, by a typed position, or by a drag. Pure.

order   the names, as they stand on the page when it is sent; a drag has moved one
place-N what stands in the field of a rule's position; N counts from 0
do      up N, down N, enable N, disable N; place; nothing after a drag
shown   the names as the page was made
"""

from collections.abc import Sequence
from typing import NamedTuple

from gatepost.web.frame.forms import Form


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


def _placed(names: Sequence[str], form: Form) -> Asked | None:
    """Find the rule whose position was typed anew; a fault in the form when it is no number."""
    for at, name in enumerate(names):
        place = form.whole(f"place-{at}", at + 1)
        if place != at + 1:
            return Asked(name, "place", place)
    return None
