# SPDX-License-Identifier: Apache-2.0
"""The grammar of SMTP commands as the strict sink reads it: no leniency, no knowledge of Gatepost's own parser.

Each function gives the parsed value, or a sentence that says what is wrong (RFC 5321 §4.1, RFC 1870,
RFC 3461 §4, RFC 6152, RFC 6531).
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import msgspec


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """What the sink announces; a client that uses more is at fault."""

    name: str = "sink.example"
    esmtp: bool = True
    """False: EHLO is answered with 502, as very old servers do."""
    pipelining: bool = True
    eight_bit: bool = True
    smtputf8: bool = True
    dsn: bool = True
    size_bytes: int = 209_715_200
    """0: SIZE is not announced."""


class Path(NamedTuple):
    """An address as written between `<` and `>`, and the parameters after it."""

    address: str
    parameters: tuple[str, ...]


_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]"
_DOT_STRING = rf"{_ATEXT}+(?:\.{_ATEXT}+)*"
_QUOTED = r'"(?:[\x20\x21\x23-\x5b\x5d-\x7e\u0080-\U0010ffff]|\\[\x20-\x7e])*"'
_LABEL = r"[A-Za-z0-9\u0080-\U0010ffff](?:[A-Za-z0-9\u0080-\U0010ffff-]*[A-Za-z0-9\u0080-\U0010ffff])?"
_DOMAIN = rf"{_LABEL}(?:\.{_LABEL})*"
_LITERAL = r"\[(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|IPv6:[0-9A-Fa-f:.]+)\]"
_MAILBOX = re.compile(rf"(?:{_DOT_STRING}|{_QUOTED})@(?:{_DOMAIN}|{_LITERAL})")
_PATH = re.compile(r'<((?:[^<>"]|"(?:[^"\\]|\\.)*")*)>(?: (.+))?', re.DOTALL)
_HELLO = re.compile(rf"{_DOMAIN}|{_LITERAL}")
_XTEXT = r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})"

_MAIL_PARAMETERS = {
    "SIZE": re.compile(r"[0-9]{1,20}"),
    "BODY": re.compile(r"7BIT|8BITMIME", re.IGNORECASE),
    "SMTPUTF8": None,
    "RET": re.compile(r"FULL|HDRS", re.IGNORECASE),
    "ENVID": re.compile(rf"{_XTEXT}{{1,100}}"),
}
_RCPT_PARAMETERS = {
    "NOTIFY": re.compile(r"NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY))*", re.IGNORECASE),
    "ORCPT": re.compile(rf"[A-Za-z0-9-]+;(?:{_XTEXT}|[\u0080-\U0010ffff])+"),
}


def hello(argument: str) -> str | None:
    """Check EHLO's or HELO's argument; gives what is wrong with it."""
    return None if _HELLO.fullmatch(argument) else "the name is neither a domain nor an address literal"


def mail_path(argument: str, offer: Offer) -> Path | str:
    """Read what follows `MAIL `."""
    path = _path(argument, "FROM:")
    if isinstance(path, str):
        return path
    offered = {"SIZE": offer.size_bytes > 0, "BODY": offer.eight_bit, "SMTPUTF8": offer.smtputf8, "RET": offer.dsn, "ENVID": offer.dsn}
    wrong = _wrong_parameter(path.parameters, _MAIL_PARAMETERS, offered)
    if wrong:
        return wrong
    if path.address and not _MAILBOX.fullmatch(path.address):
        return "the sender is no mailbox"
    if not path.address.isascii() and not says(path, "SMTPUTF8"):
        return "the sender is not ASCII and SMTPUTF8 is not said"
    return path


def rcpt_path(argument: str, offer: Offer, *, utf8: bool) -> Path | str:
    """Read what follows `RCPT `; `utf8` tells whether MAIL said SMTPUTF8."""
    path = _path(argument, "TO:")
    if isinstance(path, str):
        return path
    wrong = _wrong_parameter(path.parameters, _RCPT_PARAMETERS, {"NOTIFY": offer.dsn, "ORCPT": offer.dsn})
    if wrong:
        return wrong
    if not _MAILBOX.fullmatch(path.address) and path.address.lower() != "postmaster":
        return "the recipient is no mailbox"
    if not path.address.isascii() and not utf8:
        return "the recipient is not ASCII and SMTPUTF8 was not said"
    return path


def says(path: Path, parameter: str) -> bool:
    """Tell whether a parameter was given; `parameter` in capitals, with its value where it matters."""
    return any(given.upper() == parameter for given in path.parameters)


def command_limit(verb: bytes, offer: Offer) -> int:
    """Give the longest line that this command may be, CRLF included (RFC 5321 §4.5.3.1.4 and the extensions' additions)."""
    if verb == b"MAIL":
        return 512 + 26 * (offer.size_bytes > 0) + 17 * offer.eight_bit + 10 * offer.smtputf8 + 500 * offer.dsn
    return 512 + 500 * offer.dsn if verb == b"RCPT" else 512


def _path(argument: str, keyword: str) -> Path | str:
    if argument[: len(keyword)].upper() != keyword:
        return f"{keyword} is missing"
    found = _PATH.fullmatch(argument[len(keyword) :])
    if not found:
        return "the path is not <address>, followed by nothing or by a space and parameters"
    return Path(found[1], tuple(found[2].split(" ")) if found[2] else ())


def _wrong_parameter(given: tuple[str, ...], known: Mapping[str, re.Pattern[str] | None], offered: dict[str, bool]) -> str | None:
    seen: set[str] = set()
    for parameter in given:
        name, equals, value = parameter.partition("=")
        name = name.upper()
        if name in seen:
            return f"parameter {name} is given twice"
        if not offered.get(name, False):
            return f"parameter {name!r} was not offered"
        seen.add(name)
        pattern = known[name]
        if (pattern is None and equals) or (pattern is not None and not pattern.fullmatch(value)):
            return f"parameter {name} has a wrong value"
    return None
