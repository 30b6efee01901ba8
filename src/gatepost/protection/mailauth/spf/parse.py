# SPDX-License-Identifier: Apache-2.0
"""Read the text of an SPF record (RFC 7208 §12): pure, bounded by the text's length, and it never raises.

One wrong term anywhere makes the whole record malformed, also where no evaluation would reach it (§4.6).
"""

import ipaddress
import re
from collections.abc import Callable
from functools import lru_cache

from gatepost.contracts.authentication import SpfResult
from gatepost.protection.mailauth.spf.macros import Macro, MacroString, read_macros
from gatepost.protection.mailauth.spf.record import Malformed, Mechanism, MechanismKind, Record

LONGEST = 16 * 1024
"""Octets of a record; real ones are below 5,000."""
_REMEMBERED = 512
"""Octets of a record that is worth to be remembered; longer ones are rare and would fill the memory."""

_RESULTS: dict[str, SpfResult] = {"": "pass", "+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
_TERM = re.compile(r"([+\-~?]?)([A-Za-z][A-Za-z0-9_.\-]*)(.*)")
_LENGTHS = re.compile(r"(?:/(0|[1-9][0-9]?))?(?://(0|[1-9][0-9]{0,2}))?\Z")
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9\-]*[A-Za-z0-9])?\Z")


def is_spf(text: bytes) -> bool:
    """Whether a TXT record is an SPF record: the version, then its end or a space (RFC 7208 §4.5)."""
    return text[:6].lower() == b"v=spf1" and text[6:7] in (b"", b" ")


def parse(text: bytes) -> Record | Malformed:
    """Read a record that `is_spf`."""
    return _remembered(text) if len(text) <= _REMEMBERED else _parse(text)


def _parse(text: bytes) -> Record | Malformed:
    if len(text) > LONGEST:
        return Malformed(f"the record is longer than {LONGEST} octets")
    untrusted_record = text.decode("latin-1")
    if not (untrusted_record.isascii() and untrusted_record.isprintable()):
        return Malformed("the record has characters other than printable ASCII")
    mechanisms: list[Mechanism] = []
    modifiers: dict[str, MacroString] = {}
    for term in untrusted_record.split(" ")[1:]:
        if not term:
            continue
        found = _TERM.match(term)
        if found is None:
            return _wrong(term)
        qualifier, name, rest = found[1], found[2].lower(), found[3]
        if rest.startswith("="):
            value = _modifier(name, rest[1:])
            if value is None or qualifier or name in modifiers:
                return _wrong(term)
            if name in ("redirect", "exp"):
                modifiers[name] = value
        else:
            read = _READERS.get(name)
            mechanism = read(_RESULTS[qualifier], term, rest) if read is not None else None
            if mechanism is None:
                return _wrong(term)
            mechanisms.append(mechanism)
    return Record(tuple(mechanisms), modifiers.get("redirect"), modifiers.get("exp"))


_remembered = lru_cache(maxsize=2048)(_parse)


def _wrong(term: str) -> Malformed:
    return Malformed(f"the term {term[:100]} is malformed")


def _modifier(name: str, value: str) -> MacroString | None:
    return _domain_spec(value) if name in ("redirect", "exp") else read_macros(value)


def _domain_spec(text: str) -> MacroString | None:
    """Read a domain-spec: a macro-string that ends in a macro or in a dot and a top label (RFC 7208 §7.1)."""
    pieces = read_macros(text)
    if not text or pieces is None:
        return None
    if isinstance(pieces, str):
        tail = pieces
    elif isinstance(pieces[-1], Macro):
        return pieces
    else:
        tail = pieces[-1]
    _, dot, label = tail.removesuffix(".").rpartition(".")
    return pieces if dot and _LABEL.match(label) and not label.isdigit() else None


def _all(result: SpfResult, term: str, rest: str) -> Mechanism | None:
    return Mechanism("all", result, term) if not rest else None


def _named(kind: MechanismKind) -> Callable[[SpfResult, str, str], Mechanism | None]:
    """Give the reader of a mechanism that must name a domain: include and exists."""

    def read(result: SpfResult, term: str, rest: str) -> Mechanism | None:
        target = _domain_spec(rest[1:]) if rest.startswith(":") else None
        return Mechanism(kind, result, term, target) if target is not None else None

    return read


def _addressed(kind: MechanismKind) -> Callable[[SpfResult, str, str], Mechanism | None]:
    """Give the reader of a mechanism that may name a domain and prefix lengths: a and mx."""

    def read(result: SpfResult, term: str, rest: str) -> Mechanism | None:
        lengths = _LENGTHS.search(rest)
        assert lengths is not None  # it matches the empty end
        bits4, bits6 = int(lengths[1] or 32), int(lengths[2] or 128)
        named = rest[: lengths.start()]
        target = _domain_spec(named[1:]) if named.startswith(":") else None
        if bits4 > 32 or bits6 > 128 or (named and target is None):
            return None
        return Mechanism(kind, result, term, target, 0, bits4, bits6)

    return read


def _ptr(result: SpfResult, term: str, rest: str) -> Mechanism | None:
    return Mechanism("ptr", result, term) if not rest else _named("ptr")(result, term, rest)


def _ip4(result: SpfResult, term: str, rest: str) -> Mechanism | None:
    address, slash, length = rest[1:].partition("/")
    bits = _length(length, 32) if slash else 32
    if bits is None or not rest.startswith(":"):
        return None
    try:
        return Mechanism("ip4", result, term, None, int(ipaddress.IPv4Address(address)), bits)
    except ValueError:
        return None


def _ip6(result: SpfResult, term: str, rest: str) -> Mechanism | None:
    address, slash, length = rest[1:].partition("/")
    bits = _length(length, 128) if slash else 128
    if bits is None or not rest.startswith(":") or "%" in address:
        return None
    try:
        return Mechanism("ip6", result, term, None, int(ipaddress.IPv6Address(address)), 32, bits)
    except ValueError:
        return None


def _length(text: str, most: int) -> int | None:
    """Give a prefix length without leading zeros; None when it is none."""
    if not (text.isdigit() and len(text) <= 3) or (text[0] == "0" and text != "0"):
        return None
    return int(text) if int(text) <= most else None


_READERS: dict[str, Callable[[SpfResult, str, str], Mechanism | None]] = {
    "all": _all,
    "include": _named("include"),
    "exists": _named("exists"),
    "a": _addressed("a"),
    "mx": _addressed("mx"),
    "ptr": _ptr,
    "ip4": _ip4,
    "ip6": _ip6,
}
