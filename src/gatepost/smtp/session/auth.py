# SPDX-License-Identifier: Apache-2.0
"""AUTH with PLAIN and LOGIN, over TLS only (RFC 4954, RFC 4616)."""

import binascii

from gatepost.smtp import replies
from gatepost.smtp.replies import Reply
from gatepost.smtp.session.events import Authenticate
from gatepost.smtp.session.state import State

_NAME_OCTETS = 255


def auth(session: State, argument: bytes) -> Reply | Authenticate:
    """Handle AUTH; further lines of the exchange go to the function left in `session.dialog`."""
    if not session.terms.submission:
        return replies.AUTH_UNAVAILABLE
    if not session.is_encrypted:
        return replies.AUTH_NEEDS_TLS
    if not session.extended:
        return replies.HELLO_FIRST
    if session.authenticated:
        return replies.AUTH_TWICE
    if session.envelope is not None:
        return replies.NESTED_MAIL
    mechanism, _, initial = argument.partition(b" ")
    if mechanism.upper() == b"PLAIN":
        if initial:
            return _plain(session, initial)
        session.dialog = _plain
        return replies.AUTH_CONTINUE_EMPTY
    if mechanism.upper() == b"LOGIN":
        if initial:
            return _login_name(session, initial)
        session.dialog = _login_name
        return replies.AUTH_CONTINUE_USER
    return replies.AUTH_UNKNOWN_MECHANISM


def _plain(session: State, untrusted: bytes) -> Reply | Authenticate:
    decoded = _decode(session, untrusted)
    if isinstance(decoded, Reply):
        return decoded
    parts = decoded.split("\0")
    if len(parts) != 3:
        return replies.AUTH_MALFORMED
    authorize, user, password = parts
    if authorize not in ("", user):
        return replies.AUTH_FAILED
    return _credentials(user, password)


def _login_name(session: State, untrusted: bytes) -> Reply | Authenticate:
    decoded = _decode(session, untrusted)
    if isinstance(decoded, Reply):
        return decoded

    def login_password(session: State, untrusted: bytes) -> Reply | Authenticate:
        password = _decode(session, untrusted)
        return password if isinstance(password, Reply) else _credentials(decoded, password)

    session.dialog = login_password
    return replies.AUTH_CONTINUE_PASSWORD


def _credentials(user: str, password: str) -> Reply | Authenticate:
    if not user or not password or len(user) > _NAME_OCTETS or len(password) > _NAME_OCTETS:
        return replies.AUTH_FAILED
    return Authenticate(user, password)


def _decode(session: State, untrusted: bytes) -> str | Reply:
    session.dialog = None
    if untrusted == b"*":
        return replies.AUTH_CANCELLED
    try:
        return binascii.a2b_base64(b"" if untrusted == b"=" else untrusted, strict_mode=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return replies.AUTH_MALFORMED
