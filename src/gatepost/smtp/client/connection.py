# SPDX-License-Identifier: Apache-2.0
"""The transport below a client machine: one TCP connection, TLS as a layer on it, one timer.

The timer is armed once and re-armed lazily when it fires, or when a shorter limit begins. Nothing here
raises for what a next hop does: a failed opening and a mail's outcome are values. At most one mail is
under way at a time; streamed content waits whenever the socket's buffer is full.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from typing import cast

from gatepost.message.addresses import Address
from gatepost.smtp.client.machine import ClientMachine
from gatepost.smtp.client.outgoing import Outgoing
from gatepost.smtp.client.terms import Action, Outcome, Phase, Signal, Verdict, local_failure
from gatepost.smtp.tls import TlsLayer

_WAITED_FOR: Mapping[Phase, str] = {
    "greeting": "the greeting",
    "command": "the reply to a command",
    "data_start": "the reply to DATA",
    "data_block": "the content to be taken",
    "data_end": "the reply to the final dot",
    "idle": "a mail",
    "ending": "the reply to QUIT",
}


class Connection(asyncio.Protocol):
    """One dialogue with one next hop. Make it as the protocol of `loop.create_connection`, then await `opened`."""

    def __init__(
        self,
        machine: ClientMachine,
        timeouts_s: Mapping[Phase, float],
        make_tls: Callable[[], TlsLayer],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._machine = machine
        self._timeouts_s = timeouts_s
        self._make_tls = make_tls
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._tls: TlsLayer | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._deadline = 0.0
        self._progress = 0
        self._closing = False
        self._writable: asyncio.Future[None] | None = None
        self._content_wanted: asyncio.Future[bool] | None = None
        self._settled: asyncio.Future[Outcome] | None = None
        self.opened: asyncio.Future[Verdict | None] = loop.create_future()
        """None when mails can be begun, else why not."""
        self.closed: asyncio.Future[None] = loop.create_future()
        self.usable = False
        """Whether another mail can be begun."""
        self.handshake_failed = False
        """Whether it was TLS that failed: an opportunistic route may try again without."""
        self.mails = 0
        self.tls = ""
        """TLS version and cipher; "" without TLS."""

    @property
    def dsn_supported(self) -> bool:
        """Tell whether the next hop takes over the duty to report (RFC 3461 §5.2.2)."""
        return self._machine.capabilities.dsn

    async def transact(self, mail: Outgoing, content: AsyncIterator[bytes] | None = None) -> Outcome:
        """Hand one mail over; `content` gives the pieces of a streamed one. What `content` raises passes through."""
        settled: asyncio.Future[Outcome] = self._loop.create_future()
        self._settled = settled
        if content is not None:
            self._content_wanted = self._loop.create_future()
        self.mails += 1
        try:
            self._begin(self._machine.begin(mail))
            if content is not None and self._content_wanted is not None and await self._content_wanted:
                await self._stream(content)
            return await settled
        except BaseException:
            self.abort()  # the dialogue stands in the middle of a mail
            raise

    async def ask(self, address: Address) -> Outcome:
        """Ask whether the next hop takes mail for a recipient, and send none. It counts as a mail of the connection."""
        settled: asyncio.Future[Outcome] = self._loop.create_future()
        self._settled = settled
        self.mails += 1
        try:
            self._begin(self._machine.ask(address))
            return await settled
        except BaseException:
            self.abort()  # the answer may still come, and must not be taken for another's
            raise

    def _begin(self, actions: list[Action]) -> None:
        self._do(actions)
        if not self.usable:  # it ended between two mails, unseen by whoever took it
            self._do(self._machine.lost(local_failure("4.4.2", "Connection lost before the mail was begun")))
        self._rearm()

    async def _stream(self, content: AsyncIterator[bytes]) -> None:
        machine = self._machine
        async for piece in content:
            if self._writable is not None:
                await self._writable
            else:
                await asyncio.sleep(0)  # a fast next hop must not let one big mail keep the loop from all others
            if machine.outcome is not None:
                return
            self._do(machine.content(piece))
            self._rearm()
        if machine.outcome is None:
            self._do(machine.content_end())
            self._rearm()

    def quit(self) -> None:
        """End the dialogue with QUIT; `closed` tells when it is over."""
        if self._transport is None or not self.usable:
            self.abort()
            return
        self.usable = False
        self._do(self._machine.quit())
        self._rearm()

    def abort(self) -> None:
        """Close at once; what was not written is dropped."""
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the greeting."""
        self._transport = cast(asyncio.Transport, transport)
        self._rearm()

    def data_received(self, data: bytes) -> None:
        """Pass the wire's bytes to the machine, through TLS where it is active."""
        if self._tls is not None:
            plaintext = self._decrypt(self._tls, data)
            if not plaintext:
                return
            data = plaintext
        machine = self._machine
        self._do(machine.receive(data))
        if machine.progress != self._progress:
            self._progress = machine.progress
            self._rearm()

    def eof_received(self) -> bool:
        """Close too when the next hop does."""
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Give whoever waits an answer."""
        self._transport = None
        self.usable = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._tls is not None and not self._tls.handshake_done:
            self.handshake_failed = True
        waited_for = _WAITED_FOR[self._machine.phase]
        self._do(self._machine.lost(local_failure("4.4.2", f"Connection lost while waiting for {waited_for}")))
        if not self.closed.done():
            self.closed.set_result(None)

    def pause_writing(self) -> None:
        """Stop streaming until the next hop has taken more."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """Go on streaming."""
        self._rearm()
        self._release_writer()

    def _release_writer(self) -> None:
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    def _do(self, actions: list[Action]) -> None:
        """Do what the machine asks, in order."""
        for action in actions:
            if isinstance(action, bytes):
                self._write(action)
            elif action is Signal.SETTLED:
                self._settle()
            elif action is Signal.READY:
                self.usable = True
                if not self.opened.done():
                    self.opened.set_result(None)
            elif action is Signal.CONTENT:
                if self._content_wanted is not None and not self._content_wanted.done():
                    self._content_wanted.set_result(True)
            elif action is Signal.START_TLS:
                self._start_tls()
            else:
                self._close()

    def _settle(self) -> None:
        outcome = self._machine.outcome
        if self._content_wanted is not None:
            if not self._content_wanted.done():
                self._content_wanted.set_result(False)
            self._content_wanted = None
        if self._settled is not None and outcome is not None:
            if not self._settled.done():
                self._settled.set_result(outcome)
            self._settled = None

    def _close(self) -> None:
        """Close after what was written, and leave nobody waiting."""
        self.usable = False
        if not self.opened.done():
            self.opened.set_result(self._machine.failure or local_failure("4.4.2", "Connection closed"))
        self._settle()
        self._release_writer()
        if self._tls is not None:
            self._tls.close()
            self._flush(self._tls)
        if self._transport is not None and not self._closing:
            self._closing = True
            self._transport.close()
            self._limit(self._timeouts_s["ending"])  # a peer that takes nothing must not hold the socket

    def _write(self, wire: bytes) -> None:
        transport = self._transport
        if transport is None or not wire:
            return
        if self._tls is None:
            transport.write(wire)
        else:
            self._tls.send(wire)
            transport.write(self._tls.outgoing())

    def _start_tls(self) -> None:
        try:
            self._tls = self._make_tls()
        except ValueError as error:  # the host's name cannot be one of a certificate
            self.handshake_failed = True
            self._do(self._machine.lost(local_failure("4.7.5", f"TLS failed: {error}")))
        else:
            self._decrypt(self._tls, b"")

    def _decrypt(self, tls: TlsLayer, ciphertext: bytes) -> bytes:
        """Take ciphertext; drives the handshake first. Gives plaintext for the machine."""
        begun = not tls.handshake_done
        try:
            plaintext = tls.receive(ciphertext)
        except ssl.SSLError as error:
            self.handshake_failed = begun
            reason = getattr(error, "verify_message", "") or error.reason or str(error)
            self._flush(tls)
            self._do(self._machine.lost(local_failure("4.7.5", f"TLS failed: {reason}")))
            return b""
        if begun and tls.handshake_done:
            self.tls = tls.description
            self._do(self._machine.secured())
            self._rearm()
        self._flush(tls)
        if tls.closed:
            self._close_by_peer()
        return plaintext

    def _flush(self, tls: TlsLayer) -> None:
        wire = tls.outgoing()
        if wire and self._transport is not None:
            self._transport.write(wire)

    def _close_by_peer(self) -> None:
        if self._transport is not None:
            self._loop.call_soon(self._transport.close)  # after the plaintext that came with it

    def _rearm(self) -> None:
        """Begin the time limit of the present phase."""
        if not self._closing:
            self._limit(self._timeouts_s[self._machine.phase])

    def _limit(self, limit_s: float) -> None:
        self._deadline = deadline = self._loop.time() + limit_s
        if self._timer is None or deadline < self._timer_at:
            if self._transport is None:
                return
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = deadline
            self._timer = self._loop.call_later(limit_s, self._tick)

    def _tick(self) -> None:
        self._timer = None
        left_s = self._deadline - self._loop.time()
        if left_s > 0.001:
            self._timer_at = self._deadline
            self._timer = self._loop.call_later(left_s, self._tick)
        else:
            self._expire()

    def _expire(self) -> None:
        phase = self._machine.phase
        if phase == "idle" and self.usable:
            self.quit()
            return
        if self._closing:
            self.abort()
            return
        if self._tls is not None and not self._tls.handshake_done:
            self.handshake_failed = True
        self._do(self._machine.lost(local_failure("4.4.2", f"Timed out while waiting for {_WAITED_FOR[phase]}")))
        self.abort()
