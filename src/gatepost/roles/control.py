# SPDX-License-Identifier: Apache-2.0
"""The control socket of a role: its private API (`replication/wire`) on a unix socket of this machine.

Promises: only root and the role's own user are served (mode 0600, and SO_PEERCRED once more), and they may call
everything; a request is at most 16 MiB long; a socket left over by a crash is replaced, a living role's never is.
"""

import asyncio
import contextlib
import fcntl
import os
import socket
import struct
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from gatepost.config.bootstrap import Bootstrap
from gatepost.errors import ControlError
from gatepost.replication.commands import Commands
from gatepost.replication.service import Handler, Operation, Peer, Service, converse
from gatepost.replication.wire import FRAME_BYTES, LENGTH, READ_S, WireError, framed, new_request, read_reply, refusal
from gatepost.roles.processes import Paths


def control_path(bootstrap: Bootstrap) -> Path:
    """Tell where a gateway's control socket is."""
    return Paths(bootstrap).control_path


def console_path(bootstrap: Bootstrap) -> Path:
    """Tell where the console's control socket is."""
    return Paths(bootstrap).console_path


class ControlServer:
    """Serves operations by name; each handler is awaited with the request's args as keywords."""

    def __init__(self, path: Path, operations: Mapping[str, Handler | Operation], commands: Commands | None = None) -> None:
        self._path = Path(path)
        self._service = Service(operations, commands)
        self._server: asyncio.Server | None = None
        self._ending = False
        self._lock_fd = -1
        self._asking: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Bind and serve; raises ControlError when another living process serves here."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock_fd = _lock(self._path)
        try:
            self._server = await asyncio.start_unix_server(self._serve, sock=_bind(self._path))
        except BaseException:
            os.close(self._lock_fd)
            raise

    async def close(self) -> None:
        """Stop serving and remove the socket; may be called twice."""
        server, self._server, self._ending = self._server, None, True
        if server is None:
            return
        # Unlinked before the lock goes, so it can only be our own socket.
        self._path.unlink(missing_ok=True)
        server.close()
        for task in tuple(self._asking):
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
        await server.wait_closed()
        os.close(self._lock_fd)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if self._ending:
            writer.close()  # It was let in while the role was ending.
            return
        if task is not None:
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        try:
            uid = _peer_uid(writer.get_extra_info("socket"))
            if uid in (0, os.geteuid()):
                await converse(reader, writer, Peer(f"uid {uid}", ("*",)), self._service, FRAME_BYTES)
            else:
                writer.write(framed(refusal("only root and the gateway's own user may ask")))
                async with asyncio.timeout(READ_S):
                    await writer.drain()
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # The asker has gone, or the role ends: there is nobody to tell.
        finally:
            writer.close()


def ask(path: Path, do: str, /, *, timeout_s: float = 30.0, identity: str = "", **args: Any) -> Any:
    """Ask a role of this machine and give its answer. A command given again with the same `identity` is not carried out again.

    Raises ControlError: with exit code 3 when nobody answers, 1 when the role refuses.
    """
    frame = framed(new_request(do, args, identity))
    try:
        reply = read_reply(_exchange(path, frame, timeout_s))
    except TimeoutError:
        raise ControlError(f"the gateway did not answer within {timeout_s:g} s at {path}; its log may say why") from None
    except PermissionError:
        raise ControlError(f"{path} may be asked by root and the gateway's own user only; try with sudo") from None
    except (FileNotFoundError, ConnectionError):
        raise ControlError(f"no gateway is running at {path}; start it with `gatepost run`, or name its --config") from None
    except OSError as fault:
        raise ControlError(f"{path} cannot be asked ({fault.strerror or fault})") from None
    except WireError:
        raise ControlError(f"the gateway at {path} ended before it answered; try again") from None
    if reply.refused:
        refused = ControlError(reply.refused)
        refused.exit_code = 1
        raise refused
    return msgspec.msgpack.decode(reply.answer)


def _exchange(path: Path, frame: bytes, timeout_s: float) -> bytes:
    end = time.monotonic() + timeout_s
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout_s)
        sock.connect(str(path))
        with contextlib.suppress(BrokenPipeError):  # It may have refused before reading all.
            sock.sendall(frame)
        with contextlib.suppress(ConnectionResetError):
            (length,) = LENGTH.unpack(_received(sock, LENGTH.size, end))
            return _received(sock, min(length, FRAME_BYTES), end)
    return b""


def _received(sock: socket.socket, count: int, end: float) -> bytes:
    """Read so many bytes. Raises: TimeoutError, ConnectionError, WireError when the other end has gone."""
    parts = bytearray()
    while len(parts) < count:
        sock.settimeout(max(0.001, end - time.monotonic()))
        part = sock.recv(min(count - len(parts), 262_144))
        if not part:
            raise WireError("the connection ended")
        parts += part
    return bytes(parts)


def _peer_uid(sock: Any) -> int:
    """Tell who is at the other end (unix(7), SO_PEERCRED: pid, uid, gid)."""
    packed = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", packed)[1])


def _lock(path: Path) -> int:
    """Hold the right to serve at `path` until the descriptor is closed; the kernel frees it after a crash."""
    descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise ControlError(f"another gateway is running at {path}; end it first, or give this one another `run` folder") from None
    return descriptor


def _bind(path: Path) -> socket.socket:
    if path.exists() and not path.is_socket():
        raise ControlError(f"{path} is not a socket; remove it, or give this role another `run` folder")
    if _is_alive(path):
        raise ControlError(f"another program serves {path}; end it first, or give this role another `run` folder")
    path.unlink(missing_ok=True)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        sock.bind(str(path))
        # Nobody can connect before listen(), so the mode is right from the first connection on.
        path.chmod(0o600)
    except OSError as fault:
        sock.close()
        raise ControlError(
            f"the control socket cannot be made at {path} ({fault.strerror or fault}); set `run` to another folder"
        ) from None
    sock.setblocking(False)
    return sock


def _is_alive(path: Path) -> bool:
    """Tell whether somebody accepts connections there, lock or no lock."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except OSError:
            return path.exists()
    return True
