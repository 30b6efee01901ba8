# SPDX-License-Identifier: Apache-2.0
"""What a session must answer, as a model of a few lines; and what drives a real session beside it.

The model knows no bytes: each call says a command, notes what must be answered and what must be taken, and hands
out the wire form. `Pair.flush` cuts the wire of several commands anywhere, feeds it, and compares. Senders,
recipients and content carry the number of their transaction, so that no two can be mixed unseen.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from gatepost.config.limits import ReceiveLimits
from gatepost.smtp import replies
from gatepost.smtp.replies import Reply
from gatepost.smtp.session.events import ContentBegins, ContentEnds, ContentRefused, Event, MailFrom, RcptTo, StartTls
from gatepost.smtp.session.machine import Session
from gatepost.smtp.session.terms import Terms

LIMITS = ReceiveLimits(size_bytes=300, recipients=3, line_bytes=600, errors=6, idle_commands=25, refused_recipients=8, chunks=6)
TERMS = Terms(hostname="gate.example", limits=LIMITS, starttls=True)
ENDED = "421 4.7.0"

# line -> code, whether it is a fault, whether it counts as idle
PLAIN = {
    b"NOOP": ("250 2.0.0", False, True),
    b"NOOP x y": ("250 2.0.0", False, True),
    b"VRFY root": ("252 2.5.0", False, True),
    b"VRFY": ("501 5.5.4", True, True),
    b"HELP": ("502 5.5.1", True, True),
    b"ETRN x": ("502 5.5.1", True, False),
    b"AUTH PLAIN": ("502 5.5.1", True, True),
    b"RSET x": ("501 5.5.4", True, True),
    b"EHLO": ("501 5.5.4", True, True),
    b"EHLO a b": ("501 5.5.4", True, True),
    b"QUIT x": ("501 5.5.4", True, False),
    b"": ("500 5.5.2", True, False),
    b"XYZZY": ("500 5.5.2", True, False),
    b"MAILFROM:<a@example.org>": ("500 5.5.2", True, False),
    b"NOOP " + b"x" * 700: ("500 5.5.6", True, False),
}
DEADLY = {
    b"QUIT\r\n": "221 2.0.0",
    b"GET / HTTP/1.1\r\n": "554 5.5.1",
    b"NOOP\n": "500 5.5.2",
    b"NO\rOP\r\n": "500 5.5.2",
    b"NOOP \0\r\n": "500 5.5.2",
    b"BDAT x\r\n": "501 5.5.4",
    b"BDAT 1 FIRST\r\nx": "501 5.5.4",
}
CONTENT = {  # what is put around a transaction's number, and what comes of it in DATA and in chunks
    "plain": (b"%d\r\n", None),
    "long": (b"%d" + b"y" * 150 + b"\r\n", None),
    "eight bits": (b"%d \xff\0\r\n", None),
    "bare LF": (b"%d\n.\nMAIL FROM:<s0@example.net>\r\n", "bare"),
    "bare CR": (b"%d\r.\r\nQUIT\r\n", "bare"),
    "too big": (b"%d" + b"x" * 301 + b"\r\n", "big"),
    "refused": (b"%d REFUSE\r\n", "refused"),
}


@dataclass
class Transaction:
    """One MAIL and what came after."""

    number: int
    recipients: list[str] = field(default_factory=list)
    named: bool = False
    chunks: int = 0
    content: bytes | None = None
    """Chunks so far; None before the first."""


class Model:
    """What must come of the commands said so far."""

    def __init__(self) -> None:
        self.expected: list[str] = []
        self.mails: list[tuple[str, list[str], bytes]] = []
        self.ends_here = False
        """Whether the client must wait for the answers now (STARTTLS, a refused DATA)."""
        self.house_away = False
        self.number = 0
        self.begin()

    def begin(self) -> None:
        """A new connection."""
        self.closed = self.greeted = self.encrypted = False
        self.extended = False
        self.transaction: Transaction | None = None
        self.errors = self.idle = self.refused = 0

    def _say(self, code: str, *, fault: bool = False, closes: bool = False) -> None:
        if fault:
            self.errors += 1
            if self.errors > LIMITS.errors:
                code, closes = ENDED, True
        self.expected.append(code)
        if closes:
            self.closed, self.transaction = True, None

    def _idles(self) -> bool:
        self.idle += 1
        if self.idle <= LIMITS.idle_commands:
            return False
        self._say(ENDED, closes=True)
        return True

    def _end_transaction(self) -> None:
        self.transaction = None

    def hello(self, verb: bytes) -> bytes:
        if not self._idles():
            self._end_transaction()
            self.greeted, self.extended = True, verb == b"EHLO"
            self._say("250")
        return verb + b" client.example\r\n"

    def rset(self) -> bytes:
        if not self._idles():
            self._end_transaction()
            self._say("250 2.0.0")
        return b"RSET\r\n"

    def plain(self, line: bytes) -> bytes:
        code, fault, idle = PLAIN[line]
        if not (idle and self._idles()):
            self._say(code, fault=fault)
        return line + b"\r\n"

    def deadly(self, wire: bytes) -> bytes:
        code = DEADLY[wire]
        self._say(code, fault=code[0] == "5", closes=True)
        return wire

    def starttls(self) -> bytes:
        self.ends_here = True
        if self.encrypted or not self.greeted:
            self._say("503 5.5.1", fault=True)
        else:
            self._say("220 2.0.0")
            self._end_transaction()
            self.encrypted, self.greeted, self.extended = True, False, False
        return b"STARTTLS\r\n"

    def mail(self, kind: str) -> bytes:
        """Kinds: ok, refused, away, malformed, path, utf8, size."""
        self.number += 1
        line, code = {
            "ok": (b"MAIL FROM:<s%d@example.org>", "250 2.1.0"),
            "refused": (b"MAIL FROM:<no%d@example.org>", "550 5.7.1"),
            "away": (b"MAIL FROM:<away%d@example.org>", "451 4.3.0"),
            "malformed": (b"MAIL FROM:s%d@example.org", "501 5.5.4"),
            "path": (b"MAIL FROM:<s%d@>", "553 5.1.7"),
            "utf8": ("MAIL FROM:<ü%d@example.org>".encode(), "553 5.6.7"),
            "size": (b"MAIL FROM:<s%d@example.org> SIZE=301", "552 5.3.4"),
        }[kind]
        if not self._idles():
            if not self.greeted or self.transaction is not None:
                self._say("503 5.5.1", fault=True)
            elif kind == "size" and not self.extended:
                self._say("555 5.5.4", fault=True)
            else:
                self._say(code, fault=kind not in ("ok", "refused", "away"))
                if kind == "ok" and not self.closed:
                    self.transaction = Transaction(self.number)
        return line % self.number + b"\r\n"

    def rcpt(self, kind: str) -> bytes:
        """Kinds: ok, refused, malformed, nobody."""
        transaction = self.transaction
        number = transaction.number if transaction else 0
        name = {"ok": "r", "refused": "no", "malformed": "r", "nobody": ""}[kind]
        address = f"{name}{number}@example.com" if name else ""
        line = f"RCPT TO:<{address}>" if kind != "malformed" else f"RCPT TO:{address}"
        if transaction is None or transaction.content is not None:
            self._say("503 5.5.1", fault=True)
            return line.encode() + b"\r\n"
        transaction.named = True
        if len(transaction.recipients) >= LIMITS.recipients:
            self._refuse_recipient("452 4.5.3")
        elif kind == "ok":
            transaction.recipients.append(address)
            self._say("250 2.1.5")
        elif kind == "refused":
            self._refuse_recipient("550 5.7.1")
        else:
            self._say("501 5.5.4" if kind == "malformed" else "553 5.1.3", fault=True)
        return line.encode() + b"\r\n"

    def _refuse_recipient(self, code: str) -> None:
        self.refused += 1
        over = self.refused > LIMITS.refused_recipients
        self._say(ENDED if over else code, closes=over)

    def data(self, kind: str, lines: int) -> bytes:
        """DATA with its content where it may come, else DATA alone."""
        transaction = self.transaction
        if self._idles():
            return b"DATA\r\n"
        if transaction is None or transaction.content is not None or not transaction.recipients:
            self.ends_here = True
            none = transaction is not None and transaction.content is None
            self._say("554 5.5.1" if none else "503 5.5.1", fault=not (none and transaction is not None and transaction.named))
            return b"DATA\r\n"
        if self.house_away:
            self.ends_here = True
            self._say("451 4.3.0")
            return b"DATA\r\n"
        self._say("354")
        template, outcome = CONTENT[kind]
        content = template % transaction.number + b".dot\r\n" * lines
        self._content_ends(content, outcome or ("big" if len(content) > LIMITS.size_bytes else None))
        return b"DATA\r\n" + content.replace(b"\r\n.", b"\r\n..") + b".\r\n"

    def bdat(self, kind: str, cut: int, *, last: bool) -> bytes:
        """A chunk; `cut` bytes of it come as a chunk of their own before."""
        transaction = self.transaction
        template, _ = CONTENT[kind]
        chunk = template % (transaction.number if transaction else 0)
        first, second = chunk[:cut], chunk[cut:]
        wire = b"BDAT %d\r\n%s" % (len(first), first)
        self._chunk(first, last=False)
        if self.closed:
            return wire
        self._chunk(second, last=last)
        return wire + b"BDAT %d%s\r\n%s" % (len(second), b" LAST" if last else b"", second)

    def _chunk(self, chunk: bytes, *, last: bool) -> None:
        transaction = self.transaction
        if transaction is None:
            self._say("503 5.5.1", fault=True)
        elif not transaction.recipients:
            self._say("554 5.5.1", fault=not transaction.named)
            self._end_transaction()
        elif transaction.content is None and self.house_away:
            self._say("451 4.3.0")
            self._end_transaction()
        else:
            transaction.content = (transaction.content or b"") + chunk
            transaction.chunks += 1
            if transaction.chunks > LIMITS.chunks:
                self._say("554 5.5.1", closes=True)
            elif not last:
                self._say("250 2.0.0")
            else:
                self._content_ends(transaction.content, self._outcome(transaction.content))

    @staticmethod
    def _outcome(content: bytes) -> str | None:
        """What comes of chunks, which are judged as they come: the first fault of line ends or size counts."""
        stripped = content.replace(b"\r\n", b"")
        bare = b"\r" in stripped or b"\n" in stripped
        if bare and len(content) > LIMITS.size_bytes:
            return "either"
        return "bare" if bare else "big" if len(content) > LIMITS.size_bytes else "refused" if b"REFUSE" in content else None

    def _content_ends(self, content: bytes, outcome: str | None) -> None:
        transaction = self.transaction
        assert transaction is not None
        self.idle = 0
        if outcome == "bare":
            self._say("550 5.6.11", closes=True)
        elif outcome == "either":  # which fault is seen first depends on the segments
            self._say("550 5.6.11|552 5.3.4")
            self.ends_here = True
        elif outcome == "big":
            self._say("552 5.3.4")
        elif outcome == "refused":
            self._say("554 5.6.0")
        else:
            self.mails.append((f"s{transaction.number}@example.org", list(transaction.recipients), content))
            self._say("250 2.0.0")
        self._end_transaction()


class Pair:
    """A model and a session that must do the same."""

    def __init__(self) -> None:
        self.model = Model()
        self.steps = self.connections = 0
        self._wire = b""
        self._connect()

    def _connect(self) -> None:
        self.session = Session(TERMS)
        self._mails: list[tuple[str, list[str], bytes]] = []
        self._out = b""
        self.model.begin()
        self.connections += 1

    def add(self, wire: bytes) -> None:
        """Add a command that the model was told to what is sent next."""
        self._wire += wire
        self.steps += 1

    @property
    def must_flush(self) -> bool:
        """Whether the client has to wait for the answers now."""
        return self.model.ends_here or self.model.closed

    def flush(self, edges: Iterable[int], junk: bytes = b"") -> None:
        """Send all that was added, cut at these places, and compare; `junk` follows what ended the session."""
        wire = self._wire + (junk if self.model.closed else b"")
        places = sorted({0, len(wire), *(edge % (len(wire) + 1) for edge in edges)})
        for start, end in pairwise(places):
            if not self.session.ended:
                self._feed(wire[start:end])
        self._compare()
        self._wire = b""
        if self.session.ended:
            self._connect()

    def _feed(self, segment: bytes) -> None:
        session = self.session
        session.feed(segment)
        more = True
        while more:
            while (event := session.advance()) is not None:
                session.answer(self._decide(event))
                if isinstance(event, StartTls):
                    session.encrypted()
            more = session.is_full
            self._out += b"".join(session.out)
            session.out.clear()
        assert session.buffered <= LIMITS.line_bytes + len(segment)
        assert session.content is None or session.content.waiting <= LIMITS.size_bytes
        assert session.envelope is None or len(session.envelope.recipients) <= LIMITS.recipients

    def _decide(self, event: Event) -> Reply:
        match event:
            case MailFrom(envelope):
                local = envelope.sender.local if envelope.sender else ""
                return replies.UNABLE_TO_RELAY if local[:2] == "no" else replies.STORE_AWAY if local[:4] == "away" else replies.SENDER_OK
            case RcptTo(_, recipient):
                return replies.UNABLE_TO_RELAY if recipient.address.local[:2] == "no" else replies.RECIPIENT_OK
            case ContentBegins():
                return replies.STORE_AWAY if self.model.house_away else replies.SEND_CONTENT
            case ContentEnds(envelope):
                assert self.session.content is not None
                content = self.session.content.take()
                if b"REFUSE" in content:
                    return replies.MALFORMED_CONTENT
                self._mails.append((str(envelope.sender), [str(one.address) for one in envelope.recipients], content))
                return replies.queued("t")
            case ContentRefused(_, reply):
                return reply
            case _:
                return replies.TLS_READY

    def _compare(self) -> None:
        model = self.model
        said = [_code(line) for line in self._out.decode().split("\r\n")[:-1] if line[3:4] == " "]
        either = [said[-1] if "|" in code and said and said[-1] in code else code for code in model.expected]
        if either != model.expected and either[-1] == "550 5.6.11":
            model.closed, model.transaction = True, None
        assert said == either, f"{self._wire!r} was answered {said}, not {model.expected}"
        assert self._mails == model.mails
        assert self.session.ended == model.closed
        assert (self.session.envelope is None) == (model.transaction is None)
        assert (self.session.content is None) == (model.transaction is None or model.transaction.content is None)
        assert self.session.greeted == model.greeted or model.closed
        assert self.session.pending is None
        model.expected, model.mails, self._mails, self._out = [], [], [], b""
        model.ends_here = False


def _code(line: str) -> str:
    words = line.split(" ", 2)
    return f"{words[0]} {words[1]}" if words[1][1:2] == "." else words[0]
