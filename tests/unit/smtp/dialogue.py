# SPDX-License-Identifier: Apache-2.0
"""A session without I/O and a house that says yes: what is said goes in as bytes, replies come out as text."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from gatepost.config.limits import ReceiveLimits
from gatepost.smtp import replies
from gatepost.smtp.envelope import Envelope
from gatepost.smtp.replies import Reply
from gatepost.smtp.session.events import Authenticate, ContentBegins, ContentEnds, ContentRefused, Event, MailFrom, RcptTo, StartTls
from gatepost.smtp.session.machine import Session
from gatepost.smtp.session.terms import Terms

_CODES = re.compile(r"\d{3}(?: \d\.\d+\.\d+(?= ))?")
CONVERSATION = (b"EHLO client.example", b"MAIL FROM:<a@example.org>", b"RCPT TO:<b@example.com>")


class Mail(NamedTuple):
    """A mail that was taken."""

    envelope: Envelope
    content: bytes


class Dialogue:
    """One conversation; `decide` may answer an event in place of the yes (None leaves it the yes)."""

    def __init__(
        self,
        *,
        decide: Callable[[Event], Reply | None] = lambda event: None,
        is_encrypted: bool = False,
        cut: int = 0,
        starttls: bool = False,
        tls_required: bool = False,
        submission: bool = False,
        **limits: Any,
    ) -> None:
        terms = Terms(
            hostname="gate.example",
            limits=ReceiveLimits(**limits),
            starttls=starttls,
            tls_required=tls_required,
            submission=submission,
        )
        self.session = Session(terms, is_encrypted=is_encrypted)
        self.mails: list[Mail] = []
        self.events: list[Event] = []
        self._decide = decide
        self._cut = cut
        self._unread = b""

    def say(self, *lines: bytes) -> list[str]:
        """Say lines, each ended by CRLF, in one go; gives the replies, without what the client must not read yet."""
        return self.send(b"".join(line + b"\r\n" for line in lines))

    def send(self, wire: bytes) -> list[str]:
        """Send bytes, in segments of `cut` bytes where that is set."""
        step = self._cut or max(len(wire), 1)
        said = []
        for at in range(0, len(wire), step):
            if self.session.ended:
                break
            self.session.feed(wire[at : at + step])
            said += self._turn()
        return said

    def _turn(self) -> list[str]:
        session = self.session
        before = -1
        while before != session.buffered or session.pending is not None:  # a tar pit lets it go on one answer at a time
            before = session.buffered
            while (event := session.advance()) is not None:
                self.events.append(event)
                session.answer(self._decide(event) or self._yes(event))
                if isinstance(event, StartTls):
                    session.encrypted()
            self._unread += b"".join(session.out)
            session.out.clear()
        return self._read()

    def _yes(self, event: Event) -> Reply:
        match event:
            case MailFrom():
                return replies.SENDER_OK
            case RcptTo():
                return replies.RECIPIENT_OK
            case ContentBegins():
                return replies.SEND_CONTENT
            case ContentEnds(envelope):
                assert self.session.content is not None
                self.mails.append(Mail(envelope, self.session.content.take()))
                return replies.queued("t")
            case ContentRefused(_, reply):
                return reply
            case Authenticate(_, password):
                return replies.AUTH_OK if password == "good" else replies.AUTH_FAILED
            case StartTls():
                return replies.TLS_READY

    def _read(self) -> list[str]:
        said, lines = [], []
        *whole, self._unread = self._unread.split(b"\r\n")
        for line in whole:
            lines.append(line.decode())
            if line[3:4] != b"-":
                said.append("\n".join(lines))
                lines = []
        assert not lines and not self._unread, "a reply without an end"
        return said


def codes(said: list[str]) -> list[str]:
    """Give only the codes, with the enhanced ones where there are any."""
    return [match[0] for reply in said if (match := _CODES.match(reply.rpartition("\n")[2]))]
