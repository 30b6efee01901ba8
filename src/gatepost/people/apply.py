# SPDX-License-Identifier: Apache-2.0
"""Take what the intranet tells of people into the gateway's tables, in the transaction of the batch that brought it.

Only what differs is written, and each row that differs stands in `people_change`, so that whoever has the tables in memory reads
only that. Applied twice, the second time nothing differs.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import msgspec

from gatepost.errors import StoreError
from gatepost.people.shipping import (
    FORM,
    HOUSE,
    PARTNER,
    PARTNERS,
    USER,
    USERS,
    Key,
    PartnerPage,
    ShippedPartner,
    ShippedUser,
    UserPage,
    spans,
)
from gatepost.replication.apply import Applier, ArtefactHandler, Told
from gatepost.replication.artefact import Artefact
from gatepost.replication.sql import spoken
from gatepost.storage.contract import Engine

KEPT = 10_000
"""Changes that stay in the log; at most twice as many stand there."""
AT_ONCE = 100
"""Rows of one artefact that are told one by one; of more, all tables are to be read anew."""
MANY = "*"
"""The kind of change that stands for more than `AT_ONCE`."""
GONE, ENABLED, DISABLED = "", "1", "0"

_Addresses = dict[Key, tuple[str, bool]]
"""Tenant and folded address: the user's id, and whether it is enabled."""
_Partners = dict[Key, str]
"""Tenant and domain: the settings as JSON."""
_Payload = TypeVar("_Payload", ShippedUser, ShippedPartner, UserPage, PartnerPage)

_ADDRESSES = "SELECT tenant_id, address, user_id, enabled FROM corporate_address WHERE "
_PUT_ADDRESS = """INSERT INTO corporate_address (tenant_id, address, user_id, enabled) {rows}
    ON CONFLICT (tenant_id, address) DO UPDATE SET user_id = excluded.user_id, enabled = excluded.enabled"""
_DROP_ADDRESS = "DELETE FROM corporate_address WHERE tenant_id = ? AND address = ?"
_ALL_PARTNERS = "SELECT tenant_id, domain, settings FROM partner WHERE "
_PUT_PARTNER = """INSERT INTO partner (tenant_id, domain, settings) {rows}
    ON CONFLICT (tenant_id, domain) DO UPDATE SET settings = excluded.settings"""
_DROP_PARTNER = "DELETE FROM partner WHERE tenant_id = ? AND domain = ?"
_NEWEST = "SELECT coalesce(max(number), 0) FROM people_change"
_LOG = "INSERT INTO people_change (number, tenant_id, kind, name, state) {rows}"
_TRIM = "DELETE FROM people_change WHERE number <= ?"


def register(applier: Applier, told: Told) -> None:
    """Have people applied to a gateway's store; `told` is awaited after each batch that had some."""
    for kind, handler in _HANDLERS.items():
        applier.register(kind, (FORM,), handler, told)


def _user(connection: Any, shipped: ShippedUser) -> None:
    wanted = [("tenant_id = ? AND user_id = ?", (shipped.tenant_id, shipped.id))]
    _take_addresses(connection, [shipped], _of(connection, _ADDRESSES, wanted))


def _users(connection: Any, page: UserPage) -> None:
    _take_addresses(connection, page.users, _of(connection, _ADDRESSES, spans(page.after, page.up_to, "user_id")))


def _partner(connection: Any, shipped: ShippedPartner) -> None:
    wanted = [("tenant_id = ? AND domain = ?", (shipped.tenant_id, shipped.domain))]
    _take_partners(connection, [shipped], _of(connection, _ALL_PARTNERS, wanted))


def _partners(connection: Any, page: PartnerPage) -> None:
    _take_partners(connection, page.partners, _of(connection, _ALL_PARTNERS, spans(page.after, page.up_to, "domain")))


