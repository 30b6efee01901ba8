# SPDX-License-Identifier: Apache-2.0
"""The house that receives: the steps of `journey.receive`. Answers at MAIL and RCPT: `reception`."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

import msgspec

from gatepost.config.configuration import Configuration
from gatepost.delivery.dsn.fate import Fate
from gatepost.delivery.handover.client import Committing
from gatepost.delivery.queue.record import Body, NewMail
from gatepost.errors import StoreAway, StoreError, StoreFull
from gatepost.mailflow import trace
from gatepost.mailflow.arrival import Identified, Opened
from gatepost.mailflow.heads import Refusal, Site, accepted_head, refusal_key, refused_head
from gatepost.mailflow.identify import Identities
from gatepost.mailflow.judging import Judgement, Judging
from gatepost.mailflow.reporting import Reporting
from gatepost.mailflow.track import new_track
from gatepost.mailflow.transaction import Transaction
from gatepost.message.addresses import Address
from gatepost.message.parse import parse
from gatepost.message.tree import Message
from gatepost.rules.decide import Decision
from gatepost.rules.refusals import with_track
from gatepost.rules.rule import CompiledRule
from gatepost.smtp import replies
from gatepost.smtp.envelope import Envelope, Recipient
from gatepost.smtp.peer import Peer
from gatepost.smtp.replies import Reply, queued
from gatepost.smtp.server.service import Received
from gatepost.storage.blobs import BlobStore
from gatepost.telemetry.events import MailReceived, MailRefused
from gatepost.telemetry.log import emit
from gatepost.tracking.record import Status

TellRefused = Callable[[int, str, bytes], None]
"""Takes tenant, counting key and encoded head of a refused mail; waits for nothing."""


class Receiving:
    """One receiving process's house for one configuration. Refused mail is tracked where there is a `tell_refused`."""

    def __init__(
        self,
        configuration: Configuration,
        *,
        identities: Identities,
        judging: Judging,
        reporting: Reporting,
        hostname: str,
        handover: Committing,
        blobs: BlobStore,
        tell_refused: TellRefused | None = None,
        configuration_version: int = 0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.configuration = configuration
        self.configuration_version = configuration_version
        self.identities = identities
        self.judging = judging
        self.handover = handover
        self.blobs = blobs
        self._reporting = reporting
        self._hostname = hostname
        self._tell_refused = tell_refused
        self._clock = clock
        hours = configuration.delivery
        self._expire_s = {"inbound": 3600 * hours.expire_inbound_h, "outbound": 3600 * hours.expire_outbound_h}

    def addressed(self, recipient: Recipient) -> Recipient:
        """Give `<postmaster>` without a domain the first owned one (RFC 5321 §4.5.1)."""
        if recipient.address.domain:
            return recipient
        return msgspec.structs.replace(recipient, address=Address(recipient.address.local, self.identities.first_owned))

    async def open(self, peer: Peer, envelope: Envelope, received: Received) -> Opened:
        """Read the mail's headers and structure over its bytes; a large mail's in a thread, over its mapped blob."""
        at = self._clock()
        envelope.recipients = [self.addressed(recipient) for recipient in envelope.recipients]
        if received.blob:
            message = await asyncio.to_thread(self._parse_blob, received.blob)
        else:
            message = parse(received.inline, self.configuration.message)
        return Opened(new_track(), at, peer, envelope, received, message)

    def _parse_blob(self, name: str) -> Message:
        with self.blobs.open(name) as reader:
            return parse(reader.mapped(), self.configuration.message)

    def identify(self, opened: Opened) -> Identified | Reply:
        """Tell whose mail it is, once and for all; refuse what loops, and what is too much to be looked through."""
        message, peer = opened.message, opened.peer
        if message.exceeded:
            return replies.MALFORMED_CONTENT
        if message.received_count >= self.configuration.message.received:
            return replies.MAIL_LOOP
        transaction = peer.transaction
        assert isinstance(transaction, Transaction)
        if transaction.direction == "inbound" and self.identities.is_provider(peer):
            tenant = self.identities.tenant_of_provider(peer, message)
            if tenant is not None:
                self.judging.fix_direction(transaction, peer, opened.envelope, tenant)
            elif transaction.provisional:
                return replies.UNABLE_TO_RELAY
        return Identified(opened.track, transaction.tenant_id or 0, transaction.direction, opened, transaction)

    def choose(self, mail: Identified) -> tuple[CompiledRule, ...] | Reply:
        """Give the rule that owns the mail; several where recipients differ and the strictest is to hold."""
        return self.judging.choose(mail.transaction, mail.opened.message)

    async def judge(self, mail: Identified, rules: tuple[CompiledRule, ...]) -> Judgement:
        """Ask the filters, and decide."""
        opened = mail.opened
        return await self.judging.judge(mail.transaction, rules, opened.peer, opened.envelope, opened.message)

    async def forget(self, received: Received) -> None:
        """Remove the blob of a mail that is not to be ours; what fails is left to the sweep."""
        if received.blob:
            await asyncio.to_thread(self._remove_blob, received.blob)

    def forget_soon(self, received: Received) -> None:
        """Forget a mail in a thread, where nobody can wait for it: the client has hung up."""
        if received.blob:
            asyncio.get_running_loop().run_in_executor(None, self._remove_blob, received.blob)

    def _remove_blob(self, name: str) -> None:
        with contextlib.suppress(StoreError):
            self.blobs.remove([name])

    async def refuse(self, opened: Opened, refusal: Reply, judgement: Judgement | None = None) -> Reply:
        """Let the client keep the mail, and tell why."""
        await self.forget(opened.received)
        recipient = str(opened.envelope.recipients[0].address)
        self.note_refusal(opened.peer, opened.envelope, recipient, refusal, track=opened.track, judgement=judgement, opened=opened)
        return refusal

    async def refuse_judged(self, mail: Identified, judgement: Judgement) -> Reply:
        """Refuse by the rule's verdict; the track's id is how the administrator finds why."""
        decision = judgement.decision
        assert decision.reply is not None
        if decision.reports:
            await self._report(mail, decision)
        return await self.refuse(mail.opened, with_track(decision.reply, mail.track), judgement)

    def refuse_before_content(self, peer: Peer, envelope: Envelope, decision: Decision) -> Reply:
        """Refuse at DATA what nothing in the content could save."""
        assert decision.reply is not None
        track = new_track()
        reply = with_track(decision.reply, track)
        assert isinstance(peer.transaction, Transaction)
        judgement = Judgement(decision, peer.transaction.milliseconds)
        self.note_refusal(peer, envelope, str(envelope.recipients[0].address), reply, track=track, judgement=judgement)
        return reply

    async def discard(self, mail: Identified, judgement: Judgement) -> Reply:
        """Take the mail and throw it away, as its rule says; the sender is told where the rule says so."""
        if judgement.decision.reports:
            await self._report(mail, judgement.decision)
        await self.refuse(mail.opened, replies.DISCARDED, judgement)
        return queued(mail.track)

    async def _report(self, mail: Identified, decision: Decision) -> None:
        reply = str(decision.reply or replies.DISCARDED)
        now = self._clock()
        rejected = self._new_mail(mail, b"", mail.opened.received, b"")
        fates = [Fate(recipient, "failed", reply, "", now) for recipient in mail.opened.envelope.recipients]
        report = await self._reporting.report(rejected, fates, now)
        if report is not None:
            await self.handover.commit(report).committed()

    async def commit(self, mail: Identified, judgement: Judgement) -> None:
        """Make the mail ours: it is durable when this returns. Raises StoreFull or StoreAway; in doubt it is StoreAway."""
        opened = mail.opened
        received = await self._without_forged_results(opened)
        headers = trace.headers(opened, judgement.authentication, self._hostname)
        head = accepted_head(mail, judgement, received.size, self._site, self._clock())
        mail.transaction.handed_over = True
        ticket = self.handover.commit(self._new_mail(mail, headers, received, head))
        try:
            await ticket.committed()
        except BaseException:
            ticket.cancel()  # the client has hung up, or will be told 451: either way it keeps the mail
            raise
        emit(
            MailReceived(
                track=mail.track,
                client=opened.peer.address,
                sender=str(opened.envelope.sender or ""),
                recipients=len(opened.envelope.recipients),
                size_bytes=received.size,
                direction=mail.direction,
                defects=list(opened.message.defects),
                **_verdict(judgement),
            )
        )

    async def _without_forged_results(self, opened: Opened) -> Received:
        arguments = (opened.message, opened.received, self._hostname, self.blobs)
        if opened.received.blob:
            return await asyncio.to_thread(trace.without_forged_results, *arguments)
        return trace.without_forged_results(*arguments)

    @property
    def _site(self) -> Site:
        return Site(self._hostname, self.configuration_version)

    def _new_mail(self, mail: Identified, headers: bytes, received: Received, head: bytes) -> NewMail:
        opened = mail.opened
        return NewMail(
            track=mail.track,
            tenant_id=mail.tenant_id,
            direction=mail.direction,
            received_at=opened.received_at,
            expires_at=opened.received_at + self._expire_s[mail.direction],
            client=opened.peer.address,
            helo=opened.peer.helo,
            envelope=opened.envelope,
            trace=headers,
            body=Body(received.size, received.inline, received.blob, received.eight_bit),
            defects=opened.message.defects,
            head=head,
        )

    def note_refusal(
        self,
        peer: Peer,
        envelope: Envelope,
        recipient: str,
        reply: Reply,
        reason: str = "",
        *,
        track: str = "",
        judgement: Judgement | None = None,
        opened: Opened | None = None,
    ) -> None:
        """Log and track a refusal; the reason is for the administrator only. `opened` is None when the content was not read."""
        track = track or new_track()
        emit(
            MailRefused(
                client=peer.address,
                sender=str(envelope.sender or ""),
                recipient=recipient,
                reply=str(reply),
                reason=reason,
                helo=peer.helo,
                track=track,
                **(_verdict(judgement) if judgement else {}),
            )
        )
        if self._tell_refused is not None:
            shown = None if reply is replies.DISCARDED else reply
            refusal = Refusal(track, self._clock(), shown, reason, _status(reply), judgement)
            head = refused_head(peer, envelope, _concerned(envelope, recipient), refusal, self._site, opened=opened)
            self._tell_refused(_tenant(peer), refusal_key(peer.address, reply, reason, judgement), head)


def _verdict(judgement: Judgement) -> dict[str, Any]:
    decision = judgement.decision
    return {
        "rule": decision.rule,
        "scl": decision.scl,
        "points": {reason.name: reason.points for reason in decision.reasons},
        "failed": {reason.name: reason.failed for reason in decision.reasons if reason.failed},
    }


def _status(reply: Reply) -> Status:
    if reply is replies.DISCARDED:
        return Status.SUPPRESSED
    return Status.TEMPORARILY_BLOCKED if reply.temporary else Status.PERMANENTLY_BLOCKED


def _tenant(peer: Peer) -> int:
    transaction = peer.transaction
    return transaction.tenant_id or 0 if isinstance(transaction, Transaction) else 0


def _concerned(envelope: Envelope, recipient: str) -> list[Address]:
    """Give whom a refusal concerns: a recipient in the envelope speaks for all of them, one refused at RCPT does not stand there."""
    local, _, domain = recipient.rpartition("@")
    address = Address(local, domain) if local else Address(domain, "")
    recipients = [one.address for one in envelope.recipients]
    return recipients if address in recipients else [address]


def store_reply(error: StoreFull | StoreAway) -> Reply:
    """Tell the client that the store cannot take its mail now; never 250."""
    return replies.STORE_FULL if isinstance(error, StoreFull) else replies.STORE_AWAY
