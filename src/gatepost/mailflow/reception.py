# SPDX-License-Identifier: Apache-2.0
"""Answer the SMTP server's questions at MAIL, RCPT, AUTH and the final dot (the `Service` of `smtp.server`)."""

import asyncio

from gatepost.errors import StoreAway, StoreFull
from gatepost.mailflow.identify import is_routed
from gatepost.mailflow.journey import receive
from gatepost.mailflow.login import Logins
from gatepost.mailflow.receiving import Receiving, store_reply
from gatepost.smtp import replies
from gatepost.smtp.envelope import Envelope, Recipient
from gatepost.smtp.peer import Peer
from gatepost.smtp.replies import Reply
from gatepost.smtp.server.service import Received, Spool


class ReceptionDesk:
    """The receiving house, as the SMTP server sees it."""

    def __init__(self, house: Receiving, logins: Logins) -> None:
        self._house = house
        self._logins = logins
        self._verdict_timeout_s = house.configuration.receive.verdict_timeout_s

    def mail_from(self, peer: Peer, envelope: Envelope) -> Reply:
        """Take any sender; who may send where is decided at RCPT."""
        return replies.STORE_AWAY if self._house.handover.is_away else replies.SENDER_OK

    def rcpt_to(self, peer: Peer, envelope: Envelope, recipient: Recipient) -> Reply:
        """Take recipients of owned domains from anybody, others only from those who may send to the world."""
        house, address = self._house, recipient.address
        corporate = house.identities.tenant_of_corporate(peer)
        if corporate is not None:
            return replies.RECIPIENT_OK if address.domain else replies.BAD_RECIPIENT_ADDRESS
        tenant = house.identities.tenant_of_recipient(address)
        if tenant is None or is_routed(address):
            reason = "the local part names another route" if tenant is not None else "the domain is not owned"
            house.note_refusal(peer, envelope, str(address), replies.UNABLE_TO_RELAY, reason)
            return replies.UNABLE_TO_RELAY
        if envelope.recipients and house.identities.tenant_of_recipient(envelope.recipients[0].address) != tenant:
            return replies.TOO_MANY_RECIPIENTS  # one transaction has one tenant; the client sends the others anew
        return replies.RECIPIENT_OK

    def content_begins(self, peer: Peer, envelope: Envelope) -> Reply:
        """Take content while the store can be reached."""
        return replies.STORE_AWAY if self._house.handover.is_away else replies.SEND_CONTENT

    async def message(self, peer: Peer, envelope: Envelope, received: Received) -> Reply:
        """Carry the mail on its first journey, within the time that all that may refuse has."""
        try:
            async with asyncio.timeout(self._verdict_timeout_s):
                return await receive(peer, envelope, received, self._house)
        except TimeoutError:
            return replies.LOCAL_ERROR
        except (StoreFull, StoreAway) as error:
            return store_reply(error)

    def content_refused(self, peer: Peer, envelope: Envelope, reply: Reply) -> None:
        """Log a mail that was refused for its line ends or its size."""
        self._house.note_refusal(peer, envelope, str(envelope.recipients[0].address), reply, "content")

    async def authenticate(self, peer: Peer, user: str, password: str) -> Reply:
        """Check a name and a password."""
        return await self._logins.check(peer, user, password)

    def spool(self) -> Spool:
        """Open a blob for a large mail."""
        return self._house.blobs.create()
