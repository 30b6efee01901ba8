# SPDX-License-Identifier: Apache-2.0
"""Roles, rights and scopes as pure words."""

from itertools import combinations

from gatepost.access.roles import RIGHTS, ROLES, holds_all, in_order, reach_of, rights_of, unknown


def test_a_role_gives_its_own_area_and_no_other():
    """Reading and writing; two roles give both areas."""
    for role in ROLES:
        assert rights_of([role]) == {f"{role}:read", f"{role}:write"}
    assert rights_of(["people", "monitoring"]) == rights_of(["people"]) | rights_of(["monitoring"])


def test_only_all_four_roles_give_administration():
    """Three do not, and a word that is no role counts for nothing."""
    for three in combinations(ROLES, 3):
        assert "administration:read" not in rights_of([*three, "administration", "root"])
        assert not holds_all(three)
    assert rights_of(ROLES) == set(RIGHTS) and holds_all(ROLES)
    assert rights_of(["root", "administration", ""]) == frozenset()


def test_who_may_write_may_read_and_unknown_scopes_reach_nothing():
    """To read is not to write."""
    assert reach_of(["people:write", "root:write", "people"]) == {"people:write", "people:read"}
    assert reach_of(["people:read"]) == {"people:read"}
    assert reach_of([]) == frozenset()


def test_words_are_kept_once_in_their_order_and_unknown_ones_are_named():
    """What is shown of an unknown word is short."""
    assert in_order(["people", "configuration", "people", "root"], ROLES) == ("configuration", "people")
    assert unknown(["people"], ROLES) == ""
    assert unknown(["people", "x" * 1000], ROLES) == f"{'x' * 40!r} is none of configuration, monitoring, people, disclaimer"
