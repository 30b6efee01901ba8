# SPDX-License-Identifier: Apache-2.0
"""The incidents as the console serves them: what is open, what was, "check again now", and who is told.

Every question is one tenant's; without one it is the house's, tenant 0.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from gatepost.contracts.actor import Audit, local_actor
from gatepost.errors import ControlError, UsageError
from gatepost.monitoring.engine import Check, Engine
from gatepost.monitoring.filling import Fill, FillLevels
from gatepost.monitoring.kinds import KINDS, kind_of
from gatepost.monitoring.notice_rows import NoticeRows
from gatepost.monitoring.record import HOUSE, Counts, Incident, IncidentView, Page, Shown
from gatepost.monitoring.sending import AskAddressees, AskHouse, Sending, Submit
from gatepost.monitoring.store import IncidentRows
from gatepost.monitoring.webhook_post import Post, post
from gatepost.monitoring.webhook_url import Mark, process_mark
from gatepost.monitoring.webhooks import Webhooks, no_audit
from gatepost.replication.service import Handler, Operation
from gatepost.storage.contract import Store

_MOST = 200
_LONGEST_SUBJECT = 400


class Incidents:
    """The incidents of one open store: engine, notices and webhooks."""

    def __init__(
        self,
        store: Store,
        checks: Mapping[str, Check],
        *,
        submit: Submit,
        addressees: AskAddressees,
        house: AskHouse,
        filling: FillLevels,
        audit: Audit = no_audit,
        post: Post = post,
        mark: Mark = process_mark,
    ) -> None:
        self._notices = NoticeRows(store)
        self._rows = IncidentRows(store, self._notices)
        self._filling = filling
        self.webhooks = Webhooks(store, audit, mark=mark)
        self.sending = Sending(self._notices, self.webhooks, submit, addressees, house, post=post)
        self.engine = Engine(self._rows, checks, addressees, told=self.sending.stir)

    def start(self) -> None:
        """Begin to look and to tell."""
        self.sending.start()
        self.engine.start()

    async def close(self) -> None:
        """Look and tell no more; both go on where they were at the next start."""
        await self.engine.close()
        await self.sending.close()

    def stir(self, *kinds: str) -> None:
        """Have these kinds, or all, looked at now."""
        self.engine.stir(*kinds)

    async def open(self, tenant_id: int = HOUSE) -> list[IncidentView]:
        """Give the open incidents, the gravest and newest first. Raises: StoreAway."""
        return [_view(one) for one in await self._rows.open(tenant_id)]

    async def counts(self, tenant_id: int = HOUSE) -> Counts:
        """Count the open incidents by level. Raises: StoreAway."""
        return await self._rows.counts(tenant_id)

    async def history(self, cursor: int | None = None, limit: int = 50, tenant_id: int = HOUSE) -> Page:
        """Give incidents, open and healed, newest first, from a page's cursor on. Raises: UsageError, StoreAway."""
        if not 1 <= limit <= _MOST:
            raise UsageError(f"limit: is 1 to {_MOST}")
        rows = await self._rows.history(tenant_id, cursor, limit + 1)
        more = len(rows) > limit
        return Page([_view(one) for one in rows[:limit]], rows[limit - 1].id if more else None)

    async def show(self, number: int, tenant_id: int = HOUSE) -> Shown:
        """Give one incident and who was told of it. Raises: ControlError, StoreAway."""
        found = await self._rows.get(tenant_id, number)
        if found is None:
            refused = ControlError(f"there is no incident {number}; `gatepost incident list --all` shows those there are")
            refused.exit_code = 1
            raise refused
        notices = await self._notices.of_incident(tenant_id, number)
        names = {one.id: one.name for one in await self.webhooks.all(tenant_id)} if notices else {}
        named = [msgspec.structs.replace(one, name=names.get(one.target, "")) for one in notices]
        return Shown(_view(found), named)

    async def recheck(self, kind: str, subject: str, tenant_id: int = HOUSE) -> IncidentView | None:
        """Look again now, and believe what is seen; gives the incident if it is open then, None when there is none.

        Raises: UsageError for a kind that nobody checks, ControlError when the look said nothing, StoreError.
        """
        if not self.engine.knows(kind):
            raise UsageError(f"kind: nobody checks {kind[:60]!r}; the kinds are {', '.join(sorted(KINDS))}")
        if not await self.engine.look(kind, frozenset({(tenant_id, subject[:_LONGEST_SUBJECT])})):
            raise ControlError("this could not be looked at now; the console's log says why")
        return next((one for one in await self.open(tenant_id) if (one.kind, one.subject) == (kind, subject)), None)

    async def drop_healed_before(self, at: float) -> int:
        """Drop what healed before `at` (Unix time), and who was told of it; gives the number. Raises: StoreFull, StoreAway."""
        return await self._rows.drop_healed_before(at)

    async def usage(self) -> list[Fill]:
        """Give how full each store is, as it was looked at last, within a minute: no page waits for a gateway that is away."""
        return self._filling.known()

    def commands(self) -> dict[str, Handler | Operation]:
        """Give what `gatepost incident` and `gatepost db usage` may ask."""

        async def list_(all: bool = False, limit: int = 50, cursor: int | None = None, tenant_id: int = HOUSE) -> dict[str, Any]:
            page = await self.history(cursor, limit, tenant_id) if all else Page(await self.open(tenant_id), None)
            return _plain(page)

        async def show(number: int, tenant_id: int = HOUSE) -> dict[str, Any]:
            return _plain(await self.show(number, tenant_id))

        async def recheck(kind: str, subject: str, tenant_id: int = HOUSE) -> dict[str, Any] | None:
            found = await self.recheck(kind, subject, tenant_id)
            return None if found is None else _plain(found)

        async def usage() -> list[dict[str, Any]]:
            await self._filling.look()
            return [_plain(one) for one in self._filling.known()]

        return {
            "incident.list": list_,
            "incident.show": show,
            "incident.recheck": Operation(recheck, command=True),
            "store.usage": usage,
            **_webhook_commands(self.webhooks),
        }


