# SPDX-License-Identifier: Apache-2.0
"""The session itself: lines become verbs, verbs become replies or events, content becomes a mail.

expecting a command -> (verb) -> reply at once, and on
                              -> event, pending until `answer`
reading content     -> (end)  -> reply at once (bad line ends, too big)
                              -> ContentEnds, pending until `answer`
ended               -> nothing is read any more; `out` still holds the last reply
"""

from gatepost.smtp import replies
from gatepost.smtp.replies import Reply
from gatepost.smtp.session.content import Content
from gatepost.smtp.session.events import Authenticate, ContentBegins, ContentEnds, ContentRefused, Event, MailFrom, RcptTo, StartTls
from gatepost.smtp.session.state import State
from gatepost.smtp.session.terms import Terms
from gatepost.smtp.session.verbs import IDLE_VERBS, VERBS, Answer

_ANSWERS = 128


class Session(State):
    """One client's conversation. See the package's docstring for the calls and their order."""

    __slots__ = ("_discarding", "_errors", "_failed_logins", "_idle", "_paced", "ended", "offended", "out", "pending")

    def __init__(self, terms: Terms, *, is_encrypted: bool = False) -> None:
        super().__init__(terms, is_encrypted=is_encrypted)
        self.out: list[bytes] = []
        self.pending: Event | None = None
        self.ended = False
        self.offended = False
        """Whether a wrong or misplaced command was seen; a tar pit slows all that follows, answer by answer."""
        self._discarding = False
        self._paced = terms.limits.tar_pit != "off"
        self._errors = self._idle = self._failed_logins = 0

    # -- what drives the session calls these ---------------------------------------------------------

    def greet(self) -> None:
        """Say the greeting."""
        self.out.append(self.terms.greeting)

    def feed(self, untrusted: bytes) -> None:
        """Take bytes from the client; `advance` then looks at them."""
        self._buffer = self._buffer + untrusted if self._buffer else untrusted

    def advance(self) -> Event | None:
        """Go on until the world must decide (an event), or until more bytes are needed (None).

        Go on no further than answers may wait (`is_full`), where a tar pit holds the client than to the next one; then
        send them and call again.
        """
        while self.pending is None and not self.ended and (self._at < len(self._buffer) or (self._reading and self._chunk_is_whole)):
            if self.out and (self.is_full or (self._paced and self.offended)):
                break
            if self._reading:
                answer = self._read_data() if self._reading == "data" else self._read_chunk()
                if answer is None and self._reading:
                    break
            else:
                line = self._take_line()
                if line is None:
                    break
                answer = self._obey(line)
            self._take_answer(answer)
        if self._at:
            self._buffer = self._buffer[self._at :]
            self._at = 0
        return self.pending

    def answer(self, reply: Reply) -> None:
        """Give the world's decision on the pending event."""
        event, self.pending = self.pending, None
        match event:
            case ContentBegins():
                self._begin_content(reply)
                return
            case MailFrom(envelope):
                if reply.accepts:
                    self.envelope = envelope
            case RcptTo(envelope, recipient):
                if reply.accepts:
                    envelope.recipients.append(recipient)
                else:
                    reply = self.refused_recipient(reply)
            case ContentEnds() | ContentRefused():
                self.forget_transaction()
                self._idle = 0
            case Authenticate():
                reply = self._take_login(reply)
            case StartTls() | None:
                pass
        self._say(reply)

    def refuse(self, reply: Reply) -> None:
        """End the session from outside (time-out, shutdown): whatever is pending is dropped."""
        self.pending = None
        self._say(reply._replace(closes=True))

    def encrypted(self) -> None:
        """Begin anew after the TLS handshake: nothing said in plain counts (RFC 3207 §4.2)."""
        self.is_encrypted = True
        self._buffer, self._at = b"", 0
        self.forget_client()

    @property
    def is_full(self) -> bool:
        """Whether so many answers wait to be sent that no more are given."""
        return len(self.out) >= _ANSWERS

    # -- lines and verbs -----------------------------------------------------------------------------

    def _take_line(self) -> bytes | None:
        end = self._buffer.find(b"\n", self._at)
        if end < 0:
            if self.buffered > self.terms.limits.line_bytes:
                self._discarding = True
                self._at = len(self._buffer) - 1
            return None
        line = self._buffer[self._at : end + 1]
        self._at = end + 1
        return line

    def _obey(self, line: bytes) -> Answer:
        if self._discarding or len(line) > self.terms.limits.line_bytes:
            self._discarding = False
            self.dialog = None
            return self._fault(replies.LINE_TOO_LONG)
        if not line.endswith(b"\r\n") or line.find(b"\r") != len(line) - 2 or b"\0" in line:
            return self._fault(replies.BARE_LINE_END_IN_COMMAND)
        if self.dialog is not None:
            return self._count_fault(self.dialog(self, line[:-2]))
        verb, _, argument = line[:-2].partition(b" ")
        verb = verb.upper()
        handler = VERBS.get(verb)
        if handler is None:
            return self._fault(replies.UNKNOWN_COMMAND)
        if verb in IDLE_VERBS:
            self._idle += 1
            if self._idle > self.terms.limits.idle_commands:
                return replies.TOO_MANY_COMMANDS
        return self._count_fault(handler(self, argument.rstrip(b" ")))

    def _count_fault(self, answer: Answer) -> Answer:
        if not isinstance(answer, Reply) or answer.code < 500:
            return answer
        if answer is replies.RECIPIENT_FIRST and self.recipients_named:
            return answer  # pipelined before the recipients' refusal was known (RFC 2920 §3.1): no fault
        return self._fault(answer)

    def _take_answer(self, answer: Answer) -> None:
        if answer is None:
            return
        if isinstance(answer, Reply):
            self._say(answer)
        elif isinstance(answer, bytes):
            self.out.append(answer)
        else:
            self.pending = answer

    def _say(self, reply: Reply) -> None:
        self.out.append(reply.wire())
        if reply.closes:
            self.ended = True
            self._buffer, self._at = b"", 0
            self.forget_transaction()

    def _fault(self, reply: Reply) -> Reply:
        """Count a wrong or misplaced command; too many end the session."""
        self.offended = True
        self._errors += 1
        return replies.TOO_MANY_ERRORS if self._errors > self.terms.limits.errors else reply

    def _take_login(self, reply: Reply) -> Reply:
        self.authenticated = reply.accepts
        if reply.accepts or reply.temporary:
            return reply
        self.offended = True
        self._failed_logins += 1
        return reply._replace(closes=True) if self._failed_logins >= self.terms.limits.auth_failures else reply

    # -- content -------------------------------------------------------------------------------------

    def _begin_content(self, reply: Reply) -> None:
        is_chunk = self._reading == "chunk"
        if reply.accepts:
            self.content = Content(self.terms.limits.size_bytes)
            if is_chunk:
                self.in_chunks = True  # the chunk is answered when its bytes are here
            else:
                self.content.begin_data()
                self._reading = "data"
                self._say(replies.SEND_CONTENT)
        elif is_chunk:
            self._chunk_refusal = reply
        else:  # what is pipelined behind a refused DATA may be content: never take it as commands
            self._say(reply._replace(closes=True) if self.has_more else reply)

    @property
    def _chunk_is_whole(self) -> bool:
        return self._reading == "chunk" and self._chunk == 0

    def _read_data(self) -> Answer:
        assert self.content is not None
        untrusted = self._buffer[self._at :] if self._at else self._buffer
        self._buffer, self._at = b"", 0
        rest = self.content.read_data(untrusted)
        if rest is None:
            return None
        self._buffer = rest
        self._reading = ""
        return self._content_ends(self.content)

    def _read_chunk(self) -> Answer:
        piece = self._buffer[self._at : self._at + self._chunk]
        self._at += len(piece)
        self._chunk -= len(piece)
        if self._chunk_refusal is None and self.content is not None:
            self.content.read_chunk(piece)
        return self._chunk_ends() if self._chunk == 0 else None

    def _chunk_ends(self) -> Answer:
        self._reading = ""
        refusal, content = self._chunk_refusal, self.content
        if refusal is not None or content is None:
            answer = self._count_fault(refusal or replies.MAIL_FIRST)
            self.forget_transaction()  # a refused chunk ends the transaction: nothing of it may live on
            return answer
        content.chunks += 1
        if content.chunks > self.terms.limits.chunks:
            return replies.TOO_MANY_CHUNKS
        if not self._chunk_last:
            return replies.CHUNK_OK
        content.end_chunks()
        return self._content_ends(content)

    def _content_ends(self, content: Content) -> Answer:
        assert self.envelope is not None
        if content.bare_line_end:
            self.offended = True
            return ContentRefused(self.envelope, replies.BARE_LINE_END)
        if content.too_big:
            return ContentRefused(self.envelope, replies.TOO_BIG)
        return ContentEnds(self.envelope, content.size, content.eight_bit)
