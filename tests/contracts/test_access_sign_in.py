# SPDX-License-Identifier: Apache-2.0
"""Signing in on both engines: the steps, what is refused and how, lock-out, second proofs."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from contracts.access_house import HERE, NOON, OWNER, PASSWORD, House, house
from contracts.store_engines import engine
from gatepost.access.administrators import Change
from gatepost.access.passwords import ONE_TIME_S, Passwords
from gatepost.access.rates import Rates
from gatepost.access.record import Came
from gatepost.access.sign_in import REFUSAL, Done, Faulty, Later, Refused, Step
from gatepost.access.tickets import LASTS_S

assert engine and house

OTHER = "another long enough one"


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Give the events of sign-ins as they come."""
    events: list[Any] = []
    monkeypatch.setattr("gatepost.access.sign_in.emit", events.append)
    return events


async def test_the_first_sign_in_takes_a_password_of_his_own_and_an_authenticator(house: House) -> None:
    """Password, new password, enrolment, session; the next time password and code."""
    person = await house.settle_in("anna")
    session = await house.access.sessions.find(person.done.cookie)
    assert session == person.done.session
    assert session.administrator.has_totp and session.administrator.one_time_until is None
    assert session.administrator.signed_in_at == NOON and session.client == HERE.client
    assert isinstance(await house.sign_in(person), Done)
    assert await house.operations() == [
        "access.administrator.add",
        "access.administrator.password",
        "access.administrator.totp",
        "access.sign_in",
        "access.sign_in",
    ]


async def test_a_one_time_password_is_good_for_a_day(house: House) -> None:
    """A second before its time is over it is right, then it is refused like a wrong one."""
    password = await house.add("anna")
    house.now += ONE_TIME_S - 1
    assert isinstance(await house.access.sign_in.begin("Anna ", password, HERE), Step)
    house.now += 1
    assert await house.access.sign_in.begin("anna", password, HERE) == Refused()


async def test_a_new_password_keeps_the_rule_and_is_new(house: House) -> None:
    """What is typed too short, or is the one-time password again, is said to be so, and the ticket stays good."""
    password = await house.add("anna")
    step = await house.access.sign_in.begin("anna", password, HERE)
    assert isinstance(step, Step)
    assert await house.access.sign_in.give_password(step.ticket, "short", HERE) == Faulty("a password has at least 12 characters")
    assert isinstance(await house.access.sign_in.give_password(step.ticket, password, HERE), Faulty)
    assert house.access.sign_in.step(step.ticket) == step
    after = await house.access.sign_in.give_password(step.ticket, PASSWORD, HERE)
    assert isinstance(after, Step) and after.needs == "totp_enrolment"
    assert house.access.sign_in.step(step.ticket) is None


async def test_every_refusal_says_the_same_and_costs_one_hash(house: House, told: list[Any]) -> None:
    """Unknown, impossible, wrong, locked, disabled, over: nobody outside can tell them apart; the log can."""
    over = await house.add("over")
    house.now += ONE_TIME_S
    await house.settle_in("anna")
    await house.settle_in("disabled")
    await house.access.administrators.change(OWNER, "disabled", Change(enabled=False))
    await house.settle_in("locked")
    for _ in range(10):
        await house.access.sign_in.begin("locked", "wrong", HERE)
    told.clear()
    attempts = [
        ("nobody", PASSWORD, "unknown"),
        ("no\0name", PASSWORD, "unknown"),
        ("anna", "wrong", "wrong password"),
        ("anna", PASSWORD + "x" * 1000, "wrong password"),
        ("anna", "half a letter \ud800", "wrong password"),
        ("locked", PASSWORD, "locked"),
        ("disabled", PASSWORD, "disabled"),
        ("over", over, "the one-time password is over"),
    ]
    for name, password, _ in attempts:
        before = house.passwords.calculated
        assert await house.access.sign_in.begin(name, password, HERE) == Refused(REFUSAL)
        assert house.passwords.calculated - before == 1, name
    assert [event.reason for event in told] == [reason for _, _, reason in attempts]
    assert [event.account for event in told[:2]] == ["", ""]  # what was typed there may be a password


