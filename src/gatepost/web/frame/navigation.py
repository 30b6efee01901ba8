# SPDX-License-Identifier: Apache-2.0
"""The way through the pages, as data: areas, their pages, and what each needs to be seen."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from gatepost.web.frame.visitor import Visitor


class Place(NamedTuple):
    """A page in the navigation; `right` is what a visitor needs."""

    title: str
    path: str
    right: str
    below: "tuple[Place, ...]" = ()
    alone: bool = False
    """Pages below its path are other places."""


class Navigation(NamedTuple):
    """All places in their order; those with places below have no page of their own."""

    places: tuple[Place, ...]

    def seen_by(self, visitor: Visitor) -> Sequence[Place]:
        """Give what a visitor may see; an area without a page for him is left out."""
        return _seen(self.places, visitor)

    def place(self, address: str) -> Place | None:
        """Give the place that an address belongs to; of an area the first in it, None where there is none."""
        path = address.partition("?")[0]
        leaves = [place for place in _leaves(self.places) if place.path != "/"]
        above = [place for place in leaves if path == place.path or path.startswith(place.path + "/")]
        return max(above, key=lambda place: len(place.path), default=next((place for place in leaves if place.path.startswith(path)), None))


def _leaves(places: Sequence[Place]) -> Iterator[Place]:
    for place in places:
        yield from _leaves(place.below) if place.below else (place,)


def _seen(places: Sequence[Place], visitor: Visitor) -> tuple[Place, ...]:
    found = []
    for place in places:
        if place.below:
            if below := _seen(place.below, visitor):
                found.append(place._replace(below=below))
        elif visitor.may(place.right):
            found.append(place)
    return tuple(found)