def _take_addresses(connection: Any, users: Iterable[ShippedUser], rows: list[Any]) -> None:
    """Make of what some users had what they have now."""
    before: _Addresses = {(tenant, address): (user, bool(enabled)) for tenant, address, user, enabled in rows}
    after: _Addresses = {(one.tenant_id, address): (one.id, enabled) for one in users for address, enabled in one.addresses}
    gone = [key for key in before if key not in after]
    put = {key: value for key, value in after.items() if before.get(key) != value}
    _drop(connection, _DROP_ADDRESS, gone)
    _put(connection, _PUT_ADDRESS, "bigint text text int2", [(*key, user, int(enabled)) for key, (user, enabled) in put.items()])
    states = {key: ENABLED if enabled else DISABLED for key, (_, enabled) in put.items()}
    _log(connection, USER, {**dict.fromkeys(gone, GONE), **states})


def _take_partners(connection: Any, partners: Iterable[ShippedPartner], rows: list[Any]) -> None:
    before: _Partners = {(tenant, domain): settings for tenant, domain, settings in rows}
    after: _Partners = {
        (one.tenant_id, one.domain): msgspec.json.encode(one.settings).decode() for one in partners if one.settings is not None
    }
    gone = [key for key in before if key not in after]
    put = {key: value for key, value in after.items() if before.get(key) != value}
    _drop(connection, _DROP_PARTNER, gone)
    _put(connection, _PUT_PARTNER, "bigint text text", [(*key, settings) for key, settings in put.items()])
    _log(connection, PARTNER, {**dict.fromkeys(gone, GONE), **put})


def _log(connection: Any, kind: str, states: dict[Key, str]) -> None:
    if not states:
        return
    (newest,) = connection.execute(_NEWEST).fetchone()
    if len(states) > AT_ONCE:
        kind, states = MANY, {(HOUSE, MANY): GONE}
    rows = [(newest + number, tenant, kind, name, state) for number, ((tenant, name), state) in enumerate(states.items(), 1)]
    _put(connection, _LOG, "bigint bigint text text text", rows)
    last = newest + len(rows)
    if last // KEPT > newest // KEPT:  # now and then: what was deleted in one transaction is walked through again by each
        connection.execute(spoken(_TRIM, _engine(connection)), (last - KEPT,))


def _of(connection: Any, text: str, wanted: Iterable[tuple[str, tuple[Any, ...]]]) -> list[Any]:
    """Give the rows that fulfil one of these conditions."""
    rows: list[Any] = []
    for condition, values in wanted:
        rows += connection.execute(spoken(text + condition, _engine(connection)), values).fetchall()
    return rows


def _drop(connection: Any, text: str, keys: list[Key]) -> None:
    if keys:
        connection.cursor().executemany(spoken(text, _engine(connection)), keys)


def _put(connection: Any, text: str, types: str, rows: list[tuple[Any, ...]]) -> None:
    """Write rows of columns of these types: one statement on PostgreSQL, where each costs a turn, and no more than that on SQLite."""
    names = types.split()
    if rows and _engine(connection) == "sqlite":
        connection.executemany(text.format(rows=f"VALUES ({', '.join('?' * len(names))})"), rows)
    elif rows:
        arrays = ", ".join(f"%s::{name}[]" for name in names)
        given = f"SELECT * FROM unnest({arrays}) AS given"  # noqa: S608 - types are constants of this file
        connection.execute(text.format(rows=given), [list(column) for column in zip(*rows, strict=True)])


def _engine(connection: Any) -> Engine:
    return "postgresql" if hasattr(connection, "pgconn") else "sqlite"


def _handler(take: Callable[[Any, _Payload], None], form: type[_Payload]) -> ArtefactHandler:
    decode = msgspec.msgpack.Decoder(form).decode

    def handle(connection: Any, artefacts: list[Artefact]) -> None:
        for artefact in artefacts:
            try:
                payload = decode(artefact.payload)
            except msgspec.MsgspecError as fault:
                raise StoreError(
                    f"artefact {artefact.sequence} tells nothing of people ({fault}); the intranet must send it again"
                ) from None
            take(connection, payload)

    return handle


_HANDLERS = {
    USER: _handler(_user, ShippedUser),
    USERS: _handler(_users, UserPage),
    PARTNER: _handler(_partner, ShippedPartner),
    PARTNERS: _handler(_partners, PartnerPage),
}
