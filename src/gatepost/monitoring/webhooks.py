# SPDX-License-Identifier: Apache-2.0
"""Webhooks as people manage them: each change leaves its entry in the audit, in the same transaction.

A secret is made here and shown once; it is never listed, and never in the audit.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec

from gatepost.contracts.actor import Actor, Audit, Entry
from gatepost.errors import ControlError, UsageError
from gatepost.monitoring.record import Webhook
from gatepost.monitoring.webhook_post import Target, checked_url
from gatepost.replication.sql import spoken
from gatepost.storage.contract import Store

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


class _Change(NamedTuple):
    actor: Actor
    operation: str
    webhook: Webhook | None
    """As it is to be; None: it goes."""
    id: str
    secret: bytes = b""


def no_audit(connection: Any, entry: Entry) -> None:
    """Stand where nobody keeps an audit."""


class Webhooks:
    """The webhooks of one store."""

    def __init__(self, store: Store, audit: Audit = no_audit, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock

    async def all(self, tenant_id: int = 0) -> list[Webhook]:
        """Give a tenant's webhooks, by name. Raises: StoreAway."""
        return [_webhook(row) for row in await self._store.ask(lambda connection: self._rows(connection, _ALL, tenant_id))]

    async def get(self, id: str, tenant_id: int = 0) -> Webhook:
        """Give one webhook. Raises: ControlError, StoreAway."""
        rows = await self._store.ask(lambda connection: self._rows(connection, _ONE, tenant_id, id))
        if not rows:
            raise _unknown(id)
        return _webhook(rows[0])

    async def target(self, tenant_id: int, id: str) -> Target | None:
        """Give where to post to; None when it is gone or off. Raises: StoreAway."""
        rows = await self._store.ask(lambda connection: self._rows(connection, _TARGET, tenant_id, id))
        return Target(rows[0][0], bytes(rows[0][1])) if rows else None

    async def create(self, actor: Actor, name: str, url: str) -> Created:
        """Add a webhook; its secret is shown in this answer alone. Raises: UsageError, StoreError."""
        if len(await self.all(actor.tenant_id)) >= MOST:
            raise UsageError(f"there are {MOST} webhooks already; remove one first")
        made = Webhook(secrets.token_hex(8), _name(name), checked_url(url), True, self._clock())
        secret = _secret()
        await self._store.perform(self._apply, _Change(actor, "monitoring.webhook.create", made, made.id, secret.encode()))
        return Created(made, secret)

    async def change(
        self, actor: Actor, id: str, *, name: str | None = None, url: str | None = None, enabled: bool | None = None
    ) -> Webhook:
        """Change what is given; one that is turned off forgets what it was not told. Raises: UsageError, ControlError, StoreError."""
        before = await self.get(id, actor.tenant_id)
        after = msgspec.structs.replace(
            before,
            name=before.name if name is None else _name(name),
            url=before.url if url is None else checked_url(url),
            enabled=before.enabled if enabled is None else enabled,
        )
        if after != before:
            await self._store.perform(self._apply, _Change(actor, "monitoring.webhook.change", after, id))
        return after

    async def renew_secret(self, actor: Actor, id: str) -> Created:
        """Give a webhook a new secret; the old one signs nothing any more. Raises: ControlError, StoreError."""
        found, secret = await self.get(id, actor.tenant_id), _secret()
        await self._store.perform(self._apply, _Change(actor, "monitoring.webhook.renew_secret", found, id, secret.encode()))
        return Created(found, secret)

    async def remove(self, actor: Actor, id: str) -> None:
        """Remove a webhook with what it was not told. Raises: ControlError, StoreError."""
        await self.get(id, actor.tenant_id)
        await self._store.perform(self._apply, _Change(actor, "monitoring.webhook.remove", None, id))

    # On the writer's thread

    def _apply(self, connection: Any, changes: Sequence[_Change]) -> list[None]:
        for change in changes:
            self._apply_one(connection, change)
        return [None] * len(changes)

    def _apply_one(self, connection: Any, change: _Change) -> None:
        tenant_id, after = change.actor.tenant_id, change.webhook
        rows = self._rows(connection, _ONE, tenant_id, change.id)
        before = _webhook(rows[0]) if rows else None
        if before is None and change.operation != "monitoring.webhook.create":
            raise _unknown(change.id)
        if after is None:
            self._do(connection, _DELETE, tenant_id, change.id)
        elif before is None:
            self._do(connection, _INSERT, tenant_id, after.id, after.name, after.url, change.secret, 1, after.created_at)
        elif change.secret:
            self._do(connection, _RENEW, change.secret, tenant_id, change.id)
        else:
            self._do(connection, _UPDATE, after.name, after.url, int(after.enabled), tenant_id, change.id)
        if after is None or not after.enabled:
            self._do(connection, _FORGET, tenant_id, change.id)
        subject = (after or before or Webhook(change.id, change.id, "", False, 0.0)).name
        self._audit(connection, Entry(change.actor, change.operation, subject, _plain(before), _plain(after)))

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


def _webhook(row: Sequence[Any]) -> Webhook:
    return Webhook(row[0], row[1], row[2], bool(row[3]), row[4])


def _plain(webhook: Webhook | None) -> Any:
    return None if webhook is None else msgspec.to_builtins(webhook)
