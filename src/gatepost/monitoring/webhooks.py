# SPDX-License-Identifier: Apache-2.0
"""Webhooks as people manage them: each change leaves its entry in the audit, in the same transaction.

A secret is made here and shown once; it is never listed, and never in the audit.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from gatepost.contracts.actor import Actor, Audit, Entry
from gatepost.errors import ControlError, UsageError
from gatepost.monitoring.record import Webhook
from gatepost.monitoring.webhook_post import Target, checked_url
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
        return await self._store.ask(lambda connection: self._found(connection, tenant_id, id))

    async def target(self, tenant_id: int, id: str) -> Target | None:
        """Give where to post to; None when it is gone or off. Raises: StoreAway."""
        rows = await self._store.ask(lambda connection: self._rows(connection, _TARGET, tenant_id, id))
        return Target(rows[0][0], bytes(rows[0][1])) if rows else None

    async def create(self, actor: Actor, name: str, url: str) -> Created:
        """Add a webhook; its secret is shown in this answer alone. Raises: UsageError, StoreError."""
        made, secret = Webhook(secrets.token_hex(8), _name(name), checked_url(url), True, self._clock()), _secret()

        def do(connection: Any) -> Created:
            if len(self._rows(connection, _ALL, actor.tenant_id)) >= MOST:
                raise UsageError(f"there are {MOST} webhooks already; remove one first")
            row = (actor.tenant_id, made.id, made.name, made.url, secret.encode(), int(made.enabled), made.created_at)
            self._do(connection, _INSERT, *row)
            self._note(connection, actor, "create", None, made)
            return Created(made, secret)

        return await transact(self._store, do)

    async def change(
        self, actor: Actor, id: str, *, name: str | None = None, url: str | None = None, enabled: bool | None = None
    ) -> Webhook:
        """Change what is given; one that is turned off forgets what it was not told. Raises: UsageError, ControlError, StoreError."""
        given = {"name": None if name is None else _name(name), "url": None if url is None else checked_url(url), "enabled": enabled}
        given = {field: value for field, value in given.items() if value is not None}

        def do(connection: Any) -> Webhook:
            before = self._found(connection, actor.tenant_id, id)
            after = msgspec.structs.replace(before, **given)
            if after != before:
                self._do(connection, _UPDATE, after.name, after.url, int(after.enabled), actor.tenant_id, id)
                if not after.enabled:
                    self._do(connection, _FORGET, actor.tenant_id, id)
                self._note(connection, actor, "change", before, after)
            return after

        return await transact(self._store, do)

    async def renew_secret(self, actor: Actor, id: str) -> Created:
        """Give a webhook a new secret; the old one signs nothing any more. Raises: ControlError, StoreError."""
        secret = _secret()

        def do(connection: Any) -> Created:
            found = self._found(connection, actor.tenant_id, id)
            self._do(connection, _RENEW, secret.encode(), actor.tenant_id, id)
            self._note(connection, actor, "renew_secret", found, found)
            return Created(found, secret)

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

    def _found(self, connection: Any, tenant_id: int, id: str) -> Webhook:
        """Give one webhook. Raises: ControlError."""
        rows = self._rows(connection, _ONE, tenant_id, id)
        if not rows:
            raise _unknown(id)
        return _webhook(rows[0])

    def _note(self, connection: Any, actor: Actor, what: str, before: Webhook | None, after: Webhook | None) -> None:
        """Leave the audit entry of a change."""
        subject = (after or before or Webhook("", "", "", False, 0.0)).name
        told = [None if one is None else msgspec.to_builtins(one) for one in (before, after)]
        self._audit(connection, Entry(actor, f"monitoring.webhook.{what}", subject, *told))

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
