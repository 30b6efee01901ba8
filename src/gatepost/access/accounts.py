# SPDX-License-Identifier: Apache-2.0
"""The rows of administrators, secrets included; nothing but this room's own services sees an `Account`."""

from typing import Any, NamedTuple

from gatepost.access.record import Administrator
from gatepost.access.roles import ROLES, holds_all, in_order
from gatepost.access.statements import Statements
from gatepost.contracts.actor import Actor
from gatepost.storage.contract import Engine

_COLUMNS = (
    "tenant_id, name, display_name, password, one_time_until, totp, totp_step, roles, language, enabled, failures, locked_until,"
    " created_at, signed_in_at"
)
_INSERT = f"INSERT INTO administrator ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"  # noqa: S608
_ONE = f"SELECT {_COLUMNS} FROM administrator WHERE tenant_id = ? AND name = ?"  # noqa: S608
_ALL = f"SELECT {_COLUMNS} FROM administrator WHERE tenant_id = ? ORDER BY name"  # noqa: S608
_WRITE = (
    "UPDATE administrator SET display_name = ?, password = ?, one_time_until = ?, totp = ?, totp_step = ?, roles = ?, language = ?,"
    " enabled = ?, failures = ?, locked_until = ?, created_at = ?, signed_in_at = ? WHERE tenant_id = ? AND name = ?"
)


class Account(NamedTuple):
    """One administrator, as the store keeps him."""

    tenant_id: int
    name: str
    display_name: str
    password: str
    """The argon2id hash."""
    one_time_until: float | None
    totp: bytes
    """The sealed secret; empty while there is none."""
    totp_step: int
    """The last step whose code was used."""
    roles: str
    """Words with a space between."""
    language: str
    enabled: int
    failures: int
    locked_until: float | None
    created_at: float
    signed_in_at: float | None

    @property
    def administrator(self) -> Administrator:
        """What others may know."""
        return Administrator(
            tenant_id=self.tenant_id,
            name=self.name,
            display_name=self.display_name,
            roles=in_order(self.roles.split(), ROLES),
            language=self.language,
            enabled=bool(self.enabled),
            has_totp=bool(self.totp),
            one_time_until=self.one_time_until,
            locked_until=self.locked_until,
            failures=self.failures,
            created_at=self.created_at,
            signed_in_at=self.signed_in_at,
        )

    @property
    def manages(self) -> bool:
        """Whether he manages administrators now."""
        return bool(self.enabled) and holds_all(self.roles.split())

    def is_locked(self, now: float) -> bool:
        """Tell whether no attempt counts at this time."""
        return self.locked_until is not None and now < self.locked_until

    def one_time_is_over(self, now: float) -> bool:
        """Tell whether his password was good for a time that is over."""
        return self.one_time_until is not None and now >= self.one_time_until


class Accounts:
    """Reads and writes accounts on a connection, inside somebody's transaction."""

    def __init__(self, engine: Engine) -> None:
        self._sql = Statements(engine)

    def get(self, connection: Any, tenant_id: int, name: str) -> Account | None:
        """Give one account."""
        row = self._sql.one(connection, _ONE, tenant_id, name)
        return _account(row) if row is not None else None

    def all(self, connection: Any, tenant_id: int) -> list[Account]:
        """Give a tenant's accounts by name."""
        return [_account(row) for row in self._sql.all(connection, _ALL, tenant_id)]

    def may_manage(self, connection: Any, actor: Actor, *, own: bool = False) -> bool:
        """Tell whether somebody may do this to administrators now; `own` is what everybody may do to himself.

        Who runs commands on this machine may: he could as well write into the store.
        """
        if actor.via == "cli":
            return True
        account = self.get(connection, actor.tenant_id, actor.name)
        return account is not None and (account.manages or (own and bool(account.enabled)))

    def insert(self, connection: Any, account: Account) -> bool:
        """Add one; tells whether the name was free."""
        return self._sql.run(connection, _INSERT, *account) == 1

    def write(self, connection: Any, account: Account) -> None:
        """Put an account in the place of the one of its name."""
        self._sql.run(connection, _WRITE, *account[2:], account.tenant_id, account.name)


def _account(row: Any) -> Account:
    account = Account(*row)
    return account._replace(totp=bytes(account.totp))
