# SPDX-License-Identifier: Apache-2.0
"""Two people change one configuration: both changes are in the result, and what they changed differently is theirs to settle."""

import itertools
from collections.abc import Sequence
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gatepost.config.blocklists import Blocklist, RealtimeBlocklistSettings
from gatepost.config.configuration import Configuration, OwnedDomain, SendConnector, SubmissionUser
from gatepost.config.limits import ReceiveLimits
from gatepost.config.rules import FilterSettings, FilterUse, Rule
from gatepost.versioning.edit import Move, Operation, Put, Remove, Set, edit
from gatepost.versioning.edit_sections import own_fields, sections, value_at
from gatepost.versioning.plan import HIDDEN, by_name, changes
from gatepost.versioning.rebase import ORDER, Place, concerns, merge
from gatepost.versioning.rebase_order import merged_order, order_of

replace = msgspec.structs.replace
NAMES = ("A", "B", "C", "D")
rules = st.builds(
    Rule,
    name=st.sampled_from(NAMES),
    threshold=st.sampled_from((1.0, 2.0)),
    mode=st.sampled_from(("accept", "check")),
    filters=st.sampled_from(((), (FilterUse(name="words"),))),
)
configurations = st.builds(
    Configuration,
    rules=st.lists(rules, max_size=4, unique_by=lambda rule: rule.name).map(tuple),
    corporate_users=st.lists(st.sampled_from(NAMES), max_size=3, unique=True).map(tuple),
    different_rules=st.sampled_from(("split", "strictest")),
    receive=st.builds(ReceiveLimits, connections=st.sampled_from((1, 2, 3))),
    filters=st.builds(
        FilterSettings,
        realtime_blocklists=st.builds(
            RealtimeBlocklistSettings,
            lists=st.lists(
                st.builds(Blocklist, zone=st.sampled_from(("x", "y")), points=st.sampled_from((1.0, 2.0))),
                max_size=2,
                unique_by=lambda one: one.zone,
            ).map(tuple),
        ),
    ),
)


def flat(configuration: Configuration) -> dict[Place, Any]:
    """Give every value by its place, and of each entry that it is there."""
    found: dict[Place, Any] = {}
    for path, section in sections().items():
        here = value_at(configuration, path)
        if section.kind == "table":
            for field in own_fields(section):
                if f"{path}.{field.name}".lstrip(".") not in sections():
                    found[Place(path, "", field.name)] = getattr(here, field.name)
            continue
        for name, entry in by_name(here).items():
            found[Place(path, name, "")] = True
            if isinstance(entry, msgspec.Struct):
                found.update({Place(path, name, field): value for field, value in msgspec.structs.asdict(entry).items()})
    return found


def overlapping(base: Configuration, mine: Configuration, theirs: Configuration) -> set[Place]:
    """Say by brute force what both have changed differently, orders left out."""
    before, own, other = flat(base), flat(mine), flat(theirs)
    found = set()
    for place in before.keys() | own.keys() | other.keys():
        values = [one.get(place) for one in (before, own, other)]
        whole = Place(place.section, place.entry, "")
        if values[1] == values[2] or values[0] in values[1:]:
            continue
        if place.entry and whole in before and (whole in own) != (whole in other):
            found.add(whole)  # one removed it
        elif not place.entry or (whole in own and whole in other):
            found.add(place)
    removed = {
        whole
        for whole in before
        if whole.entry
        and not whole.field
        and (whole in own) != (whole in other)
        and _changed(before, own if whole in own else other, whole)
    }
    return found | removed


def _changed(before: dict[Place, Any], after: dict[Place, Any], whole: Place) -> bool:
    places = [place for place in after if place[:2] == whole[:2]]
    return any(before.get(place) != after[place] for place in places)


@given(configurations, configurations, configurations)
def test_conflicts_are_exactly_what_both_changed_differently(base, mine, theirs):
    """No conflict is invented and none is passed over, in any three configurations."""
    found = {conflict.place for conflict in merge(base, mine, theirs).conflicts}
    assert {place for place in found if place.field != ORDER} == overlapping(base, mine, theirs)


@given(configurations, configurations, configurations)
def test_nothing_is_lost(base, mine, theirs):
    """Each value that one side alone has changed is in the result; with a choice in each conflict there is no conflict left."""
    merged = merge(base, mine, theirs)
    before, own, other, result = map(flat, (base, mine, theirs, merged.configuration))
    fought = {conflict.place for conflict in merged.conflicts}
    for place in before.keys() | own.keys() | other.keys():
        if place in fought or Place(place.section, place.entry, "") in fought:
            continue
        values = before.get(place), own.get(place), other.get(place)
        assert result.get(place) == (values[2] if values[1] == values[0] else values[1]), place
    for side, chosen in (("mine", own), ("theirs", other)):
        settled = merge(base, mine, theirs, dict.fromkeys(fought, side))
        assert settled.conflicts == ()
        kept = flat(settled.configuration)
        for place in fought:
            if place.field != ORDER:
                assert kept.get(place) == chosen.get(place)


