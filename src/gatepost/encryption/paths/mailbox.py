# SPDX-License-Identifier: Apache-2.0
"""Read what a certificate calls a mail address: exactly one Mailbox, with nothing around it (RFC 5321 §4.1.2, RFC 5280 §4.2.1.6).

Who compares constraints and who binds a signer to From read it here, so that no address is another one to one of them. In the
local part UTF-8 is read too, as RFC 9598 §3 has it.
"""

import re
from functools import lru_cache

from gatepost.message.addresses import Address
from gatepost.message.domains import a_label, address_literal
from gatepost.message.parameters import unescape

_MOST = 512
"""Octets; RFC 5321 §4.5.3.1 lets a local part have 64 and a domain 255."""
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]++"
_QTEXT = r"[ !#-\[\]-~\x80-\U0010ffff]|\\[ -~]"
_MAILBOX = re.compile(rf'({_ATEXT}(?:\.{_ATEXT})*|"(?:{_QTEXT})*+")@([A-Za-z0-9._-]++|\[[A-Za-z0-9.:]++\])').fullmatch


def read_mailbox(untrusted: bytes) -> Address | None:
    """Read one address; None when the octets are not exactly one. What is small is remembered."""
    return _remembered(untrusted) if len(untrusted) <= _MOST else None


def _read(untrusted: bytes) -> Address | None:
    try:
        text = untrusted.decode()
    except UnicodeDecodeError:
        return None
    match = _MAILBOX(text)
    if match is None or not text.isprintable():
        return None
    local, host = match.groups()
    domain = address_literal(host) if host[0] == "[" else a_label(host)
    return None if domain is None else Address(local, domain)


_remembered = lru_cache(maxsize=4096)(_read)


def unquoted(local: str) -> str:
    """Give what a local part means: the same in quotes and without (RFC 5321 §4.1.2)."""
    return unescape(local[1:-1]) if local[:1] == '"' and len(local) > 1 else local


def folded(local: str) -> str:
    """Give a form that two local parts share when people take them for the same: letters of ASCII in either case."""
    meant = unquoted(local)
    return meant.lower() if meant.isascii() else meant
