# SPDX-License-Identifier: Apache-2.0
"""Logins cost the same whether a name exists or not, and a flood of them cannot occupy the machine."""

import asyncio
import threading

import msgspec
import pytest
from argon2 import PasswordHasher

from gatepost.config.configuration import Configuration, SubmissionUser
from gatepost.config.limits import ReceiveLimits
from gatepost.mailflow.login import Logins
from gatepost.smtp import replies
from gatepost.smtp.peer import Peer

SETTINGS = Configuration(
    submission_users=(SubmissionUser(name="jo", password=PasswordHasher(1, 1024, 1).hash("right"), tenant=3),),
    receive=ReceiveLimits(auth_parallel=2),
)


def peer() -> Peer:
    return Peer("192.0.2.1", 25, "x")


async def test_a_good_login_is_noted_with_its_tenant() -> None:
    """The name and the tenant go to the peer; a wrong password leaves it as it was."""
    logins, one, other = Logins(SETTINGS), peer(), peer()
    assert await logins.check(one, "jo", "right") == replies.AUTH_OK
    assert (one.user, one.tenant_id) == ("jo", 3)
    assert await logins.check(other, "jo", "wrong") == replies.AUTH_FAILED
    assert (other.user, other.tenant_id) == ("", None)


async def test_an_unknown_name_is_verified_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for a name that does not exist pays for a hash like the others, and hears the same."""
    logins, verified = Logins(SETTINGS), []
    verify = logins._verify
    monkeypatch.setattr(logins, "_verify", lambda hashed, password: verified.append(hashed) or verify(hashed, password))
    assert await logins.check(peer(), "nobody", "x") == replies.AUTH_FAILED
    assert verified[0].startswith("$argon2id$")


async def test_only_so_many_checks_run_and_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """`auth_parallel` bounds the threads; beyond eight waiting for each the answer is 454."""
    logins, go, running, most = Logins(SETTINGS), threading.Event(), [0], [0]

    def verify(hashed: str, password: str) -> bool:
        running[0] += 1
        most[0] = max(most[0], running[0])
        go.wait(10)
        running[0] -= 1
        return False

    monkeypatch.setattr(logins, "_verify", verify)
    checks = [asyncio.ensure_future(logins.check(peer(), "jo", "x")) for _ in range(20)]
    busy, _ = await asyncio.wait(checks, return_when=asyncio.FIRST_COMPLETED)
    assert {check.result() for check in busy} == {replies.AUTH_BUSY}
    go.set()
    answers = await asyncio.gather(*checks)
    assert answers.count(replies.AUTH_BUSY) == 4
    assert answers.count(replies.AUTH_FAILED) == 16
    assert most[0] <= 2


def test_the_settings_name_no_password_in_clear() -> None:
    """Only argon2id hashes are taken."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"name": "jo", "password": "secret"}, SubmissionUser)
