# SPDX-License-Identifier: Apache-2.0
"""The house that receives: the steps of `journey.receive` and the answers at MAIL and RCPT."""

import time
from collections.abc import Callable

import msgspec

from gatepost.config.configuration import Configuration
from gatepost.delivery.handover.client import Committing
from gatepost.delivery.queue.record import Body, NewMail
from gatepost.errors import StoreAway, StoreFull
from gatepost.mailflow.arrival import Identified, Opened
from gatepost.mailflow.identify import Identities
from gatepost.mailflow.track import new_track
from gatepost.message.addresses import Address
from gatepost.message.parse import parse
from gatepost.message.received import received as received_field
from gatepost.message.received import with_protocol
from gatepost.smtp import replies
from gatepost.smtp.envelope import Envelope, Recipient
from gatepost.smtp.peer import Peer
from gatepost.smtp.replies import Reply
from gatepost.smtp.server.service import Received
from gatepost.storage.blobs import FileBlobStore
from gatepost.telemetry.events import MailReceived, MailRefused
from gatepost.telemetry.log import emit


class Receiving:
    """One receiving process's house for one configuration."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        hostname: str,
        handover: Committing,
        blobs: FileBlobStore,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.configuration = configuration
        self.identities = Identities(configuration)
        self.handover = handover
        self.blobs = blobs
        self._hostname = hostname
        self._clock = clock
        hours = configuration.delivery
        self._expire_s = {"inbound": 3600 * hours.expire_inbound_h, "outbound": 3600 * hours.expire_outbound_h}

    def identify(self, peer: Peer, envelope: Envelope, received: Received) -> Identified:
        """Tell whose mail this is and which way it goes: what a corporate server sends is outbound."""
        envelope.recipients = [self._with_domain(recipient) for recipient in envelope.recipients]
        tenant = self.identities.tenant_of_corporate(peer)
        if tenant is not None:
            return Identified(new_track(), tenant, "outbound", peer, envelope, received, self._clock())
        tenant = self.identities.tenant_of_domain(envelope.recipients[0].address.domain)
        return Identified(new_track(), tenant or 0, "inbound", peer, envelope, received, self._clock())

    def _with_domain(self, recipient: Recipient) -> Recipient:
        if recipient.address.domain:
            return recipient
        return msgspec.structs.replace(recipient, address=Address(recipient.address.local, self.identities.first_owned))

    def open(self, mail: Identified) -> Opened:
        """Read the mail's headers and structure over its bytes; a large mail's from its blob."""
        limits = self.configuration.message
        if mail.received.blob:
            with self.blobs.open(mail.received.blob) as reader:
                return Opened(mail, parse(reader.mapped(), limits))
        return Opened(mail, parse(mail.received.inline, limits))

    def examine(self, opened: Opened) -> Reply | None:
        """Refuse what loops or exceeds a bound of structure."""
        message = opened.message
        if message.exceeded:
            return replies.MALFORMED_CONTENT
        if message.received_count >= self.configuration.message.received:
            return replies.MAIL_LOOP
        return None

    def refuse(self, mail: Identified, refusal: Reply) -> Reply:
        """Let the client keep the mail, and tell why."""
        if mail.received.blob:
            self.blobs.remove([mail.received.blob])
        self.note_refusal(mail.peer, mail.envelope, str(mail.envelope.recipients[0].address), refusal)
        return refusal

    async def commit(self, opened: Opened) -> None:
        """Make the mail ours: it is durable when this returns. Raises StoreFull or StoreAway; in doubt it is StoreAway."""
        mail, message = opened.mail, opened.message
        received, peer, envelope = mail.received, mail.peer, mail.envelope
        only = envelope.recipients[0].address if len(envelope.recipients) == 1 else None
        trace = received_field(
            untrusted_helo=peer.helo,
            client=peer.address,
            hostname=self._hostname,
            protocol=with_protocol(extended=peer.extended, tls=bool(peer.tls), authenticated=bool(peer.user), utf8=envelope.smtputf8),
            track=mail.track,
            at=mail.received_at,
            recipient=only,
        )
        ticket = self.handover.commit(
            NewMail(
                track=mail.track,
                tenant_id=mail.tenant_id,
                direction=mail.direction,
                received_at=mail.received_at,
                expires_at=mail.received_at + self._expire_s[mail.direction],
                client=peer.address,
                helo=peer.helo,
                envelope=envelope,
                trace=trace,
                body=Body(received.size, received.inline, received.blob, received.eight_bit),
                defects=message.defects,
            )
        )
        try:
            await ticket.committed()
        except BaseException:
            ticket.cancel()  # the client has hung up, or will be told 451: either way it keeps the mail
            raise
        emit(
            MailReceived(
                track=mail.track,
                client=peer.address,
                sender=str(envelope.sender or ""),
                recipients=len(envelope.recipients),
                size_bytes=received.size,
                direction=mail.direction,
                defects=list(message.defects),
            )
        )

    def note_refusal(self, peer: Peer, envelope: Envelope, recipient: str, reply: Reply, reason: str = "") -> None:
        """Log a refusal; the reason is for the administrator only."""
        emit(
            MailRefused(
                client=peer.address,
                sender=str(envelope.sender or ""),
                recipient=recipient,
                reply=str(reply),
                reason=reason,
            )
        )


def store_reply(error: StoreFull | StoreAway) -> Reply:
    """Tell the client that the store cannot take its mail now; never 250."""
    return replies.STORE_FULL if isinstance(error, StoreFull) else replies.STORE_AWAY
