# SPDX-License-Identifier: Apache-2.0
"""What pages may try on a configuration: which rule would own a mail, and what would become of one that somebody uploads.

    page ── bytes, envelope, configuration ── python -m gatepost.roles.trial_process ── verdict
                                                 a process of its own, with limits

The console reads no mail itself: the process that does owns no store and no key, has limits of its own, and ends with its answer.
What judges is loaded with the first question.
"""

import asyncio
import os
import sys
from typing import TYPE_CHECKING, Any, Final

import msgspec

from gatepost.config.canonical import canonical
from gatepost.config.configuration import Configuration
from gatepost.errors import GatepostError, UsageError
from gatepost.mailflow.identify import Identities
from gatepost.message.domains import a_label
from gatepost.people.users import Users
from gatepost.web.trying import Question, RuleTold, Trials

if TYPE_CHECKING:
    from gatepost.roles.judge_file import FileVerdict
    from gatepost.roles.trial_process import Answer

LIMIT_S: Final = 30.0
_AT_ONCE: Final = 2
_KEPT: Final = ("PATH", "LANG", "LC_ALL", "TMPDIR")


class Tries:
    """The trials of one console. Who is a corporate user is asked of the data."""

    def __init__(self, hostname: str, users: Users) -> None:
        self._hostname = hostname
        self._users = users
        self._turns = asyncio.Semaphore(_AT_ONCE)

    def trials(self) -> Trials:
        """Give them to pages."""
        return Trials(self.explain, self.judge)

    async def explain(self, asked: Question, configuration: Configuration) -> list[RuleTold]:
        """Tell of each rule whether it would own a mail to the first recipient. Raises: UsageError."""
        from gatepost.roles.judge_file import Question as Asked
        from gatepost.roles.judge_file import explain_rules

        told = await asyncio.to_thread(explain_rules, Asked(*asked), configuration, self._hostname)
        return [RuleTold(str(one["rule"]), _truth(one["matches"]), str(one["why"])) for one in told]

    async def judge(self, raw: bytes, asked: Question, configuration: Configuration, tenant_id: int) -> "FileVerdict":
        """Judge a mail in wire form. Raises: UsageError for an address that cannot be read, GatepostError."""
        from gatepost.roles.judge_file import Question as Asked
        from gatepost.roles.trial_process import Trial

        known = await self._with_users(asked, configuration, tenant_id)
        trial = Trial(Asked(*asked), await asyncio.to_thread(canonical, known), self._hostname, raw)
        async with self._turns:
            answer = await _asked(msgspec.msgpack.encode(trial))
        if answer.verdict is None:
            raise UsageError(answer.trouble)
        return answer.verdict

    async def _with_users(self, asked: Question, configuration: Configuration, tenant_id: int) -> Configuration:
        """Give the configuration with those recipients among its users who are enabled users in the data."""
        identities, found = Identities(configuration), []
        for written in asked.recipients:
            local, _at, domain = written.strip().strip("<>").rpartition("@")
            tenant = identities.tenant_of_domain(a_label(domain) or domain.lower())
            if tenant is None or tenant_id not in (0, tenant):
                continue
            user = await self._users.find(tenant, f"{local}@{domain}")
            if user is not None and user.enabled and _is_enabled(user, local, domain):
                found.append(f"{local}@{domain}")
        return msgspec.structs.replace(configuration, corporate_users=(*configuration.corporate_users, *found))


async def _asked(trial: bytes) -> "Answer":
    from gatepost.roles.trial_process import Answer

    environment = {name: value for name, value in os.environ.items() if name in _KEPT or name.startswith("PYTHON")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gatepost.roles.trial_process",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            said, _errors = await process.communicate(trial)
    except TimeoutError:
        raise GatepostError(f"the mail could not be judged within {LIMIT_S:g} s; try it with `gatepost check` on the gateway") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        return msgspec.msgpack.decode(said, type=Answer)
    except msgspec.MsgspecError:
        cause = f"ended with {process.returncode}"
        raise GatepostError(f"the mail could not be judged (the process that judges {cause}); try it with `gatepost check`") from None


def _truth(value: Any) -> bool | None:
    return None if value is None else bool(value)


def _is_enabled(user: Any, local: str, domain: str) -> bool:
    wanted = f"{local.casefold()}@{a_label(domain) or domain.lower()}"
    return any(one.enabled for one in user.addresses if _folded(one.address) == wanted)


def _folded(address: str) -> str:
    local, _at, domain = address.rpartition("@")
    return f"{local.casefold()}@{a_label(domain) or domain.lower()}"
