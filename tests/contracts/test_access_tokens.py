# SPDX-License-Identifier: Apache-2.0
"""API tokens on both engines: what they may, how they end, what trying them tells."""

import asyncio
import hmac
from pathlib import Path
from typing import Any

import pytest

from contracts.access_house import NOON, OWNER, House, Person, house, refused
from contracts.store_engines import engine
from gatepost.access.administrators import FORBIDDEN, Change
from gatepost.access.record import Token
from gatepost.access.roles import ROLES
from gatepost.access.tokens import KEPT_S, MOST, USED_S, MadeToken

assert engine and house

DAY_S = 86_400.0


async def made(house: House, person: Person, *scopes: str, days: int = 30) -> MadeToken:
    """Make a token that can be made."""
    answer = await house.access.tokens.make(person.actor, "ci", scopes, days)
    assert isinstance(answer, MadeToken)
    return answer


async def rights(house: House, token: MadeToken) -> set[str] | None:
    """Give what a token may now; None when it is good for nothing."""
    use = await house.access.tokens.check(token.secret)
    return set(use.rights) if use is not None else None


async def test_a_token_may_what_its_scopes_say_and_to_write_is_to_read(house: House, tmp_path: Path) -> None:
    """Its owner's other rights are not its; it survives a new start."""
    person = await house.settle_in("anna", "people", "monitoring")
    token = await made(house, person, "people:write")
    assert token.secret.startswith(f"gp_{token.token.id}_")
    use = await house.again(tmp_path).access.tokens.check(token.secret)
    assert use is not None and use.rights == {"people:read", "people:write"}
    assert use.may("people:read") and not use.may("monitoring:read")
    actor = use.actor("192.0.2.9")
    assert (actor.name, actor.via, actor.client) == ("anna", "api", "192.0.2.9")
    assert await rights(house, await made(house, person, "people:read")) == {"people:read"}


async def test_a_token_never_has_more_than_its_owner_has_when_it_is_used(house: House) -> None:
    """Weakened he weakens it, disabled it is good for nothing, and with his roles its scopes come back, no more."""
    person, _ = await house.settle_in("anna"), await house.add("bert")
    token = await made(house, person, "people:write", "administration:read")
    assert await rights(house, token) == {"people:read", "people:write", "administration:read"}
    for change, left in (
        (Change(roles=("people",)), {"people:read", "people:write"}),
        (Change(roles=("monitoring",)), set()),
        (Change(roles=ROLES, enabled=False), None),
        (Change(enabled=True), {"people:read", "people:write", "administration:read"}),
    ):
        await house.access.administrators.change(OWNER, "anna", change)
        assert await rights(house, token) == left


async def test_nobody_gives_a_token_what_he_does_not_have(house: House) -> None:
    """Neither by role nor when his roles were taken a moment ago; each fault is said at its field."""
    person = await house.settle_in("anna", "people")
    tokens = house.access.tokens
    assert "no scope that" in refused(await tokens.make(person.actor, "ci", ("people:read", "monitoring:read"), 1))
    for name, scopes, days, field in (
        ("", ("people:read",), 1, "name"),
        ("a\nb", ("people:read",), 1, "name"),
        ("ci", (), 1, "scopes"),
        ("ci", ("people",), 1, "scopes"),
        ("ci", ("people:read",), 0, "days"),
        ("ci", ("people:read",), 366, "days"),
    ):
        answer = await tokens.make(person.actor, name, scopes, days)
        assert not isinstance(answer, MadeToken) and answer.field == field
    await house.access.administrators.change(OWNER, "anna", Change(roles=()))
    assert "no scope that" in refused(await tokens.make(person.actor, "ci", ("people:read",), 1))
    assert await tokens.list() == []


async def test_a_token_ends_with_its_time_and_when_it_is_revoked(house: House) -> None:
    """At once, though it was used just before; both leave it in the list for a while."""
    person = await house.settle_in("anna", "people")
    short, long = await made(house, person, "people:read", days=1), await made(house, person, "people:read", days=365)
    house.now += DAY_S - 1
    assert await rights(house, short) is not None
    house.now += 1
    assert await rights(house, short) is None
    assert await rights(house, long) is not None
    revoked = await house.access.tokens.revoke(person.actor, long.token.id)
    assert isinstance(revoked, Token) and revoked.revoked_at == house.now
    assert await rights(house, long) is None
    assert {one.id for one in await house.access.tokens.list()} == {short.token.id, long.token.id}
    house.now += DAY_S + KEPT_S
    last = await made(house, person, "people:read")
    assert [one.id for one in await house.access.tokens.list(owner="anna")] == [last.token.id]
    assert (await house.operations())[-4:] == ["access.token.make", "access.token.make", "access.token.revoke", "access.token.make"]


async def test_a_token_is_revoked_by_its_owner_or_by_who_manages_administrators(house: House) -> None:
    """Revoking twice changes nothing; an id that is none is no such token."""
    boss, anna, bert = await house.settle_in("boss"), await house.settle_in("anna", "people"), await house.settle_in("bert", "people")
    token = await made(house, anna, "people:read")
    assert await house.access.tokens.revoke(bert.actor, token.token.id) == FORBIDDEN
    assert isinstance(await house.access.tokens.revoke(boss.actor, token.token.id), Token)
    house.now += 5
    again = await house.access.tokens.revoke(anna.actor, token.token.id)
    assert isinstance(again, Token) and again.revoked_at == NOON
    for wrong in ("", "a" * 12, "\0" * 12, "x" * 1000):
        assert refused(await house.access.tokens.revoke(boss.actor, wrong)) == "there is no such token"
    assert (await house.operations()).count("access.token.revoke") == 1


async def test_its_use_is_written_down_once_a_minute(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between that it asks the store nothing."""
    person = await house.settle_in("anna", "people")
    token = await made(house, person, "people:read")
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
    for second in range(int(USED_S)):
        house.now = NOON + second
        assert await rights(house, token) == {"people:read"}
    assert calls == ["ask", "perform"]
    house.now = NOON + USED_S
    await asyncio.gather(*(rights(house, token) for _ in range(5)))
    assert calls == ["ask", "perform", "perform"]
    (line,) = await house.access.tokens.list()
    assert line.used_at == NOON + USED_S


async def test_a_wrong_secret_and_a_wrong_id_take_the_same_comparison(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """One comparison in constant time for each that could be a token; what cannot be one asks nothing."""
    person = await house.settle_in("anna", "people")
    token = await made(house, person, "people:read")
    compared: list[int] = []
    really = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(len(one))
        return really(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    head, secret = token.secret[:15], token.secret[16:]
    wrong = ("A" if secret[0] != "A" else "B") + secret[1:]
    for untrusted in (f"{head}_{wrong}", f"gp_{'a' * 12}_{secret}"):
        assert await house.access.tokens.check(untrusted) is None
    assert compared == [32, 32]
    for untrusted in ("", "gp_", token.secret + "x", token.secret[:-1] + "!", f"gp_{'ä' * 12}_{secret}", token.token.id, "x" * 100_000):
        assert await house.access.tokens.check(untrusted) is None
    assert compared == [32, 32]
    assert await rights(house, token) == {"people:read"}


async def test_nobody_has_more_than_fifty_that_are_good(house: House) -> None:
    """An ended one makes room."""
    person = await house.settle_in("anna", "people")
    tokens = [await made(house, person, "people:read") for _ in range(MOST)]
    assert "revoke one first" in refused(await house.access.tokens.make(person.actor, "ci", ("people:read",), 1))
    await house.access.tokens.revoke(person.actor, tokens[0].token.id)
    await made(house, person, "people:read")
