# SPDX-License-Identifier: Apache-2.0
"""Put one question to the next hops of a route: in order, until one deals with it.

Connections are kept for a moment and asked again, but not for long: servers slow down or end a session after some
refused recipients (Postfix after 10), and mail must not come over a session that questions have spoilt. So questions
have connections of their own.
"""

from typing import NamedTuple

import msgspec

from gatepost.config.limits import DeliveryLimits
from gatepost.delivery.route import Route
from gatepost.delivery.send.opener import Opener
from gatepost.delivery.send.pool import ConnectionPool, Link
from gatepost.delivery.verification.contract import NO_ANSWER_S, Existence
from gatepost.message.addresses import Address
from gatepost.smtp.client.terms import Outcome, Status, Verdict, local_failure

QUESTIONS_PER_CONNECTION = 8
_CONNECT_S, _GREETING_S, _COMMAND_S = 5.0, 10.0, 15.0
"""At most so long for each step: a client waits for the answer, and a route may have another host."""

_EXISTENCE: dict[Status, Existence] = {"accepted": "known", "permanent": "unknown", "temporary": "no_answer"}


class Asked(NamedTuple):
    """What a next hop said of a recipient."""

    existence: Existence
    reply: str
    """One line: the reply, or what went wrong without one."""
    host: str = ""
    heard: bool = True
    """Whether a next hop spoke SMTP with us to the end of the question."""
    again_in_s: float = NO_ANSWER_S
    """Without an answer: how long not to ask again for this recipient."""


class Asker:
    """Asks for one process; keeps the connections."""

    def __init__(self, limits: DeliveryLimits, hostname: str) -> None:
        shorter = msgspec.structs.replace(
            limits,
            connect_timeout_s=min(limits.connect_timeout_s, _CONNECT_S),
            greeting_timeout_s=min(limits.greeting_timeout_s, _GREETING_S),
            command_timeout_s=min(limits.command_timeout_s, _COMMAND_S),
        )
        self._opener = Opener(shorter, hostname)
        self._pool = ConnectionPool(QUESTIONS_PER_CONNECTION, keep=limits.connection_idle_s > 0)

    async def ask(self, route: Route, address: Address) -> Asked:
        """Ask for a recipient; never raises for what a next hop does."""
        link = self._pool.take(route.key)
        if link is not None:
            outcome = await self._put(link, route, address)
            if outcome.begun or not outcome.lost:
                return _asked(outcome, link)
        failure, host = local_failure("4.4.4", "The route has no host to connect to"), ""
        for hop in route.hosts:
            opened = await self._opener.open(hop, route)
            host = hop.host
            if isinstance(opened, Verdict):
                failure = opened
                continue
            outcome = await self._put(opened, route, address)
            if outcome.begun or not outcome.lost:
                return _asked(outcome, opened)
            failure = outcome.verdicts[0]
        return Asked("no_answer", failure.text, host, heard=False)

    async def close(self) -> None:
        """Say QUIT to idle next hops."""
        await self._pool.close()

    async def _put(self, link: Link, route: Route, address: Address) -> Outcome:
        outcome = await link.connection.ask(address)
        self._pool.give_back(route.key, link)
        return outcome


def _asked(outcome: Outcome, link: Link) -> Asked:
    verdict = outcome.verdicts[0]
    return Asked(_EXISTENCE[verdict.status], verdict.text, link.hop.host, heard=not outcome.lost)
