# SPDX-License-Identifier: Apache-2.0
"""The audit on both engines: in the transaction of its change, searched, dropped when its time is over."""

from typing import Any

import pytest

from contracts.access_house import NOON, OWNER, House, house
from contracts.store_engines import engine
from gatepost.access import audit as audit_room
from gatepost.access.audit import VALUE_BYTES, AuditSearch
from gatepost.contracts.actor import Actor, Entry
from gatepost.storage.transaction import transact

assert engine and house

ANNA = Actor("anna", "console", "192.0.2.7")


async def write(house: House, *entries: Entry) -> None:
    """Write entries in one transaction."""

    def do(connection: Any) -> None:
        for entry in entries:
            house.access.audit.append(connection, entry)

    await transact(house.store, do)


async def found(house: House, **narrowed: Any) -> list[str]:
    """Give the subjects that a search finds."""
    return [one.subject for one in (await house.access.audit.search(AuditSearch(**narrowed))).entries]


async def test_an_entry_is_found_as_it_was_written(house: House) -> None:
    """Values come back as JSON has them; what no engine keeps is replaced, what is too long is counted."""
    long = "x" * VALUE_BYTES
    await write(house, Entry(ANNA, "people.user.change", "a\0b\ud800", {"ä": [1, None, "\0"]}, long))
    (line,) = (await house.access.audit.search(AuditSearch())).entries
    assert (line.at, line.author, line.via, line.client, line.operation) == (NOON, "anna", "console", "192.0.2.7", "people.user.change")
    assert (line.subject, line.before, line.after) == ("a\ufffdb?", {"ä": [1, None, "\0"]}, {"bytes": len(long) + 2})


async def test_a_change_that_is_undone_leaves_no_entry(house: House) -> None:
    """It is in the same transaction."""

    def do(connection: Any) -> None:
        house.access.audit.append(connection, Entry(ANNA, "x.y", "z"))
        raise ValueError

    with pytest.raises(ValueError):
        await transact(house.store, do)
    assert await found(house) == []


async def test_a_search_narrows_by_period_author_operation_and_subject(house: House) -> None:
    """All of it must be so; % and _ are letters like others."""
    for number, (actor, operation) in enumerate(
        [(ANNA, "people.user.add"), (OWNER, "people.user.change"), (ANNA, "access.token.make"), (OWNER, "people_x")]
    ):
        house.now = NOON + number
        await write(house, Entry(actor, operation, f"s{number}"))
    assert await found(house) == ["s3", "s2", "s1", "s0"]
    assert await found(house, author="anna") == ["s2", "s0"]
    assert await found(house, operation="people.") == ["s1", "s0"]
    assert await found(house, operation="people_") == ["s3"]
    assert await found(house, operation="%") == []
    assert await found(house, subject="s1") == ["s1"]
    assert await found(house, since=NOON + 1, until=NOON + 3) == ["s2", "s1"]
    assert await found(house, author="anna", operation="people.", until=NOON + 3) == ["s0"]
    assert await found(house, author="x\0y", subject="' OR 1=1 --") == []


async def test_pages_follow_one_another_though_new_entries_come(house: House) -> None:
    """Each entry once, the newest first; the last page says that it is."""
    await write(house, *(Entry(ANNA, "a.b", f"s{number}") for number in range(5)))
    seen: list[str] = []
    search = AuditSearch(limit=2)
    while True:
        page = await house.access.audit.search(search)
        seen += [one.subject for one in page.entries]
        await write(house, Entry(ANNA, "a.b", "new"))
        if page.next is None:
            break
        search = AuditSearch(limit=2, before_id=page.next)
    assert seen == ["s4", "s3", "s2", "s1", "s0"]


async def test_what_is_older_than_so_many_days_is_dropped(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """In small transactions; what is a second younger stays."""
    monkeypatch.setattr(audit_room, "_AT_ONCE", 2)
    await write(house, *(Entry(ANNA, "a.b", f"old{number}") for number in range(5)))
    house.now += 1
    await write(house, Entry(ANNA, "a.b", "young"))
    house.now = NOON + 1 + 30 * 86_400
    assert await house.access.audit.drop_before(30) == 5
    assert await found(house) == ["young"]
