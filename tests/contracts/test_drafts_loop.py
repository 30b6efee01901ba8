# SPDX-License-Identifier: Apache-2.0
"""Who edits a large configuration does not make others wait: what takes long leaves the event loop free, and stays correct."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from contracts.store_engines import StoreEngine, engine  # noqa: F401
from contracts.test_drafts_store import ANN, BOB, SEED, House, threshold
from gatepost.versioning import change, draft_texts
from gatepost.versioning.draft_record import Changed, Conflicting, Refused, Stale
from gatepost.versioning.draft_texts import DraftTexts
from waiting import PATIENCE_S

LONG = ("read_configuration_text", "read", "canonical", "edit", "merge", "changes", "faults_of")


@pytest.fixture
async def house(engine: StoreEngine, tmp_path: Path) -> House:  # noqa: F811
    """Give a house with a version 1, on each engine in turn."""
    return await House(engine.open("intranet")).open(tmp_path, SEED)


@pytest.fixture
async def called(house: House, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[set[str]]:
    """Give the names of the long functions that were called; each goes on only when the loop has had a turn meanwhile."""
    names: set[str] = set()
    held: set[str] = set()
    loop = asyncio.get_running_loop()

    def slow(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def wait_for_the_loop(*args: Any) -> Any:
            names.add(name)
            turn = threading.Event()
            loop.call_soon_threadsafe(turn.set)
            if threading.current_thread() is threading.main_thread() or not turn.wait(PATIENCE_S):
                held.add(name)
            return function(*args)

        return wait_for_the_loop

    for name in LONG:
        monkeypatch.setattr(draft_texts, name, slow(name, getattr(draft_texts, name)))
    yield names
    assert held == set()


async def test_no_step_of_an_edit_holds_the_loop(house: House, called: set[str]) -> None:
    """To look, begin, change, write a text, see the others', rebase and hear of conflicts."""
    seen = await house.drafts.begin(ANN)
    changed = await house.drafts.change(ANN, seen.revision, threshold("A", 5))
    assert isinstance(changed, Changed)
    assert isinstance(await house.drafts.change(ANN, changed.view.revision, threshold("A", "0")), Refused)
    assert isinstance(await house.drafts.change(ANN, seen.revision, threshold("A", 6)), Stale)
    assert isinstance(await house.drafts.replace(BOB, 0, 'different_rules = "strictest"'), Changed)
    assert len(await house.drafts.others(ANN)) == 1
    assert await house.drafts.discard_of(ANN, "bob")
    await house.change(BOB, threshold("A", 7))
    await house.apply(BOB)
    assert isinstance(await house.drafts.rebase(ANN, changed.view.revision, 2), Conflicting)
    assert called == set(LONG)


@pytest.mark.parametrize("step", ["edited", "written", "merged"])
async def test_what_another_tab_changes_meanwhile_is_not_overwritten(house: House, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """In the middle of an edit, a whole text or a rebase: who was slower is told, and sees what the other has written."""
    seen = (await house.change(ANN, threshold("C", 5))).revision
    working, written = threading.Event(), threading.Event()
    work: Callable[..., Any] = getattr(DraftTexts, step)

    def slowly(*args: Any) -> Any:
        if not working.is_set():
            working.set()
            assert written.wait(PATIENCE_S)
        return work(*args)

    steps: dict[str, Callable[[], Awaitable[Any]]] = {
        "edited": lambda: house.drafts.change(ANN, seen, threshold("A", 9)),
        "written": lambda: house.drafts.replace(ANN, seen, 'different_rules = "strictest"'),
        "merged": lambda: house.drafts.rebase(ANN, seen, 1),
    }
    monkeypatch.setattr(DraftTexts, step, slowly)
    here = asyncio.ensure_future(steps[step]())
    assert await asyncio.to_thread(working.wait, PATIENCE_S)
    other = await house.drafts.change(ANN, seen, threshold("B", 6))
    written.set()
    answer = await here
    assert isinstance(other, Changed) and isinstance(answer, Stale)
    assert answer.view == other.view == await house.drafts.view(ANN)
    assert [rule.threshold for rule in other.view.configuration.rules] == [4, 6, 5]


async def test_a_version_that_comes_meanwhile_makes_the_draft_outdated(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The edit is kept on what it was based on, and the version is not overwritten."""
    await house.change(BOB, threshold("B", 8))
    seen = (await house.drafts.begin(ANN)).revision
    working, applied = threading.Event(), threading.Event()
    edited = DraftTexts.edited

    def slowly(*args: Any) -> Any:
        working.set()
        assert applied.wait(PATIENCE_S)
        return edited(*args)

    monkeypatch.setattr(DraftTexts, "edited", slowly)
    here = asyncio.ensure_future(house.drafts.change(ANN, seen, threshold("A", 5)))
    assert await asyncio.to_thread(working.wait, PATIENCE_S)
    await house.apply(BOB)
    applied.set()
    answer = await here
    assert isinstance(answer, Changed)
    assert (answer.view.based_on, answer.view.newest.number, answer.view.is_outdated) == (1, 2, True)
    assert [rule.threshold for rule in change.read(await house.versioning.newest()).rules] == [4, 8, 4]
