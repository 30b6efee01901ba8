# SPDX-License-Identifier: Apache-2.0
"""Administrators on both engines: who may change them, what is written down, what the machine's own commands do."""

import asyncio

import pytest

from contracts.access_house import HERE, NOON, OWNER, House, house, refused
from contracts.store_engines import engine
from gatepost.access.administrators import FORBIDDEN, LAST, Change, Changed
from gatepost.access.audit import AuditSearch
from gatepost.access.passwords import ONE_TIME_S
from gatepost.access.record import Refusal
from gatepost.access.roles import ROLES
from gatepost.access.service import commands
from gatepost.access.sign_in import Refused, Step
from gatepost.contracts.actor import Actor
from gatepost.replication.service import Operation, Peer, Service
from gatepost.replication.wire import new_request

assert engine and house


async def test_an_administrator_is_added_with_a_one_time_password(house: House) -> None:
    """His name is in small letters and once there; what cannot be is refused at its field."""
    added = await house.access.administrators.add(OWNER, " Anna ", ("people", "monitoring"), display_name="Anna Ä.", language="de")
    assert isinstance(added, Changed)
    known = await house.access.administrators.get("ANNA")
    assert known == added.administrator
    assert known.roles == ("monitoring", "people") and known.one_time_until == NOON + ONE_TIME_S and known.enabled
    assert isinstance(await house.access.sign_in.begin("anna", added.one_time_password, HERE), Step)
    fields = [
        await house.access.administrators.add(OWNER, "anna", ROLES),
        await house.access.administrators.add(OWNER, "a b", ROLES),
        await house.access.administrators.add(OWNER, "bert", ("root",)),
        await house.access.administrators.add(OWNER, "bert", ROLES, language="fr"),
        await house.access.administrators.add(OWNER, "bert", ROLES, display_name="two\nlines"),
    ]
    assert [one.field for one in fields if isinstance(one, Refusal)] == ["name", "name", "roles", "language", "display_name"]
    assert [one.name for one in await house.access.administrators.list()] == ["anna"]


async def test_only_who_holds_all_roles_manages_administrators(house: House) -> None:
    """Others may describe themselves, nothing else; who is not enabled may nothing."""
    boss, guest = await house.settle_in("boss"), await house.settle_in("guest", *ROLES[:3])
    administrators = house.access.administrators
    for change in (Change(roles=ROLES), Change(enabled=True), Change(one_time_password=True), Change(unlock=True), Change(reset_totp=True)):
        assert await administrators.change(guest.actor, "guest", change) == FORBIDDEN
    assert await administrators.change(guest.actor, "boss", Change(display_name="x")) == FORBIDDEN
    assert await administrators.add(guest.actor, "friend", ()) == FORBIDDEN
    assert isinstance(await administrators.change(guest.actor, "guest", Change(display_name="Guest")), Changed)
    assert isinstance(await administrators.change(boss.actor, "guest", Change(enabled=False)), Changed)
    assert await administrators.change(guest.actor, "guest", Change(display_name="x")) == FORBIDDEN
    assert await administrators.change(Actor("nobody", "api"), "boss", Change(unlock=True)) == FORBIDDEN
    assert "no administrator" in refused(await administrators.change(boss.actor, "nobody", Change(unlock=True)))


async def test_what_an_actor_may_is_judged_in_the_transaction(house: House) -> None:
    """Two with all roles weaken each other at once: one does it, the other may no more."""
    people = [await house.settle_in(name) for name in ("anna", "bert")]
    pairs = zip(people, ("bert", "anna"), strict=True)
    answers = await asyncio.gather(*(house.access.administrators.change(who.actor, whom, Change(roles=())) for who, whom in pairs))
    assert sorted(type(one).__name__ for one in answers) == ["Changed", "Refusal"]
    assert len([one for one in await house.access.administrators.list() if one.holds_all]) == 1


