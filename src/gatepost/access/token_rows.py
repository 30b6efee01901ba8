# SPDX-License-Identifier: Apache-2.0
"""The rows of API tokens: of each the SHA-256 of its secret, never the secret."""

import hashlib
import re
import secrets
from typing import Any, NamedTuple

from gatepost.access.record import Token
from gatepost.access.roles import RIGHTS, in_order
from gatepost.access.statements import Statements
from gatepost.storage.contract import Engine

_WRITTEN = re.compile(r"gp_([a-z2-7]{12})_([A-Za-z0-9_-]{43})")
_ID = re.compile(r"[a-z2-7]{12}")
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_COLUMNS = "tenant_id, id, proof, name, owner, scopes, created_at, expires_at, used_at, revoked_at"
_INSERT = f"INSERT INTO access_token ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_ONE = f"SELECT {_COLUMNS} FROM access_token WHERE tenant_id = ? AND id = ?"  # noqa: S608
_ALL = f"SELECT {_COLUMNS} FROM access_token WHERE tenant_id = ? ORDER BY created_at DESC, id"  # noqa: S608
_OWN = f"SELECT {_COLUMNS} FROM access_token WHERE tenant_id = ? AND owner = ? ORDER BY created_at DESC, id"  # noqa: S608
_USED = "UPDATE access_token SET used_at = ? WHERE tenant_id = ? AND id = ?"
_REVOKE = "UPDATE access_token SET revoked_at = ? WHERE tenant_id = ? AND id = ? AND revoked_at IS NULL"
_DROP = "DELETE FROM access_token WHERE tenant_id = ? AND owner = ? AND (expires_at < ? OR revoked_at < ?)"


class TokenRow(NamedTuple):
    """One token, as the store keeps it."""

    tenant_id: int
    id: str
    proof: bytes
    name: str
    owner: str
    scopes: str
    created_at: float
    expires_at: float
    used_at: float | None
    revoked_at: float | None

    @property
    def token(self) -> Token:
        """What others may know."""
        scopes = in_order(self.scopes.split(), RIGHTS)
        times = (self.created_at, self.expires_at, self.used_at, self.revoked_at)
        return Token(self.tenant_id, self.id, self.name, self.owner, scopes, *times)

    def is_good(self, now: float) -> bool:
        """Tell whether it may be used at this time."""
        return self.revoked_at is None and now < self.expires_at


class TokenRows:
    """Reads and writes tokens on a connection, inside somebody's transaction."""

    def __init__(self, engine: Engine) -> None:
        self._sql = Statements(engine)

    def insert(self, connection: Any, row: TokenRow) -> None:
        """Add one."""
        self._sql.run(connection, _INSERT, *row)

    def get(self, connection: Any, tenant_id: int, identity: str) -> TokenRow | None:
        """Give one."""
        row = self._sql.one(connection, _ONE, tenant_id, identity)
        return _token(row) if row is not None else None

    def all(self, connection: Any, tenant_id: int, owner: str = "") -> list[TokenRow]:
        """Give a tenant's, or those of one owner, the newest first."""
        if owner:
            return [_token(row) for row in self._sql.all(connection, _OWN, tenant_id, owner)]
        return [_token(row) for row in self._sql.all(connection, _ALL, tenant_id)]

    def use(self, connection: Any, tenant_id: int, identity: str, used_at: float) -> None:
        """Note that one is in use."""
        self._sql.run(connection, _USED, used_at, tenant_id, identity)

    def revoke(self, connection: Any, tenant_id: int, identity: str, revoked_at: float) -> bool:
        """Revoke one; tells whether it was not before."""
        return self._sql.run(connection, _REVOKE, revoked_at, tenant_id, identity) == 1

    def drop_old(self, connection: Any, tenant_id: int, owner: str, ended_before: float) -> None:
        """Remove an owner's that ended long ago."""
        self._sql.run(connection, _DROP, tenant_id, owner, ended_before, ended_before)


class Written(NamedTuple):
    """A token as its bearer writes it, `gp_<id>_<secret>`, taken apart."""

    id: str
    secret: str

    @property
    def proof(self) -> bytes:
        """What is kept of it."""
        return hashlib.sha256(self.secret.encode()).digest()

    def __str__(self) -> str:
        return f"gp_{self.id}_{self.secret}"


def new_token() -> Written:
    """Make one: 256 random bits, and 60 that name it."""
    return Written("".join(secrets.choice(_LETTERS) for _ in range(12)), secrets.token_urlsafe(32))


def read_token(untrusted_token: str) -> Written | None:
    """Take a token apart; None where it cannot be one."""
    found = _WRITTEN.fullmatch(untrusted_token)
    return Written(found[1], found[2]) if found else None


def is_token_id(untrusted_id: str) -> bool:
    """Tell whether a token could have this id."""
    return _ID.fullmatch(untrusted_id) is not None


def _token(row: Any) -> TokenRow:
    token = TokenRow(*row)
    return token._replace(proof=bytes(token.proof))