@given(configurations, configurations)
def test_a_change_of_one_side_is_taken_whole(base, changed):
    """Where the other did nothing, or the same, the result is the change, order included, and nobody is asked."""
    for mine, theirs in ((base, changed), (changed, base), (changed, changed)):
        assert merge(base, mine, theirs) == (changed, ())


BASE = Configuration(
    owned_domains=tuple(OwnedDomain(name=f"{name}.example") for name in "abcd"),
    corporate_users=("u@a.example", "v@a.example"),
    rules=tuple(Rule(name=name, mode="accept") for name in "ABCDEFGH"),
)
EDITS: Sequence[tuple[str, Operation]] = (
    ("A threshold", Put(section="rules", entry="A", values={"threshold": 7})),
    ("A mode", Put(section="rules", entry="A", values={"mode": "reject"})),
    ("B gone", Remove(section="rules", entry="B")),
    ("order front", Move(section="rules", entry="D", place=3)),
    ("order back", Move(section="rules", entry="E", place=6)),
    ("new front", Put(section="rules", values={"name": "N", "mode": "accept"}, place=1)),
    ("new back", Put(section="rules", values={"name": "M", "mode": "accept"})),
    ("user", Put(section="corporate_users", values={"value": "w@a.example"})),
    ("no user", Remove(section="corporate_users", entry="u@a.example")),
    ("limit", Set(section="receive", values={"connections": 5})),
    ("other limit", Set(section="receive", values={"chunks": 5})),
    ("domain", Put(section="owned_domains", entry="c.example", values={"recipients": "any"})),
    ("setting", Set(section="", values={"different_rules": "strictest"})),
)


def edited(configuration: Configuration, *operations: Operation) -> Configuration:
    """Carry out edits."""
    for operation in operations:
        made = edit(configuration, operation, lambda *_: ())
        assert isinstance(made, Configuration), made
        configuration = made
    return configuration


@given(st.lists(st.sampled_from(range(len(EDITS))), unique=True, max_size=8), st.data())
def test_edits_of_different_places_commute(chosen, data):
    """Shared among two people in any way, a rebase of them is both one after the other, whoever was first."""
    mine = [EDITS[number][1] for number in chosen if data.draw(st.booleans())]
    theirs = [EDITS[number][1] for number in chosen if EDITS[number][1] not in mine]
    merged = merge(BASE, edited(BASE, *mine), edited(BASE, *theirs))
    assert merged.conflicts == ()
    together = [flat(one) for one in (merged.configuration, edited(BASE, *theirs, *mine), edited(BASE, *mine, *theirs))]
    assert together[0] == together[1] == together[2]


def test_every_pair_of_edits_commutes_with_its_order():
    """Order too: a rebase of one edit onto another that does not touch it is what either succession gives."""
    for (one, first), (other, second) in itertools.combinations(EDITS, 2):
        merged = merge(BASE, edited(BASE, second), edited(BASE, first))
        results = {edited(BASE, first, second), edited(BASE, second, first)}
        moved = "order" in f"{one} {other}" and ({"B gone", "new front"} & {one, other})  # places are counted after the other edit
        assert merged.conflicts == () and (merged.configuration in results or moved), (one, other)


def test_a_value_that_both_changed_is_told_with_both():
    """The base, mine and theirs, as plain values; a choice settles it, the rest is merged anyway."""
    mine = edited(BASE, EDITS[0][1], EDITS[9][1])
    theirs = edited(BASE, Put(section="rules", entry="A", values={"threshold": 9, "enabled": False}))
    (conflict,) = merge(BASE, mine, theirs).conflicts
    assert conflict.place == ("rules", "A", "threshold")
    assert (conflict.base, conflict.mine, conflict.theirs) == (4, 7, 9)
    settled = merge(BASE, mine, theirs, {conflict.place: "mine"}).configuration
    assert (settled.rules[0].threshold, settled.rules[0].enabled, settled.receive.connections) == (7, False, 5)


def test_an_entry_removed_and_changed_is_one_conflict():
    """Whoever removed it, the other's values are shown whole."""
    gone, kept = edited(BASE, Remove(section="rules", entry="A")), edited(BASE, EDITS[0][1], EDITS[1][1])
    for mine, theirs in ((gone, kept), (kept, gone)):
        (conflict,) = merge(BASE, mine, theirs).conflicts
        assert conflict.place == ("rules", "A", "")
        told = conflict.theirs if mine is gone else conflict.mine
        assert (told["threshold"], told["mode"]) == (7, "reject")
        assert (conflict.mine, conflict.theirs).count(None) == 1
        assert merge(BASE, mine, theirs, {conflict.place: "mine"}).configuration == mine
        assert merge(BASE, mine, theirs, {conflict.place: "theirs"}).configuration == theirs


def test_a_rename_against_a_change_is_a_conflict():
    """The renamed entry is there, and whoever changed the old one is not passed over."""
    mine = edited(BASE, Put(section="rules", entry="A", values={"name": "Anew"}))
    merged = merge(BASE, mine, edited(BASE, EDITS[0][1]))
    assert [conflict.place for conflict in merged.conflicts] == [("rules", "A", "")]
    assert "Anew" in [rule.name for rule in merged.configuration.rules]


