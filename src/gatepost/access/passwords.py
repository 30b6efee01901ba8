# SPDX-License-Identifier: Apache-2.0
"""Passwords: the rule for new ones, and their argon2id hashes (RFC 9106), calculated in threads, a few at a time.

Promises: to check costs one calculation, whether there is somebody of that name or not; at most `at_once` run and
`waiting` wait, whatever is asked; more raise `Busy` at once.
"""

import asyncio
import base64
import secrets
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from gatepost.errors import GatepostError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MIN_CHARACTERS: Final = 12
MAX_CHARACTERS: Final = 256
ONE_TIME_S: Final = 86_400.0
"""How long a one-time password is good."""
MEMORY_KIB: Final = 36 * 1024
"""Above 32 MiB the C library gives the memory back after each use; below, each thread keeps it."""
PASSES: Final = 3
_ONE_TIME_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""None looks like another."""
_GROUPS, _GROUP = 5, 5
_NAME_COUNTS = 3
"""Characters from which on a name in its own password is not counted."""

Answer = TypeVar("Answer")


class Busy(GatepostError):
    """Too many passwords are being checked."""

    temporary = True


class Checked(NamedTuple):
    """What came of a check."""

    right: bool
    outdated: bool = False
    """The hash was made with other costs than today's."""


class Passwords:
    """Makes and checks hashes."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB, passes: int = PASSES, at_once: int = 2, waiting: int = 16) -> None:
        self._costs = (memory_kib, passes)
        self._room = at_once + waiting
        self._pending = 0
        self.calculated = 0
        """Hashes so far, for checks and for new passwords."""
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="passwords")

    async def hash(self, password: str) -> str:
        """Give the hash of a password. Raises: Busy."""
        return await self._in_thread(lambda: self._hasher.hash(_composed(password)))

    async def check(self, hashed: str | None, untrusted_password: str) -> Checked:
        """Tell whether it is the password of this hash; None stands for nobody's and takes as long. Raises: Busy."""
        return await self._in_thread(lambda: self._check(hashed or self._nobody, untrusted_password[: MAX_CHARACTERS + 1]))

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, calculate: Callable[[], Answer]) -> Answer:
        if self._pending >= self._room:
            raise Busy("too many sign-ins at once; try again in a minute")
        self._pending += 1
        self.calculated += 1
        future = asyncio.get_running_loop().run_in_executor(self._threads, calculate)
        future.add_done_callback(self._done)
        # Whoever asked may go away; the calculation goes on and counts until it ends.
        return await asyncio.shield(future)

    def _done(self, _: object) -> None:
        self._pending -= 1

    def _check(self, hashed: str, password: str) -> Checked:
        from argon2.exceptions import Argon2Error, InvalidHashError

        try:
            self._hasher.verify(hashed, _composed(password))
        except (Argon2Error, InvalidHashError):
            return Checked(False)
        return Checked(True, self._hasher.check_needs_rehash(hashed))

    @cached_property
    def _hasher(self) -> "PasswordHasher":
        from argon2 import PasswordHasher  # loaded at the first sign-in only

        memory_kib, passes = self._costs
        return PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=1)

    @cached_property
    def _nobody(self) -> str:
        """A hash of today's costs that no password has: to find that out takes the whole calculation."""
        memory_kib, passes = self._costs
        salt, digest = (base64.b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
        return f"$argon2id$v=19$m={memory_kib},t={passes},p=1${salt}${digest}"


def fault_in(password: str, name: str) -> str:
    """Say in one sentence why somebody of this name may not take it as his password; '' when he may."""
    if len(password) > MAX_CHARACTERS:
        return f"a password has at most {MAX_CHARACTERS} characters"
    if not all(one.isprintable() for one in password):
        return "a password has no control characters"
    counted = _composed(password).lower()
    if len(name) >= _NAME_COUNTS:
        counted = counted.replace(name.lower(), "")
    if len(counted) >= MIN_CHARACTERS:
        return ""
    if len(password) >= MIN_CHARACTERS:
        return f"a password has at least {MIN_CHARACTERS} characters, your name in it not counted"
    return f"a password has at least {MIN_CHARACTERS} characters"


def one_time_password() -> str:
    """Make a password that can be read to somebody over the telephone; 123 bits."""
    return "-".join("".join(secrets.choice(_ONE_TIME_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))


def _composed(text: str) -> str:
    """Give one spelling: keyboards compose the same letter in different ways, and no half of a letter can be encoded."""
    return unicodedata.normalize("NFC", text).encode(errors="replace").decode()
