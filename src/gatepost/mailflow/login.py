# SPDX-License-Identifier: Apache-2.0
"""Check the credentials of those who submit mail: argon2id, in threads, a few at a time (RFC 9106).

A name that does not exist costs the same time as a wrong password, so guessing learns nothing.
"""

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING

from gatepost.config.configuration import Configuration
from gatepost.smtp import replies
from gatepost.smtp.peer import Peer
from gatepost.smtp.replies import Reply

if TYPE_CHECKING:
    from argon2 import PasswordHasher

_WAITING_PER_SLOT = 8


class Logins:
    """The submission users of one configuration."""

    def __init__(self, configuration: Configuration) -> None:
        self._users = {user.name: user for user in configuration.submission_users}
        self._parallel = configuration.receive.auth_parallel
        self._slots = asyncio.Semaphore(self._parallel)
        self._waiting = 0

    async def check(self, peer: Peer, user: str, password: str) -> Reply:
        """Check one login and note user and tenant in `peer` when it is good; 454 when too many wait."""
        if self._waiting >= self._parallel * _WAITING_PER_SLOT:
            return replies.AUTH_BUSY
        known = self._users.get(user)
        self._waiting += 1
        try:
            async with self._slots:
                good = await asyncio.to_thread(self._verify, known.password if known else self._nobody, password)
        finally:
            self._waiting -= 1
        if not good or known is None:
            return replies.AUTH_FAILED
        peer.user, peer.tenant_id = known.name, known.tenant
        return replies.AUTH_OK

    @cached_property
    def _hasher(self) -> "PasswordHasher":
        from argon2 import PasswordHasher  # loaded at the first login only

        return PasswordHasher()

    @cached_property
    def _nobody(self) -> str:
        return self._hasher.hash("the password of nobody")

    def _verify(self, hashed: str, password: str) -> bool:
        from argon2.exceptions import Argon2Error, InvalidHashError

        try:
            return self._hasher.verify(hashed, password)
        except (Argon2Error, InvalidHashError):
            return False
