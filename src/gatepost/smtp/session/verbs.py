# SPDX-License-Identifier: Apache-2.0
"""Which function answers which verb, and the verbs that need only a line: NOOP, VRFY, QUIT, STARTTLS."""

from collections.abc import Callable

from gatepost.smtp import replies
from gatepost.smtp.replies import Reply
from gatepost.smtp.session.auth import auth
from gatepost.smtp.session.envelope import mail, rcpt, rset
from gatepost.smtp.session.events import Event, StartTls
from gatepost.smtp.session.greeting import ehlo, helo
from gatepost.smtp.session.state import State
from gatepost.smtp.session.transfer import bdat, data

Answer = Reply | bytes | Event | None
"""A refusal or a whole answer at once, an event that waits for the world, or nothing yet."""


def noop(session: State, argument: bytes) -> Answer:
    """Handle NOOP; its argument is ignored (RFC 5321 §4.1.1.9)."""
    return replies.OK


def vrfy(session: State, argument: bytes) -> Answer:
    """Handle VRFY without telling who exists (RFC 5321 §7.3)."""
    return replies.CANNOT_VERIFY if argument else replies.BAD_ARGUMENTS


def quit_(session: State, argument: bytes) -> Answer:
    """Handle QUIT."""
    return replies.BAD_ARGUMENTS if argument else replies.BYE


def starttls(session: State, argument: bytes) -> Answer:
    """Handle STARTTLS; bytes that already follow it came in plain and would be taken as encrypted (RFC 3207 §6)."""
    if session.is_encrypted:
        return replies.TLS_ACTIVE
    if not session.terms.starttls:
        return replies.TLS_UNAVAILABLE
    if argument:
        return replies.BAD_ARGUMENTS
    if session.has_more:
        return replies.TLS_INJECTION
    if not session.greeted:
        return replies.HELLO_FIRST
    return StartTls()


def not_implemented(session: State, argument: bytes) -> Answer:
    """Answer a verb that is known and not served here."""
    return replies.NOT_IMPLEMENTED


def not_smtp(session: State, argument: bytes) -> Answer:
    """End a session in which another protocol speaks: a browser made to talk to a mail port."""
    return replies.NOT_SMTP


VERBS: dict[bytes, Callable[[State, bytes], Answer]] = {
    b"EHLO": ehlo,
    b"HELO": helo,
    b"MAIL": mail,
    b"RCPT": rcpt,
    b"DATA": data,
    b"BDAT": bdat,
    b"RSET": rset,
    b"NOOP": noop,
    b"VRFY": vrfy,
    b"QUIT": quit_,
    b"STARTTLS": starttls,
    b"AUTH": auth,
    b"EXPN": not_implemented,
    b"HELP": not_implemented,
    b"TURN": not_implemented,
    b"ETRN": not_implemented,
    b"SEND": not_implemented,
    **dict.fromkeys((b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"CONNECT", b"OPTIONS", b"TRACE", b"PRI"), not_smtp),
}

IDLE_VERBS = frozenset({b"RSET", b"NOOP", b"VRFY", b"EHLO", b"HELO", b"AUTH", b"MAIL", b"DATA", b"EXPN", b"HELP"})
"""Verbs that bring no mail by themselves; a session may use only so many before a mail is accepted."""
