# SPDX-License-Identifier: Apache-2.0
"""Sign in: name and password, then whatever is needed until there is a session.

    begin(name, password) ─▶ Done                              cookie and session
                          ├▶ Step(ticket, needs)               "totp": give_code; "new_password": give_password;
                          │                                    "totp_enrolment": enrolment, then give_code; each ends here again
                          ├▶ Refused                           one sentence for every reason
                          └▶ Later                             too many attempts; in so many seconds

Promises: a refusal takes the same time and says the same whether there is such an account, and costs one hash; what was
proved is judged in the transaction that counts failures, so attempts side by side gain nothing.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from gatepost.access import totp
from gatepost.access.accounts import Account, Accounts
from gatepost.access.changing import Changes
from gatepost.access.passwords import Busy, Passwords, fault_in
from gatepost.access.rates import Rates
from gatepost.access.record import Came, Session, folded_name
from gatepost.access.sealing import KeyFile
from gatepost.access.session_rows import new_cookie
from gatepost.access.settling import Failed, Settled, Settling
from gatepost.access.tickets import Claim, Need, Ticket, Tickets
from gatepost.access.totp import Enrolment
from gatepost.errors import GatepostError
from gatepost.storage.contract import Store
from gatepost.telemetry.events import AccountLocked, SignInRefused, SignInTrouble
from gatepost.telemetry.log import emit

REFUSAL: Final = "The name, the password or the code is wrong, or this account cannot be used now."
REFUSAL_S: Final = 0.5
"""No refusal is sooner: it covers what a write to the disk, or none, would tell."""
_SAME = "take another password than the one so far"
PER_MINUTE: Final = 10.0
BURST: Final = 10


class Done(msgspec.Struct, frozen=True):
    """Signed in."""

    cookie: str
    """The session's secret, for the browser alone."""
    session: Session


class Step(msgspec.Struct, frozen=True):
    """The password was right; something is still to be done."""

    ticket: str
    """To be brought along with it."""
    needs: Need
    name: str


class Refused(msgspec.Struct, frozen=True):
    """Not signed in; nobody is told why."""

    sentence: str = REFUSAL


class Faulty(msgspec.Struct, frozen=True):
    """What was typed as new cannot be taken; the ticket stays good."""

    sentence: str


class Later(msgspec.Struct, frozen=True):
    """Too many attempts, of this client or of all."""

    after_s: int
    sentence: str = "There were too many attempts; wait a little and try again."


Outcome = Done | Step | Refused | Faulty | Later