def _webhook_commands(webhooks: Webhooks) -> dict[str, Handler | Operation]:
    async def list_(tenant_id: int = HOUSE) -> list[dict[str, Any]]:
        return [_plain(one) for one in await webhooks.all(tenant_id)]

    async def create(name: str, url: str, author: str, tenant_id: int = HOUSE) -> dict[str, Any]:
        return _plain(await webhooks.create(local_actor(author, tenant_id), name, url))

    async def change(id: str, author: str, tenant_id: int = HOUSE, **changes: Any) -> dict[str, Any]:
        untrusted = _Changes(**changes) if set(changes) <= set(_Changes._fields) else None
        if untrusted is None:
            raise UsageError(f"a webhook has {', '.join(_Changes._fields)} to change")
        name, url, enabled = untrusted
        return _plain(await webhooks.change(local_actor(author, tenant_id), id, name=name, url=url, enabled=enabled))

    async def renew_secret(id: str, author: str, tenant_id: int = HOUSE) -> dict[str, Any]:
        return _plain(await webhooks.renew_secret(local_actor(author, tenant_id), id))

    async def remove(id: str, author: str, tenant_id: int = HOUSE) -> bool:
        await webhooks.remove(local_actor(author, tenant_id), id)
        return True

    return {
        "webhook.list": list_,
        # A secret must not be kept among the answers of commands.
        "webhook.create": Operation(create, command=True, remembered=False),
        "webhook.change": Operation(change, command=True),
        "webhook.renew_secret": Operation(renew_secret, command=True, remembered=False),
        "webhook.remove": Operation(remove, command=True),
    }


class _Changes(NamedTuple):
    name: str | None = None
    url: str | None = None
    enabled: bool | None = None


def _view(one: Incident) -> IncidentView:
    kind = kind_of(one.kind)
    return IncidentView(
        one.id,
        one.kind,
        one.subject,
        one.level,
        kind.title,
        kind.meaning,
        kind.what_to_do,
        kind.page,
        one.details,
        one.opened_at,
        one.changed_at,
        one.healed_at,
    )


def _plain(value: msgspec.Struct) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(value)
    return plain