def test_secrets_are_not_shown_in_a_conflict():
    """Of a hash only that it differs; of a reference where it points."""
    user, out = SubmissionUser(name="jo", password="$argon2id$a"), SendConnector(name="o", direction="outbound", password="env:A")
    sides = [
        Configuration(
            submission_users=(replace(user, password=f"$argon2id${mark}"),), send_connectors=(replace(out, password=f"env:{mark}"),)
        )
        for mark in "abc"
    ]
    shown = [(conflict.mine, conflict.theirs) for conflict in merge(*sides).conflicts]
    assert shown == [(HIDDEN, HIDDEN), ("env:b", "env:c")]


def test_who_made_a_conflict_is_found():
    """A change concerns a conflict of its own entry and field, and of the whole entry; a move concerns the order alone."""
    told = changes(BASE, edited(BASE, EDITS[0][1], EDITS[2][1], Move(section="rules", entry="H", place=1)))
    concerned = [
        [change.kind for change in told if concerns(change, Place("rules", *place))]
        for place in (("A", "threshold"), ("A", "mode"), ("A", ""), ("B", "mode"), ("", ORDER))
    ]
    assert concerned == [["changed"], [], ["changed"], ["removed"], ["removed", "moved"]]


# Order


def holds(order: Sequence[str], base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]) -> bool:
    """Tell whether an order fulfils what each side says of each two entries."""
    for one, other in itertools.combinations(order, 2):
        said = [side.index(one) < side.index(other) if one in side and other in side else None for side in (base, mine, theirs)]
        before, own, theirs_says = said
        if own is None or theirs_says is None or own == theirs_says:
            wanted = own if own is not None else theirs_says
        elif before is None:
            return False
        else:
            wanted = own if own != before else theirs_says
        if wanted is False:
            return False
    return True


@given(st.lists(st.sampled_from("abcde"), unique=True, max_size=4), st.data())
def test_an_order_is_found_when_there_is_one(base, data):
    """Against every permutation: what is given fulfils all relations, and None is given only when no order does."""
    sides = [data.draw(st.lists(st.sampled_from("abcde"), unique=True, max_size=5)) for _ in range(2)]
    kept = sorted(set(sides[0]) | set(sides[1]))
    order = merged_order(base, *sides, kept)
    if order is None:
        assert not any(holds(one, base, *sides) for one in itertools.permutations(kept))
    else:
        assert sorted(order) == kept and holds(order, base, *sides)


def test_two_new_entries_at_one_place_stand_as_they_came():
    """The one that was applied stands first; both stand where their authors had put them among the others."""
    assert merged_order("ab", "axb", "ayb", "axyb") == list("ayxb")
    assert merged_order("ab", "abx", "aby", "abxy") == list("abyx")


def test_moves_that_contradict_are_a_conflict_of_the_order():
    """Three moves in a circle: one puts A behind C, the other C behind B; the choice gives an order whole."""
    mine, theirs = (edited(replace(BASE, rules=BASE.rules[:3]), *moves) for moves in ([Move(section="rules", entry="A", place=3)], []))
    theirs = replace(theirs, rules=tuple(theirs.rules[place] for place in (0, 2, 1)))
    base = replace(BASE, rules=BASE.rules[:3])
    merged = merge(base, mine, theirs)
    assert [rule.name for rule in merged.configuration.rules] == ["C", "B", "A"] and merged.conflicts == ()
    new_between = edited(base, Put(section="rules", values={"name": "N", "mode": "accept"}, place=2))
    (conflict,) = merge(base, new_between, edited(base, Move(section="rules", entry="B", place=1))).conflicts
    assert conflict.place == ("rules", "", ORDER)
    assert (conflict.mine, conflict.theirs) == (["A", "N", "B", "C"], ["B", "A", "C"])
    for side, order in (("mine", "ANBC"), ("theirs", "BANC")):
        settled = merge(base, new_between, edited(base, Move(section="rules", entry="B", place=1)), {conflict.place: side})
        assert "".join(rule.name for rule in settled.configuration.rules) == order


def test_a_long_list_is_merged_at_once():
    """10,000 users with some added and removed on both sides take no walk over all pairs; two new orders of them are a conflict."""
    users = tuple(f"u{number}" for number in range(10_000))
    base = Configuration(corporate_users=users)
    merged = merge(base, replace(base, corporate_users=(*users[5:], "mine")), replace(base, corporate_users=("theirs", *users)))
    assert merged == (replace(base, corporate_users=("theirs", *users[5:], "mine")), ())
    turned = merge(base, replace(base, corporate_users=users[::-1]), replace(base, corporate_users=(users[1], users[0], *users[2:])))
    assert [conflict.field for conflict in turned.conflicts] == [ORDER]


def test_a_chosen_order_keeps_the_others_entries_where_they_were():
    """What only the other side has stands behind what it stands behind there."""
    assert order_of("cab", "xaybz", "abcxyz") == list("xcaybz")
    assert order_of("ab", "x", "abx") == list("xab")
