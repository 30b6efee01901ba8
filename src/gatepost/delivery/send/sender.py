# SPDX-License-Identifier: Apache-2.0
"""Send one claimed mail over one route: reuse a connection or open one, hand over, report.

Hosts are tried in order while none has begun to deal with the mail; from MAIL's reply on the mail stays
with its host, for a second try elsewhere could deliver it twice. A kept connection that proves to be
dead before that is replaced by a fresh one without further notice.
"""

import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable

from gatepost.config.limits import DeliveryLimits
from gatepost.delivery.queue.record import ClaimedMail
from gatepost.delivery.route import Route
from gatepost.delivery.send.opener import Opener
from gatepost.delivery.send.pool import ConnectionPool, Link
from gatepost.delivery.send.result import RecipientResult, SendResult
from gatepost.errors import StoreError
from gatepost.smtp.client.outgoing import Outgoing
from gatepost.smtp.client.terms import Outcome, Verdict, local_failure

OpenBlob = Callable[[str], AsyncIterator[bytes]]
"""Gives a blob's bytes in pieces (64 KiB serve well); may raise StoreError or OSError while it does."""


class Sender:
    """Sends for one process; keeps the connections. All times are in seconds."""

    def __init__(
        self,
        limits: DeliveryLimits,
        hostname: str,
        open_blob: OpenBlob,
        *,
        opportunistic: ssl.SSLContext | None = None,
        required: ssl.SSLContext | None = None,
    ) -> None:
        self._open_blob = open_blob
        self._opener = Opener(limits, hostname, opportunistic=opportunistic, required=required)
        self._pool = ConnectionPool(limits.mails_per_connection, keep=limits.connection_idle_s > 0)

    async def send(self, claim: ClaimedMail, route: Route) -> SendResult:
        """Try to hand the mail over to each claimed recipient; never raises for what a next hop does."""
        mail = outgoing(claim)
        link = self._pool.take(route.key)
        if link is not None:
            outcome = await self._transact(link, route, mail, claim)
            if outcome.begun or not outcome.lost:
                return _result(outcome, link)
        failure, host = local_failure("4.4.4", "The route has no host to connect to"), ""
        for hop in route.hosts:
            opened = await self._opener.open(hop, route)
            host = hop.host
            if isinstance(opened, Verdict):
                failure = opened
                continue
            outcome = await self._transact(opened, route, mail, claim)
            if outcome.begun or not outcome.lost:
                return _result(outcome, opened)
            failure = outcome.verdicts[-1]
        results = (_recipient_result(failure, host),) * len(claim.recipients)
        return SendResult(results, host, host_failed=True)

    @property
    def idle_connections(self) -> int:
        """Tell how many connections are kept for a next mail."""
        return self._pool.idle

    async def close(self) -> None:
        """Say QUIT to idle next hops. Sends under way go on, and end their connections after it."""
        await self._pool.close()

    async def _transact(self, link: Link, route: Route, mail: Outgoing, claim: ClaimedMail) -> Outcome:
        """Hand over on this connection and give it back to the pool."""
        content = self._open_blob(claim.mail.body.blob) if mail.streamed else None
        try:
            outcome = await link.connection.transact(mail, content)
        except (OSError, StoreError) as error:
            verdict = local_failure("4.3.0", f"The mail's content cannot be read: {error}")
            return Outcome((verdict,) * len(mail.recipients))
        finally:
            if isinstance(content, AsyncGenerator):
                await content.aclose()
        self._pool.give_back(route.key, link)
        return outcome


def outgoing(claim: ClaimedMail) -> Outgoing:
    """Make of a claim what the client sends."""
    mail = claim.mail
    body = mail.body
    return Outgoing(
        mail.envelope,
        tuple([claimed.recipient for claimed in claim.recipients]),
        mail.trace,
        body.size,
        body.inline,
        bool(body.blob),
        body.eight_bit,
    )


def _result(outcome: Outcome, link: Link) -> SendResult:
    host = link.hop.host
    connection = link.connection
    return SendResult(
        tuple([_recipient_result(verdict, host) for verdict in outcome.verdicts]),
        host,
        connection.tls,
        connection.dsn_supported,
        outcome.lost and any(verdict.ends_connection for verdict in outcome.verdicts),
    )


def _recipient_result(verdict: Verdict, host: str) -> RecipientResult:
    reply = verdict.reply
    return RecipientResult(verdict.status, verdict.text, reply.enhanced, host, 0 if verdict.local else reply.code)
