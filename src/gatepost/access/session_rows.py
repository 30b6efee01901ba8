# SPDX-License-Identifier: Apache-2.0
"""The rows of sessions: of each the SHA-256 of what its cookie holds, never the cookie."""

import base64
import binascii
import hashlib
import secrets
from typing import Any, Final, NamedTuple

from gatepost.access.record import Administrator, Session
from gatepost.access.statements import Statements
from gatepost.storage.contract import Engine

_SECRET_BYTES = 32
_COOKIE_CHARACTERS = 43
SHOWN: Final = 16
"""Characters of a session's public id."""
_COLUMNS = "tenant_id, proof, name, form_token, created_at, seen_at, client, agent"
_INSERT = f"INSERT INTO administrator_session ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608
_ONE = f"SELECT {_COLUMNS} FROM administrator_session WHERE tenant_id = ? AND proof = ?"  # noqa: S608
_OWN = f"SELECT {_COLUMNS} FROM administrator_session WHERE tenant_id = ? AND name = ? ORDER BY created_at DESC, proof"  # noqa: S608
_SEEN = "UPDATE administrator_session SET seen_at = ? WHERE tenant_id = ? AND proof = ? AND seen_at < ?"
_END = "DELETE FROM administrator_session WHERE tenant_id = ? AND proof = ?"
_END_ALL = "DELETE FROM administrator_session WHERE tenant_id = ? AND name = ?"
_END_OLD = "DELETE FROM administrator_session WHERE tenant_id = ? AND (created_at < ? OR seen_at < ?)"


class SessionRow(NamedTuple):
    """One session, as the store keeps it."""

    tenant_id: int
    proof: bytes
    name: str
    form_token: str
    created_at: float
    seen_at: float
    client: str
    agent: str

    @property
    def id(self) -> str:
        """The name of the session in lists."""
        return self.proof.hex()[:SHOWN]

    def of(self, administrator: Administrator) -> Session:
        """Give the session as others see it."""
        return Session(self.id, administrator, self.form_token, self.created_at, self.seen_at, self.client, self.agent)


class SessionRows:
    """Reads and writes sessions on a connection, inside somebody's transaction."""

    def __init__(self, engine: Engine) -> None:
        self._sql = Statements(engine)

    def insert(self, connection: Any, row: SessionRow) -> None:
        """Begin a session."""
        self._sql.run(connection, _INSERT, *row)

    def get(self, connection: Any, tenant_id: int, proof: bytes) -> SessionRow | None:
        """Give one session."""
        row = self._sql.one(connection, _ONE, tenant_id, proof)
        return _session(row) if row is not None else None

    def own(self, connection: Any, tenant_id: int, name: str) -> list[SessionRow]:
        """Give an administrator's sessions, the newest first."""
        return [_session(row) for row in self._sql.all(connection, _OWN, tenant_id, name)]

    def see(self, connection: Any, tenant_id: int, proof: bytes, seen_at: float) -> None:
        """Note that a session is in use."""
        self._sql.run(connection, _SEEN, seen_at, tenant_id, proof, seen_at)

    def end(self, connection: Any, tenant_id: int, proof: bytes) -> bool:
        """End one; tells whether there was one."""
        return self._sql.run(connection, _END, tenant_id, proof) == 1

    def end_all(self, connection: Any, tenant_id: int, name: str) -> int:
        """End all of an administrator; gives how many."""
        return self._sql.run(connection, _END_ALL, tenant_id, name)

    def end_old(self, connection: Any, tenant_id: int, created_before: float, seen_before: float) -> None:
        """Remove what nobody can use any more."""
        self._sql.run(connection, _END_OLD, tenant_id, created_before, seen_before)


def new_cookie() -> str:
    """Make what proves a session: 256 random bits."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def proof_of(untrusted_cookie: str) -> bytes | None:
    """Give what is kept of a cookie; None where it cannot be one."""
    if len(untrusted_cookie) != _COOKIE_CHARACTERS:
        return None
    try:
        secret = base64.b64decode(untrusted_cookie + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return hashlib.sha256(secret).digest()


def _session(row: Any) -> SessionRow:
    session = SessionRow(*row)
    return session._replace(proof=bytes(session.proof))
