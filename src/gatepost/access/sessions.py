# SPDX-License-Identifier: Apache-2.0
"""Sessions: who a cookie stands for at this moment.

Promises: a session has the rights that its administrator has now, never more; it ends by itself when nobody used it for
`idle_s`, and `whole_s` after its beginning; a session that was used within the last minute costs no question to the store.
"""

import hmac
import secrets
from collections.abc import Callable
from typing import Any, Final

from gatepost.access.accounts import Accounts
from gatepost.access.changing import Changes
from gatepost.access.record import Administrator, Came, Session, folded_name
from gatepost.access.remembered import Remembered
from gatepost.access.session_rows import SessionRow, SessionRows, proof_of
from gatepost.contracts.actor import Actor, Audit, Entry
from gatepost.storage.contract import Store
from gatepost.storage.transaction import transact

IDLE_S: Final = 1800.0
WHOLE_S: Final = 43_200.0
WRITTEN_S: Final = 60.0
"""How long a session may be used until that is written down again, and its administrator read anew."""
MOST: Final = 20
"""Sessions of one administrator; the oldest makes room."""


class _Live:
    """A session in memory."""

    def __init__(self, row: SessionRow, administrator: Administrator) -> None:
        self.row = row
        self.administrator = administrator
        self.seen_at = self.written_at = row.seen_at

    def session(self) -> Session:
        return self.row._replace(seen_at=self.seen_at).of(self.administrator)


class Sessions:
    """The sessions of one store."""

    def __init__(
        self, store: Store, changes: Changes, audit: Audit, *, idle_s: float = IDLE_S, whole_s: float = WHOLE_S, clock: Callable[[], float]
    ) -> None:
        self._store, self._changes, self._audit, self._clock = store, changes, audit, clock
        self._idle_s, self._whole_s = idle_s, whole_s
        self._rows, self._accounts = SessionRows(store.engine), Accounts(store.engine)
        self._live: Remembered[_Live] = Remembered()
        changes.tell(lambda tenant_id, name: self._live.forget((tenant_id, name)))

    async def find(self, untrusted_cookie: str, tenant_id: int = 0, *, active: bool = True) -> Session | None:
        """Tell who a cookie stands for; None when for nobody.

        `active` is off for what a page asks by itself, so that an open page does not keep a session alive. Raises: StoreAway.
        """
        proof = proof_of(untrusted_cookie)
        if proof is None:
            return None
        key, now = (tenant_id, proof), self._clock()
        live = self._live.get(key)
        if live is None:
            changes = self._live.changes
            live = await self._store.ask(lambda connection: self._read(connection, tenant_id, proof))
            if live is None:
                return None
            self._live.put(key, (tenant_id, live.row.name), live, changes)
        if self._is_over(live.row.created_at, live.seen_at, now):
            return None
        if active:
            live.seen_at = max(live.seen_at, now)
        if live.seen_at - live.written_at >= WRITTEN_S:
            return await self._renew(key, live)
        return live.session()

    async def own(self, untrusted_name: str, tenant_id: int = 0) -> list[Session]:
        """List an administrator's sessions, the newest first. Raises: StoreAway."""
        now, name = self._clock(), folded_name(untrusted_name)

        def read(connection: Any) -> list[Session]:
            account = self._accounts.get(connection, tenant_id, name)
            rows = self._rows.own(connection, tenant_id, name) if account is not None and account.enabled else []
            return [row.of(account.administrator) for row in rows if account is not None]

        return [one for one in await self._store.ask(read) if not self._is_over(one.created_at, one.seen_at, now)]

    async def sign_out(self, session: Session) -> None:
        """End the session that asks. Raises: StoreAway."""
        await self.end(session.actor(session.client), session.administrator.name, session.id)

    async def end(self, actor: Actor, untrusted_name: str, untrusted_id: str) -> bool:
        """End one session of an administrator by its id; tells whether there was one that the actor may end. Raises: StoreAway."""
        name = folded_name(untrusted_name)

        def do(connection: Any) -> bool:
            ended = False
            if not self._accounts.may_manage(connection, actor, own=name == actor.name):
                return ended
            for row in self._rows.own(connection, actor.tenant_id, name):
                if row.id == untrusted_id:
                    ended = self._rows.end(connection, actor.tenant_id, row.proof) or ended
                    self._audit(connection, Entry(actor, "access.session.end", name, {"client": row.client, "agent": row.agent}))
            return ended

        return await self._changes.make(actor.tenant_id, name, do)

    async def end_all(self, actor: Actor, untrusted_name: str) -> int:
        """End all sessions of an administrator; gives how many, 0 where the actor may not. Raises: StoreAway."""
        name = folded_name(untrusted_name)

        def do(connection: Any) -> int:
            if not self._accounts.may_manage(connection, actor, own=name == actor.name):
                return 0
            ended = self._rows.end_all(connection, actor.tenant_id, name)
            if ended:
                self._audit(connection, Entry(actor, "access.session.end", name, {"sessions": ended}))
            return ended

        return await self._changes.make(actor.tenant_id, name, do)

    def begin(self, connection: Any, administrator: Administrator, came: Came, cookie: str) -> Session:
        """Begin a session inside the transaction of a sign-in."""
        tenant_id, name, now = administrator.tenant_id, administrator.name, self._clock()
        proof = proof_of(cookie)
        assert proof is not None
        self._rows.end_old(connection, tenant_id, now - self._whole_s, now - self._idle_s - WRITTEN_S)
        for old in self._rows.own(connection, tenant_id, name)[MOST - 1 :]:
            self._rows.end(connection, tenant_id, old.proof)
        row = SessionRow(tenant_id, proof, name, secrets.token_urlsafe(32), now, now, came.client, came.agent)
        self._rows.insert(connection, row)
        return row.of(administrator)

    def _read(self, connection: Any, tenant_id: int, proof: bytes) -> _Live | None:
        row = self._rows.get(connection, tenant_id, proof)
        account = self._accounts.get(connection, tenant_id, row.name) if row is not None else None
        if row is None or account is None or not account.enabled:
            return None
        return _Live(row, account.administrator)

    async def _renew(self, key: tuple[int, bytes], live: _Live) -> Session | None:
        """Write down that it was seen, and read it anew with that."""
        changes = self._live.changes
        live.written_at = live.seen_at  # Others who ask meanwhile go on with what is in memory.

        def do(connection: Any) -> _Live | None:
            self._rows.see(connection, *key, live.seen_at)
            return self._read(connection, *key)

        fresh = await transact(self._store, do)
        if fresh is None:
            self._live.forget((key[0], live.row.name))
            return None
        self._live.put(key, (key[0], fresh.row.name), fresh, changes)
        return fresh.session()

    def _is_over(self, created_at: float, seen_at: float, now: float) -> bool:
        return now - created_at >= self._whole_s or now - seen_at >= self._idle_s


def form_is_from(session: Session, untrusted_form_token: str) -> bool:
    """Tell whether a form was made by this session's own pages, in a time that tells nothing."""
    return hmac.compare_digest(session.form_token.encode(), untrusted_form_token.encode(errors="replace"))
