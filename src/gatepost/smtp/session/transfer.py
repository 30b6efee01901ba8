# SPDX-License-Identifier: Apache-2.0
"""DATA and BDAT: content may come (RFC 5321 §4.1.1.4, RFC 3030 §2). How it is read: `content`."""

from gatepost.smtp import replies
from gatepost.smtp.replies import Reply
from gatepost.smtp.session.events import ContentBegins
from gatepost.smtp.session.state import State

_CHUNK_DIGITS = 12


def data(session: State, argument: bytes) -> Reply | ContentBegins:
    """Handle DATA. Refused while more is already pipelined, it ends the session: that more may be content."""
    refusal: Reply | None = None
    if argument:
        refusal = replies.BAD_ARGUMENTS
    elif session.envelope is None:
        refusal = replies.MAIL_FIRST
    elif session.in_chunks:
        refusal = replies.DATA_AFTER_CHUNKS
    elif not session.envelope.recipients:
        refusal = replies.RECIPIENT_FIRST
    if refusal is None and session.envelope is not None:
        return ContentBegins(session.envelope)
    assert refusal is not None
    return refusal._replace(closes=True) if session.has_more else refusal


def bdat(session: State, argument: bytes) -> Reply | ContentBegins | None:
    """Handle BDAT. Its bytes follow whatever the answer will be, and are read past (RFC 3030 §2)."""
    words = argument.split()
    if not words or len(words) > 2 or not words[0].isdigit() or len(words[0]) > _CHUNK_DIGITS:
        return replies.BAD_ARGUMENTS._replace(closes=True)  # where the chunk would end is unknown
    if len(words) == 2 and words[1].upper() != b"LAST":
        return replies.BAD_ARGUMENTS._replace(closes=True)
    session.expect_chunk(int(words[0]), last=len(words) == 2)
    if session.envelope is None:
        session.read_past(replies.MAIL_FIRST)
    elif not session.envelope.recipients:
        session.read_past(replies.RECIPIENT_FIRST)
    elif not session.in_chunks:
        return ContentBegins(session.envelope)
    return None
