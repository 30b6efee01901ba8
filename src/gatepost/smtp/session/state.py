# SPDX-License-Identifier: Apache-2.0
"""What a session remembers of its client, and what a verb may do to it.

A transaction leaves nothing behind: whatever ends it, sender, recipients and content are forgotten together.
"""

from collections.abc import Callable

from gatepost.smtp import replies
from gatepost.smtp.envelope import Envelope
from gatepost.smtp.replies import Reply
from gatepost.smtp.session.content import Content
from gatepost.smtp.session.events import Authenticate
from gatepost.smtp.session.terms import Terms

Dialog = Callable[["State", bytes], Reply | Authenticate]


class State:
    """The memory of one session."""

    __slots__ = (
        "_at", "_buffer", "_chunk", "_chunk_last", "_chunk_refusal", "_reading", "_refused_recipients", "authenticated",
        "content", "dialog", "envelope", "extended", "greeted", "helo", "in_chunks", "is_encrypted", "recipients_named", "terms",
    )  # fmt: skip

    def __init__(self, terms: Terms, *, is_encrypted: bool) -> None:
        self.terms = terms
        self.is_encrypted = is_encrypted
        self.authenticated = False
        self._buffer = b""
        self._at = 0  # what lies before it in the buffer is done with
        self._refused_recipients = 0
        self.forget_client()

    def forget_client(self) -> None:
        """Forget all that the client has said."""
        self.greeted = False
        self.extended = False
        self.helo = ""
        self.dialog: Dialog | None = None
        """What takes the next line in place of a verb (AUTH)."""
        self.forget_transaction()

    def forget_transaction(self) -> None:
        """Forget sender, recipients and content, as RSET does."""
        self.envelope: Envelope | None = None
        self.content: Content | None = None
        self.recipients_named = False
        """Whether a RCPT came, accepted or not."""
        self.in_chunks = False
        """Whether a BDAT was accepted and the last one has not come."""
        self._reading = ""
        self._chunk = 0
        self._chunk_last = False
        self._chunk_refusal: Reply | None = None

    @property
    def has_more(self) -> bool:
        """Whether the client has pipelined something behind the command at hand."""
        return self._at < len(self._buffer)

    @property
    def buffered(self) -> int:
        """Tell how many bytes wait to be looked at."""
        return len(self._buffer) - self._at

    @property
    def reading_content(self) -> bool:
        """Whether the client is in the middle of a mail's content."""
        return self._reading != "" or self.in_chunks

    def refused_recipient(self, reply: Reply) -> Reply:
        """Count a recipient that was not taken; too many end the session."""
        self._refused_recipients += 1
        return replies.TOO_MANY_ERRORS if self._refused_recipients > self.terms.limits.refused_recipients else reply

    def expect_chunk(self, size: int, *, last: bool) -> None:
        """Read the next `size` bytes as a BDAT chunk."""
        self._reading, self._chunk, self._chunk_last, self._chunk_refusal = "chunk", size, last, None

    def read_past(self, refusal: Reply) -> None:
        """Read past the chunk's bytes, then answer with `refusal`."""
        self._chunk_refusal = refusal
