# SPDX-License-Identifier: Apache-2.0
"""Sessions on both engines: how long they last, what ends them, what they ask of the store."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from contracts.access_house import HERE, NOON, OWNER, House, house
from contracts.store_engines import HeldUp, engine
from gatepost.access.administrators import Change
from gatepost.access.record import Came
from gatepost.access.roles import ROLES
from gatepost.access.sessions import IDLE_S, MOST, WHOLE_S, WRITTEN_S, form_is_from
from gatepost.access.sign_in import Done

assert engine and house


@pytest.fixture
def asked(house: House, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give what the store is asked for, as it comes."""
    calls: list[str] = []
    ask, perform = house.store.ask, house.store.perform

    async def asking(question: Any) -> Any:
        calls.append("ask")
        return await ask(question)

    async def performing(handler: Any, argument: Any) -> Any:
        calls.append("perform")
        return await perform(handler, argument)

    monkeypatch.setattr(house.store, "ask", asking)
    monkeypatch.setattr(house.store, "perform", performing)
    return calls


async def test_a_session_ends_when_nobody_uses_it(house: House) -> None:
    """A use just before the limit keeps it, an open page that asks by itself does not."""
    cookie = (await house.settle_in("anna")).done.cookie
    house.now += IDLE_S - 1
    assert await house.access.sessions.find(cookie) is not None
    house.now += IDLE_S - 1
    assert await house.access.sessions.find(cookie, active=False) is not None
    house.now += 1
    assert await house.access.sessions.find(cookie) is None


async def test_a_session_ends_after_its_whole_time_however_it_is_used(house: House) -> None:
    """Twelve hours after its beginning."""
    cookie = (await house.settle_in("anna")).done.cookie
    for _ in range(int(WHOLE_S / 600) - 1):
        house.now += 600
        assert await house.access.sessions.find(cookie) is not None
    house.now = NOON + WHOLE_S
    assert await house.access.sessions.find(cookie) is None


async def test_a_page_asks_the_store_once_a_minute_for_its_session(house: House, asked: list[str], tmp_path: Path) -> None:
    """The first use after a start reads it; then it is written down once a minute that it was seen."""
    person = await house.settle_in("anna")
    fresh = house.again(tmp_path)
    asked.clear()
    for second in range(int(WRITTEN_S)):
        fresh.now = NOON + second
        found = await fresh.access.sessions.find(person.done.cookie)
        assert found is not None and found.seen_at == fresh.now
    assert asked == ["ask"]
    fresh.now = NOON + WRITTEN_S
    await asyncio.gather(*(fresh.access.sessions.find(person.done.cookie) for _ in range(5)))
    assert asked == ["ask", "perform"]
    (line,) = await house.access.sessions.own("anna")
    assert line.seen_at == fresh.now


async def test_what_is_no_cookie_costs_the_store_nothing(house: House, asked: list[str]) -> None:
    """A wrong length, strange letters, a token; and a cookie of nobody stands for nobody."""
    for untrusted in ("", "x", "ä" * 43, "x" * 42 + "!", "gp_" + "x" * 41, "x" * 10_000):
        assert await house.access.sessions.find(untrusted) is None
    assert asked == []
    assert await house.access.sessions.find("A" * 43) is None


@pytest.mark.parametrize(
    "change",
    [
        Change(roles=("people",)),
        Change(enabled=False),
        Change(one_time_password=True),
        Change(reset_totp=True),
    ],
    ids=["roles", "enabled", "password", "totp"],
)
async def test_a_change_of_rights_or_proofs_ends_every_session(house: House, change: Change, tmp_path: Path) -> None:
    """In memory and in the store, of that administrator alone; a description changes without that."""
    person, other = await house.settle_in("anna"), await house.settle_in("bert")
    second = await house.signed_in(person)
    await house.access.administrators.change(OWNER, "anna", change)
    for one in (house, house.again(tmp_path)):
        assert await one.access.sessions.find(person.done.cookie) is None
        assert await one.access.sessions.find(second.cookie) is None
        assert await one.access.sessions.find(other.done.cookie) is not None


async def test_a_new_name_or_language_is_seen_at_once_and_ends_nothing(house: House) -> None:
    """What a session shows is what its administrator is now."""
    person = await house.settle_in("anna", "people")
    await house.access.administrators.change(person.actor, "anna", Change(display_name="Anna B.", language="de"))
    found = await house.access.sessions.find(person.done.cookie)
    assert found is not None
    assert (found.administrator.display_name, found.administrator.language) == ("Anna B.", "de")


