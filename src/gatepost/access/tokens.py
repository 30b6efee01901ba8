# SPDX-License-Identifier: Apache-2.0
"""API tokens: made, listed, revoked, and checked when they are brought.

Promises: what a token may is what its scopes and its owner's roles have in common when it is used; it is shown once; it ends
within a year; who knows only ids learns nothing by trying.
"""

import hmac
from collections.abc import Callable
from typing import Any, Final

import msgspec

from gatepost.access.accounts import Accounts
from gatepost.access.administrators import FORBIDDEN
from gatepost.access.changing import Changes
from gatepost.access.record import Administrator, Refusal, Token, TokenUse, folded_name
from gatepost.access.remembered import Remembered
from gatepost.access.roles import RIGHTS, in_order, reach_of, unknown
from gatepost.access.token_rows import TokenRow, TokenRows, Written, is_token_id, new_token, read_token
from gatepost.contracts.actor import Actor, Audit, Entry
from gatepost.storage.contract import Store
from gatepost.storage.transaction import transact

MOST_DAYS: Final = 365
MOST: Final = 50
"""Tokens of one owner that are good at a time."""
USED_S: Final = 60.0
"""How long a token may be used until that is written down again, and its owner read anew."""
KEPT_S: Final = 90 * 86_400.0
"""How long an ended token stays in the list."""
_DAY_S = 86_400.0
_NAME_CHARACTERS = 100
_NOBODY = bytes(32)


class MadeToken(msgspec.Struct, frozen=True):
    """A new token."""

    secret: str
    """The whole token, `gp_...`; it is shown this once."""
    token: Token


class _Live:
    """A token in memory."""

    def __init__(self, row: TokenRow, administrator: Administrator) -> None:
        self.row, self.administrator = row, administrator
        self.written_at = row.used_at or 0.0


