# SPDX-License-Identifier: Apache-2.0
"""What one client's session asks, put to the service; and the way of its mail's content there.

The service is another room: whatever it raises is told once, and the client hears 451.
"""

from collections.abc import Awaitable, Callable

from gatepost.smtp import replies
from gatepost.smtp.peer import Peer
from gatepost.smtp.replies import Reply
from gatepost.smtp.server.intake import Intake, is_due
from gatepost.smtp.server.premises import Premises
from gatepost.smtp.server.service import Received
from gatepost.smtp.session.events import Authenticate, ContentBegins, ContentEnds, ContentRefused, Event, MailFrom, RcptTo
from gatepost.smtp.session.machine import Session
from gatepost.telemetry.log import emit_unexpected


class Questions:
    """The questions of one session, on behalf of `peer`."""

    __slots__ = ("_peer", "_reception", "_service", "_session", "intake")

    def __init__(self, reception: Premises, session: Session, peer: Peer) -> None:
        self._reception = reception
        self._session = session
        self._peer = peer
        self._service = reception.service
        """The house of the transaction at hand; a newer one is asked from the next MAIL on."""
        self.intake: Intake | None = None
        """Where the content of the mail at hand goes, once it is large."""

    def ask(self, event: Event) -> Reply | Awaitable[Reply]:
        """Give the answer to an event, or what will give it. Never raises."""
        try:
            return self._ask(event)
        except Exception as error:
            emit_unexpected("smtp.service", error)
            return event.reply if isinstance(event, ContentRefused) else replies.LOCAL_ERROR

    def _ask(self, event: Event) -> Reply | Awaitable[Reply]:
        service, peer = self._service, self._peer
        match event:
            case RcptTo(envelope, recipient):
                return service.rcpt_to(peer, envelope, recipient)
            case MailFrom(envelope):
                peer.helo, peer.extended = self._session.helo, self._session.extended
                service = self._service = self._reception.service
                return service.mail_from(peer, envelope)
            case ContentBegins(envelope):
                self.abandon()
                return service.content_begins(peer, envelope)
            case ContentEnds():
                return self._take_mail(event)
            case ContentRefused(envelope, refusal):
                if refusal is replies.BARE_LINE_END and service.may_be_blocked(peer):
                    self._reception.gate.block(peer.address)
                service.content_refused(peer, envelope, refusal)
                return refusal
            case Authenticate(user, password):
                return self._reception.service.authenticate(peer, user, password)
            case _:
                raise AssertionError(f"{type(event).__name__} is no question for the service")

    def _take_mail(self, event: ContentEnds) -> Awaitable[Reply]:
        if self.intake is not None:
            return self._take_spooled_mail(event, self.intake)
        content = self._session.content
        assert content is not None
        return self._service.message(self._peer, event.envelope, Received(event.size, content.take(), "", event.eight_bit))

    async def _take_spooled_mail(self, event: ContentEnds, intake: Intake) -> Reply:
        blob = await intake.finish()
        if isinstance(blob, Reply):
            return blob
        return await self._service.message(self._peer, event.envelope, Received(event.size, b"", blob, event.eight_bit))

    def spooling(self) -> Callable[[], Awaitable[None]] | None:
        """Give what moves a piece of a large mail out of memory, where that is due."""
        content = self._session.content
        if content is None or not is_due(content):
            return None
        if self.intake is None:
            self.intake = Intake(content, self._service.spool)
        return self.intake.take

    def tidy(self) -> None:
        """Throw away what was spooled for a mail that is no more."""
        if self.intake is not None and self.intake.content is not self._session.content:
            self.abandon()

    def abandon(self) -> None:
        """Throw away what was spooled and is not the service's yet."""
        if self.intake is not None:
            self.intake.abandon()
            self.intake = None
