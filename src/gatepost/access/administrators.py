# SPDX-License-Identifier: Apache-2.0
"""Administrators: added, changed, shown.

Promises: who may change them is looked up in the transaction of the change; there is always one left who may; a change of
roles, password, TOTP or of being enabled ends all sessions; each change has its audit row in the same transaction.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from gatepost.access.accounts import Account, Accounts
from gatepost.access.changing import Changes
from gatepost.access.passwords import ONE_TIME_S, Passwords, one_time_password
from gatepost.access.record import LANGUAGES, NAME_RULE, Administrator, Refusal, folded_name
from gatepost.access.roles import ROLES, in_order, unknown
from gatepost.access.session_rows import SessionRows
from gatepost.contracts.actor import Actor, Audit, Entry
from gatepost.storage.contract import Store

DISPLAY_NAME_CHARACTERS = 100


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different; what is not named stays."""

    display_name: str | None = None
    language: str | None = None
    roles: tuple[str, ...] | None = None
    enabled: bool | None = None
    one_time_password: bool = False
    """Put a new one in the place of his password; it unlocks him too."""
    unlock: bool = False
    reset_totp: bool = False

    @property
    def is_description(self) -> bool:
        """Whether it is what everybody may change of himself."""
        rights = (self.roles, self.enabled)
        return rights == (None, None) and not (self.one_time_password or self.unlock or self.reset_totp)


class Changed(msgspec.Struct, frozen=True):
    """A change that was made."""

    administrator: Administrator
    one_time_password: str = ""
    """To be handed to him; it is shown this once."""


class Administrators:
    """The administrators of one store."""

    def __init__(self, store: Store, changes: Changes, passwords: Passwords, audit: Audit, *, clock: Callable[[], float]) -> None:
        self._store, self._changes, self._passwords, self._audit, self._clock = store, changes, passwords, audit, clock
        self._accounts, self._sessions = Accounts(store.engine), SessionRows(store.engine)

    async def list(self, tenant_id: int = 0) -> list[Administrator]:
        """Give all by name. Raises: StoreAway."""
        accounts = await self._store.ask(lambda connection: self._accounts.all(connection, tenant_id))
        return [one.administrator for one in accounts]

    async def get(self, untrusted_name: str, tenant_id: int = 0) -> Administrator | None:
        """Give one; None when there is none of that name. Raises: StoreAway."""
        name = folded_name(untrusted_name)
        account = await self._store.ask(lambda connection: self._accounts.get(connection, tenant_id, name))
        return account.administrator if account is not None else None

    async def add(
        self, actor: Actor, untrusted_name: str, roles: tuple[str, ...], *, display_name: str = "", language: str = "en"
    ) -> Changed | Refusal:
        """Add one with a one-time password. Raises: StoreFull, StoreAway, Busy."""
        name = folded_name(untrusted_name)
        change = Change(display_name=display_name, language=language, roles=roles)
        if not name:
            return Refusal(NAME_RULE, "name")
        if refusal := _fault(change):
            return refusal
        password = one_time_password()
        hashed, now = await self._passwords.hash(password), self._clock()
        account = _changed(_new(actor.tenant_id, name, hashed, now), change, "", now)

        def do(connection: Any) -> Changed | Refusal:
            if not self._accounts.may_manage(connection, actor):
                return FORBIDDEN
            if not self._accounts.insert(connection, account):
                return Refusal(f"there is an administrator {name} already", "name")
            self._audit(connection, Entry(actor, "access.administrator.add", name, None, _told(account)))
            return Changed(account.administrator, password)

        return await self._changes.make(actor.tenant_id, name, do)

    async def change(self, actor: Actor, untrusted_name: str, change: Change) -> Changed | Refusal:
        """Change one; who may not manage administrators may still describe himself. Raises: StoreFull, StoreAway, Busy."""
        name = folded_name(untrusted_name)
        if refusal := _fault(change):
            return refusal
        password = one_time_password() if change.one_time_password else ""
        hashed = await self._passwords.hash(password) if password else ""

        def do(connection: Any) -> Changed | Refusal:
            own = name == actor.name and change.is_description
            if not self._accounts.may_manage(connection, actor, own=own):
                return FORBIDDEN
            account = self._accounts.get(connection, actor.tenant_id, name)
            if account is None:
                return Refusal(f"there is no administrator {untrusted_name[:64]!r}", "name")
            new = _changed(account, change, hashed, self._clock())
            if account.manages and not new.manages and not self._others_manage(connection, account):
                return LAST
            self._write(connection, actor, account, new)
            return Changed(new.administrator, password)

        return await self._changes.make(actor.tenant_id, name, do)

    def _write(self, connection: Any, actor: Actor, account: Account, new: Account) -> None:
        if new == account:
            return
        self._accounts.write(connection, new)
        if (account.password, account.totp, account.roles, account.enabled) != (new.password, new.totp, new.roles, new.enabled):
            self._sessions.end_all(connection, new.tenant_id, new.name)
        before, after = _told(account), _told(new)
        differing = {key for key in after if before[key] != after[key]}
        before, after = ({key: one[key] for key in one if key in differing} for one in (before, after))
        if account.password != new.password:
            after["password_was_replaced"] = True
        self._audit(connection, Entry(actor, "access.administrator.change", new.name, before, after))

    def _others_manage(self, connection: Any, account: Account) -> bool:
        return any(one.manages for one in self._accounts.all(connection, account.tenant_id) if one.name != account.name)


FORBIDDEN = Refusal("only an administrator with all four roles may do this")
LAST = Refusal("nobody would be left who manages administrators; give another one all four roles first", "roles")


def _fault(change: Change) -> Refusal | None:
    if fault := unknown(change.roles or (), ROLES):
        return Refusal(f"role {fault}", "roles")
    if change.language is not None and change.language not in LANGUAGES:
        return Refusal(f"language {change.language[:20]!r} is none of {', '.join(LANGUAGES)}", "language")
    text = change.display_name or ""
    if len(text) > DISPLAY_NAME_CHARACTERS or not text.isprintable():
        return Refusal(f"a display name has at most {DISPLAY_NAME_CHARACTERS} characters, on one line", "display_name")
    return None


def _new(tenant_id: int, name: str, hashed: str, now: float) -> Account:
    return Account(tenant_id, name, "", hashed, now + ONE_TIME_S, b"", 0, "", LANGUAGES[0], 1, 0, None, now, None)


def _changed(account: Account, change: Change, hashed: str, now: float) -> Account:
    """Give an account with a change made; `hashed` is of the one-time password, '' for none."""
    if change.display_name is not None:
        account = account._replace(display_name=change.display_name)
    if change.language is not None:
        account = account._replace(language=change.language)
    if change.roles is not None:
        account = account._replace(roles=" ".join(in_order(change.roles, ROLES)))
    if change.enabled is not None:
        account = account._replace(enabled=int(change.enabled))
    if hashed:
        account = account._replace(password=hashed, one_time_until=now + ONE_TIME_S)
    if hashed or change.unlock:
        account = account._replace(failures=0, locked_until=None)
    if change.reset_totp:
        # The step stays: a code of the old secret is none of the new one, and steps only grow.
        account = account._replace(totp=b"")
    return account


def _told(account: Account) -> dict[str, Any]:
    """Give what the audit may hold of an account."""
    shown = account.administrator
    return {
        "display_name": shown.display_name,
        "roles": shown.roles,
        "language": shown.language,
        "enabled": shown.enabled,
        "has_totp": shown.has_totp,
        "one_time_until": shown.one_time_until,
        "locked_until": shown.locked_until,
        "failures": shown.failures,
    }
