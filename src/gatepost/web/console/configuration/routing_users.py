# SPDX-License-Identifier: Apache-2.0
"""Submission users: the password that is typed is hashed with argon2id at once (RFC 9106); only the hash goes into the draft."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from gatepost.access.passwords import MEMORY_KIB, PASSES, fault_in
from gatepost.versioning.edit_values import Fault
from gatepost.versioning.plan import HIDDEN
from gatepost.web.console.settings.pages import Described, ListPages
from gatepost.web.frame.desk import Visit
from gatepost.web.house import House


class SubmissionUsers(ListPages):
    """The list, and one of them."""

    def __init__(self, house: House, described: Described) -> None:
        super().__init__(house, described)
        self._one_at_a_time = asyncio.Semaphore(1)  # each calculation takes tens of megabytes

    async def values(self, visit: Visit, name: str) -> dict[str, Any] | None:
        """Hash the password that was typed; without one the old hash stays, and a new user is told to have one.

        One that cannot be taken is told, and an empty hash goes on in its place, which is refused with all else that is wrong.
        """
        typed = self.form.read(visit.form)
        password = typed["password"]
        if password == HIDDEN:
            return typed if name else {key: value for key, value in typed.items() if key != "password"}
        if fault := fault_in(password, str(typed["name"])):
            visit.form.fault("password", fault)
            return {**typed, "password": ""}
        async with self._one_at_a_time:
            typed["password"] = await asyncio.to_thread(_hashed, password)
        return typed

    def tell(self, visit: Visit, faults: Sequence[Fault], values: Mapping[str, Any]) -> None:
        """Put faults at their inputs; of the empty hash nothing more."""
        told = bool(visit.form.at("password"))
        super().tell(visit, [one for one in faults if not (told and one.field == "password")], values)


def _hashed(password: str) -> str:
    from argon2 import PasswordHasher  # loaded when the first password is typed

    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1).hash(password)
