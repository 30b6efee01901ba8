# SPDX-License-Identifier: Apache-2.0
"""`gatepost people admin` and `gatepost people admins`, asked of a console with a real store."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from cyclopts import App

from gatepost.access.access import Access
from gatepost.access.audit import AuditSearch
from gatepost.access.passwords import Passwords
from gatepost.access.record import Came
from gatepost.access.service import commands
from gatepost.access.sign_in import Step
from gatepost.cli.people_admin import register
from gatepost.errors import ControlError, UsageError
from gatepost.replication.commands import Commands
from gatepost.roles.control import ControlServer
from gatepost.storage.opening import open_store

HERE = Came("192.0.2.7")
Say = Callable[..., Awaitable[int]]


@pytest.fixture
async def access(tmp_path: Path) -> AsyncIterator[Access]:
    """Give a console's administrators, served on its socket."""
    store = open_store("sqlite", "intranet", tmp_path)
    served = Access(store, tmp_path / "keys" / "console.key", passwords=Passwords(memory_kib=8, passes=1), refusal_s=0.0)
    server = ControlServer(tmp_path / "run" / "console.sock", commands(served), Commands(store))
    await server.start()
    yield served
    await server.close()
    served.close()
    await store.close()


@pytest.fixture
def say(tmp_path: Path) -> Say:
    """Give the noun on the machine where that console runs."""
    config = tmp_path / "gatepost.toml"
    config.write_text(f'data = "{tmp_path}"\n')
    people = App(name="people", exit_on_error=False, print_error=False, result_action="return_value")
    register(people)

    async def said(*words: str) -> int:
        code = await asyncio.to_thread(people, [*words, "--config", str(config)])
        assert isinstance(code, int)
        return code

    return said


async def test_the_first_administrator_is_added_and_signs_in(access: Access, say: Say, capfd: pytest.CaptureFixture[str]) -> None:
    """With all roles; the password stands on a line of its own and works."""
    assert await say("admins") == 1
    assert "gatepost people admin NAME --one-time-password" in capfd.readouterr().out
    assert await say("admin", "anna", "--one-time-password") == 0
    first, second, password = capfd.readouterr().out.splitlines()
    assert first.startswith("anna was added: one-time password until ") and first.endswith("roles: all.")
    assert second == "One-time password, valid for 24 hours, not shown again:"
    assert isinstance(await access.sign_in.begin("anna", password, HERE), Step)
    assert await say("admins", "--json") == 0
    (line,) = json.loads(capfd.readouterr().out)
    assert (line["name"], line["has_totp"], line["tenant_id"]) == ("anna", False, 0)
    assert password not in str(line) and "password" not in line


async def test_what_is_not_said_stays_as_it_is(access: Access, say: Say, capfd: pytest.CaptureFixture[str]) -> None:
    """Roles, name, language, being enabled; and who did it is in the audit."""
    await say("admin", "boss", "--one-time-password")
    assert (
        await say("admin", "anna", "--one-time-password", "--roles", "people, monitoring", "--display-name", "Anna", "--language", "de")
        == 0
    )
    assert await say("admin", "anna", "--disable") == 0
    assert await say("admin", "anna", "--roles", "none") == 0
    known = await access.administrators.get("anna")
    assert known is not None
    assert (known.roles, known.display_name, known.language, known.enabled) == ((), "Anna", "de", False)
    capfd.readouterr()
    assert await say("admin", "anna", "--enable", "--roles", "all", "--display-name", "", "--json") == 0
    answer = json.loads(capfd.readouterr().out)
    assert answer["administrator"]["enabled"] and len(answer["administrator"]["roles"]) == 4 and answer["one_time_password"] == ""
    entries = (await access.audit.search(AuditSearch(subject="anna"))).entries
    assert [one.via for one in entries] == ["cli"] * 4 and all(one.author for one in entries)


async def test_without_an_option_he_is_shown(access: Access, say: Say, capfd: pytest.CaptureFixture[str]) -> None:
    """Exit code 1 where there is none of that name; nothing is changed."""
    assert await say("admin", "anna") == 1
    assert "There is no administrator anna" in capfd.readouterr().out
    await say("admin", "anna", "--one-time-password", "--display-name", "Anna [bold]B.")
    capfd.readouterr()
    assert await say("admin", "Anna") == 0
    shown = capfd.readouterr().out
    assert "Anna [bold]B." in shown and "all" in shown and "never" in shown
    assert await say("admin", "anna", "--json") == 0
    assert json.loads(capfd.readouterr().out)["name"] == "anna"


async def test_a_locked_one_is_shown_and_unlocked(access: Access, say: Say, capfd: pytest.CaptureFixture[str]) -> None:
    """The machine's own command lets him in before the time."""
    await say("admin", "anna", "--one-time-password")
    password = capfd.readouterr().out.splitlines()[-1]
    for _ in range(10):
        await access.sign_in.begin("anna", "wrong", HERE)
    await say("admins")
    assert "locked until" in capfd.readouterr().out
    assert await say("admin", "anna", "--unlock") == 0
    known = await access.administrators.get("anna")
    assert known is not None and known.locked_until is None
    assert isinstance(await access.sign_in.begin("anna", password, Came("192.0.2.8")), Step)


@pytest.mark.parametrize(
    ("words", "fault", "said"),
    [
        (["anna", "--disable", "--enable"], UsageError, "not both"),
        (["anna", "--unlock"], ControlError, "no administrator 'anna'; say --one-time-password to add one"),
        (["boss", "--disable"], ControlError, "nobody would be left"),
        (["boss", "--roles", "people,root"], ControlError, "'root' is none of"),
        (["a b", "--one-time-password"], ControlError, "a name has 1 to 64"),
    ],
)
async def test_what_cannot_be_is_one_sentence(access: Access, say: Say, words: list[str], fault: type[Exception], said: str) -> None:
    """And nothing is changed."""
    await say("admin", "boss", "--one-time-password")
    before = await access.administrators.list()
    with pytest.raises(fault, match=said):
        await say("admin", *words)
    assert await access.administrators.list() == before


async def test_a_gateway_has_no_administrators(tmp_path: Path, say: Say) -> None:
    """It is said where to ask."""
    (tmp_path / "gatepost.toml").write_text(f'data = "{tmp_path}"\nrole = "gateway"\n')
    with pytest.raises(UsageError, match="kept on the intranet"):
        await say("admins")
