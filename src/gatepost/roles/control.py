# SPDX-License-Identifier: Apache-2.0
"""The control socket of a role: one JSON line in, one JSON line out, on a unix socket of this machine.

    {"do": "queue.list", "args": {}}   ->   {"answer": [...]}   or   {"refused": "a sentence"}

Promises: only root and the role's own user are served (mode 0600, and SO_PEERCRED once more); a line is
at most 1 MiB either way; a socket left over by a crash is replaced, a living role's never is.
"""

import asyncio
import contextlib
import fcntl
import inspect
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from gatepost.config.bootstrap import Bootstrap
from gatepost.errors import ControlError, GatepostError
from gatepost.telemetry.log import emit_unexpected

LINE_BYTES = 1_048_576
REQUEST_TIMEOUT_S = 10.0

Handler = Callable[..., Awaitable[Any]]


class _Request(msgspec.Struct):
    do: str
    args: dict[str, Any] = {}


def control_path(bootstrap: Bootstrap) -> Path:
    """Tell where a role's control socket is."""
    return (Path(bootstrap.run) if bootstrap.run else Path(bootstrap.data) / "run") / "control.sock"


class ControlServer:
    """Serves the handlers by name; each is awaited with the request's args as keywords."""

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        self._path = Path(path)
        self._handlers = handlers
        self._server: asyncio.Server | None = None
        self._ending = False
        self._lock_fd = -1
        self._asking: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Bind and serve; raises ControlError when another living process serves here."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock_fd = _lock(self._path)
        try:
            self._server = await asyncio.start_unix_server(self._serve, sock=_bind(self._path), limit=LINE_BYTES)
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
            writer.write(await self._answer(reader, writer.get_extra_info("socket")) + b"\n")
            await asyncio.wait_for(writer.drain(), REQUEST_TIMEOUT_S)
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass  # The asker has gone, or the role ends: there is nobody to tell.
        finally:
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, sock: Any) -> bytes:
        if _peer_uid(sock) not in (0, os.geteuid()):
            return _refusal("only root and the gateway's own user may ask")
        try:
            untrusted_line = await asyncio.wait_for(reader.readuntil(b"\n"), REQUEST_TIMEOUT_S)
            request = msgspec.json.decode(untrusted_line, type=_Request)
        except asyncio.LimitOverrunError:
            return _refusal("the request is longer than 1 MiB")
        except (asyncio.IncompleteReadError, TimeoutError, msgspec.MsgspecError, UnicodeDecodeError):
            return _refusal('a request is one line of JSON, {"do": ..., "args": {...}}')
        return await self._carry_out(request)

    async def _carry_out(self, request: _Request) -> bytes:
        handler = self._handlers.get(request.do)
        if handler is None:
            return _refusal(f"this role does not know {request.do!r}; it knows {', '.join(sorted(self._handlers))}")
        try:
            inspect.signature(handler).bind(**request.args)
        except TypeError as fault:
            return _refusal(f"{request.do}: {fault}")
        try:
            answer = msgspec.json.encode({"answer": await handler(**request.args)})
        except GatepostError as fault:
            return _refusal(str(fault))
        except Exception as defect:
            emit_unexpected(f"control {request.do}", defect)
            return _refusal("the role could not do it; its log says why")
        return answer if len(answer) < LINE_BYTES else _refusal("the answer is longer than 1 MiB; ask for less, as with --limit")


def ask(path: Path, do: str, /, *, timeout_s: float = 30.0, **args: Any) -> Any:
    """Ask a role of this machine and give its answer.

    Raises ControlError: with exit code 3 when nobody answers, 1 when the role refuses.
    """
    line = msgspec.json.encode({"do": do, "args": args}) + b"\n"
    try:
        untrusted_answer = _exchange(path, line, timeout_s)
    except TimeoutError:
        raise ControlError(f"the gateway did not answer within {timeout_s:g} s at {path}; its log may say why") from None
    except PermissionError:
        raise ControlError(f"{path} may be asked by root and the gateway's own user only; try with sudo") from None
    except (FileNotFoundError, ConnectionError):
        raise ControlError(f"no gateway is running at {path}; start it with `gatepost run`, or name its --config") from None
    except OSError as fault:
        raise ControlError(f"{path} cannot be asked ({fault.strerror or fault})") from None
    try:
        said = msgspec.json.decode(untrusted_answer, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise ControlError(f"the gateway at {path} ended before it answered; try again") from None
    if "refused" in said:
        refusal = ControlError(str(said["refused"]))
        refusal.exit_code = 1
        raise refusal
    return said.get("answer")


def _exchange(path: Path, line: bytes, timeout_s: float) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(timeout_s)
        sock.connect(str(path))
        with contextlib.suppress(BrokenPipeError):  # It may have refused before reading all.
            sock.sendall(line)
        with contextlib.suppress(ConnectionResetError), sock.makefile("rb") as answer:
            return answer.readline(LINE_BYTES + 1)
    return b""


def _refusal(sentence: str) -> bytes:
    return msgspec.json.encode({"refused": sentence})


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
