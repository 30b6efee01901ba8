# SPDX-License-Identifier: Apache-2.0
"""Passwords: the rule, the hashes, how many are calculated at once."""

import asyncio
import re
import threading

import pytest

from gatepost.access.passwords import MEMORY_KIB, PASSES, Busy, Checked, Passwords, fault_in, one_time_password
from waiting import PATIENCE_S


def cheap(**settings: int) -> Passwords:
    """Give hashes of the lowest costs."""
    return Passwords(memory_kib=8, passes=1, **settings)


async def test_a_hash_is_of_its_password_alone_with_todays_costs():
    """argon2id, 36 MiB, 3 passes; a letter more or less is another password."""
    passwords = Passwords()
    hashed = await passwords.hash("correct horse battery")
    assert hashed.startswith(f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1$") and (MEMORY_KIB, PASSES) == (36_864, 3)
    assert await passwords.check(hashed, "correct horse battery") == Checked(True)
    for wrong in ("", "correct horse batter", "correct horse battery ", "Correct horse battery"):
        assert await passwords.check(hashed, wrong) == Checked(False)


async def test_nobodys_password_is_calculated_with_the_same_costs():
    """It is no password's, and its costs are those of a new hash, so it takes as long."""
    passwords = cheap()
    assert await passwords.check(None, "correct horse battery") == Checked(False)
    costs, _, _ = (await passwords.hash("correct horse battery")).rpartition(",p=1$")
    assert passwords._nobody.startswith(costs)
    assert passwords.calculated == 2


async def test_a_hash_of_other_costs_is_told_and_a_broken_one_is_no_password():
    """A hash that is none fits nothing."""
    hashed = await Passwords(memory_kib=16, passes=2).hash("correct horse battery")
    passwords = cheap()
    assert await passwords.check(hashed, "correct horse battery") == Checked(True, outdated=True)
    for broken in ("plain", hashed[:-5], "$argon2id$"):
        assert await passwords.check(broken, "plain") == Checked(False)


async def test_one_letter_has_one_spelling():
    """Composed or of two parts; half a letter does no harm."""
    passwords = cheap()
    hashed = await passwords.hash("gr\u00fc\u00dfe an alle \u00c4rzte")
    assert await passwords.check(hashed, "gru\u0308\u00dfe an alle A\u0308rzte") == Checked(True)
    assert await passwords.check(hashed, "\ud800") == Checked(False)


async def test_few_are_calculated_few_wait_and_more_are_refused_at_once(monkeypatch: pytest.MonkeyPatch):
    """Two run, three wait; whoever went away counts until his calculation ends."""
    go_on, two_run, running, most = threading.Event(), threading.Event(), [], []

    def check(hashed: str, password: str) -> Checked:
        running.append(password)
        most.append(len(running))
        if len(running) == 2:
            two_run.set()
        go_on.wait(PATIENCE_S)
        running.remove(password)
        return Checked(False)

    passwords = cheap(at_once=2, waiting=3)
    monkeypatch.setattr(passwords, "_check", check)
    asked = [asyncio.ensure_future(passwords.check(None, str(number))) for number in range(5)]
    await asyncio.sleep(0)
    asked[4].cancel()
    await asyncio.gather(asked[4], return_exceptions=True)
    with pytest.raises(Busy, match="try again in a minute"):
        await passwords.check(None, "one more")
    assert await asyncio.to_thread(two_run.wait, PATIENCE_S)
    go_on.set()
    assert await asyncio.gather(*asked[:4]) == [Checked(False)] * 4
    passwords._threads.shutdown(wait=True)  # and not close(), which drops what has not begun
    assert max(most) == 2 and len(most) == 5


@pytest.mark.parametrize(
    ("password", "name", "fault"),
    [
        ("twelve chars", "anna", ""),
        ("eleven char", "anna", "a password has at least 12 characters"),
        ("x" * 256, "anna", ""),
        ("x" * 257, "anna", "a password has at most 256 characters"),
        ("AnnaAnnaAnnaAnna", "anna", "a password has at least 12 characters, your name in it not counted"),
        ("Anna was at the sea", "anna", ""),
        ("aaaaaaaaaaaaaa", "a", ""),
        ("twelve chars\n", "anna", "a password has no control characters"),
        ("twelve chars\ud800", "anna", "a password has no control characters"),
        ("a\u0308" * 11, "anna", "a password has at least 12 characters"),
    ],
)
def test_the_rule_is_length_without_the_name(password: str, name: str, fault: str):
    """No kinds of characters are asked for; a letter counts once however it is spelled."""
    said = fault_in(password, name)
    assert said == fault or (fault and said.startswith(fault))


def test_a_one_time_password_can_be_read_aloud_and_keeps_the_rule():
    """Five groups of five from letters that do not look alike; none comes twice."""
    made = {one_time_password() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"([a-hjkmnp-z2-9]{5}-){4}[a-hjkmnp-z2-9]{5}", one) and not fault_in(one, "anna") for one in made)
