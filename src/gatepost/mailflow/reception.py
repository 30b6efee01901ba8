# SPDX-License-Identifier: Apache-2.0
"""Answer the SMTP server's questions at MAIL, RCPT, AUTH, DATA and the final dot (the `Service` of `smtp.server`)."""

import asyncio
from collections.abc import Awaitable

from gatepost.contracts.sentence import DECISION, Sentence
from gatepost.errors import StoreAway, StoreFull
from gatepost.mailflow.directory import Directory, Existence
from gatepost.mailflow.identify import is_routed
from gatepost.mailflow.journey import receive
from gatepost.mailflow.login import Logins
from gatepost.mailflow.receiving import Receiving, store_reply
from gatepost.mailflow.transaction import Transaction
from gatepost.rules.chain import Chain, share
from gatepost.smtp import replies
from gatepost.smtp.envelope import Envelope, Recipient
from gatepost.smtp.peer import Peer
from gatepost.smtp.replies import Reply
from gatepost.smtp.server.service import Received, Spool

_ROUTED = Sentence(DECISION, "the local part names another route")
_NOT_OWNED = Sentence(DECISION, "the domain is not owned")
_UNVERIFIED = Sentence(DECISION, "its next hop did not say whether it exists")
_LATE = Sentence(DECISION, "no verdict within {seconds:g} s")
_CONTENT = Sentence(DECISION, "content")


