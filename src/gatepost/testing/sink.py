# SPDX-License-Identifier: Apache-2.0
"""A small strict mail server that takes everything it should and tells on everything it should not.

In a test:

    async with Sink() as sink:
        sink.fail("rcpt", reply="550 5.1.1 Unknown", match="nobody@example.com")
        ...
        mails = await sink.wait(3)
        assert not sink.errors

As a process of its own, with a ledger that survives what is done to others:

    python -m gatepost.testing.sink --port 2526 --ledger FILE [--hash-only]

prints one JSON line when it listens and one, with what it took and what it has to complain about, when
SIGTERM or SIGINT ends it.
"""

import argparse
import asyncio
import os
import signal
import socket
import ssl
import sys
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, cast

import msgspec

from gatepost.testing.faults import DEFAULT_REPLY, Action, Fault, Faults, Stage
from gatepost.testing.ledger import Ledger, LedgerLine
from gatepost.testing.strict import SinkMail, StrictSession
from gatepost.testing.syntax import Offer
from gatepost.testing.tls import CertificateFiles, TlsChannel

_ERRORS_KEPT = 1000


class Sink:
    """A receiving mail server on loopback; `mails` and `errors` are what it saw, `offer` what it announces from now on."""

    def __init__(
        self,
        *,
        port: int = 0,
        host: str = "127.0.0.1",
        offer: Offer | None = None,
        tls: CertificateFiles | ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        keep: Literal["content", "hash", "count"] = "content",
        ledger: Path | None = None,
        listening: socket.socket | None = None,
    ) -> None:
        """Prepare a sink; `listening` is a socket to use instead of one on `host` and `port`, from another namespace for instance."""
        self.port, self._host = port, host
        self._listening = listening
        self.offer = offer or Offer()
        self.faults = Faults()
        self.mails: list[SinkMail] = []
        self.errors: list[str] = []
        self.count = self.sessions = self.open_sessions = self.most_sessions = 0
        self._tls = tls.server_context() if isinstance(tls, CertificateFiles) else tls
        self._implicit_tls = implicit_tls
        self._keep = keep
        self._ledger = Ledger(ledger) if ledger is not None else None
        self._changed = asyncio.Event()
        self._connections: set[_Connection] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; `port` is the real one afterwards."""
        loop = asyncio.get_running_loop()
        if self._listening is not None:
            self._server = await loop.create_server(lambda: _Connection(self), sock=self._listening, backlog=4096)
        else:
            self._server = await loop.create_server(lambda: _Connection(self), self._host, self.port, backlog=4096, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and cut every session."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections):
            connection.abort()
        await self._server.wait_closed()
        self._server = None
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    def fail(self, stage: Stage, *, action: Action = "reply", reply: str = DEFAULT_REPLY, match: str = "", times: int = -1) -> None:
        """Ask for a failure; see `Fault`."""
        self.faults.add(Fault(stage=stage, action=action, reply=reply, match=match, times=times))

    async def wait(self, count: int, timeout_s: float = 60.0) -> list[SinkMail]:
        """Wait until this many mails have arrived in all; gives those that were kept.

        Raises:
            TimeoutError: They did not come in time; says how many did and what was wrong.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while self.count < count:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise TimeoutError(f"{self.count} of {count} mails came within {timeout_s} s; errors: {self.errors[:5]}") from None
        return self.mails

    async def drained(self, timeout_s: float = 60.0) -> None:
        """Wait until no client is connected any more."""
        async with asyncio.timeout(timeout_s):
            while self._connections:
                self._changed.clear()
                await self._changed.wait()

    def clear(self) -> None:
        """Forget mails, errors and failures; sessions go on."""
        self.mails.clear()
        self.errors.clear()
        self.faults.clear()
        self.count = 0

    def _record(self, mail: SinkMail) -> None:
        if self._ledger is not None:
            self._ledger.add(
                LedgerLine(id=mail.id, sha256=mail.sha256, size=mail.size, sender=mail.sender, recipients=mail.recipients, at=mail.at)
            )
        if self._keep != "count":
            self.mails.append(mail)
        self.count += 1
        self._changed.set()

    def _complain(self, error: str) -> None:
        if len(self.errors) < _ERRORS_KEPT:
            self.errors.append(error)

    def _joined(self, connection: "_Connection") -> StrictSession:
        self._connections.add(connection)
        self.sessions += 1
        self.open_sessions += 1
        self.most_sessions = max(self.most_sessions, self.open_sessions)
        return StrictSession(
            self.sessions,
            self.offer,
            self.faults,
            record=self._record,
            complain=self._complain,
            offers_tls=self._tls is not None and not self._implicit_tls,
            keeps_content=self._keep == "content",
        )

    def _left(self, connection: "_Connection") -> None:
        self._connections.discard(connection)
        self.open_sessions -= 1
        self._changed.set()

    def _channel(self) -> TlsChannel:
        assert self._tls is not None, "TLS is started only where it was offered"
        return TlsChannel(self._tls, server_side=True)