async def test_the_last_who_manages_administrators_stays(house: House) -> None:
    """Not even the machine's own commands take the last one his roles, or let him in no more."""
    boss = await house.settle_in("boss")
    await house.settle_in("guest", "people")
    for actor in (boss.actor, OWNER):
        assert await house.access.administrators.change(actor, "boss", Change(enabled=False)) == LAST
        assert await house.access.administrators.change(actor, "boss", Change(roles=ROLES[1:])) == LAST
    await house.access.administrators.change(OWNER, "guest", Change(roles=ROLES))
    assert isinstance(await house.access.administrators.change(boss.actor, "boss", Change(enabled=False)), Changed)


async def test_unlocking_lets_him_in_before_the_time(house: House) -> None:
    """So does a new one-time password."""
    person = await house.settle_in("anna")
    for change in (Change(unlock=True), Change(one_time_password=True)):
        for _ in range(10):
            await house.access.sign_in.begin("anna", "wrong", HERE)
        assert await house.access.sign_in.begin("anna", person.password, HERE) == Refused()
        changed = await house.access.administrators.change(OWNER, "anna", change)
        assert isinstance(changed, Changed) and (changed.administrator.failures, changed.administrator.locked_until) == (0, None)
        password = changed.one_time_password or person.password
        assert isinstance(await house.access.sign_in.begin("anna", password, HERE), Step)


async def test_each_change_is_written_down_with_before_and_after_and_no_secret(house: House) -> None:
    """What stays as it is leaves no entry."""
    boss = await house.settle_in("boss")
    await house.add("anna", "people")
    await house.access.administrators.change(boss.actor, "anna", Change(roles=("people",), display_name=""))
    await house.access.administrators.change(boss.actor, "anna", Change(roles=("monitoring",), enabled=False))
    changed = await house.access.administrators.change(boss.actor, "anna", Change(one_time_password=True))
    page = await house.access.audit.search(AuditSearch(subject="anna"))
    password, roles, added = page.entries
    assert (added.operation, added.author, added.via, added.before) == ("access.administrator.add", "root", "cli", None)
    assert (roles.operation, roles.author, roles.via, roles.client) == ("access.administrator.change", "boss", "console", "192.0.2.7")
    assert roles.before == {"roles": ["people"], "enabled": True} and roles.after == {"roles": ["monitoring"], "enabled": False}
    assert password.after == {"password_was_replaced": True}
    assert isinstance(changed, Changed) and changed.one_time_password not in str(page)


@pytest.fixture
def service(house: House) -> Service:
    """Give the console's operations on administrators."""
    return Service(commands(house.access))


async def test_the_machines_commands_add_change_and_list(house: House, service: Service) -> None:
    """The first one has all roles; the answers are plain values; what cannot be is one sentence."""
    operations = commands(house.access)
    set_, list_ = operations["access.admin"], operations["access.admins"]
    assert isinstance(set_, Operation) and set_.command and not set_.remembered and not isinstance(list_, Operation)
    added = await set_.handler("ann", "boss", {"one_time_password": True})
    assert added["added"] and added["administrator"]["roles"] == ROLES and len(added["one_time_password"]) == 29
    changed = await set_.handler("ann", "boss", {"language": "de", "reset_totp": True})
    assert not changed["added"] and changed["one_time_password"] == ""
    assert [(one["name"], one["language"]) for one in await list_()] == [("boss", "de")]
    assert await house.operations() == ["access.administrator.add", "access.administrator.change"]
    for name, change, said in (
        ("anna", {"unlock": True}, "say --one-time-password"),
        ("anna", {"one_time_password": True, "enabled": False}, "no administrator 'anna' to change"),
        ("anna", {"one_time_password": True, "roles": ["root"]}, "role 'root' is none of"),
        ("boss", {"enabled": False}, "nobody would be left"),
        ("boss", {"enabled": "perhaps"}, "change: Expected"),
    ):
        reply = await service.carry_out(
            Peer("uid 0", ("*",)), new_request("access.admin", {"author": "ann", "name": name, "change": change})
        )
        assert said in reply.refused
