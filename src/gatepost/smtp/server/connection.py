# SPDX-License-Identifier: Apache-2.0
"""One connection: bytes between a socket and a session, and the session's questions to the service.

Memory: one read block is shared by all connections of a process, a mail's content beyond the inline
limit goes to a spool piece by piece, and reading stops while more than a block waits unread.
Time: the client owes something until `deadline`; while we owe something there is none. A whole answer
sets a new one, single bytes do not.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from typing import cast

from gatepost.smtp import replies
from gatepost.smtp.peer import Peer
from gatepost.smtp.replies import Reply
from gatepost.smtp.server.premises import Premises
from gatepost.smtp.server.proxy import MalformedProxyHeader, read_header
from gatepost.smtp.server.questions import Questions
from gatepost.smtp.server.wire import Wire
from gatepost.smtp.session.events import ContentBegins, Event, StartTls
from gatepost.smtp.session.machine import Session
from gatepost.telemetry.events import SessionEnded
from gatepost.telemetry.log import emit, emit_unexpected

_UNREAD_BYTES = 65_536
_LINGER_S = 30.0
_BLOCK = bytearray(65_536)
_BLOCK_VIEW = memoryview(_BLOCK)
_TLS_VIEW = _BLOCK_VIEW[:16_384]  # what is read at once stays allocated in each TLS layer


class Connection(asyncio.BufferedProtocol):
    """A client's connection; `reception` is what all connections of a listener share."""

    __slots__ = (
        "_content_since", "_entered", "_held", "_limits", "_proxy_bytes", "_questions", "_spooling", "_tar_pit_s", "_task", "_tls_next",
        "_wire", "_writable", "deadline", "peer", "reception", "session",
    )  # fmt: skip

    def __init__(self, reception: Premises) -> None:
        self.reception = reception
        self._limits, self._tar_pit_s = reception.limits, reception.tar_pit_s  # those it began with hold to its end
        self.session = Session(reception.terms, is_encrypted=reception.implicit_tls)
        self.deadline = self._content_since = 0.0
        self._entered = self._spooling = self._tls_next = False
        self._writable = True
        self._proxy_bytes: bytes | None = None
        self._task: asyncio.Future[object] | None = None
        """What we do for the session; until it is done, nothing more is looked at."""
        self._held: asyncio.TimerHandle | None = None
        """The tar pit's delay of the next answer."""

    # -- the socket's side -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin: a listed proxy must name its client first, then TLS or the greeting."""
        self._wire = Wire(cast(asyncio.Transport, transport))  # uvloop registers no base class
        address, port = self._wire.client
        self.peer = Peer(address, port, self.reception.name)
        self._questions = Questions(self.reception, self.session, self.peer)
        self.reception.connections.add(self)
        if self.reception.is_proxy(address):
            self._proxy_bytes = b""
            self._expect(self._limits.tls_timeout_s)
        else:
            self._begin()

    def _begin(self) -> None:
        refusal = self.reception.gate.enter(self.peer.address)
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
        self._expect(self._limits.command_timeout_s)
        self._flush()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Lend the process's one read block; `buffer_updated` is called before anybody else reads."""
        return _TLS_VIEW if self._wire.has_tls else _BLOCK_VIEW

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was read."""
        untrusted = bytes(_BLOCK_VIEW[:nbytes])
        try:
            if self._proxy_bytes is not None:
                untrusted = self._take_proxy_header(untrusted)
            if untrusted and self._wire.has_tls:
                untrusted = self._decrypt(untrusted)
        except Exception as error:
            self._fail(error)
            return
        if untrusted and not self.session.ended:
            self.session.feed(untrusted)
            self._pump()

    def eof_received(self) -> bool:
        """End when the client ends; a half-closed conversation is none."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up. A mail that is not committed yet is withdrawn: the client has handed over nothing."""
        self.reception.connections.discard(self)
        self.session.ended = True
        if self._task is not None:
            self._task.cancel()
        if self._held is not None:
            self._held.cancel()
        self._questions.abandon()
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
            self._tell(f"PROXY header refused: {error}")
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
        self._wire.start_tls(self.reception.tls())
        self._expect(self._limits.tls_timeout_s)

    def _decrypt(self, untrusted: bytes) -> bytes:
        was_handshaking = self._wire.handshaking
        try:
            plaintext = self._wire.decrypt(untrusted)
        except ssl.SSLError as error:
            self._tell(f"TLS failed: {error.reason or error}")
            self.session.ended = True
            self._hang_up()
            return b""
        if was_handshaking and not self._wire.handshaking:
            self._wire.describe(self.peer)
            if self.reception.implicit_tls:
                self._greet()
            else:
                self._expect(self._limits.command_timeout_s)
        if self._wire.is_closing:
            self._hang_up()
        return plaintext

    def _flush(self) -> None:
        """Send the session's replies; then hang up if it has ended, or let TLS begin."""
        session = self.session
        if session.out:
            self._wire.send(b"".join(session.out))
            session.out.clear()
        if session.ended:
            self._hang_up()
        elif self._tls_next:
            self._tls_next = False
            if session.has_more:  # it came in plain, before our answer
                self._refuse(replies.TLS_INJECTION)
            else:
                session.encrypted()
                self._start_tls()

    def _tell(self, reason: str) -> None:
        emit(SessionEnded(client=self.peer.address, reason=reason))

    def _hang_up(self) -> None:
        self._wire.close()
        self._expect(_LINGER_S)  # to read what it is owed

    def _refuse(self, reply: Reply) -> None:
        """End the session from our side; without a word where only TLS may be spoken and it is not up."""
        session = self.session
        if self._held is not None:
            self._held.cancel()
            self._held = None
        if not session.ended:
            session.refuse(reply)
            if self.reception.implicit_tls and (self._wire.handshaking or not self._wire.has_tls):
                session.out.clear()
        self._flush()

    def _fail(self, error: Exception) -> None:
        """Tell of a defect of ours, and end the session."""
        emit_unexpected("smtp.server", error)
        with contextlib.suppress(Exception):
            if not self.session.ended:
                self._refuse(replies.LOCAL_ERROR)
                return
        self._wire.abort()

    # -- the session's questions -------------------------------------------------------------------------

    def _pump(self) -> None:
        """Let the session go on as far as it can without waiting, then send what it said."""
        session = self.session
        try:
            while self._task is None and self._held is None and self._writable and not session.ended:
                event = session.advance()
                take = self._questions.spooling() if session.content is not None else None
                if take is not None:
                    self._spooling = True
                    self._start(self._spool_and_go_on(take, event))
                    break
                if event is None:
                    if not session.is_full or (session.offended and self._tar_pit_s):
                        break
                    self._flush()
                    self.deadline = 0.0
                    continue
                reply = self._decide(event)
                if reply is None:
                    break
                session.answer(reply)
            self._finish_turn()
        except Exception as error:
            self._fail(error)

    def _finish_turn(self) -> None:
        """Send the replies, or hold them in the tar pit, and set the clock for what is expected next."""
        session = self.session
        if self._questions.intake is not None:
            self._questions.tidy()
        answered = bool(session.out)
        if answered:
            if session.offended and self._tar_pit_s and not session.ended:
                self._hold()
            else:
                self._flush()
        waiting = self._task is None and self._held is None
        if session.ended or not waiting or self._wire.handshaking:
            pass
        elif session.reading_content:
            self._expect_content()
        elif answered or not self.deadline:
            self._content_since = 0.0
            self._expect(self._limits.command_timeout_s)
        self._wire.set_reading(session.buffered <= _UNREAD_BYTES and not self._spooling)

    def _hold(self) -> None:
        if self._held is None:
            self.deadline = 0.0
            self._held = self.reception.call_later(self._tar_pit_s, self._leave_tar_pit)

    def _leave_tar_pit(self) -> None:
        self._held = None
        self._flush()
        self._pump()

    def _start(self, work: Awaitable[object]) -> "asyncio.Future[object]":
        """Begin what the client has to wait for."""
        self.deadline = 0.0
        self._task = asyncio.ensure_future(work)
        return self._task

    def _decide(self, event: Event) -> Reply | None:
        """Answer an event at once, or begin to find out and give None."""
        if isinstance(event, StartTls):
            self.session.answer(replies.TLS_READY)
            self._tls_next = True
            return None
        if isinstance(event, ContentBegins):
            self._content_since = 0.0
        reply = self._questions.ask(event)
        if isinstance(reply, Reply):
            return reply
        self._start(reply).add_done_callback(self._answered)
        return None

    def _answered(self, task: "asyncio.Future[object]") -> None:
        """Give the session the service's reply."""
        self._task = None
        error = None if task.cancelled() else task.exception()
        if error is not None:
            emit_unexpected("smtp.service", error)
        if not self.session.ended:
            failed = error is not None or task.cancelled()
            self.session.answer(replies.LOCAL_ERROR if failed else cast(Reply, task.result()))
            self._pump()

    async def _spool_and_go_on(self, take: Callable[[], Awaitable[None]], event: Event | None) -> None:
        """Move a piece out of memory; meanwhile nothing more is read, so that a slow disk fills no memory."""
        await take()
        self._task, self._spooling = None, False
        if self.session.ended:
            return
        reply = None if event is None else self._decide(event)
        if reply is not None:
            self.session.answer(reply)
        self._pump()

    # -- clocks ----------------------------------------------------------------------------------------------

    def _expect(self, seconds: float) -> None:
        self.deadline = self.reception.now() + seconds

    def _expect_content(self) -> None:
        limits, now = self._limits, self.reception.now()
        if not self._content_since:
            self._content_since = now
        self.deadline = min(now + limits.data_timeout_s, self._content_since + limits.data_total_s)

    def check_deadline(self, now: float) -> None:
        """End the session when what it owes has not come in time."""
        if not self.deadline or now <= self.deadline:
            return
        if self._wire.is_closing:
            self._wire.abort()
            return
        self._tell("timed out")
        self._refuse(replies.TIMED_OUT)

    def drain(self) -> None:
        """End an idle session now, because the process ends; one in the middle of a mail may finish it."""
        if self._task is None and self.session.envelope is None:
            self._refuse(replies.SHUTTING_DOWN)

    def abort(self) -> None:
        """Hang up at once."""
        self._wire.abort()
