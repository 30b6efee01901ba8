# SPDX-License-Identifier: Apache-2.0
"""Two tenants on both engines: nothing of one is found, changed or counted through the other."""

from typing import Any

from contracts.access_house import HERE, NOON, OWNER, House, house
from contracts.store_engines import engine
from gatepost.access.administrators import Change, Changed
from gatepost.access.audit import AuditSearch
from gatepost.access.record import Token
from gatepost.access.session_rows import SessionRow, SessionRows
from gatepost.access.sign_in import Refused, Step
from gatepost.access.token_rows import TokenRow, TokenRows
from gatepost.access.tokens import MadeToken
from gatepost.storage.transaction import transact

assert engine and house


async def test_two_tenants_have_nothing_in_common(house: House) -> None:
    """The same name is two people: with passwords, sessions, tokens, locks and audits of their own."""
    access = house.access
    ours = await house.settle_in("anna")
    theirs = await house.settle_in("anna", "people", tenant_id=1, password="their own long password")
    await house.add("bert", tenant_id=1)
    assert [one.name for one in await access.administrators.list()] == ["anna"]
    assert [(one.name, one.tenant_id) for one in await access.administrators.list(1)] == [("anna", 1), ("bert", 1)]
    assert await access.administrators.get("bert") is None

    assert await access.sign_in.begin("anna", ours.password, HERE, 1) == Refused()
    assert await access.sessions.find(ours.done.cookie, 1) is None
    assert await access.sessions.find(theirs.done.cookie, 0) is None
    found = await access.sessions.find(theirs.done.cookie, 1)
    assert found is not None and found.administrator.tenant_id == 1 and not found.may("administration:write")
    assert [one.id for one in await access.sessions.own("anna", 1)] == [theirs.done.session.id]
    assert not await access.sessions.end(ours.actor, "anna", theirs.done.session.id)

    made = await access.tokens.make(theirs.actor, "ci", ("people:read",), 1)
    assert isinstance(made, MadeToken)
    assert await access.tokens.list() == [] and await access.tokens.list(0, "anna") == [] and len(await access.tokens.list(1)) == 1
    assert await access.tokens.check(made.secret) is None and await access.tokens.check(made.secret, 1) is not None
    assert not isinstance(await access.tokens.revoke(ours.actor, made.token.id), Token)
    assert await access.tokens.check(made.secret, 1) is not None

    for _ in range(10):
        await access.sign_in.begin("anna", "wrong", HERE, 1)
    assert isinstance(await access.sign_in.begin("anna", ours.password, HERE), Step)
    assert isinstance(await access.administrators.change(ours.actor, "anna", Change(display_name="Ours")), Changed)
    other = await access.administrators.get("anna", 1)
    assert other is not None and other.display_name == "" and other.locked_until is not None

    assert await access.sessions.end_all(OWNER, "anna") == 1
    assert await access.sessions.find(theirs.done.cookie, 1) is not None
    assert "access.administrator.lock" not in await house.operations()
    assert "access.administrator.lock" in await house.operations(1)
    house.now += 86_401
    assert await access.audit.drop_before(1) > 0
    assert await house.operations() == [] and "access.token.make" in await house.operations(1)


async def test_rows_of_one_tenant_do_not_touch_those_of_the_other(house: House) -> None:
    """Though they have the same id and the same proof, which chance would never make."""
    sessions, tokens, proof = SessionRows(house.store.engine), TokenRows(house.store.engine), bytes(32)
    session = SessionRow(0, proof, "anna", "form", NOON, NOON, "192.0.2.7", "")
    token = TokenRow(0, "a" * 12, proof, "ci", "anna", "people:read", NOON, NOON, None, None)

    def add(connection: Any) -> None:
        for tenant_id in (0, 1):
            sessions.insert(connection, session._replace(tenant_id=tenant_id))
            tokens.insert(connection, token._replace(tenant_id=tenant_id))

    def change(connection: Any) -> None:
        sessions.see(connection, 0, proof, NOON + 1)
        sessions.end_old(connection, 0, NOON + 1, NOON + 1)
        tokens.use(connection, 0, token.id, NOON + 1)
        assert tokens.revoke(connection, 0, token.id, NOON + 1)
        tokens.drop_old(connection, 0, "anna", NOON + 1)
        sessions.insert(connection, session)
        assert sessions.end(connection, 0, proof)

    def others(connection: Any) -> tuple[object, object]:
        assert sessions.get(connection, 0, proof) is None and tokens.get(connection, 0, token.id) is None
        return sessions.get(connection, 1, proof), tokens.get(connection, 1, token.id)

    await transact(house.store, add)
    await transact(house.store, change)
    assert await transact(house.store, others) == (session._replace(tenant_id=1), token._replace(tenant_id=1))


async def test_a_sealed_secret_is_bound_to_its_tenant_and_name(house: House) -> None:
    """Who copies a secret's row to another name, or to another tenant, cannot use it there."""
    person = await house.settle_in("anna")
    await house.add("bert")
    await house.add("anna", tenant_id=1)

    def copied(connection, _):  # type: ignore[no-untyped-def]
        connection.execute("UPDATE administrator SET totp = (SELECT totp FROM administrator WHERE tenant_id = 0 AND name = 'anna')")
        return [None]

    await house.store.perform(copied, None)
    for name, tenant_id in (("bert", 0), ("anna", 1)):
        changed = await house.access.administrators.change(OWNER._replace(tenant_id=tenant_id), name, Change(one_time_password=True))
        assert isinstance(changed, Changed)
        step = await house.access.sign_in.begin(name, changed.one_time_password, HERE, tenant_id)
        assert isinstance(step, Step) and step.needs == "totp"
        house.now += 30
        assert await house.access.sign_in.give_code(step.ticket, house.code(person.secret), HERE) == Refused()
    await house.signed_in(person)
    assert len(await house.access.sessions.own("anna")) == 2
    assert (await house.access.audit.search(AuditSearch(operation="access.sign_in"))).entries[0].author == "anna"
