# SPDX-License-Identifier: Apache-2.0
"""What a look means for the incidents of its kind, told by a model for any sequence of looks."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gatepost.monitoring.judging import APART_S, Changed, Healed, Memory, Opened, Refreshed, judge
from gatepost.monitoring.record import LEVELS, Finding, Incident, Look

SUBJECTS = ("berlin", "berlin/a.example", "lisbon")


def finding(subject: str, level: Any = "warning", tenant_id: int = 0, **details: Any) -> Finding:
    """Give a finding."""
    return Finding("link.away", subject, level, details, tenant_id)


def row(subject: str, number: int = 1, level: Any = "warning", tenant_id: int = 0) -> Incident:
    """Give an open incident."""
    return Incident(number, tenant_id, "link.away", subject, level, {}, 0.0, 0.0)


def test_what_is_found_opens_once() -> None:
    """A finding without an incident opens one; of two findings of one subject the first counts."""
    made, _ = judge([], Look((finding("a", "error"), finding("a", "message"))), Memory(), 100.0)
    assert made == [Opened(finding("a", "error"))]


def test_a_finding_must_last_for_the_kinds_patience() -> None:
    """What was gone in between begins anew; what lasted opens."""
    look, gone = Look((finding("a"),)), Look()
    made, memory = judge([], look, Memory(), 0.0, patience_s=20.0)
    assert made == []
    made, memory = judge([], look, memory, 10.0, patience_s=20.0)
    assert made == []
    _, forgotten = judge([], gone, memory, 15.0, patience_s=20.0)
    assert judge([], look, forgotten, 20.0, patience_s=20.0)[0] == []
    assert judge([], look, memory, 20.0, patience_s=20.0)[0] == [Opened(finding("a"))]


def test_two_clean_looks_that_lie_apart_heal() -> None:
    """One is not enough, two within ten seconds are one, and being found again in between begins anew."""
    open_ = [row("a")]
    made, memory = judge(open_, Look(), Memory(), 0.0)
    assert made == []
    assert judge(open_, Look(), memory, APART_S - 0.1)[0] == []
    assert judge(open_, Look(), memory, APART_S)[0] == [Healed(open_[0])]
    _, memory = judge(open_, Look((finding("a"),)), memory, 5.0)
    assert judge(open_, Look(), memory, APART_S)[0] == []


def test_a_person_who_asks_is_believed() -> None:
    """What he asks for opens and heals at the first look; nothing else does."""
    sure = frozenset({(0, "a")})
    assert judge([row("a"), row("b", 2)], Look(), Memory(), 0.0, sure=sure)[0] == [Healed(row("a"))]
    assert judge([], Look((finding("a"), finding("b"))), Memory(), 0.0, patience_s=60.0, sure=sure)[0] == [Opened(finding("a"))]


def test_what_could_not_be_looked_at_stays_as_it_is() -> None:
    """Neither the subject nor what is below it heals, even where a person asks; its neighbour with a like name does."""
    rows = [row("berlin"), row("berlin/a.example", 2), row("berlin-2", 3)]
    look = Look((), ("berlin",))
    assert judge(rows, look, Memory(), 0.0, sure=frozenset((0, one.subject) for one in rows))[0] == [Healed(rows[2])]


def test_a_level_changes_and_details_are_refreshed() -> None:
    """A graver level is told; other figures alone are not."""
    rows = [row("a"), row("b", 2)]
    made, _ = judge(rows, Look((finding("a", "error"), finding("b", waiting=3))), Memory(), 0.0)
    assert made == [Changed(rows[0], finding("a", "error")), Refreshed(rows[1], finding("b", waiting=3))]


def test_a_clock_that_is_set_back_makes_nothing_last_for_ever() -> None:
    """Patience and healing begin anew."""
    _, memory = judge([row("a")], Look((finding("b"),)), Memory(), 1_000_000.0, patience_s=20.0)
    made, memory = judge([row("a")], Look((finding("b"),)), memory, 0.0, patience_s=20.0)
    assert made == []
    made, _ = judge([row("a")], Look((finding("b"),)), memory, 20.0, patience_s=20.0)
    assert made == [Opened(finding("b")), Healed(row("a"))]


LOOKS = st.lists(
    st.tuples(
        st.dictionaries(st.tuples(st.integers(0, 1), st.sampled_from(SUBJECTS)), st.sampled_from(LEVELS), max_size=4),
        st.sets(st.sampled_from(("berlin", "lisbon")), max_size=2),
        st.floats(0.5, 40.0),
    ),
    max_size=25,
)


@given(LOOKS, st.sampled_from((0.0, 15.0)))
def test_any_sequence_of_looks_keeps_the_promises(looks: list[Any], patience_s: float) -> None:
    """One row at most is open for a key, found ones stay open, unseen ones stay, and each heals only after two clean looks."""
    now, number, memory = 1000.0, 0, Memory()
    rows: dict[tuple[int, str], Incident] = {}
    clean_since: dict[tuple[int, str], float] = {}
    found_since: dict[tuple[int, str], float] = {}
    for found, unseen, pause in looks:
        now += pause
        findings = tuple(finding(subject, level, tenant) for (tenant, subject), level in found.items())
        look = Look(findings, tuple(unseen))
        made, memory = judge(list(rows.values()), look, memory, now, patience_s=patience_s)
        for key in [*found_since]:
            if key not in found and look.covers(key[1]):
                del found_since[key]
        for key in found:
            found_since.setdefault(key, now)
        before = dict(rows)
        for one in made:
            match one:
                case Opened(new):
                    key = (new.tenant_id, new.subject)
                    assert key not in rows
                    assert now - found_since[key] >= patience_s
                    number += 1
                    rows[key] = Incident(number, new.tenant_id, new.kind, new.subject, new.level, new.details, now, now)
                case Changed(old, new) | Refreshed(old, new):
                    key = (old.tenant_id, old.subject)
                    assert found[key] == new.level
                    rows[key] = msgspec.structs.replace(old, level=new.level)
                case Healed(old):
                    key = (old.tenant_id, old.subject)
                    assert key not in found and look.covers(old.subject)
                    assert now - clean_since[key] >= APART_S
                    del rows[key]
        for key in before:
            if key in found or not look.covers(key[1]):
                clean_since.pop(key, None)
                assert key in rows
            else:
                clean_since.setdefault(key, now)
        clean_since = {key: at for key, at in clean_since.items() if key in rows}
        assert all(rows[key].level == level for key, level in found.items() if key in rows)
        if patience_s == 0.0:
            assert set(found) <= set(rows)
