# SPDX-License-Identifier: Apache-2.0
"""Put the entries of one list in order after two people have changed it. Pure.

Order is a relation between two entries: whoever changed it decides it, and where an entry is one side's alone, that side's
order holds. Promises: the order that is given fulfils all relations; None is given only when there is no such order.
Of two new entries in one gap that of `theirs` stands first.
"""

from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from itertools import combinations

MOST = 400
"""Entries of a list of which each pair is looked at; in a longer one two orders that differ are a conflict."""


def merged_order(base: Sequence[str], mine: Sequence[str], theirs: Sequence[str], kept: Sequence[str]) -> list[str] | None:
    """Give the order of the entries in `kept`, each of which is in `mine`, in `theirs` or in both; None when they contradict."""
    wanted = set(kept)
    mine, theirs = [name for name in mine if name in wanted], [name for name in theirs if name in wanted]
    shared = set(mine).intersection(theirs)
    if [name for name in mine if name in shared] == [name for name in theirs if name in shared]:
        return _woven(mine, theirs, shared)
    if len(wanted) > MOST:
        return None
    return _sorted(_places(base), _places(mine), _places(theirs), wanted)


def order_of(first: Sequence[str], other: Sequence[str], kept: Sequence[str]) -> list[str]:
    """Give the order of `first`; what is only in `other` stands behind what it stands behind there."""
    wanted = set(kept)
    order = [name for name in first if name in wanted]
    there, before = set(order), ""
    for name in other:
        if name in wanted and name not in there:
            order.insert(order.index(before) + 1 if before else 0, name)
            there.add(name)
        if name in there:
            before = name
    return order


def _woven(mine: Sequence[str], theirs: Sequence[str], shared: set[str]) -> list[str]:
    """Put two lists together that agree in the order of what they share."""
    order: list[str] = []
    rest = iter(mine)
    for name in theirs:
        if name in shared:
            for own in rest:
                if own == name:
                    break
                order.append(own)
        order.append(name)
    return [*order, *rest]


def _sorted(base: Mapping[str, int], mine: Mapping[str, int], theirs: Mapping[str, int], wanted: set[str]) -> list[str] | None:
    followers: dict[str, list[str]] = {name: [] for name in wanted}
    waits = dict.fromkeys(wanted, 0)
    for one, other in combinations(wanted, 2):
        relation = _relation(base, mine, theirs, one, other)
        if relation is None:
            return None
        if relation:
            first, second = (one, other) if relation < 0 else (other, one)
            followers[first].append(second)
            waits[second] += 1
    ready: list[tuple[int, int, str]] = []
    for name in wanted:
        if not waits[name]:
            heappush(ready, _rank(mine, theirs, name))
    order = []
    while ready:
        *_, name = heappop(ready)
        order.append(name)
        for follower in followers[name]:
            waits[follower] -= 1
            if not waits[follower]:
                heappush(ready, _rank(mine, theirs, follower))
    return order if len(order) == len(wanted) else None


def _relation(base: Mapping[str, int], mine: Mapping[str, int], theirs: Mapping[str, int], one: str, other: str) -> int | None:
    """Give -1 when `one` stands before `other`, 1 when behind, 0 when nobody says, None when both say otherwise."""
    said_by_me, said_by_them, before = _said(mine, one, other), _said(theirs, one, other), _said(base, one, other)
    if not (said_by_me and said_by_them):
        return said_by_me or said_by_them
    if said_by_me == said_by_them:
        return said_by_me
    if not before:
        return None
    return said_by_me if said_by_me != before else said_by_them


def _said(places: Mapping[str, int], one: str, other: str) -> int:
    if one not in places or other not in places:
        return 0
    return -1 if places[one] < places[other] else 1


def _rank(mine: Mapping[str, int], theirs: Mapping[str, int], name: str) -> tuple[int, int, str]:
    """Say who goes first among those that may go."""
    return (0, theirs[name], name) if name in theirs else (1, mine[name], name)


def _places(names: Sequence[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}
