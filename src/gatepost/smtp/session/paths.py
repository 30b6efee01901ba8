# SPDX-License-Identifier: Apache-2.0
"""Read the arguments of MAIL and RCPT: a path, then parameters (RFC 5321 §4.1.2, RFC 6531 §3.3).

Strict where looseness lets something through unseen, lenient where it harms nobody: a space after the
colon passes, a source route is dropped (RFC 5321 appendix C), a path without brackets does not pass.
"""

import re
from typing import NamedTuple

from gatepost.message.addresses import Address
from gatepost.message.domains import a_label, address_literal

_LOCAL_OCTETS = 255  # RFC 5321 §4.5.3.1.1 says 64, but variable envelope return paths are longer
_DOT_STRING = re.compile(r"[^\s\"(),.:;<>@\[\\\]\x00-\x1f\x7f]+(?:\.[^\s\"(),.:;<>@\[\\\]\x00-\x1f\x7f]+)*\Z")
_QUOTED = re.compile(r'"(?:[^"\\\x00-\x1f\x7f]|\\[\x20-\x7e])*"\Z')
_ROUTE = re.compile(r"@[^,:\s<>]+(?:,@[^,:\s<>]+)*:")
_PARAMETER = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)(?:=([^=\s\x00-\x1f\x7f]+))?\Z")


class Arguments(NamedTuple):
    """A path (None is `<>`) and the parameters, keys in capitals; `address_ok` is False for a malformed path."""

    address: Address | None
    parameters: dict[str, str]
    address_ok: bool = True


def parse_arguments(untrusted: str, keyword: str) -> Arguments | None:
    """Read what follows the verb; `keyword` is 'FROM:' or 'TO:'. None when it cannot be read at all."""
    if untrusted[: len(keyword)].upper() != keyword:
        return None
    rest = untrusted[len(keyword) :].lstrip(" ")
    if not rest.startswith("<"):
        return None
    end = _path_end(rest)
    if end < 0:
        return None
    parameters = _parameters(rest[end + 1 :])
    if parameters is None:
        return None
    path = rest[1:end]
    if not path:
        return Arguments(None, parameters)
    address = parse_path(path)
    return Arguments(address, parameters, address is not None)


def parse_path(untrusted: str) -> Address | None:
    """Read a path's inside, `local@domain` with or without a source route; None when it is malformed."""
    if untrusted.startswith("@"):
        route = _ROUTE.match(untrusted)
        if route is None:
            return None
        untrusted = untrusted[route.end() :]
    local, at, domain = untrusted.rpartition("@")
    if not at:
        return Address("postmaster", "") if untrusted.lower() == "postmaster" else None
    if not (_DOT_STRING.match(local) or _QUOTED.match(local)) or len(local.encode("utf-8", "replace")) > _LOCAL_OCTETS:
        return None
    normalised = address_literal(domain) if domain.startswith("[") else a_label(domain)
    return Address(local, normalised) if normalised else None


def _path_end(rest: str) -> int:
    """Find the `>` that closes the path, past any in a quoted local part; -1 when there is none."""
    if '"' not in rest:
        return rest.find(">")
    quoted = escaped = False
    for position, character in enumerate(rest):
        if escaped:
            escaped = False
        elif quoted and character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == ">" and not quoted:
            return position
    return -1


def _parameters(untrusted: str) -> dict[str, str] | None:
    if not untrusted:
        return {}
    if not untrusted.startswith(" "):
        return None
    parameters: dict[str, str] = {}
    for word in untrusted.split():
        match = _PARAMETER.match(word)
        if match is None or match[1].upper() in parameters:
            return None
        parameters[match[1].upper()] = match[2] or ""
    return parameters
