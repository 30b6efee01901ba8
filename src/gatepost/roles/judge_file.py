# SPDX-License-Identifier: Apache-2.0
"""Judge a mail file as the gateway would if it came from this client, under this envelope: the same rooms, nothing sent, nothing kept.

The one thing that cannot be asked is the inbound next hop: recipients that only it knows count as existing.
"""

import inspect
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from gatepost.config.configuration import Configuration
from gatepost.delivery.queue.record import NewMail
from gatepost.dns.resolver import Resolver
from gatepost.dns.twin import Twin
from gatepost.errors import UsageError
from gatepost.mailflow.directory import Directory, Existence
from gatepost.mailflow.identify import Identities
from gatepost.mailflow.judging import Judgement
from gatepost.mailflow.login import Logins
from gatepost.mailflow.receiving import Receiving
from gatepost.mailflow.reception import ReceptionDesk
from gatepost.mailflow.reporting import Reporting
from gatepost.mailflow.transaction import Transaction
from gatepost.message.addresses import Address
from gatepost.roles.judgement import make_judging
from gatepost.roles.resolution import make_resolver
from gatepost.rules.decide import Reason
from gatepost.rules.explain import explain
from gatepost.rules.scope import Transaction as Scoped
from gatepost.smtp import replies
from gatepost.smtp.envelope import Envelope, Recipient
from gatepost.smtp.peer import Peer
from gatepost.smtp.replies import Reply
from gatepost.smtp.server.service import Received
from gatepost.smtp.session.paths import parse_path
from gatepost.telemetry import log


class Question(msgspec.Struct, frozen=True):
    """Who brings the mail, and its envelope."""

    client_ip: str
    helo: str
    mail_from: str
    recipients: tuple[str, ...]
    dns_zone: str = ""


class FilterLine(msgspec.Struct, frozen=True):
    """What one filter had to do with the verdict; `ms` is how long it took."""

    name: str
    raw: float
    clamped: float
    multiplier: int
    points: float
    message: str
    details: tuple[str, ...]
    failed: str
    ms: float


class FileVerdict(msgspec.Struct, frozen=True):
    """The verdict on a file, as `gatepost check --json` gives it."""

    verdict: Literal["accepted", "refused", "deferred", "discarded"]
    reply: str
    direction: str
    rule: str = ""
    threshold: float = 0.0
    scl: float = 0.0
    filters: tuple[FilterLine, ...] = ()
    actions: tuple[str, ...] = ()
    stage: str = ""
    """Where it was decided: mail, rcpt, data or content."""


Judge = Callable[[bytes, Question], Awaitable[FileVerdict]]


class _NoStore:
    """Stands where mail would be committed; nothing may be."""

    is_away = False

    def commit(self, mail: NewMail) -> "_NoStore":
        return self

    def cancel(self) -> None:
        pass

    async def committed(self) -> object:
        return None

    async def close(self) -> None:
        pass

    def recalled(self, tenant_id: int, address: Address) -> Existence | None:
        return "known"

    async def recipient_known(self, tenant_id: int, address: Address) -> Existence:
        return "known"

    def listed(self, tenant_id: int, address: Address) -> Existence:
        return "unknown"


async def judge_file(raw: bytes, question: Question, configuration: Configuration, hostname: str) -> FileVerdict:
    """Give the verdict on a mail in wire form. Raises UsageError for an address that cannot be read."""
    with file_judge(configuration, hostname, question.dns_zone) as judge:
        return await judge(raw, question)


@contextmanager
def file_judge(configuration: Configuration, hostname: str, dns_zone: str = "") -> Iterator[Judge]:
    """Give what judges any number of mails; a zone file of the question's own is not read."""
    log.silence()
    resolver: Resolver = Twin.from_file(Path(dns_zone)) if dns_zone else make_resolver(configuration)
    identities = Identities(configuration)
    store = _NoStore()
    with tempfile.TemporaryDirectory() as folder:
        from gatepost.storage.blobs import FileBlobStore

        blobs = FileBlobStore(Path(folder))
        house = Receiving(
            configuration,
            identities=identities,
            judging=make_judging(configuration, identities, resolver, hostname),
            reporting=Reporting(configuration.delivery, identities, hostname, blobs.beginning),
            hostname=hostname,
            handover=store,
            blobs=blobs,
        )
        desk = ReceptionDesk(house, Logins(configuration), Directory(configuration, store))
        yield lambda raw, question: _Conversation(desk, house, question).judge(raw)


