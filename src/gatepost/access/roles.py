# SPDX-License-Identifier: Apache-2.0
"""Roles, the rights they give, and the scopes of tokens, which are rights too.

Promises: a role gives reading and writing of its own area and nothing else; to write holds to read; what concerns
administrators needs all four roles. docs/decisions/0023-administrators.md.
"""

from collections.abc import Iterable
from typing import Final

ROLES: Final = ("configuration", "monitoring", "people", "disclaimer")
ADMINISTRATION: Final = "administration"
"""The area of who holds all roles: administrators, tokens of others, the audit."""
RIGHTS: Final = tuple(f"{area}:{may}" for area in (*ROLES, ADMINISTRATION) for may in ("read", "write"))
"""Every right there is; a token's scopes are some of these."""


def rights_of(roles: Iterable[str]) -> frozenset[str]:
    """Give what these roles allow together."""
    held = set(roles) & set(ROLES)
    areas = {*held, ADMINISTRATION} if len(held) == len(ROLES) else held
    return frozenset(f"{area}:{may}" for area in areas for may in ("read", "write"))


def reach_of(scopes: Iterable[str]) -> frozenset[str]:
    """Give the rights that scopes speak of: who may write may read."""
    named = frozenset(scopes) & frozenset(RIGHTS)
    return named | {f"{one.partition(':')[0]}:read" for one in named}


def holds_all(roles: Iterable[str]) -> bool:
    """Tell whether these roles make somebody the one who manages administrators."""
    return set(ROLES) <= set(roles)


def in_order(words: Iterable[str], order: tuple[str, ...]) -> tuple[str, ...]:
    """Give each known word once, as `order` has them."""
    given = set(words)
    return tuple(one for one in order if one in given)


def unknown(words: Iterable[str], known: tuple[str, ...]) -> str:
    """Say what is wrong with words that should be known ones; '' when nothing is."""
    for one in words:
        if one not in known:
            return f"{one[:40]!r} is none of {', '.join(known)}"
    return ""
