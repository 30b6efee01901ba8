# SPDX-License-Identifier: Apache-2.0
"""The private API for roles on other machines: mutual TLS on one address, served to pinned certificates.

Who shows no certificate may do one thing, pair with a token, four at a time and in small frames. The list of pins is read
anew for each connection, and `hang_up` ends those of a pin that was taken back.
"""

import asyncio
import socket
import ssl
import time

from gatepost.errors import GatepostError, StoreError
from gatepost.replication.certificate import Identity
from gatepost.replication.peers import STRANGER, Peers, PinnedPeer
from gatepost.replication.pinned import server_context
from gatepost.replication.secured import SecuredStream
from gatepost.replication.service import Peer, Service, converse
from gatepost.replication.wire import FRAME_BYTES, STRANGER_BYTES
from gatepost.telemetry.events import PeerRefused
from gatepost.telemetry.log import emit, emit_unexpected

HANDSHAKE_S = 10.0
STRANGER_S = 30.0
CONNECTIONS = 64
STRANGERS = 4


class TlsListener:
    """Serves one role's operations on `address:port`."""

    def __init__(self, address: str, port: int, identity: Identity, peers: Peers, service: Service) -> None:
        self._where = (address, port)
        self._identity = identity
        self._peers = peers
        self._service = service
        self._listening: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._callers: dict[asyncio.Task[None], str | None] = {}
        """Each connection, with the fingerprint that it showed: '' for none, None until its handshake is over."""
        self._strangers = 0
        self._context: tuple[tuple[str, ...], ssl.SSLContext] | None = None
        self.contacts: dict[str, float] = {}
        """When each peer, by its fingerprint, last connected (Unix time)."""

    async def start(self) -> None:
        """Listen. Raises: GatepostError when the address cannot be had."""
        address, port = self._where
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listening = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC, socket.IPPROTO_TCP)
        self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listening.bind(self._where)
        except OSError as error:
            self._listening.close()
            raise GatepostError(f"link.listen {address}:{port}: {error.strerror}; free the port, or choose another") from None
        self._listening.listen(64)
        self._listening.setblocking(False)
        self._accepting = asyncio.create_task(self._accept(self._listening))

    async def close(self) -> None:
        """Hang up on everybody."""
        if self._listening is None or self._accepting is None:
            return
        self._accepting.cancel()
        tasks = [self._accepting, *self._callers]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._listening.close()
        self._listening = None

    def hang_up(self, fingerprint: str, after_s: float) -> None:
        """End, a moment later, the connections that a peer whose pin was taken back has now, and none that it makes later."""
        asyncio.get_running_loop().call_later(after_s, self._end, fingerprint, tuple(self._callers))

    def _end(self, fingerprint: str, callers: tuple[asyncio.Task[None], ...]) -> None:
        for task in callers:
            # One that still shakes hands was given the pins of before.
            if self._callers.get(task, "") in (fingerprint, None):
                task.cancel()

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                caller, client = await loop.sock_accept(listening)
            except OSError as error:  # Too many files, or a caller that has gone again.
                emit(PeerRefused(client="", reason=f"a connection could not be accepted: {error}"))
                await asyncio.sleep(1.0)
                continue
            if len(self._callers) >= CONNECTIONS:
                emit(PeerRefused(client=str(client[0]), reason=f"{CONNECTIONS} connections are open"))
                caller.close()
                continue
            task = loop.create_task(self._serve(caller, str(client[0])))
            self._callers[task] = None
            task.add_done_callback(self._callers.pop)

    async def _serve(self, caller: socket.socket, client: str) -> None:
        reader, writer = await asyncio.open_connection(sock=caller)
        stream: SecuredStream | None = None
        known = False
        try:
            pinned = await self._peers.all()
            stream = SecuredStream(reader, writer, self._context_for(pinned))
            async with asyncio.timeout(HANDSHAKE_S):
                await stream.shake_hands()
            known = True
            if (task := asyncio.current_task()) is not None:
                self._callers[task] = stream.fingerprint
            await self._converse(stream, pinned, client)
        except ssl.SSLError as error:
            emit(PeerRefused(client=client, reason=f"the TLS handshake failed: {error.reason or error}: {_verification(error)}"))
        except (OSError, TimeoutError, StoreError) as error:
            if not known:
                emit(PeerRefused(client=client, reason=f"{type(error).__name__}: {error}"))
        except Exception as defect:
            emit_unexpected("link listener", defect)
        finally:
            (stream or writer).close()

    async def _converse(self, stream: SecuredStream, pinned: list[PinnedPeer], client: str) -> None:
        shown = stream.fingerprint
        known = next((peer for peer in pinned if peer.fingerprint == shown), None)
        if known is not None:
            self.contacts[shown] = time.time()
            await converse(stream, stream, Peer(known.name, tuple(known.may.split()), client), self._service, FRAME_BYTES)
        elif shown or self._strangers >= STRANGERS:
            emit(PeerRefused(client=client, reason="its certificate is not pinned" if shown else f"{STRANGERS} strangers are served"))
        else:
            self._strangers += 1
            try:
                stranger = STRANGER._replace(client=client)
                async with asyncio.timeout(STRANGER_S):
                    await converse(stream, stream, stranger, self._service, STRANGER_BYTES)
            finally:
                self._strangers -= 1

    def _context_for(self, pinned: list[PinnedPeer]) -> ssl.SSLContext:
        certificates = tuple(peer.certificate for peer in pinned)
        if self._context is None or self._context[0] != certificates:
            self._context = (certificates, server_context(self._identity, certificates))
        return self._context[1]


def _verification(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not one that was paired, or not valid today ({error.verify_message})"
    return "no role calls so"
