# SPDX-License-Identifier: Apache-2.0
"""What one transaction decides of a sign-in. Each method is called on the store's writing thread, and looks at the account anew:

| the account then             | the attempt            | becomes                                     |
| ---------------------------- | ---------------------- | ------------------------------------------- |
| unknown, disabled, locked    | anything               | failed, not counted                         |
| changed since it was checked | anything               | failed, not counted                         |
| as it was                    | wrong password or code | failed, counted; each tenth locks           |
| as it was                    | right, one-time, over  | failed, not counted                         |
| as it was                    | right                  | what is needed next; a session when nothing |
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from gatepost.access import lockout
from gatepost.access.accounts import Account, Accounts
from gatepost.access.record import Session
from gatepost.access.session_rows import SessionRows
from gatepost.access.sessions import Sessions
from gatepost.access.tickets import Claim, Need
from gatepost.contracts.actor import Actor, Audit, Entry
from gatepost.storage.contract import Store


class Passed(NamedTuple):
    """What was proved is good."""

    claim: Claim
    need: Need | None
    session: Session | None
    """Begun when nothing is needed any more."""


class Failed(NamedTuple):
    """It is not; the reason is for the log alone."""

    reason: str
    known: bool = True
    """Whether there is an account of that name."""
    locked_until: float | None = None
    """This attempt locked the account."""


Settled = Passed | Failed


class Settling:
    """Decides by the accounts of one store."""

    def __init__(self, store: Store, sessions: Sessions, audit: Audit, *, totp_required: bool, clock: Callable[[], float]) -> None:
        self._accounts, self._session_rows = Accounts(store.engine), SessionRows(store.engine)
        self._sessions, self._audit, self._clock = sessions, audit, clock
        self._totp_required = totp_required

    def password(self, connection: Any, claim: Claim, cookie: str, *, right: bool, rehashed: str = "") -> Settled:
        """Settle a name and a password; `rehashed` takes the place of a hash with outdated costs."""
        account = self._standing(connection, claim)
        if isinstance(account, Failed):
            return account
        if not right:
            return self._count(connection, account, claim, "wrong password")
        if account.one_time_is_over(self._clock()):
            return Failed("the one-time password is over")
        if rehashed:
            account = account._replace(password=rehashed)
        return self._go_on(connection, account, claim, cookie)

    def code(self, connection: Any, claim: Claim, cookie: str, step: int | None) -> Settled:
        """Settle a code; `step` is the one that it is good for, None where it is for none."""
        account = self._standing(connection, claim)
        if isinstance(account, Failed):
            return account
        if step is None or step <= account.totp_step:
            return self._count(connection, account, claim, "wrong code" if step is None else "used code")
        account = account._replace(totp_step=step)
        return self._go_on(connection, account, claim._replace(totp_passed=True), cookie)

    def new_password(self, connection: Any, claim: Claim, cookie: str, hashed: str) -> Settled:
        """Put a new password in the place of the proved one; all sessions so far end."""
        account = self._standing(connection, claim)
        if isinstance(account, Failed):
            return account
        before = {"one_time": account.one_time_until is not None}
        account = account._replace(password=hashed, one_time_until=None)
        self._end_sessions(connection, account)
        self._audit(connection, Entry(_actor(claim), "access.administrator.password", account.name, before, {"one_time": False}))
        return self._go_on(connection, account, claim, cookie)

    def offer(self, connection: Any, claim: Claim, *, right: bool) -> Settled:
        """Settle the password of somebody signed in who wants to enrol an authenticator."""
        account = self._standing(connection, claim)
        if isinstance(account, Failed):
            return account
        if not right:
            return self._count(connection, account, claim, "wrong password")
        return Failed("TOTP is enrolled already") if account.totp else Passed(claim, "totp_enrolment", None)

    def enrol(self, connection: Any, claim: Claim, cookie: str, sealed: bytes, step: int) -> Settled:
        """Give an account without TOTP its secret; all sessions so far end."""
        account = self._standing(connection, claim)
        if isinstance(account, Failed):
            return account
        if account.totp:
            return Failed("TOTP is enrolled already")
        account = account._replace(totp=sealed, totp_step=step)
        self._end_sessions(connection, account)
        entry = Entry(_actor(claim), "access.administrator.totp", account.name, {"has_totp": False}, {"has_totp": True})
        self._audit(connection, entry)
        return self._go_on(connection, account, claim._replace(totp_passed=True), cookie)

    def _standing(self, connection: Any, claim: Claim) -> Account | Failed:
        account = self._accounts.get(connection, claim.tenant_id, claim.name)
        if account is None:
            return Failed("unknown", known=False)
        if not account.enabled:
            return Failed("disabled")
        if account.is_locked(self._clock()):
            return Failed("locked")
        if (account.password, account.totp) != (claim.hashed, claim.totp):
            return Failed("changed meanwhile")
        return account

    def _count(self, connection: Any, account: Account, claim: Claim, reason: str) -> Failed:
        now, failures = self._clock(), account.failures + 1
        until = lockout.locked_until(failures, now)
        self._accounts.write(connection, account._replace(failures=failures, locked_until=until))
        if until is not None:
            after = {"failures": failures, "until": until}
            self._audit(connection, Entry(_actor(claim), "access.administrator.lock", account.name, None, after))
        return Failed(reason, locked_until=until)

    def _end_sessions(self, connection: Any, account: Account) -> None:
        self._session_rows.end_all(connection, account.tenant_id, account.name)

    def _go_on(self, connection: Any, account: Account, claim: Claim, cookie: str) -> Passed:
        claim = claim._replace(hashed=account.password, totp=account.totp)
        need = self._need(account, claim)
        if need is not None:
            self._accounts.write(connection, account)
            return Passed(claim, need, None)
        account = account._replace(failures=0, locked_until=None, signed_in_at=self._clock())
        self._accounts.write(connection, account)
        session = self._sessions.begin(connection, account.administrator, claim.came, cookie)
        self._audit(connection, Entry(_actor(claim), "access.sign_in", account.name, None, {"agent": claim.came.agent}))
        return Passed(claim, None, session)

    def _need(self, account: Account, claim: Claim) -> Need | None:
        if account.totp and not claim.totp_passed:
            return "totp"
        if account.one_time_until is not None:
            return "new_password"
        if not account.totp and self._totp_required:
            return "totp_enrolment"
        return None


def _actor(claim: Claim) -> Actor:
    return Actor(claim.name, "console", claim.came.client, claim.tenant_id)