class _Connection(asyncio.Protocol):
    """Move the bytes between one client, TLS if there is any, and its session."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._channel: TlsChannel | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, unless TLS comes first."""
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._session = self._sink._joined(self)
        if self._sink._implicit_tls:
            self._channel = self._sink._channel()
        else:
            self._send(self._session.greet())

    def data_received(self, data: bytes) -> None:
        """Answer what the bytes complete."""
        if self._channel is None:
            self._send(self._session.receive(data))
        else:
            self._receive_over_tls(self._channel, data)
        if self._session.wants_tls:
            self._channel = self._sink._channel()
            self._session.wants_tls = False

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the session and the sink."""
        self._session.lost()
        self._sink._left(self)

    def abort(self) -> None:
        """Cut the connection."""
        self._transport.abort()

    def _receive_over_tls(self, channel: TlsChannel, data: bytes) -> None:
        fresh = not channel.established
        try:
            plain, back = channel.receive(data)
        except ssl.SSLError as error:
            self._sink._complain(f"TLS: {error.reason}")
            self._transport.close()
            return
        self._transport.write(back)
        if fresh and channel.established:
            self._session.tls_started(channel.version)
            if self._sink._implicit_tls:
                self._send(self._session.greet())
        if plain:
            self._send(self._session.receive(plain))
        if channel.closed:
            self._transport.close()

    def _send(self, answer: bytes) -> None:
        if answer:
            self._transport.write(self._channel.send(answer) if self._channel is not None else answer)
        if self._session.closing:
            self._transport.close()


async def _serve(sink: Sink) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with sink:
        _say({"port": sink.port})
        await ended.wait()
    _say({"mails": sink.count, "sessions": sink.sessions, "errors": sink.errors})


def _say(line: dict[str, object]) -> None:
    """Write one line, whole: a pipe may take less than it was given, and an unbuffered `sys.stdout` would not notice."""
    left = memoryview(msgspec.json.encode(line) + b"\n")
    while left:
        left = left[os.write(1, left) :]


def main(arguments: list[str] | None = None) -> int:
    """Run a sink until a signal ends it."""
    parser = argparse.ArgumentParser(prog="python -m gatepost.testing.sink", description="A strict mail server for tests.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ledger", type=Path)
    parser.add_argument("--hash-only", action="store_true", help="keep no content in memory; the ledger has the hashes")
    parser.add_argument("--certificate", type=Path, help="PEM file; offers STARTTLS")
    parser.add_argument("--key", type=Path)
    options = parser.parse_args(arguments)
    tls = CertificateFiles(options.certificate, options.key) if options.certificate else None
    import uvloop

    async def serve() -> None:
        await _serve(Sink(port=options.port, ledger=options.ledger, keep="count" if options.hash_only else "content", tls=tls))

    uvloop.run(serve())
    return 0


if __name__ == "__main__":
    sys.exit(main())