class _Conversation:
    """The dialogue that the file's mail would have had."""

    def __init__(self, desk: ReceptionDesk, house: Receiving, question: Question) -> None:
        self._desk, self._house, self._question = desk, house, question
        self._peer = Peer(question.client_ip, 0, "check", helo=question.helo, extended=True)

    async def judge(self, raw: bytes) -> FileVerdict:
        envelope = Envelope(_address(self._question.mail_from) if self._question.mail_from not in ("", "<>") else None)
        reply = self._desk.mail_from(self._peer, envelope)
        if not reply.accepts:
            return self._refused(reply, "mail")
        for written in self._question.recipients:
            recipient = Recipient(_address(written))
            answer = self._desk.rcpt_to(self._peer, envelope, recipient)
            reply = answer if isinstance(answer, Reply) else await answer
            if not reply.accepts:
                return self._refused(reply, "rcpt")
            envelope.recipients.append(recipient)
        before = self._desk.content_begins(self._peer, envelope)
        if inspect.isawaitable(before):
            before.close()  # type: ignore[attr-defined]
            decision = await self._house.judging.judge_envelope(self._transaction, self._peer, envelope)
            if decision is not None and decision.reply is not None:
                return self._judged(Judgement(decision, self._transaction.milliseconds), "data")
        return await self._content(raw, envelope)

    async def _content(self, raw: bytes, envelope: Envelope) -> FileVerdict:
        line_ends = raw.count(b"\r\n")
        if raw.count(b"\r") != line_ends or raw.count(b"\n") != line_ends:
            return self._refused(replies.BARE_LINE_END, "content")
        opened = await self._house.open(self._peer, envelope, Received(len(raw), raw, "", not raw.isascii()))
        mail = self._house.identify(opened)
        if isinstance(mail, Reply):
            return self._refused(mail, "content")
        rules = self._house.choose(mail)
        if isinstance(rules, Reply):
            return self._refused(rules, "content")
        return self._judged(await self._house.judge(mail, rules), "content")

    @property
    def _transaction(self) -> Transaction:
        assert isinstance(self._peer.transaction, Transaction)
        return self._peer.transaction

    def _refused(self, reply: Reply, stage: str) -> FileVerdict:
        direction = self._transaction.direction if self._peer.transaction else ""
        return FileVerdict("deferred" if reply.temporary else "refused", str(reply), direction, stage=stage)

    def _judged(self, judgement: Judgement, stage: str) -> FileVerdict:
        decision = judgement.decision
        verdict: Literal["accepted", "refused", "discarded"] = "accepted"
        if decision.outcome != "accept":
            verdict = "refused" if decision.outcome == "refuse" else "discarded"
        return FileVerdict(
            verdict,
            str(decision.reply or replies.OK),
            self._transaction.direction,
            decision.rule,
            decision.threshold,
            decision.scl,
            tuple([_line(reason, judgement.milliseconds.get(reason.name, 0.0)) for reason in decision.reasons]),
            (),
            stage,
        )


def explain_rules(question: Question, configuration: Configuration, hostname: str) -> list[dict[str, object]]:
    """Tell which rule would own a mail to the first recipient, and why those above it do not."""
    identities = Identities(configuration)
    judging = make_judging(configuration, identities, make_resolver(configuration), hostname)
    peer = Peer(question.client_ip, 0, "check", helo=question.helo)
    sender = None if question.mail_from in ("", "<>") else _address(question.mail_from)
    recipient = _address(question.recipients[0])
    direction = "inbound" if identities.tenant_of_corporate(peer) is None else "outbound"
    scoped = Scoped(direction, sender, question.client_ip, "check")  # type: ignore[arg-type]
    told = explain(judging.ruleset, scoped, recipient, owned=identities.is_owned(recipient.domain))
    return [{"rule": one.rule, "matches": one.matches, "why": one.why} for one in told]


def _line(reason: Reason, ms: float) -> FilterLine:
    return FilterLine(
        reason.name,
        reason.raw,
        reason.clamped,
        reason.multiplier,
        reason.points,
        reason.message,
        reason.details,
        reason.failed,
        ms,
    )


def _address(written: str) -> Address:
    address = parse_path(written.strip().removeprefix("<").removesuffix(">"))
    if address is None:
        raise UsageError(f"{written!r} is no mail address; write it as user@example.com")
    return address
