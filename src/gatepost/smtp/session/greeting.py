# SPDX-License-Identifier: Apache-2.0
"""EHLO and HELO: the client names itself and learns what is offered (RFC 5321 §4.1.1.1)."""

import re

from gatepost.smtp import replies
from gatepost.smtp.replies import Reply
from gatepost.smtp.session.state import State

# Names in the wild hold underscores and lack dots; what matters is that a name cannot break a trace header.
_NAME = re.compile(rb"[\w.:\[\]-]{1,255}\Z")


def ehlo(session: State, argument: bytes) -> Reply | bytes:
    """Handle EHLO."""
    refusal = _take_name(session, argument)
    if refusal:
        return refusal
    session.extended = True
    return session.terms.ehlo_encrypted if session.is_encrypted else session.terms.ehlo_plain


def helo(session: State, argument: bytes) -> Reply | bytes:
    """Handle HELO."""
    refusal = _take_name(session, argument)
    if refusal:
        return refusal
    session.extended = False
    return session.terms.helo_answer


def _take_name(session: State, argument: bytes) -> Reply | None:
    name = argument.strip()
    if not _NAME.match(name):
        return replies.BAD_ARGUMENTS
    session.forget_transaction()
    session.helo = name.decode("ascii")
    session.greeted = True
    return None
