# SPDX-License-Identifier: Apache-2.0
"""MAIL, RCPT and RSET: open a transaction, name its recipients, forget it (RFC 5321 §3.3, RFC 3461 §4)."""

import re

from gatepost.message.addresses import Address
from gatepost.smtp import replies
from gatepost.smtp.envelope import Envelope, Recipient
from gatepost.smtp.replies import Reply
from gatepost.smtp.session.events import MailFrom, RcptTo
from gatepost.smtp.session.paths import Arguments, parse_arguments
from gatepost.smtp.session.state import State

_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*\Z")
_ORCPT = re.compile(r"[A-Za-z0-9-]+;(?:[!-*,-<>-~]|[^\x00-\xa0]|\+[0-9A-F]{2})+\Z")  # RFC 6533 §3 adds UTF-8 to xtext
_NOTIFY_WORDS = {"SUCCESS", "FAILURE", "DELAY"}
_MAIL_PARAMETERS = {"SIZE", "BODY", "SMTPUTF8", "RET", "ENVID", "AUTH"}
_RCPT_PARAMETERS = {"NOTIFY", "ORCPT"}


def mail(session: State, argument: bytes) -> Reply | MailFrom:
    """Handle MAIL."""
    refusal = _mail_out_of_order(session)
    if refusal:
        return refusal
    arguments = _arguments(argument, "FROM:")
    if isinstance(arguments, Reply):
        return arguments
    envelope = _envelope(session, arguments)
    if isinstance(envelope, Reply):
        return envelope
    if not arguments.address_ok or (envelope.sender is not None and not envelope.sender.domain):
        return replies.BAD_SENDER_ADDRESS
    if not envelope.smtputf8 and not argument.isascii():
        return replies.UTF8_NOT_ANNOUNCED
    return MailFrom(envelope)


def _mail_out_of_order(session: State) -> Reply | None:
    terms = session.terms
    if not session.greeted:
        return replies.HELLO_FIRST
    if session.envelope is not None:
        return replies.NESTED_MAIL
    if terms.tls_required and not session.is_encrypted:
        return replies.TLS_REQUIRED
    if terms.submission and not session.authenticated:
        return replies.AUTH_REQUIRED
    return None


def _arguments(argument: bytes, keyword: str) -> Arguments | Reply:
    try:
        text = argument.decode("utf-8")
    except UnicodeDecodeError:
        return replies.BAD_ARGUMENTS
    arguments = parse_arguments(text, keyword)
    return replies.BAD_ARGUMENTS if arguments is None else arguments


def _envelope(session: State, arguments: Arguments) -> Envelope | Reply:
    parameters = arguments.parameters
    if not parameters:
        return Envelope(arguments.address)
    if not session.extended or not parameters.keys() <= _MAIL_PARAMETERS:
        return replies.BAD_PARAMETER
    if any(bool(value) == (keyword == "SMTPUTF8") for keyword, value in parameters.items()):  # it alone has no value
        return replies.BAD_ARGUMENTS
    size = parameters.get("SIZE", "0")
    body = parameters.get("BODY", "").upper()
    ret = parameters.get("RET", "").upper()
    envid = parameters.get("ENVID", "")
    if not (size.isascii() and size.isdigit() and len(size) <= 20):
        return replies.BAD_ARGUMENTS
    if int(size) > session.terms.limits.size_bytes:
        return replies.TOO_BIG
    if body not in ("", "7BIT", "8BITMIME") or ret not in ("", "FULL", "HDRS"):
        return replies.BAD_PARAMETER
    if len(envid) > 100 or not _XTEXT.match(envid):
        return replies.BAD_PARAMETER
    return Envelope(arguments.address, int(size), body, "SMTPUTF8" in parameters, ret, envid)


def rcpt(session: State, argument: bytes) -> Reply | RcptTo:
    """Handle RCPT."""
    envelope = session.envelope
    if envelope is None or session.in_chunks:
        return replies.MAIL_FIRST
    session.recipients_named = True
    if len(envelope.recipients) >= session.terms.limits.recipients:
        return session.refused_recipient(replies.TOO_MANY_RECIPIENTS)
    arguments = _arguments(argument, "TO:")
    if isinstance(arguments, Reply):
        return arguments
    if arguments.address is None:
        return replies.BAD_RECIPIENT_ADDRESS
    if not envelope.smtputf8 and not argument.isascii():
        return replies.UTF8_NOT_ANNOUNCED
    recipient = _recipient(session, arguments.address, arguments.parameters)
    return recipient if isinstance(recipient, Reply) else RcptTo(envelope, recipient)


def _recipient(session: State, address: Address, parameters: dict[str, str]) -> Recipient | Reply:
    if not parameters:
        return Recipient(address)
    if not session.extended or not parameters.keys() <= _RCPT_PARAMETERS:
        return replies.BAD_PARAMETER
    if not all(parameters.values()):
        return replies.BAD_ARGUMENTS
    notify = parameters.get("NOTIFY", "").upper()
    if notify and notify != "NEVER" and not set(notify.split(",")) <= _NOTIFY_WORDS:
        return replies.BAD_PARAMETER
    orcpt = parameters.get("ORCPT", "")
    if orcpt and (len(orcpt) > 500 or not _ORCPT.match(orcpt)):
        return replies.BAD_PARAMETER
    return Recipient(address, notify, orcpt)


def rset(session: State, argument: bytes) -> Reply:
    """Handle RSET."""
    if argument:
        return replies.BAD_ARGUMENTS
    session.forget_transaction()
    return replies.OK
