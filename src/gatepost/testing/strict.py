# SPDX-License-Identifier: Apache-2.0
"""A strict receiving SMTP session without I/O: bytes in, bytes out, every sloppiness recorded as an error.

It is written apart from Gatepost's own SMTP room, so that it can judge what that room sends. Judged are
line ends, order, grammar, parameters that were not offered, pipelining past a command that must be the
last of its group (RFC 2920 §3.1), dot-stuffing, and 8-bit content that was not declared. Long lines, NUL
and 8-bit headers inside a mail are its author's doing, not the client's: they are left alone.
"""

import re
import time
from collections.abc import Callable
from typing import ClassVar

import msgspec

from gatepost.testing import syntax
from gatepost.testing.faults import Fault, Faults, Stage
from gatepost.testing.ledger import digest, identify
from gatepost.testing.syntax import Offer, Path

_END = b"\r\n.\r\n"
_NOT_STUFFED = re.compile(rb"(?:\A|\r\n)\.(?!\.)")
_LAST_IN_GROUP = frozenset((b"EHLO", b"HELO", b"DATA", b"QUIT", b"STARTTLS", b"NOOP", b"VRFY"))


class SinkMail(msgspec.Struct, kw_only=True):
    """One mail as it arrived."""

    sender: str
    sender_parameters: tuple[str, ...]
    recipients: tuple[str, ...]
    recipient_parameters: tuple[tuple[str, ...], ...]
    content: bytes
    """Dot-stuffing removed; empty when the sink keeps hashes only."""
    size: int
    id: str
    """The value of `X-Load-Id`; '' when there is none."""
    sha256: str
    """Of the content from the id header on; of all of it when there is none."""
    hello: str
    tls: str
    """'' or the protocol's name."""
    session: int
    at: float


