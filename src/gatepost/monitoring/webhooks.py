# SPDX-License-Identifier: Apache-2.0
"""Webhooks as people manage them: each change leaves its entry in the audit, in the same transaction.

A secret is made here and shown once; it is never listed, and never in the audit. Path and query of the URL are a secret as well: once
written they are shown to nobody, only shortened, by a mark.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from gatepost.contracts.actor import Actor, Audit, Entry
from gatepost.errors import ControlError, UsageError
from gatepost.monitoring.record import Webhook
from gatepost.monitoring.webhook_post import Target
from gatepost.monitoring.webhook_url import Mark, checked_url, process_mark, shortened
from gatepost.replication.sql import spoken
from gatepost.storage.contract import Store
from gatepost.storage.transaction import transact

MOST = 20
"""Webhooks of one tenant."""
_LONGEST_NAME = 100
_COLUMNS = "id, name, url, enabled, created_at"
_ALL = f"SELECT {_COLUMNS} FROM webhook WHERE tenant_id = ? ORDER BY name, id"  # noqa: S608
_ONE = f"SELECT {_COLUMNS} FROM webhook WHERE tenant_id = ? AND id = ?"  # noqa: S608
_TARGET = "SELECT url, secret FROM webhook WHERE tenant_id = ? AND id = ? AND enabled = 1"
_INSERT = "INSERT INTO webhook (tenant_id, id, name, url, secret, enabled, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)"
_UPDATE = "UPDATE webhook SET name = ?, url = ?, enabled = ? WHERE tenant_id = ? AND id = ?"
_RENEW = "UPDATE webhook SET secret = ? WHERE tenant_id = ? AND id = ?"
_DELETE = "DELETE FROM webhook WHERE tenant_id = ? AND id = ?"
_FORGET = "DELETE FROM incident_notice WHERE tenant_id = ? AND channel = 'webhook' AND target = ? AND told_at IS NULL"


class Created(msgspec.Struct, frozen=True):
    """A webhook and its secret, which is shown this once."""

    webhook: Webhook
    secret: str


class _Kept(msgspec.Struct, frozen=True):
    """A webhook with its whole URL."""

    id: str
    name: str
    url: str
    enabled: bool
    created_at: float


def no_audit(connection: Any, entry: Entry) -> None:
    """Stand where nobody keeps an audit."""


class Webhooks:
    """The webhooks of one store."""

    def __init__(self, store: Store, audit: Audit = no_audit, clock: Callable[[], float] = time.time, mark: Mark = process_mark) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._mark = mark

    async def all(self, tenant_id: int = 0) -> list[Webhook]:
        """Give a tenant's webhooks, by name. Raises: StoreAway."""
        rows = await self._store.ask(lambda connection: self._rows(connection, _ALL, tenant_id))
        return [self._shown(_kept(row)) for row in rows]

    async def get(self, id: str, tenant_id: int = 0) -> Webhook:
        """Give one webhook. Raises: ControlError, StoreAway."""
        return self._shown(await self._store.ask(lambda connection: self._found(connection, tenant_id, id)))

    async def target(self, tenant_id: int, id: str) -> Target | None:
        """Give where to post to; None when it is gone or off. Raises: StoreAway."""
        rows = await self._store.ask(lambda connection: self._rows(connection, _TARGET, tenant_id, id))
        return Target(rows[0][0], bytes(rows[0][1])) if rows else None

    async def create(self, actor: Actor, name: str, url: str) -> Created:
        """Add a webhook; its secret is shown in this answer alone. Raises: UsageError, StoreError."""
        made, secret = _Kept(secrets.token_hex(8), _name(name), checked_url(url), True, self._clock()), _secret()

        def do(connection: Any) -> Created:
            if len(self._rows(connection, _ALL, actor.tenant_id)) >= MOST:
                raise UsageError(f"there are {MOST} webhooks already; remove one first")
            row = (actor.tenant_id, made.id, made.name, made.url, secret.encode(), int(made.enabled), made.created_at)
            self._do(connection, _INSERT, *row)
            self._note(connection, actor, "create", None, made)
            return Created(self._shown(made), secret)

        return await transact(self._store, do)

    async def change(
        self, actor: Actor, id: str, *, name: str | None = None, url: str | None = None, enabled: bool | None = None
    ) -> Webhook:
        """Change what is given; one that is turned off forgets what it was not told.

        An empty URL, and the one that is shown, leave the URL as it is. Raises: UsageError, ControlError, StoreError.
        """
        name = None if name is None else _name(name)

        def do(connection: Any) -> Webhook:
            before = self._found(connection, actor.tenant_id, id)
            whole = checked_url(url) if url and url != self._shown(before).url else None
            given = {field: value for field, value in (("name", name), ("url", whole), ("enabled", enabled)) if value is not None}
            after = msgspec.structs.replace(before, **given)
            if after != before:
                self._do(connection, _UPDATE, after.name, after.url, int(after.enabled), actor.tenant_id, id)
                if not after.enabled:
                    self._do(connection, _FORGET, actor.tenant_id, id)
                self._note(connection, actor, "change", before, after)
            return self._shown(after)

        return await transact(self._store, do)

    async def renew_secret(self, actor: Actor, id: str) -> Created:
        """Give a webhook a new secret; the old one signs nothing any more. Raises: ControlError, StoreError."""
        secret = _secret()

        def do(connection: Any) -> Created:
            found = self._found(connection, actor.tenant_id, id)
            self._do(connection, _RENEW, secret.encode(), actor.tenant_id, id)
            self._note(connection, actor, "renew_secret", found, found)
            return Created(self._shown(found), secret)

        return await transact(self._store, do)

    async def remove(self, actor: Actor, id: str) -> None:
        """Remove a webhook with what it was not told. Raises: ControlError, StoreError."""

        def do(connection: Any) -> None:
            before = self._found(connection, actor.tenant_id, id)
            self._do(connection, _DELETE, actor.tenant_id, id)
            self._do(connection, _FORGET, actor.tenant_id, id)
            self._note(connection, actor, "remove", before, None)

        await transact(self._store, do)

    # On a connection

    def _found(self, connection: Any, tenant_id: int, id: str) -> _Kept:
        """Give one webhook. Raises: ControlError."""
        rows = self._rows(connection, _ONE, tenant_id, id)
        if not rows:
            raise _unknown(id)
        return _kept(rows[0])

    def _note(self, connection: Any, actor: Actor, what: str, before: _Kept | None, after: _Kept | None) -> None:
        """Leave the audit entry of a change."""
        subject = (after or before or _Kept("", "", "", False, 0.0)).name
        told = [None if one is None else msgspec.to_builtins(self._shown(one)) for one in (before, after)]
        self._audit(connection, Entry(actor, f"monitoring.webhook.{what}", subject, *told))

    def _shown(self, kept: _Kept) -> Webhook:
        """Give a webhook as people may see it."""
        return Webhook(kept.id, kept.name, shortened(kept.url, self._mark), kept.enabled, kept.created_at)

    def _rows(self, connection: Any, text: str, *values: Any) -> list[Any]:
        rows: list[Any] = connection.execute(spoken(text, self._store.engine), values).fetchall()
        return rows

    def _do(self, connection: Any, text: str, *values: Any) -> None:
        connection.execute(spoken(text, self._store.engine), values)


def _secret() -> str:
    return f"gpwh_{secrets.token_urlsafe(32)}"


def _name(untrusted: str) -> str:
    name = " ".join(untrusted.split())
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise UsageError(f"name: has 1 to {_LONGEST_NAME} printable characters")
    return name


def _unknown(id: str) -> ControlError:
    refused = ControlError(f"there is no webhook {id[:40]!r}; list them first")
    refused.exit_code = 1
    return refused


def _kept(row: Sequence[Any]) -> _Kept:
    return _Kept(row[0], row[1], row[2], bool(row[3]), row[4])