class ReceptionDesk:
    """The receiving house, as the SMTP server sees it."""

    def __init__(self, house: Receiving, logins: Logins, directory: Directory) -> None:
        self._house = house
        self._logins = logins
        self._directory = directory
        self._verdict_timeout_s = house.configuration.receive.verdict_timeout_s

    def mail_from(self, peer: Peer, envelope: Envelope) -> Reply:
        """Take any sender; who may send where is decided at RCPT."""
        if self._house.handover.is_away:
            return replies.STORE_AWAY
        peer.transaction = self._house.judging.begin(peer, envelope)
        return replies.SENDER_OK

    def rcpt_to(self, peer: Peer, envelope: Envelope, recipient: Recipient) -> Reply | Awaitable[Reply]:
        """Take a recipient who may be sent to, whose rules do not refuse, and who shares the verdict of those before."""
        transaction = _transaction(peer)
        address = self._house.addressed(recipient).address
        tenant = self._house.identities.tenant_of_domain(address.domain)
        refusal = self._relay_refusal(peer, envelope, transaction, recipient, tenant)
        if refusal:
            return refusal
        chain = self._house.judging.chain(transaction, address)
        if chain.asks_directory and tenant is not None:
            existence = self._directory.existence(tenant, address)
            if not isinstance(existence, str):
                return self._join_later(existence, transaction, recipient, envelope, peer)
            return self._join(existence, transaction, recipient, envelope, peer)
        return self._admit(chain, transaction, recipient, envelope, peer)

    def _relay_refusal(
        self, peer: Peer, envelope: Envelope, transaction: Transaction, recipient: Recipient, tenant: int | None
    ) -> Reply | None:
        """Keep strangers from relaying: a recipient is owned, or the client may send to the world."""
        address = recipient.address
        if transaction.direction == "outbound":
            return None if address.domain else replies.BAD_RECIPIENT_ADDRESS
        if tenant is None and self._house.identities.is_provider(peer) and not is_routed(address):
            transaction.provisional = True  # whose mail it is, its content must show
            return None
        if tenant is None or is_routed(address):
            reason = _ROUTED.text if tenant is not None else _NOT_OWNED.text
            self._house.note_refusal(peer, envelope, str(address), replies.UNABLE_TO_RELAY, reason)
            return replies.UNABLE_TO_RELAY
        if transaction.tenant_id is None:
            transaction.tenant_id = tenant
        return replies.TOO_MANY_RECIPIENTS if transaction.tenant_id != tenant else None

    async def _join_later(
        self, existence: Awaitable[Existence], transaction: Transaction, recipient: Recipient, envelope: Envelope, peer: Peer
    ) -> Reply:
        return self._join(await existence, transaction, recipient, envelope, peer)

    def _join(self, existence: Existence, transaction: Transaction, recipient: Recipient, envelope: Envelope, peer: Peer) -> Reply:
        if existence == "no_answer":
            self._house.note_refusal(peer, envelope, str(recipient.address), replies.RECIPIENT_UNVERIFIED, _UNVERIFIED.text)
            return replies.RECIPIENT_UNVERIFIED
        address = self._house.addressed(recipient).address
        chain = self._house.judging.chain(transaction, address, unknown=existence == "unknown")
        return self._admit(chain, transaction, recipient, envelope, peer)

    def _admit(self, chain: Chain, transaction: Transaction, recipient: Recipient, envelope: Envelope, peer: Peer) -> Reply:
        refusal = chain.at_rcpt(transaction.direction)
        if refusal is None and transaction.chains:
            refusal = share(transaction.chains[0], chain, self._house.configuration.different_rules)
        if refusal:
            if not refusal.temporary:
                self._house.note_refusal(peer, envelope, str(recipient.address), refusal)
            return refusal
        transaction.chains.append(chain)
        return replies.RECIPIENT_OK

    def content_begins(self, peer: Peer, envelope: Envelope) -> Reply | Awaitable[Reply]:
        """Take content while the store can be reached, unless what is known already refuses it."""
        if self._house.handover.is_away:
            return replies.STORE_AWAY
        if self._house.judging.has_envelope_filters(_transaction(peer)):
            return self._judge_envelope(peer, envelope)
        return replies.SEND_CONTENT

    async def _judge_envelope(self, peer: Peer, envelope: Envelope) -> Reply:
        transaction = _transaction(peer)
        decision = await self._house.judging.judge_envelope(transaction, peer, envelope)
        if decision is None or decision.reply is None:
            return replies.SEND_CONTENT
        return self._house.refuse_before_content(peer, envelope, decision)

    async def message(self, peer: Peer, envelope: Envelope, received: Received) -> Reply:
        """Carry the mail on its first journey, within the time that all that may refuse has."""
        try:
            async with asyncio.timeout(self._verdict_timeout_s):
                return await receive(peer, envelope, received, self._house)
        except (TimeoutError, asyncio.CancelledError) as end:
            if not _transaction(peer).handed_over:  # later the mail may be ours all the same
                self._house.forget_soon(received)
            if isinstance(end, TimeoutError):
                return self._put_off(peer, envelope, replies.LOCAL_ERROR, _LATE.say(seconds=self._verdict_timeout_s))
            raise
        except (StoreFull, StoreAway) as error:
            return self._put_off(peer, envelope, store_reply(error), str(error))

    def _put_off(self, peer: Peer, envelope: Envelope, reply: Reply, reason: str) -> Reply:
        self._house.note_refusal(peer, envelope, str(envelope.recipients[0].address), reply, reason)
        return reply

    def may_be_blocked(self, peer: Peer) -> bool:
        """Spare those who may send to the world: one broken mail must not stop a company's own server."""
        return self._house.identities.tenant_of_corporate(peer) is None

    def content_refused(self, peer: Peer, envelope: Envelope, reply: Reply) -> None:
        """Log a mail that was refused for its line ends or its size."""
        self._house.note_refusal(peer, envelope, str(envelope.recipients[0].address), reply, _CONTENT.text)

    async def authenticate(self, peer: Peer, user: str, password: str) -> Reply:
        """Check a name and a password."""
        return await self._logins.check(peer, user, password)

    def spool(self) -> Spool:
        """Open a blob for a large mail."""
        return self._house.blobs.create()


def _transaction(peer: Peer) -> Transaction:
    assert isinstance(peer.transaction, Transaction), "MAIL begins a transaction before anything else is asked"
    return peer.transaction