class SignIn:
    """Signs in to one store's accounts."""

    def __init__(
        self,
        store: Store,
        changes: Changes,
        settling: Settling,
        passwords: Passwords,
        key: KeyFile,
        *,
        rates: Rates,
        clock: Callable[[], float],
        refusal_s: float = REFUSAL_S,
    ) -> None:
        self._store, self._changes, self._settling = store, changes, settling
        self._passwords, self._key, self._rates, self._clock = passwords, key, rates, clock
        self._refusal_s = refusal_s
        self._accounts = Accounts(store.engine)
        self._tickets = Tickets(clock)

    async def begin(self, untrusted_name: str, untrusted_password: str, came: Came, tenant_id: int = 0) -> Outcome:
        """Check a name and a password. Raises: StoreFull, StoreAway."""
        return await self._limited(came, lambda: self._password(tenant_id, untrusted_name, untrusted_password, came))

    def step(self, untrusted_ticket: str) -> Step | None:
        """Tell where a sign-in stands; None when it has to begin anew."""
        ticket = self._tickets.get(untrusted_ticket)
        return Step(ticket.text, ticket.need, ticket.claim.name) if ticket is not None else None

    def enrolment(self, untrusted_ticket: str) -> Enrolment | None:
        """Give what an authenticator needs, where that is the step; the same each time it is asked."""
        ticket = self._tickets.get(untrusted_ticket)
        if ticket is None or ticket.need != "totp_enrolment":
            return None
        ticket.secret = ticket.secret or totp.new_secret()
        return totp.enrolment(ticket.secret, ticket.claim.name)

    async def give_code(self, untrusted_ticket: str, untrusted_code: str, came: Came) -> Outcome:
        """Check a code, of the enrolled authenticator or of the one that is being enrolled. Raises: GatepostError."""
        ticket = self._tickets.get(untrusted_ticket)
        if ticket is not None and ticket.need == "totp":
            return await self._limited(came, lambda: self._code(ticket, untrusted_code))
        if ticket is not None and ticket.need == "totp_enrolment" and ticket.secret:
            return await self._limited(came, lambda: self._enrol(ticket, untrusted_code))
        return Refused()

    async def give_password(self, untrusted_ticket: str, untrusted_password: str, came: Came) -> Outcome:
        """Put a password of his own in the place of the one-time one. Raises: StoreFull, StoreAway."""
        ticket = self._tickets.get(untrusted_ticket)
        if ticket is None or ticket.need != "new_password":
            return Refused()
        return await self._limited(came, lambda: self._renew(ticket, untrusted_password))

    async def change_password(self, session: Session, untrusted_old: str, untrusted_new: str, came: Came) -> Outcome:
        """Change one's own password; gives a new session, all others end. Raises: StoreFull, StoreAway."""
        who = session.administrator
        # What is said of the new password must not tell whether the old one was right, so it comes first.
        if fault := fault_in(untrusted_new, who.name):
            return Faulty(fault)
        if untrusted_new == untrusted_old:
            return Faulty(_SAME)

        async def change() -> Outcome:
            claim, right = await self._checked(who.tenant_id, who.name, untrusted_old, came)
            if not right:
                return await self._settled(claim, lambda c, cookie: self._settling.password(c, claim, cookie, right=False))
            # A session has passed TOTP.
            return await self._take(claim._replace(totp_passed=True), untrusted_new)

        return await self._limited(came, change)

    async def offer_totp(self, session: Session, untrusted_password: str, came: Came) -> Outcome:
        """Let a signed-in administrator enrol his first authenticator, where that is optional. Raises: StoreFull, StoreAway."""
        who = session.administrator
        if who.has_totp:
            return Faulty("an authenticator is enrolled already")

        async def offer() -> Outcome:
            claim, right = await self._checked(who.tenant_id, who.name, untrusted_password, came)
            return await self._settled(claim, lambda c, _: self._settling.offer(c, claim, right=right))

        return await self._limited(came, offer)

    # The steps

    async def _password(self, tenant_id: int, untrusted_name: str, untrusted_password: str, came: Came) -> Outcome:
        claim, account = await self._claim(tenant_id, folded_name(untrusted_name), came)
        checked = await self._passwords.check(account.password if account is not None else None, untrusted_password)
        rehashed = await self._passwords.hash(untrusted_password) if checked.right and checked.outdated else ""
        right = checked.right
        return await self._settled(claim, lambda c, cookie: self._settling.password(c, claim, cookie, right=right, rehashed=rehashed))

    async def _checked(self, tenant_id: int, name: str, untrusted_password: str, came: Came) -> tuple[Claim, bool]:
        claim, account = await self._claim(tenant_id, name, came)
        return claim, (await self._passwords.check(account.password if account is not None else None, untrusted_password)).right

    async def _code(self, ticket: Ticket, untrusted_code: str) -> Outcome:
        claim = ticket.claim
        try:
            secret = totp.opened(self._key, claim.totp, claim.tenant_id, claim.name)
        except GatepostError as fault:
            emit(SignInTrouble(account=claim.name, reason=str(fault)))
            return Refused()
        step = totp.step_of(secret, untrusted_code, self._clock())
        return await self._settled(claim, lambda c, cookie: self._settling.code(c, claim, cookie, step), ticket)

    async def _enrol(self, ticket: Ticket, untrusted_code: str) -> Outcome:
        claim = ticket.claim
        step = totp.step_of(ticket.secret, untrusted_code, self._clock())
        if step is None:
            return Faulty("this is not the code that the authenticator shows now; check that its clock is right")
        sealed = totp.sealed(self._key, ticket.secret, claim.tenant_id, claim.name)
        return await self._settled(claim, lambda c, cookie: self._settling.enrol(c, claim, cookie, sealed, step), ticket)

    async def _renew(self, ticket: Ticket, untrusted_password: str) -> Outcome:
        claim = ticket.claim
        if fault := fault_in(untrusted_password, claim.name):
            return Faulty(fault)
        if (await self._passwords.check(claim.hashed, untrusted_password)).right:
            return Faulty(_SAME)
        return await self._take(claim, untrusted_password, ticket)

    async def _take(self, claim: Claim, password: str, ticket: Ticket | None = None) -> Outcome:
        hashed = await self._passwords.hash(password)
        return await self._settled(claim, lambda c, cookie: self._settling.new_password(c, claim, cookie, hashed), ticket)

    # What they have in common

    async def _claim(self, tenant_id: int, name: str, came: Came) -> tuple[Claim, Account | None]:
        account = await self._store.ask(lambda connection: self._accounts.get(connection, tenant_id, name))
        if account is None:
            return Claim(tenant_id, name, came, ""), None
        return Claim(tenant_id, name, came, account.password, account.totp), account

    async def _settled(self, claim: Claim, settle: Callable[[Any, str], Settled], ticket: Ticket | None = None) -> Outcome:
        """Have one step judged, and say what comes next."""
        cookie = new_cookie()
        settled = await self._changes.make(claim.tenant_id, claim.name, lambda connection: settle(connection, cookie))
        if isinstance(settled, Failed):
            emit(SignInRefused(account=claim.name if settled.known else "", client=claim.came.client, reason=settled.reason))
            if settled.locked_until is not None:
                emit(AccountLocked(account=claim.name, client=claim.came.client, until=settled.locked_until))
            return Refused()
        if ticket is not None:
            self._tickets.drop(ticket)
        if settled.session is not None:
            return Done(cookie, settled.session)
        assert settled.need is not None
        return _step(self._tickets.make(settled.claim, settled.need))

    async def _limited(self, came: Came, attempt: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """Let a client fail as often as it may, and no refusal be sooner than another; success is free, as many share an address."""
        if wait := self._rates.take(came.client):
            return Later(math.ceil(wait))
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            outcome = await attempt()
        except Busy:
            return Later(30)
        if isinstance(outcome, Done | Step):
            self._rates.give_back(came.client)
        if isinstance(outcome, Refused):
            # A whole number of them: what is written after a long queue of hashes is covered, too.
            await asyncio.sleep((begun - loop.time()) % self._refusal_s if self._refusal_s else 0)
        return outcome


def _step(ticket: Ticket) -> Step:
    return Step(ticket.text, ticket.need, ticket.claim.name)
