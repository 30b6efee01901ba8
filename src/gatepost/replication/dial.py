# SPDX-License-Identifier: Apache-2.0
"""Call another role: over its unix socket on this machine, or over mutual TLS on another."""

import asyncio
import ssl
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from gatepost.errors import ControlError
from gatepost.replication.certificate import Identity
from gatepost.replication.pinned import client_context, pairing_context, refuse_other, shown_fingerprint, tls_sentence
from gatepost.replication.wire import WireError, framed, new_request, read_payload, read_reply

CONNECT_S = 10.0
ANSWER_S = 30.0
Answer = TypeVar("Answer")


class Remote(NamedTuple):
    """A role on another machine, and the certificate that it must show."""

    host: str
    port: int
    fingerprint: str
    certificate: str
    """PEM; '' while it is not known: then its fingerprint is all we have, and we show no certificate of ours."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Call:
    """One connection to a role; carries one request after the other."""

    def __init__(self, where: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.where = where
        self._reader = reader
        self._writer = writer

    async def ask(
        self, do: str, args: dict[str, Any], answer: type[Answer] | Any = Any, *, timeout_s: float = ANSWER_S, identity: str = ""
    ) -> Any:
        """Ask, and give the answer as this type. A command given again with the same `identity` is not carried out again.

        Raises ControlError: with exit code 3 when no answer came, 1 when the role refused; the connection is of use then.
        """
        try:
            self._writer.write(framed(new_request(do, args, identity)))
            async with asyncio.timeout(timeout_s):  # Never wait_for: it may swallow a cancellation (Python 3.11).
                await self._writer.drain()
            payload = await read_payload(self._reader, first_s=timeout_s)
            if not payload:
                raise ControlError(f"{self.where} hung up; it is tried again")
            reply = read_reply(payload)
            if reply.refused:
                refused = ControlError(reply.refused)
                refused.exit_code = 1
                raise refused
            return msgspec.msgpack.decode(reply.answer, type=answer)
        except ssl.SSLError as error:
            raise ControlError(tls_sentence(self.where, error)) from None
        except TimeoutError:
            raise ControlError(f"{self.where} did not answer {do} within {timeout_s:g} s; its log may say why") from None
        except OSError as error:
            raise ControlError(f"{self.where} hung up ({error.strerror or error}); it is tried again") from None
        except (WireError, msgspec.MsgspecError) as error:
            raise ControlError(f"{self.where} answered {do} with something else ({error}); is it of another version?") from None

    @property
    def certificate(self) -> str:
        """The certificate that the other end showed, in PEM; '' on a unix socket."""
        shown: ssl.SSLObject | None = self._writer.get_extra_info("ssl_object")
        der = shown.getpeercert(binary_form=True) if shown is not None else None
        return ssl.DER_cert_to_PEM_cert(der) if der else ""

    async def close(self) -> None:
        """Hang up, whatever the other end is about to say."""
        self._writer.transport.abort()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()


async def call_local(path: Path) -> Call:
    """Call a role of this machine. Raises: ControlError."""
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_unix_connection(str(path))
    except (OSError, TimeoutError) as error:
        raise ControlError(f"no gateway is running at {path} ({getattr(error, 'strerror', '') or error}); start it") from None
    return Call(str(path), reader, writer)


async def call_remote(remote: Remote, identity: Identity) -> Call:
    """Call a role on another machine; nothing is sent before its certificate was compared. Raises: ControlError."""
    context = client_context(identity, remote.certificate) if remote.certificate else pairing_context()
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(remote.host, remote.port, ssl=context)
    except ssl.SSLError as error:
        raise ControlError(tls_sentence(str(remote), error)) from None
    except TimeoutError:
        raise ControlError(
            f"{remote} did not answer within {CONNECT_S:g} s; check the address, its `link.listen` and the firewall"
        ) from None
    except OSError as error:
        raise ControlError(f"{remote} cannot be reached ({error.strerror or error}); check the address and its `link.listen`") from None
    try:
        refuse_other(str(remote), remote.fingerprint, shown_fingerprint(writer.get_extra_info("ssl_object")))
    except BaseException:
        writer.close()
        raise
    return Call(str(remote), reader, writer)
