# SPDX-License-Identifier: Apache-2.0
"""What is told of a certificate that we show: its fingerprint, and from when until when it holds.

Reads the first certificate of a PEM file, which is the one that OpenSSL shows, and two fields of it at a fixed place. It judges
nothing: OpenSSL has taken the file before, and of what cannot be read here only nothing is told.
"""

import hashlib
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

_BEGIN: Final = "-----BEGIN CERTIFICATE-----"
_END: Final = "-----END CERTIFICATE-----"
_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17


class Leaf(NamedTuple):
    """One certificate."""

    sha256: str = ""
    """In lower-case hex; '' unknown."""
    begins_at: float = 0.0
    """Unix time, as the next; 0 unknown."""
    ends_at: float = 0.0


def read_leaf(path: Path) -> Leaf:
    """Read the first certificate of a file. Raises: OSError."""
    return first_leaf(path.read_text("latin-1"))


def first_leaf(text: str) -> Leaf:
    """Read the first certificate of PEM."""
    _, begin, rest = text.partition(_BEGIN)
    inner, end, _ = rest.partition(_END)
    try:
        der = ssl.PEM_cert_to_DER_cert(begin + inner + end)
    except ValueError:
        return Leaf()
    try:
        return Leaf(hashlib.sha256(der).hexdigest(), *validity(der))
    except (ValueError, IndexError):
        return Leaf(hashlib.sha256(der).hexdigest())


def validity(der: bytes) -> tuple[float, float]:
    """Give notBefore and notAfter of a certificate as Unix time (RFC 5280 §4.1). Raises: ValueError, IndexError."""
    _, at, _ = _element(der, 0)  # Certificate
    _, at, _ = _element(der, at)  # tbsCertificate
    tag, _, end = _element(der, at)
    if tag == _VERSION:
        at = end
    for _ in ("serialNumber", "signature", "issuer"):
        _, _, at = _element(der, at)
    _, at, _ = _element(der, at)  # validity
    before, start, end = _element(der, at)
    after, last, rest = _element(der, end)
    return _time(before, der[start:end]), _time(after, der[last:rest])


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """Give tag, beginning and end of the content of what stands there, in DER. Raises: ValueError, IndexError."""
    tag, length, start = der[at], der[at + 1], at + 2
    if length & 0x80:
        octets = length & 0x7F
        length = int.from_bytes(der[start : start + octets], "big")
        start += octets
    if start + length > len(der):
        raise ValueError("it ends too early")
    return tag, start, start + length


def _time(tag: int, content: bytes) -> float:
    """Give a time as Unix time: of two digits those below 50 are this century's (RFC 5280 §4.1.2.5). Raises: ValueError."""
    text = content.decode("ascii")
    if tag == _UTC_TIME:
        text = f"{'20' if text[:2] < '50' else '19'}{text}"
    if len(text) != len("YYYYMMDDHHMMSSZ") or not text.endswith("Z"):
        raise ValueError(f"{text!r} is no time of a certificate")
    month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(4, 14, 2))
    return datetime(int(text[:4]), month, day, hour, minute, second, tzinfo=UTC).timestamp()