class Tokens:
    """The tokens of one store."""

    def __init__(self, store: Store, changes: Changes, audit: Audit, *, clock: Callable[[], float]) -> None:
        self._store, self._changes, self._audit, self._clock = store, changes, audit, clock
        self._rows, self._accounts = TokenRows(store.engine), Accounts(store.engine)
        self._live: Remembered[_Live] = Remembered()
        changes.tell(lambda tenant_id, name: self._live.forget((tenant_id, name)))

    async def make(self, actor: Actor, name: str, scopes: tuple[str, ...], days: int) -> MadeToken | Refusal:
        """Make a token of the actor's own. Raises: StoreFull, StoreAway."""
        if refusal := _fault(name, scopes, days):
            return refusal
        now, written = self._clock(), new_token()
        words = " ".join(in_order(scopes, RIGHTS))
        row = TokenRow(actor.tenant_id, written.id, written.proof, name, actor.name, words, now, now + days * _DAY_S, None, None)

        def do(connection: Any) -> MadeToken | Refusal:
            owner = self._accounts.get(connection, actor.tenant_id, actor.name)
            if owner is None or not reach_of(scopes) <= owner.administrator.rights:
                return Refusal("a token can have no scope that its owner's roles do not give", "scopes")
            self._rows.drop_old(connection, actor.tenant_id, actor.name, now - KEPT_S)
            if sum(one.is_good(now) for one in self._rows.all(connection, actor.tenant_id, actor.name)) >= MOST:
                return Refusal(f"nobody has more than {MOST} tokens at a time; revoke one first")
            self._rows.insert(connection, row)
            after = {"name": name, "scopes": row.token.scopes, "expires_at": row.expires_at}
            self._audit(connection, Entry(actor, "access.token.make", row.id, None, after))
            return MadeToken(str(written), row.token)

        return await self._changes.make(actor.tenant_id, actor.name, do)

    async def list(self, tenant_id: int = 0, owner: str = "") -> list[Token]:
        """Give a tenant's, or those of one owner, the newest first; ended ones too, for a while. Raises: StoreAway."""
        if owner and not (owner := folded_name(owner)):
            return []
        rows = await self._store.ask(lambda connection: self._rows.all(connection, tenant_id, owner))
        return [row.token for row in rows]

    async def revoke(self, actor: Actor, untrusted_id: str) -> Token | Refusal:
        """End a token: one's own, or anybody's by who manages administrators. Raises: StoreFull, StoreAway."""
        gone, identity = Refusal("there is no such token"), untrusted_id
        if not is_token_id(identity):
            return gone
        known = await self._store.ask(lambda connection: self._rows.get(connection, actor.tenant_id, identity))
        if known is None:
            return gone

        def do(connection: Any) -> Token | Refusal:
            row = self._rows.get(connection, actor.tenant_id, identity)
            if row is None:
                return gone
            if not self._accounts.may_manage(connection, actor, own=row.owner == actor.name):
                return FORBIDDEN
            if self._rows.revoke(connection, actor.tenant_id, identity, self._clock()):
                before = {"name": row.name, "owner": row.owner, "scopes": row.token.scopes}
                self._audit(connection, Entry(actor, "access.token.revoke", identity, before, None))
            fresh = self._rows.get(connection, actor.tenant_id, identity)
            return fresh.token if fresh is not None else gone

        return await self._changes.make(actor.tenant_id, known.owner, do)

    async def check(self, untrusted_token: str, tenant_id: int = 0) -> TokenUse | None:
        """Tell who brings a token and what it may; None when it is good for nothing. Raises: StoreFull, StoreAway."""
        written = read_token(untrusted_token)
        if written is None:
            return None
        key, now = (tenant_id, written.id), self._clock()
        live, changes = self._live.get(key), self._live.changes
        if live is None:
            live = await self._store.ask(lambda connection: self._read(connection, *key))
            if live is not None:
                self._live.put(key, (tenant_id, live.row.owner), live, changes)
        if not _proves(written, live) or live is None or not live.row.is_good(now):
            return None
        if now - live.written_at >= USED_S:
            live = await self._use(key, live, now)
        return TokenUse(live.row.token, live.administrator) if live is not None and live.row.is_good(now) else None

    async def _use(self, key: tuple[int, str], live: _Live, now: float) -> _Live | None:
        """Write down that it was used, and read it anew with that."""
        live.written_at = now  # Others who bring it meanwhile go on with what is in memory.
        changes = self._live.changes

        def do(connection: Any) -> _Live | None:
            self._rows.use(connection, *key, now)
            return self._read(connection, *key)

        fresh = await transact(self._store, do)
        if fresh is None:
            self._live.forget((key[0], live.row.owner))
        else:
            self._live.put(key, (key[0], fresh.row.owner), fresh, changes)
        return fresh

    def _read(self, connection: Any, tenant_id: int, identity: str) -> _Live | None:
        row = self._rows.get(connection, tenant_id, identity)
        account = self._accounts.get(connection, tenant_id, row.owner) if row is not None else None
        if row is None or account is None or not account.enabled:
            return None
        return _Live(row, account.administrator)


def _proves(written: Written, live: _Live | None) -> bool:
    """Compare in a time that tells nothing, with nobody's proof where there is no such token."""
    return hmac.compare_digest(written.proof, live.row.proof if live is not None else _NOBODY)


def _fault(name: str, scopes: tuple[str, ...], days: int) -> Refusal | None:
    if not 1 <= len(name) <= _NAME_CHARACTERS or not name.isprintable():
        return Refusal(f"a token's name has 1 to {_NAME_CHARACTERS} characters, on one line", "name")
    if fault := unknown(scopes, RIGHTS):
        return Refusal(f"scope {fault}", "scopes")
    if not scopes:
        return Refusal("a token needs at least one scope", "scopes")
    if not 1 <= days <= MOST_DAYS:
        return Refusal(f"a token is good for 1 to {MOST_DAYS} days", "days")
    return None
