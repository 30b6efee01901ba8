# SPDX-License-Identifier: Apache-2.0
"""Who may call this role over the network: pinned certificates, and the one-time tokens that lead to one.

A token holds the fingerprint of our certificate and 16 random bytes, of which the store keeps a SHA-256. It is used up in
the transaction that pins the new certificate. A wrong, a used and an expired one are told alike, after the same time.
"""

import asyncio
import base64
import hashlib
import re
import secrets
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from gatepost.errors import ControlError, UsageError
from gatepost.replication.certificate import checked_certificate
from gatepost.replication.service import Peer
from gatepost.replication.sql import spoken
from gatepost.storage.contract import Store

VALID_S = 900.0
REFUSAL_S = 1.0
"""How long a wrong token waits for its answer."""
GRANTED = ("replication.", "queue.", "link.", "store.", "notice.")
"""What an intranet may call on a gateway."""
STRANGER = Peer("a role that is not paired", ("role.pair",))

_PREFIX = "gp1."
_SECRET_BYTES, _FINGERPRINT_BYTES = 16, 32
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?\Z")


class Token(NamedTuple):
    """A one-time token, read."""

    fingerprint: str
    """Of the role that gave it."""
    secret: bytes


class PinnedPeer(NamedTuple):
    """A role that may call us."""

    name: str
    fingerprint: str
    certificate: str
    may: str
    """Operations, with spaces between."""
    joined_at: float


def write_token(token: Token) -> str:
    """Write a token as people copy it."""
    return _PREFIX + base64.urlsafe_b64encode(bytes.fromhex(token.fingerprint) + token.secret).decode("ascii")


def read_token(untrusted_text: str) -> Token:
    """Read a token. Raises: UsageError."""
    try:
        raw = base64.b64decode(untrusted_text.strip().removeprefix(_PREFIX), altchars=b"-_", validate=True)
    except ValueError:
        raw = b""
    if len(raw) != _FINGERPRINT_BYTES + _SECRET_BYTES or not untrusted_text.strip().startswith(_PREFIX):
        raise UsageError("this is no token; copy the whole one that `gatepost role invite` prints on the other role")
    return Token(raw[:_FINGERPRINT_BYTES].hex(), raw[_FINGERPRINT_BYTES:])


def checked_name(untrusted_name: str) -> str:
    """Give a role's name in lower case. Raises: UsageError."""
    name = untrusted_name.strip().lower()
    if not _NAME.match(name):
        raise UsageError("a role's name has 1 to 63 letters, digits, dots and hyphens; give one with --name")
    return name


class Peers:
    """The pinned peers of an open store; several processes of one store see the same."""

    def __init__(self, store: Store, own_fingerprint: str, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._own = own_fingerprint
        self._clock = clock

    async def invite(self) -> str:
        """Make a token, valid for 15 minutes and for one pairing. Raises: StoreFull, StoreAway."""
        secret = secrets.token_bytes(_SECRET_BYTES)
        await self._store.perform(self._keep, (_digest(secret), self._clock()))
        return write_token(Token(self._own, secret))

    async def pair(self, untrusted_secret: bytes, untrusted_certificate: str, untrusted_name: str) -> PinnedPeer:
        """Pin the certificate of who holds an unused token. Raises: GatepostError with the reason, and nothing is written."""
        fingerprint = checked_certificate(untrusted_certificate)
        name = checked_name(untrusted_name)
        peer = PinnedPeer(name, fingerprint, untrusted_certificate.strip() + "\n", " ".join(GRANTED), self._clock())
        if fingerprint == self._own or not await self._store.perform(self._redeem, (_digest(untrusted_secret), peer)):
            await asyncio.sleep(REFUSAL_S)
            raise ControlError("this token is wrong, was used, or is older than 15 minutes; get a new one with `gatepost role invite`")
        return peer

    async def all(self) -> list[PinnedPeer]:
        """Give all pinned peers, by name. Raises: StoreAway."""
        return await self._store.ask(lambda connection: [PinnedPeer(*row) for row in connection.execute(_ALL).fetchall()])

    async def remove(self, name: str) -> PinnedPeer | None:
        """Take a pin back; gives what it was. Raises: StoreFull, StoreAway."""
        found = next((peer for peer in await self.all() if peer.name == name), None)
        if found is not None:
            await self._store.perform(self._remove, found.fingerprint)
        return found

    # On the writer's thread

    def _keep(self, connection: Any, invitations: Sequence[tuple[str, float]]) -> list[None]:
        engine = self._store.engine
        for digest, now in invitations:
            connection.execute(spoken("DELETE FROM replication_invitation WHERE expires_at < ?", engine), (now,))
            connection.execute(spoken("INSERT INTO replication_invitation VALUES (?, ?)", engine), (digest, now + VALID_S))
        return [None] * len(invitations)

    def _redeem(self, connection: Any, pairings: Sequence[tuple[str, PinnedPeer]]) -> list[bool]:
        engine, done = self._store.engine, []
        for digest, peer in pairings:
            text = spoken("DELETE FROM replication_invitation WHERE digest = ? AND expires_at >= ?", engine)
            valid = connection.execute(text, (digest, peer.joined_at)).rowcount == 1
            if valid:
                text = spoken("DELETE FROM replication_peer WHERE name = ? OR fingerprint = ?", engine)
                connection.execute(text, (peer.name, peer.fingerprint))
                connection.execute(spoken("INSERT INTO replication_peer VALUES (?, ?, ?, ?, ?)", engine), tuple(peer))
            done.append(valid)
        return done

    def _remove(self, connection: Any, fingerprints: Sequence[str]) -> list[None]:
        for fingerprint in fingerprints:
            connection.execute(spoken("DELETE FROM replication_peer WHERE fingerprint = ?", self._store.engine), (fingerprint,))
        return [None] * len(fingerprints)


_ALL = "SELECT name, fingerprint, certificate, may, joined_at FROM replication_peer ORDER BY name"


def _digest(secret: bytes) -> str:
    return hashlib.sha256(secret).hexdigest()