class StrictSession:
    """One session; its owner moves the bytes, starts TLS when `wants_tls` and closes when `closing`."""

    def __init__(
        self,
        number: int,
        offer: Offer,
        faults: Faults,
        *,
        record: Callable[[SinkMail], None],
        complain: Callable[[str], None],
        offers_tls: bool,
        keeps_content: bool,
    ) -> None:
        self.closing = self.stalled = self.wants_tls = False
        self.tls = ""
        self.mails = 0
        self._number, self._offer, self._faults = number, offer, faults
        self._record, self._complain = record, complain
        self._offers_tls, self._keeps_content = offers_tls, keeps_content
        self._buffer = bytearray()
        self._scanned = 0
        self._in_content = False
        self._hello = ""
        self._extended = False
        self._sender: Path | None = None
        self._recipients: list[Path] = []

    def greet(self) -> bytes:
        """Give the greeting."""
        if (fault := self._fault("connect")) is not None:
            return self._fail(fault)
        return f"220 {self._offer.name} ESMTP strict sink\r\n".encode()

    def tls_started(self, version: str) -> None:
        """Begin anew inside TLS (RFC 3207 §4.2)."""
        self.tls, self.wants_tls, self._hello = version, False, ""
        self._forget()

    def receive(self, untrusted_bytes: bytes) -> bytes:
        """Take bytes; gives the answers to what they complete."""
        self._buffer += untrusted_bytes
        answers: list[bytes] = []
        while self._buffer and not (self.closing or self.stalled or self.wants_tls):
            answer = self._take_content() if self._in_content else self._take_command()
            if answer is None:
                break
            answers.append(answer)
        return b"".join(answers)

    def lost(self) -> None:
        """Learn that the client has gone; going in the middle of a command is an error."""
        if self._buffer and not self._in_content and not (self.closing or self.stalled):
            self._blame("the connection ended inside a command", bytes(self._buffer[:80]))

    def _take_command(self) -> bytes | None:
        end = self._buffer.find(b"\n") + 1
        verb = bytes(self._buffer[:10]).upper().split(b" ")[0].strip()
        limit = syntax.command_limit(verb, self._offer)
        if (end or len(self._buffer)) > limit:
            return self._refuse_and_close("500", f"the line is longer than {limit} bytes", bytes(self._buffer[:80]))
        if not end:
            return None
        line = bytes(self._buffer[:end])
        del self._buffer[:end]
        if not line.endswith(b"\r\n") or b"\r" in line[:-2]:
            return self._refuse_and_close("500", "the line holds a bare CR or LF", line)
        return self._command(line)

    def _command(self, line: bytes) -> bytes:
        verb, _, argument = line[:-2].partition(b" ")
        verb = verb.upper()
        if self._buffer and (not self._extended or not self._offer.pipelining or verb in _LAST_IN_GROUP):
            return self._refuse_and_close("503", f"more was sent before the answer to {verb.decode('ascii', 'replace')}", line)
        method = self._verbs.get(verb)
        if method is None:
            return self._refuse("500", "the command is unknown", line)
        try:
            text = argument.decode("utf-8")
        except UnicodeDecodeError:
            return self._refuse("501", "the argument is not UTF-8", line)
        if any(character < " " or character == "\x7f" for character in text):
            return self._refuse("501", "the argument holds a control character", line)
        return method(self, text, line)

    def _ehlo(self, argument: str, line: bytes) -> bytes:
        if (fault := self._fault("ehlo")) is not None:
            return self._fail(fault)
        if wrong := syntax.hello(argument):
            return self._refuse("501", wrong, line)
        if not self._offer.esmtp:
            return b"502 5.5.1 EHLO is not known here\r\n"
        self._hello, self._extended = argument, True
        self._forget()
        offer = self._offer
        words = [
            offer.name,
            "PIPELINING" if offer.pipelining else "",
            f"SIZE {offer.size_bytes}" if offer.size_bytes else "",
            "8BITMIME" if offer.eight_bit else "",
            "SMTPUTF8" if offer.smtputf8 else "",
            "DSN" if offer.dsn else "",
            "STARTTLS" if self._offers_tls and not self.tls else "",
            "ENHANCEDSTATUSCODES",
        ]
        lines = [word for word in words if word]
        return "".join(f"250{'-' if word is not lines[-1] else ' '}{word}\r\n" for word in lines).encode()

    def _helo(self, argument: str, line: bytes) -> bytes:
        if wrong := syntax.hello(argument):
            return self._refuse("501", wrong, line)
        self._hello, self._extended = argument, False
        self._forget()
        return f"250 {self._offer.name}\r\n".encode()

    def _starttls(self, argument: str, line: bytes) -> bytes:
        if argument or not self._extended or not self._offers_tls or self.tls:
            return self._refuse("503", "STARTTLS has an argument, was not offered, or TLS is active", line)
        if (fault := self._fault("starttls")) is not None:
            return self._fail(fault)
        self.wants_tls = True
        return b"220 2.0.0 Go ahead\r\n"

    def _mail(self, argument: str, line: bytes) -> bytes:
        if not self._hello or self._sender is not None:
            return self._refuse("503", "MAIL before a greeting or inside a mail", line)
        none = Offer(pipelining=False, eight_bit=False, smtputf8=False, dsn=False, size_bytes=0)
        path = syntax.mail_path(argument, self._offer if self._extended else none)
        if isinstance(path, str):
            return self._refuse("501", path, line)
        if (fault := self._fault("mail", path.address)) is not None:
            return self._fail(fault)
        self._sender = path
        return b"250 2.1.0 Sender ok\r\n"

    def _rcpt(self, argument: str, line: bytes) -> bytes:
        if self._sender is None:
            # A pipelining client could not know that its MAIL was refused.
            return b"503 5.5.1 MAIL first\r\n" if self._pipelined else self._refuse("503", "RCPT before MAIL", line)
        path = syntax.rcpt_path(argument, self._offer, utf8=syntax.says(self._sender, "SMTPUTF8"))
        if isinstance(path, str):
            return self._refuse("501", path, line)
        if (fault := self._fault("rcpt", path.address)) is not None:
            return self._fail(fault)
        self._recipients.append(path)
        return b"250 2.1.5 Recipient ok\r\n"

    def _data(self, argument: str, line: bytes) -> bytes:
        if argument:
            return self._refuse("501", "DATA has an argument", line)
        if not self._recipients:
            return b"554 5.5.1 No valid recipients\r\n" if self._pipelined else self._refuse("503", "DATA without a recipient", line)
        if (fault := self._fault("data", *self._subjects())) is not None:
            return self._fail(fault)
        self._in_content, self._scanned = True, 0
        return b"354 Send the mail\r\n"

    def _rset(self, argument: str, line: bytes) -> bytes:
        if argument:
            return self._refuse("501", "RSET has an argument", line)
        self._forget()
        return b"250 2.0.0 Ok\r\n"

    def _noop(self, _argument: str, _line: bytes) -> bytes:
        return b"250 2.0.0 Ok\r\n"

    def _quit(self, argument: str, line: bytes) -> bytes:
        if argument:
            return self._refuse("501", "QUIT has an argument", line)
        if (fault := self._fault("quit")) is not None:
            return self._fail(fault)
        self.closing = True
        return b"221 2.0.0 Bye\r\n"

    _verbs: ClassVar[dict[bytes, Callable[["StrictSession", str, bytes], bytes]]] = {
        b"EHLO": _ehlo,
        b"HELO": _helo,
        b"STARTTLS": _starttls,
        b"MAIL": _mail,
        b"RCPT": _rcpt,
        b"DATA": _data,
        b"RSET": _rset,
        b"NOOP": _noop,
        b"QUIT": _quit,
    }

    def _take_content(self) -> bytes | None:
        buffer = self._buffer
        if self._faults and (fault := self._fault("content", *self._subjects())) is not None:
            return self._fail(fault)
        at = -2 if buffer.startswith(b".\r\n") else buffer.find(_END, self._scanned)
        if at == -1:
            self._scanned = max(0, len(buffer) - len(_END) + 1)
            return None
        content = bytes(memoryview(buffer)[: at + 2])
        del buffer[: at + len(_END)]
        self._in_content = False
        self._judge(content)
        return self._settle(content)

    def _judge(self, content: bytes) -> None:
        if not content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n"):
            self._blame("the mail holds a bare CR or LF")
        if _NOT_STUFFED.search(content):
            self._blame("a line begins with a dot that was not doubled")
        declared = self._sender is not None and (syntax.says(self._sender, "BODY=8BITMIME") or syntax.says(self._sender, "SMTPUTF8"))
        if not declared and not content.isascii():
            self._blame("the mail holds 8-bit bytes and BODY=8BITMIME was not said")

    def _settle(self, content: bytes) -> bytes:
        fault = self._fault("dot", *self._subjects())
        if fault is None or fault.action == "take_and_drop":
            self._keep(content)
        self._forget()
        if fault is not None:
            return self._fail(fault)
        self.mails += 1
        return b"250 2.0.0 Taken\r\n"

    def _keep(self, content: bytes) -> None:
        if content.startswith(b"..") or b"\r\n.." in content:
            content = (b"\r\n" + content).replace(b"\r\n..", b"\r\n.")[2:]
        sender = self._sender or Path("", ())
        name, start = identify(content)
        self._record(
            SinkMail(
                sender=sender.address,
                sender_parameters=sender.parameters,
                recipients=tuple(path.address for path in self._recipients),
                recipient_parameters=tuple(path.parameters for path in self._recipients),
                content=content if self._keeps_content else b"",
                size=len(content),
                id=name,
                sha256=digest(content, start),
                hello=self._hello,
                tls=self.tls,
                session=self._number,
                at=time.time(),
            )
        )

    @property
    def _pipelined(self) -> bool:
        return self._extended and self._offer.pipelining

    def _subjects(self) -> tuple[str, ...]:
        sender = self._sender.address if self._sender is not None else ""
        return (sender, *(path.address for path in self._recipients))

    def _forget(self) -> None:
        self._sender = None
        self._recipients = []

    def _fault(self, stage: Stage, *subjects: str) -> Fault | None:
        return self._faults.take(stage, subjects) if self._faults else None

    def _fail(self, fault: Fault) -> bytes:
        if fault.action == "stall":
            self.stalled = True
            return b""
        if fault.action != "reply":
            self.closing = True
            return b""
        # What follows of a mail that was cut short cannot be told from commands.
        self.closing = fault.reply.startswith("421") or fault.stage == "content"
        return fault.reply.encode() + b"\r\n"

    def _blame(self, why: str, line: bytes = b"") -> None:
        self._complain(f"session {self._number}: {why}" + (f": {line!r}" if line else ""))

    def _refuse(self, code: str, why: str, line: bytes) -> bytes:
        self._blame(why, line)
        return f"{code} 5.5.2 Strict: {why}\r\n".encode("ascii", "replace")

    def _refuse_and_close(self, code: str, why: str, line: bytes) -> bytes:
        self.closing = True
        return self._refuse(code, why, line)