async def test_no_refusal_is_sooner_than_another(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each waits for what is left of the same time; who gets on does not wait."""
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    await house.settle_in("anna")
    slow = house.again(tmp_path, refusal_s=1000.0)
    monkeypatch.setattr("gatepost.access.sign_in.asyncio.sleep", wait)
    assert isinstance(await slow.access.sign_in.begin("anna", PASSWORD, HERE), Step)
    assert waits == []
    for name in ("anna", "nobody"):
        await slow.access.sign_in.begin(name, "wrong", HERE)
    assert len(waits) == 2 and all(900 < one <= 1000 for one in waits)


async def test_ten_failures_lock_and_the_next_ten_lock_longer(house: House, told: list[Any]) -> None:
    """15 minutes, then 30; attempts meanwhile do not count, and the right password is refused too."""
    person = await house.settle_in("anna")
    for minutes in (15, 30, 60):
        for _ in range(10):
            await house.access.sign_in.begin("anna", "wrong", HERE)
        for _ in range(20):
            assert await house.access.sign_in.begin("anna", PASSWORD, HERE) == Refused()
        until = house.now + minutes * 60
        assert [event.until for event in told if event.name == "access.account_locked"][-1] == until
        house.now = until
    assert isinstance(await house.sign_in(person), Done)
    known = await house.access.administrators.get("anna")
    assert known is not None and (known.failures, known.locked_until) == (0, None)
    assert (await house.operations()).count("access.administrator.lock") == 3


async def test_attempts_side_by_side_are_all_counted(house: House, tmp_path: Path) -> None:
    """Of sixteen at once ten count, and the right one behind them comes too late."""
    await house.settle_in("anna")
    guesses = [house.access.sign_in.begin("anna", "wrong", HERE) for _ in range(16)]
    assert set(await asyncio.gather(*guesses)) == {Refused()}
    known = await house.access.administrators.get("anna")
    assert known is not None and known.failures == 10 and known.locked_until is not None
    assert await house.access.sign_in.begin("anna", PASSWORD, HERE) == Refused()


async def test_wrong_codes_lock_too(house: House) -> None:
    """A right password between them does not begin the count anew."""
    person = await house.settle_in("anna")
    for _ in range(10):
        step = await house.access.sign_in.begin("anna", PASSWORD, HERE)
        assert isinstance(step, Step)
        assert await house.access.sign_in.give_code(step.ticket, "000000", HERE) == Refused()
    house.now += 30
    assert await house.access.sign_in.give_code(step.ticket, house.code(person.secret), HERE) == Refused()
    assert await house.access.sign_in.begin("anna", PASSWORD, HERE) == Refused()


async def test_a_code_is_good_once_and_never_after_a_later_one(house: House) -> None:
    """The code of the enrolment, of a sign-in, and of a step before the last used one are refused."""
    person = await house.settle_in("anna")

    async def offered(code: str) -> object:
        step = await house.access.sign_in.begin("anna", PASSWORD, HERE)
        assert isinstance(step, Step)
        return await house.access.sign_in.give_code(step.ticket, code, HERE)

    assert await offered(house.code(person.secret)) == Refused()
    ahead = house.code(person.secret, 1)
    assert isinstance(await offered(f" {ahead[:3]} {ahead[3:]} "), Done)
    assert await offered(ahead) == Refused()
    house.now += 30
    assert await offered(house.code(person.secret)) == Refused()
    assert await offered(house.code(person.secret, 2)) == Refused()
    assert isinstance(await offered(house.code(person.secret, 1)), Done)


async def test_two_who_bring_the_same_code_are_one_session(house: House) -> None:
    """Side by side on two tickets, one gets in."""
    person = await house.settle_in("anna")
    house.now += 30
    steps = [await house.access.sign_in.begin("anna", PASSWORD, HERE) for _ in range(2)]
    code = house.code(person.secret)
    answers = await asyncio.gather(*(house.access.sign_in.give_code(one.ticket, code, HERE) for one in steps if isinstance(one, Step)))
    assert sorted(type(one).__name__ for one in answers) == ["Done", "Refused"]


async def test_a_ticket_is_good_for_its_step_alone_and_dies(house: House) -> None:
    """Not as a session, not for another step, not after its time, not after the password was changed."""
    person = await house.settle_in("anna")
    step = await house.access.sign_in.begin("anna", PASSWORD, HERE)
    assert isinstance(step, Step)
    assert await house.access.sessions.find(step.ticket) is None
    assert house.access.sign_in.enrolment(step.ticket) is None
    assert await house.access.sign_in.give_password(step.ticket, OTHER, HERE) == Refused()
    await house.access.administrators.change(OWNER, "anna", Change(one_time_password=True))
    house.now += 30
    assert await house.access.sign_in.give_code(step.ticket, house.code(person.secret), HERE) == Refused()
    house.now += LASTS_S
    assert house.access.sign_in.step(step.ticket) is None
    assert await house.access.sign_in.give_code("no ticket", "123456", HERE) == Refused()


async def test_a_one_time_password_does_not_replace_the_second_proof(house: House) -> None:
    """Who has an authenticator shows its code before he may choose a new password."""
    person = await house.settle_in("anna")
    changed = await house.access.administrators.change(OWNER, "anna", Change(one_time_password=True))
    step = await house.access.sign_in.begin("anna", changed.one_time_password, HERE)  # type: ignore[union-attr]
    assert isinstance(step, Step) and step.needs == "totp"
    house.now += 30
    step = await house.access.sign_in.give_code(step.ticket, house.code(person.secret), HERE)
    assert isinstance(step, Step) and step.needs == "new_password"
    assert isinstance(await house.access.sign_in.give_password(step.ticket, OTHER, HERE), Done)


async def test_a_reset_authenticator_is_enrolled_anew(house: House) -> None:
    """The old one is good for nothing; the next sign-in asks for another."""
    person = await house.settle_in("anna")
    await house.access.administrators.change(OWNER, "anna", Change(reset_totp=True))
    step = await house.access.sign_in.begin("anna", PASSWORD, HERE)
    assert isinstance(step, Step) and step.needs == "totp_enrolment"
    enrolment = house.access.sign_in.enrolment(step.ticket)
    assert enrolment is not None and enrolment == house.access.sign_in.enrolment(step.ticket)
    assert enrolment.secret != person.secret and enrolment.uri.startswith("otpauth://totp/Gatepost:anna?secret=")
    assert isinstance(await house.access.sign_in.give_code(step.ticket, house.code(person.secret), HERE), Faulty)
    assert isinstance(await house.access.sign_in.give_code(step.ticket, house.code(enrolment.secret), HERE), Done)


async def test_where_totp_is_optional_the_password_is_enough_until_he_enrols(house: House, tmp_path: Path) -> None:
    """Enrolling asks for the password again, ends the sessions so far, and from then on the code is needed."""
    lenient = house.again(tmp_path, totp="optional")
    step = await lenient.access.sign_in.begin("anna", await lenient.add("anna"), HERE)
    done = await lenient.access.sign_in.give_password(step.ticket, PASSWORD, HERE)  # type: ignore[union-attr]
    assert isinstance(done, Done)
    assert await lenient.access.sign_in.offer_totp(done.session, "wrong", HERE) == Refused()
    step = await lenient.access.sign_in.offer_totp(done.session, PASSWORD, HERE)
    assert isinstance(step, Step) and step.needs == "totp_enrolment"
    enrolment = lenient.access.sign_in.enrolment(step.ticket)
    assert enrolment is not None
    enrolled = await lenient.access.sign_in.give_code(step.ticket, lenient.code(enrolment.secret), HERE)
    assert isinstance(enrolled, Done)
    assert await lenient.access.sessions.find(done.cookie) is None
    step = await lenient.access.sign_in.begin("anna", PASSWORD, HERE)
    assert isinstance(step, Step) and step.needs == "totp"
    assert isinstance(await lenient.access.sign_in.offer_totp(enrolled.session, PASSWORD, HERE), Faulty)


async def test_changing_ones_own_password_needs_the_old_one_and_ends_other_sessions(house: House) -> None:
    """A wrong old one is refused and counted; what is said of the new one does not tell whether the old one was right."""
    person = await house.settle_in("anna")
    session = person.done.session
    assert await house.access.sign_in.change_password(session, "wrong", OTHER, HERE) == Refused()
    known = await house.access.administrators.get("anna")
    assert known is not None and known.failures == 1
    for new in ("short", PASSWORD):
        said = [await house.access.sign_in.change_password(session, old, new, HERE) for old in (new, PASSWORD)]
        assert isinstance(said[0], Faulty) and said[0] == said[1]
    done = await house.access.sign_in.change_password(session, PASSWORD, OTHER, HERE)
    assert isinstance(done, Done)
    assert await house.access.sessions.find(person.done.cookie) is None
    assert await house.access.sessions.find(done.cookie) == done.session
    assert isinstance(await house.sign_in(person._replace(password=OTHER)), Done)
    assert await house.access.sign_in.begin("anna", PASSWORD, HERE) == Refused()


async def test_a_client_that_tries_too_often_has_to_wait_and_others_do_not(house: House, tmp_path: Path) -> None:
    """No hash is calculated for it meanwhile."""
    bounded = house.again(tmp_path, rates=Rates(6.0, 3, clock=lambda: bounded.now))
    await bounded.add("anna")
    for _ in range(3):
        assert isinstance(await bounded.access.sign_in.begin("anna", "wrong", HERE), Refused)
    before = bounded.passwords.calculated
    later = await bounded.access.sign_in.begin("anna", "wrong", HERE)
    assert isinstance(later, Later) and later.after_s == 10
    assert bounded.passwords.calculated == before
    assert isinstance(await bounded.access.sign_in.begin("anna", "wrong", Came("192.0.2.8")), Refused)
    bounded.now += 10
    assert isinstance(await bounded.access.sign_in.begin("anna", "wrong", HERE), Refused)


async def test_a_hash_of_older_costs_is_made_anew_at_the_next_sign_in(house: House, tmp_path: Path) -> None:
    """The password stays; the sign-in after that is checked against the new hash, in one calculation."""
    person = await house.settle_in("anna")
    dearer = house.again(tmp_path, passwords=Passwords(memory_kib=16, passes=1))
    assert isinstance(await dearer.sign_in(person), Done)
    fresh = Passwords(memory_kib=16, passes=1)
    after = dearer.again(tmp_path, passwords=fresh)
    assert isinstance(await after.sign_in(person), Done)
    assert fresh.calculated == 1


async def test_without_its_key_no_second_proof_is_taken_and_the_log_says_why(house: House, tmp_path: Path, told: list[Any]) -> None:
    """Who restored the store without the key file is refused like everybody, until the authenticator is reset."""
    person = await house.settle_in("anna")
    (tmp_path / "keys" / "console.key").unlink()
    restored = house.again(tmp_path)
    assert await restored.sign_in(person) == Refused()
    assert told[-1].name == "access.sign_in_trouble" and "restore that file" in told[-1].reason
    await restored.access.administrators.change(OWNER, "anna", Change(reset_totp=True))
    step = await restored.access.sign_in.begin("anna", PASSWORD, HERE)
    assert isinstance(step, Step) and step.needs == "totp_enrolment"
