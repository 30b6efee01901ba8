# SPDX-License-Identifier: Apache-2.0
"""One connection: bytes between a socket and a session, and the session's questions to the service.

Memory: one read block is shared by all connections of a process, a mail's content beyond the inline
limit goes to a spool piece by piece, and reading stops while more than a block waits unread.
"""

import asyncio
import contextlib
import hashlib
import ssl
from collections.abc import Awaitable
from typing import TYPE_CHECKING, cast

from gatepost.errors import StoreError, StoreFull
from gatepost.smtp import replies
from gatepost.smtp.peer import Peer
from gatepost.smtp.replies import Reply
from gatepost.smtp.server.proxy import MalformedProxyHeader, read_header
from gatepost.smtp.server.service import Received, Spool
from gatepost.smtp.session.events import Authenticate, ContentBegins, ContentEnds, ContentRefused, Event, MailFrom, RcptTo, StartTls
from gatepost.smtp.session.machine import Session
from gatepost.smtp.tls import TlsLayer
from gatepost.telemetry.events import SessionEnded
from gatepost.telemetry.log import emit, emit_unexpected

if TYPE_CHECKING:
    from gatepost.smtp.server.listener import Reception

INLINE_BYTES = 131_072
_PIECE_BYTES = 65_536
_UNREAD_BYTES = 65_536
_BLOCK = bytearray(65_536)
_BLOCK_VIEW = memoryview(_BLOCK)