async def test_a_reading_that_began_before_a_change_is_not_remembered(
    house: House, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A session that was being read while it ended is not found afterwards."""
    person, _ = await house.settle_in("anna"), await house.add("bert")
    fresh = house.again(tmp_path)
    read, go_on = asyncio.Event(), asyncio.Event()
    ask = house.store.ask

    async def slow(question: Any) -> Any:
        answer = await ask(question)
        read.set()
        await go_on.wait()
        return answer

    monkeypatch.setattr(house.store, "ask", slow)
    finding = asyncio.ensure_future(fresh.access.sessions.find(person.done.cookie))
    await read.wait()
    monkeypatch.setattr(house.store, "ask", ask)
    await fresh.access.administrators.change(OWNER, "anna", Change(roles=()))
    go_on.set()
    await finding
    assert await fresh.access.sessions.find(person.done.cookie) is None


async def test_a_change_counts_though_its_asker_went_away(house: House) -> None:
    """Cancelled in the middle, it is made, and no memory shows what was before."""
    person, _ = await house.settle_in("anna"), await house.add("bert")
    held = HeldUp(house.store)
    changing = asyncio.ensure_future(house.access.administrators.change(OWNER, "anna", Change(enabled=False)))
    await asyncio.sleep(0)
    assert await house.access.sessions.find(person.done.cookie) is not None
    changing.cancel()
    await asyncio.gather(changing, return_exceptions=True)
    assert changing.cancelled()
    assert await house.access.sessions.find(person.done.cookie) is not None
    held.go_on()
    await house.access.sessions.end_all(OWNER, "nobody")  # is behind it in the same store
    assert await house.access.sessions.find(person.done.cookie) is None


async def test_own_sessions_are_listed_and_ended_one_by_one_or_all(house: House) -> None:
    """The newest first, with client and browser; nobody ends another's but who manages administrators."""
    person, guest = await house.settle_in("anna"), await house.settle_in("bert", "people")
    second = await house.signed_in(person, Came("2001:db8::1", "curl\x1b[31m/8 \ud800" + "x" * 500))
    lines = await house.access.sessions.own("anna")
    assert [(one.id, one.client) for one in lines] == [(second.session.id, "2001:db8::1"), (person.done.session.id, HERE.client)]
    assert lines[0].agent.startswith("curl [31m/8  x") and len(lines[0].agent) == 200
    assert not await house.access.sessions.end(guest.actor, "anna", second.session.id)
    assert await house.access.sessions.end_all(guest.actor, "anna") == 0
    assert await house.access.sessions.end(person.actor, "Anna", second.session.id)
    assert not await house.access.sessions.end(person.actor, "anna", second.session.id)
    assert await house.access.sessions.find(second.cookie) is None
    assert await house.access.sessions.end_all(person.actor, "bert") == 1
    await house.access.sessions.sign_out(person.done.session)
    assert await house.access.sessions.own("anna") == []
    assert (await house.operations()).count("access.session.end") == 3


async def test_the_oldest_of_many_sessions_makes_room(house: House) -> None:
    """Nobody has more than twenty, and what is over is removed from the store."""
    person = await house.settle_in("anna")
    done = [person.done] + [await house.signed_in(person) for _ in range(MOST)]
    assert await house.access.sessions.find(done[0].cookie) is None
    assert [one.id for one in await house.access.sessions.own("anna")] == [one.session.id for one in reversed(done[1:])]
    house.now += WHOLE_S
    last = await house.signed_in(person)
    rows = await house.store.ask(lambda connection: connection.execute("SELECT seen_at FROM administrator_session").fetchall())
    assert len(rows) == 1
    assert [one.id for one in await house.access.sessions.own("anna")] == [last.session.id]


async def test_the_store_holds_nothing_that_opens_a_session(house: House) -> None:
    """Neither cookie nor password nor secret can be found in any row."""
    person = await house.settle_in("anna")
    made = await house.access.tokens.make(person.actor, "ci", ("people:read",), 1)

    def everything(connection: Any) -> str:
        tables = ("administrator", "administrator_session", "access_token", "audit_entry")
        return repr([connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables])

    held = await house.store.ask(everything)
    secrets = (person.done.cookie, person.password, person.secret, made.secret, made.secret[16:])  # type: ignore[union-attr]
    assert person.done.session.form_token in held  # what is there is found
    assert [one for one in secrets if one in held] == []


async def test_a_form_needs_the_token_of_its_own_session(house: House) -> None:
    """That of another session, none, or what is no text at all are refused."""
    person = await house.settle_in("anna")
    second = await house.signed_in(person)
    assert isinstance(second, Done) and form_is_from(second.session, second.session.form_token)
    for wrong in (person.done.session.form_token, "", "\ud800", "ä"):
        assert not form_is_from(second.session, wrong)


async def test_a_session_may_what_its_roles_give(house: House) -> None:
    """A role is its own area; all four are administration too."""
    person, all_ = await house.settle_in("anna", "monitoring"), await house.settle_in("bert", *ROLES)
    session = person.done.session
    assert session.may("monitoring:write") and session.may("monitoring:read")
    assert not any(session.may(right) for right in ("people:read", "configuration:read", "administration:read", "monitoring"))
    assert all_.done.session.may("administration:write") and all_.done.session.may("disclaimer:write")
    assert (person.actor.name, person.actor.via, person.actor.client, person.actor.tenant_id) == ("anna", "console", "192.0.2.7", 0)
