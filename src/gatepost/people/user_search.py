# SPDX-License-Identifier: Apache-2.0
"""Search users: a text in name or address, page by page, in the order of names.

A page costs one walk along the names at most; what one page ends with is where the next begins, so that nothing is shown twice
however the list changes meanwhile.
"""

import base64
import binascii
from typing import Any, NamedTuple

import msgspec

from gatepost.errors import UsageError
from gatepost.people.ledger import Ledger
from gatepost.people.record import User
from gatepost.people.user_store import COLUMNS, UserStore

PAGE, PAGE_MOST = 50, 500
_WORDS = 5
"""Words of a text that are looked for; all must be found."""
_COUNT = "SELECT count(*), coalesce(sum(enabled), 0) FROM corporate_user WHERE tenant_id = ?"
_COUNT_ADDRESSES = "SELECT count(*) FROM corporate_address WHERE tenant_id = ?"

_cursor = msgspec.json.Decoder(tuple[str, str]).decode


class Search(NamedTuple):
    """What is looked for; None is any."""

    tenant_id: int
    text: str = ""
    enabled: bool | None = None
    source: str | None = None
    cursor: str = ""
    """'' is the first page."""
    limit: int = PAGE


class UserPage(msgspec.Struct, frozen=True):
    """One page; `cursor` is '' on the last."""

    users: tuple[User, ...]
    cursor: str


class UserCounts(msgspec.Struct, frozen=True):
    """How many there are."""

    users: int
    enabled: int
    addresses: int


class UserSearch:
    """Searches of one store."""

    def __init__(self, ledger: Ledger, users: UserStore) -> None:
        self._ledger, self._users = ledger, users
        self._holds = "strpos(found_by, ?) > 0" if ledger.store.engine == "postgresql" else "instr(found_by, ?) > 0"

    async def page(self, wanted: Search) -> UserPage:
        """Give one page. Raises: UsageError for a cursor that is none of ours, StoreAway."""
        text, values = self._statement(wanted)
        limit = max(1, min(wanted.limit, PAGE_MOST))

        def ask(connection: Any) -> UserPage:
            rows = self._ledger.run(connection, text, *values, limit + 1).fetchall()
            shown = rows[:limit]
            users = self._users.with_addresses(connection, wanted.tenant_id, [row[1:] for row in shown])
            return UserPage(tuple(users), encoded(shown[-1][0], shown[-1][1]) if len(rows) > limit else "")

        return await self._ledger.store.ask(ask)

    async def counts(self, tenant_id: int) -> UserCounts:
        """Count them. Raises: StoreAway."""

        def ask(connection: Any) -> UserCounts:
            users, enabled = self._ledger.run(connection, _COUNT, tenant_id).fetchone()
            (addresses,) = self._ledger.run(connection, _COUNT_ADDRESSES, tenant_id).fetchone()
            return UserCounts(users, enabled, addresses)

        return await self._ledger.store.ask(ask)

    def _statement(self, wanted: Search) -> tuple[str, list[Any]]:
        terms = ["tenant_id = ?", "(sort_name, id) > (?, ?)"]
        values: list[Any] = [wanted.tenant_id, *decoded(wanted.cursor)]
        for word in wanted.text.casefold().split()[:_WORDS]:
            terms.append(self._holds)
            values.append(word)
        if wanted.enabled is not None:
            terms.append("enabled = ?")
            values.append(int(wanted.enabled))
        if wanted.source is not None:
            terms.append("source = ?")
            values.append(wanted.source)
        where = " AND ".join(terms)
        return f"SELECT sort_name, {COLUMNS} FROM corporate_user WHERE {where} ORDER BY sort_name, id LIMIT ?", values  # noqa: S608


def encoded(*key: str) -> str:
    """Give the cursor of a row: opaque, fit for an address of a page."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def decoded(untrusted_cursor: str) -> tuple[str, str]:
    """Give the key that a cursor stands for; '' stands before all. Raises: UsageError."""
    if not untrusted_cursor:
        return "", ""
    try:
        return _cursor(base64.b64decode(untrusted_cursor + "=" * (-len(untrusted_cursor) % 4), b"-_", validate=True))
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise UsageError("cursor: is none that a page ended with; begin with the first page") from None