class Connection(asyncio.BufferedProtocol):
    """A client's connection; `reception` is what all connections of a listener share."""

    __slots__ = (
        "_entered", "_paused", "_proxy_bytes", "_spool", "_spool_trouble", "_task", "_tls", "_transport",
        "_writable", "content_since", "deadline", "peer", "reception", "session",
    )  # fmt: skip

    def __init__(self, reception: "Reception") -> None:
        self.reception = reception
        self.session = Session(reception.terms, is_encrypted=reception.implicit_tls)
        self.deadline = 0.0
        self.content_since = 0.0
        self._entered = False
        self._paused = False
        self._writable = True
        self._proxy_bytes: bytes | None = None
        self._tls: TlsLayer | None = None
        self._task: asyncio.Task[None] | asyncio.TimerHandle | None = None
        self._spool: Spool | None = None
        self._spool_trouble: Reply | None = None

    # -- the socket's side -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: a listed proxy must name its client first, then TLS or the greeting."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop registers no base class
        name = transport.get_extra_info("peername") or ("", 0)
        self.peer = Peer(address=name[0], port=name[1], listener=self.reception.name)
        self.reception.connections.add(self)
        if self.reception.is_proxy(self.peer.address):
            self._proxy_bytes = b""
            self._expect(self.reception.limits.tls_timeout_s)
        else:
            self._begin()

    def _begin(self) -> None:
        refusal = self.reception.enter(self.peer.address)
        if refusal:
            self._refuse(refusal)
            return
        self._entered = True
        if self.reception.implicit_tls:
            self._start_tls()
        else:
            self._greet()

    def _greet(self) -> None:
        self.session.greet()
        self._expect(self.reception.limits.command_timeout_s)
        self._flush()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Lend the process's one read block; `buffer_updated` is called before anybody else reads."""
        return _BLOCK_VIEW

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read."""
        untrusted = bytes(_BLOCK_VIEW[:nbytes])
        try:
            if self._proxy_bytes is not None:
                untrusted = self._take_proxy_header(untrusted)
            if untrusted and self._tls is not None:
                untrusted = self._decrypt(self._tls, untrusted)
            if untrusted and not self.session.ended:
                self.session.feed(untrusted)
                self._pump()
        except Exception as error:
            emit_unexpected("smtp.server", error)
            self._refuse(replies.LOCAL_ERROR)

    def eof_received(self) -> bool:
        """End when the client ends; a half-closed conversation is none."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up. A mail that is not committed yet is withdrawn: the client has handed over nothing."""
        self.reception.connections.discard(self)
        self.session.ended = True
        if self._task is not None:
            self._task.cancel()
        self._drop_spool()
        if self._entered:
            self._entered = False
            self.reception.gate.leave(self.peer.address)

    def pause_writing(self) -> None:
        """Stop obeying a client that does not read its answers."""
        self._writable = False

    def resume_writing(self) -> None:
        """Go on."""
        self._writable = True
        self._pump()

    # -- layers below the session -----------------------------------------------------------------------

    def _take_proxy_header(self, untrusted: bytes) -> bytes:
        assert self._proxy_bytes is not None
        self._proxy_bytes += untrusted
        try:
            header = read_header(self._proxy_bytes)
        except MalformedProxyHeader as error:
            emit(SessionEnded(client=self.peer.address, reason=f"PROXY header refused: {error}"))
            self._refuse(replies.PROXY_REFUSED)
            return b""
        if header is None:
            return b""
        rest, self._proxy_bytes = self._proxy_bytes[header.length :], None
        if header.address:
            self.peer.address, self.peer.port = header.address, header.port
        self._begin()
        return rest

    def _start_tls(self) -> None:
        assert self.reception.tls is not None
        self._tls = TlsLayer(self.reception.tls, server_side=True)
        self._expect(self.reception.limits.tls_timeout_s)

    def _decrypt(self, tls: TlsLayer, untrusted: bytes) -> bytes:
        was_done = tls.handshake_done
        try:
            plaintext = tls.receive(untrusted)
        except ssl.SSLError as error:
            self._write_raw(tls.outgoing())  # the alert tells the client why
            emit(SessionEnded(client=self.peer.address, reason=f"TLS failed: {error.reason or error}"))
            self._transport.close()
            return b""
        if tls.handshake_done and not was_done:
            self.peer.tls = tls.description
            certificate = tls.ssl_object.getpeercert(binary_form=True)
            if certificate:
                self.peer.certificate_sha256 = hashlib.sha256(certificate).hexdigest()
            if self.reception.implicit_tls:
                self._greet()
            else:
                self._expect(self.reception.limits.command_timeout_s)
        outgoing = tls.outgoing()
        if outgoing:
            self._write_raw(outgoing)
        if tls.closed:
            self._transport.close()
        return plaintext

    def _write_raw(self, wire: bytes) -> None:
        if wire and not self._transport.is_closing():
            self._transport.write(wire)

    def _flush(self) -> None:
        """Send the session's replies, later where a tar pit holds them, and hang up when it has ended."""
        session = self.session
        if session.out:
            wire = b"".join(session.out)
            session.out.clear()
            if self._tls is not None:
                self._tls.send(wire)
                wire = self._tls.outgoing()
            self._write_raw(wire)
        if session.ended and not self._transport.is_closing():
            if self._tls is not None:
                self._tls.close()
                self._write_raw(self._tls.outgoing())
            self._transport.close()

    def _refuse(self, reply: Reply) -> None:
        self.session.refuse(reply)
        self._flush()

    # -- the session's questions -------------------------------------------------------------------------

    def _pump(self) -> None:
        """Let the session go on as far as it can without waiting, then send what it said."""
        session = self.session
        while self._task is None and self._writable and not session.ended:
            event = session.advance()
            if self._must_spool():
                self._task = asyncio.get_running_loop().create_task(self._spool_and_go_on(event))
                break
            if event is None:
                break
            reply = self._decide(event)
            if reply is None:
                break
            session.answer(reply)
            if session.offended and self.reception.tar_pit_s:
                break
        self._finish_turn()

    def _finish_turn(self) -> None:
        """Send the replies and set the clock for what is expected next."""
        session = self.session
        if session.content is None:
            self._drop_spool()
        if session.out:
            if session.offended and self.reception.tar_pit_s and self._task is None and not session.ended:
                self._task = asyncio.get_running_loop().call_later(self.reception.tar_pit_s, self._leave_tar_pit)
                return
            self._flush()
        if session.reading_content:
            self._expect_content()
        elif not session.ended and self._task is None and (self._tls is None or self._tls.handshake_done):
            self.content_since = 0.0
            self._expect(self.reception.limits.command_timeout_s)
        self._set_reading()

    def _leave_tar_pit(self) -> None:
        self._task = None
        self._flush()
        self._pump()

    def _set_reading(self, *, paused: bool = False) -> None:
        crowded = paused or self.session.buffered > _UNREAD_BYTES
        if crowded != self._paused and not self._transport.is_closing():
            self._paused = crowded
            (self._transport.pause_reading if crowded else self._transport.resume_reading)()

    def _decide(self, event: Event) -> Reply | None:
        """Answer an event at once, or begin to find out and give None."""
        service, peer = self.reception.service, self.peer
        reply: Reply | Awaitable[Reply]
        match event:
            case RcptTo(envelope, recipient):
                reply = service.rcpt_to(peer, envelope, recipient)
            case MailFrom(envelope):
                peer.helo, peer.extended = self.session.helo, self.session.extended
                reply = service.mail_from(peer, envelope)
            case ContentBegins(envelope):
                return service.content_begins(peer, envelope)
            case ContentEnds():
                reply = self._message(event)
            case ContentRefused(envelope, refusal):
                service.content_refused(peer, envelope, refusal)
                if refusal is replies.BARE_LINE_END:
                    self.reception.gate.block(peer.address)
                return refusal
            case Authenticate(user, password):
                reply = service.authenticate(peer, user, password)
            case StartTls():
                self.session.answer(replies.TLS_READY)
                self._flush()
                self.session.encrypted()
                self._start_tls()
                return None
        if isinstance(reply, Reply):
            return reply
        self.deadline = 0.0  # the wait is ours now
        self._task = asyncio.get_running_loop().create_task(self._answer_later(reply))
        return None

    async def _answer_later(self, awaited: Awaitable[Reply]) -> None:
        try:
            reply = await awaited
        except asyncio.CancelledError:
            raise
        except Exception as error:
            emit_unexpected("smtp.service", error)
            reply = replies.LOCAL_ERROR
        self._task = None
        if not self.session.ended:
            self.session.answer(reply)
            self._pump()

    # -- content -------------------------------------------------------------------------------------------

    def _must_spool(self) -> bool:
        """Whether the mail is too large to stay inline and a piece of it lies in memory."""
        content = self.session.content
        if content is None or len(content.kept) <= _PIECE_BYTES:
            return False
        return content.size > INLINE_BYTES

    async def _spool_and_go_on(self, event: Event | None) -> None:
        """Write a piece in a thread, for a disk may be slow; meanwhile nothing more is read from this client."""
        self._set_reading(paused=True)
        await self._spool_piece()
        self._task = None
        if event is not None and not self.session.ended:
            reply = self._decide(event)
            if reply is not None:
                self.session.answer(reply)
        self._pump()

    async def _spool_piece(self) -> None:
        content = self.session.content
        if content is None:
            return
        piece = bytes(content.kept)
        content.kept.clear()
        loop = asyncio.get_running_loop()
        try:
            if self._spool is None and self._spool_trouble is None:
                self._spool = self.reception.service.spool()
            if self._spool is not None:
                await loop.run_in_executor(None, self._spool.write, piece)
        except StoreError as error:
            self._spool_trouble = replies.STORE_FULL if isinstance(error, StoreFull) else replies.STORE_AWAY
            self._drop_spool()

    def _drop_spool(self) -> None:
        if self._spool is not None:
            self._spool.abort()
            self._spool = None

    async def _message(self, event: ContentEnds) -> Reply:
        content = self.session.content
        assert content is not None
        inline, blob = b"", ""
        if self._spool is not None or self._spool_trouble is not None:
            await self._spool_piece()
            trouble, self._spool_trouble = self._spool_trouble, None
            if trouble or self._spool is None:
                return trouble or replies.LOCAL_ERROR
            try:
                blob = await asyncio.get_running_loop().run_in_executor(None, self._spool.finish)
            except StoreError as error:
                return replies.STORE_FULL if isinstance(error, StoreFull) else replies.STORE_AWAY
            finally:
                self._spool = None
        else:
            inline = bytes(content.kept)
        content.kept.clear()
        received = Received(event.size, inline, blob, event.eight_bit)
        return await self.reception.service.message(self.peer, event.envelope, received)

    # -- clocks ----------------------------------------------------------------------------------------------

    def _expect(self, seconds: float) -> None:
        self.deadline = self.reception.now() + seconds

    def _expect_content(self) -> None:
        limits, now = self.reception.limits, self.reception.now()
        if not self.content_since:
            self.content_since = now
        self.deadline = min(now + limits.data_timeout_s, self.content_since + limits.data_total_s)

    def check_deadline(self, now: float) -> None:
        """End the session when what it owes has not come in time."""
        if self.deadline and now > self.deadline and self._task is None:
            emit(SessionEnded(client=self.peer.address, reason="timed out"))
            if self._tls is not None and not self._tls.handshake_done:
                self._transport.close()
            else:
                self._refuse(replies.TIMED_OUT)

    def drain(self) -> None:
        """End an idle session now, because the process ends; one in the middle of a mail may finish it."""
        if self._task is None and self.session.envelope is None:
            self._refuse(replies.SHUTTING_DOWN)

    def abort(self) -> None:
        """Hang up at once."""
        with contextlib.suppress(RuntimeError):
            self._transport.abort()
