# SPDX-License-Identifier: Apache-2.0
"""A certificate revocation list (RFC 5280 §5): its outline is read at once, its entries only to find one certificate.

A list may have a million entries. Whether one serial number can be on it is one search for its bytes; only a list that has them
somewhere, or one where entries need to be understood, is stepped through.
"""

from collections.abc import Callable
from threading import Lock
from typing import NamedTuple

from gatepost.encryption.cms import der
from gatepost.encryption.cms.algorithm import Algorithm, read_algorithm
from gatepost.encryption.cms.ber import EXPLICIT, INTEGER, SEQUENCE, Cursor, cursor_on
from gatepost.encryption.cms.fault import Fault, Refusal
from gatepost.encryption.cms.limits import Limits
from gatepost.encryption.cms.names import normalised
from gatepost.encryption.paths import oids
from gatepost.encryption.paths.credential import read_authority_key, read_second, read_signature
from gatepost.encryption.paths.extensions import Extensions, inside, read_extensions, unknown_critical
from gatepost.encryption.paths.general_names import read_general_names
from gatepost.encryption.paths.points import Point, Scope, read_points, read_scope
from gatepost.encryption.paths.signed import Check, check_signature

_LIMITS = Limits(size_bytes=67_108_864, small_bytes=1_048_576)
_KNOWN = frozenset(
    (
        oids.AUTHORITY_KEY,
        oids.ISSUER_NAMES,
        oids.LIST_NUMBER,
        oids.DELTA_LIST,
        oids.ISSUING_POINT,
        oids.FRESHEST_LIST,
        oids.AUTHORITY_ACCESS,
    )
)
_KNOWN_IN_ENTRY = frozenset((oids.LIST_REASON, oids.INVALIDITY_DATE, oids.CERTIFICATE_ISSUER))
_CRITICAL = b"\x01\x01\xff"
_TIMES = (0x17, 0x18)
_MOST_FOUND = 1_000

REASONS = (
    "unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded", "cessationOfOperation", "certificateHold", "",
    "removeFromCRL", "privilegeWithdrawn", "aACompromise",
)  # fmt: skip

HOLD = "certificateHold"
"""The one reason that may end (RFC 5280 §5.3.1)."""


class Entry(NamedTuple):
    """That one certificate is on the list."""

    second: int
    """When it was revoked, or when its key is known to have been lost if that is earlier."""
    reason: str


class RevocationList:
    """A list's outline."""

    __slots__ = (
        "_checks", "_data", "_end", "_found", "_has_critical", "_start", "algorithm", "authority_key", "base", "extensions", "issuer",
        "next_update", "number", "points", "scope", "signature", "signed", "this_update",
    )  # fmt: skip

    def __init__(self, encoded: bytes) -> None:
        """Read the outline; `Refusal` when it is malformed, or has a critical extension that we do not know."""
        outer = cursor_on(encoded, _LIMITS)
        whole = outer.enter(SEQUENCE)
        outer.close()
        self.signed = whole.raw(SEQUENCE)
        self.algorithm: Algorithm = read_algorithm(whole)
        self.signature = read_signature(whole)
        whole.close()
        self._checks: dict[tuple[bytes, bool], Check] = {}
        body = cursor_on(self.signed, _LIMITS).enter(SEQUENCE)
        if body.peek() == INTEGER:
            body.skip(INTEGER)
        if read_algorithm(body) != self.algorithm:
            raise Refusal("malformed", "the two names of the list's signature algorithm differ")
        self.issuer = normalised(body.raw(SEQUENCE))
        self.this_update = read_second(body)
        self.next_update: int | None = read_second(body) if body.peek() in _TIMES else None
        self._data, self._start, self._end = self.signed, 0, 0
        self._found: dict[tuple[bytes, bytes], Entry | None] = {}
        if body.peek() == SEQUENCE:
            entries = body.enter(SEQUENCE)
            self._start, self._end = entries.position, entries.end
        self._has_critical = self._data.find(_CRITICAL, self._start, self._end) >= 0
        self.extensions: Extensions = read_extensions(body.enter(EXPLICIT | 0)) if body.peek() == EXPLICIT | 0 else {}
        body.close()
        self._read_extensions()

    def _read_extensions(self) -> None:
        unknown = unknown_critical(self.extensions, _KNOWN)
        if unknown:
            raise Refusal("unsupported", f"the list has the critical extension {unknown}, which is unknown")
        self.authority_key = read_authority_key(self.extensions)
        self.number = self._number(oids.LIST_NUMBER)
        self.base = self._number(oids.DELTA_LIST)
        """The number of the list that this one completes, None when it is complete itself."""
        scope = self.extensions.get(oids.ISSUING_POINT)
        self.scope = Scope() if scope is None else read_scope(inside(scope[1]))
        points = self.extensions.get(oids.FRESHEST_LIST)
        self.points: tuple[Point, ...] = () if points is None else read_points(inside(points[1]))

    def _number(self, oid: bytes) -> int | None:
        found = self.extensions.get(oid)
        return None if found is None else int.from_bytes(inside(found[1]).value(INTEGER)[:32], signed=True)

    def check(self, key: bytes, sha1: bool) -> Check:
        """Say whether a key signed this list; remembered."""
        check = self._checks.get((key, sha1))
        if check is None:
            if len(self._checks) > 32:
                self._checks.clear()
            check = self._checks[key, sha1] = check_signature(key, self.algorithm, self.signature, self.signed, sha1)
        return check

    def breach(self) -> str:
        """Say what RFC 5280 §5.2.3 forbids in a list, '' when nothing is."""
        if self.number is None:
            return "the list has no number"
        return "the list's number is critical" if self.extensions[oids.LIST_NUMBER][0] else ""

    def find(self, serial: bytes, issuer: bytes, look_at_clock: Callable[[], None]) -> Entry | None:
        """Find the entry of a certificate, by the contents of its serial number and its issuer's normalised name."""
        asked = serial, issuer
        if asked in self._found:
            return self._found[asked]
        data, start, end = self._data, self._start, self._end
        wanted = der.element(INTEGER, serial)
        may_be_listed = self._has_critical or data.find(wanted, start, end) >= 0
        found = self._step_through(wanted, issuer, look_at_clock) if may_be_listed else None
        if len(self._found) >= _MOST_FOUND:
            self._found.clear()
        self._found[asked] = found
        return found

    def _step_through(self, wanted: bytes, issuer: bytes, look_at_clock: Callable[[], None]) -> Entry | None:
        """Read the entries in order: in an indirect list each is of the issuer that was named last."""
        data, end, position = self._data, self._end, self._start
        current, found, steps = self.issuer, None, 0
        while position < end:
            start, position = _measure(data, position, end)
            steps += 1
            if not steps & 0x3FF:
                look_at_clock()
            is_wanted = data.startswith(wanted, start)
            if is_wanted or data.find(_CRITICAL, start, position) >= 0:
                second, extensions = _read_entry(cursor_on(data[start:position], _LIMITS))
                current = _named_issuer(extensions) or current
                if is_wanted and current == issuer and found is None:
                    found = Entry(min(second, _invalidity(extensions, second)), _reason(extensions))
        return found


def _measure(data: bytes, position: int, end: int) -> tuple[int, int]:
    """Say where the contents of the entry at a position start and stop; a cursor for each of a million would take a second."""
    start = position + 2
    if start > end or data[position] != SEQUENCE:
        raise Refusal("malformed", "an entry of the list is malformed")
    length = data[position + 1]
    if length >= 0x80:
        octets = length & 0x7F
        start += octets
        length = int.from_bytes(data[position + 2 : start])
        if not 0 < octets <= 4:
            raise Refusal("malformed", "an entry of the list is malformed")
    if start + length > end:
        raise Refusal("malformed", "an entry ends behind the list")
    return start, start + length


class _Recent:
    """The lists read last, by their bytes, up to a number of bytes altogether."""

    def __init__(self, most_bytes: int) -> None:
        self._lists: dict[bytes, RevocationList | Fault] = {}
        self._left = most_bytes
        self._lock = Lock()

    def read(self, untrusted: bytes) -> "RevocationList | Fault":
        found = self._lists.get(untrusted)
        if found is not None:
            return found
        try:
            read: RevocationList | Fault = RevocationList(untrusted)
        except Refusal as refusal:
            return refusal.fault
        with self._lock:
            self._lists[untrusted] = read
            self._left -= 2 * len(untrusted)
            while self._left < 0:
                oldest = next(iter(self._lists))
                del self._lists[oldest]
                self._left += 2 * len(oldest)
        return read


read_list = _Recent(most_bytes=67_108_864).read
"""Read a list's outline, a fault when it is malformed; what was read is remembered by the bytes."""


def _read_entry(entry: Cursor) -> tuple[int, Extensions]:
    entry.skip(INTEGER)
    second = read_second(entry)
    extensions: Extensions = {}
    if entry.position < entry.end:
        extensions = read_extensions(entry)
        entry.close()
    unknown = unknown_critical(extensions, _KNOWN_IN_ENTRY)
    if unknown:
        raise Refusal("unsupported", f"an entry of the list has the critical extension {unknown}, which is unknown")
    return second, extensions


def _named_issuer(extensions: Extensions) -> bytes:
    found = extensions.get(oids.CERTIFICATE_ISSUER)
    if found is None:
        return b""
    for name in read_general_names(inside(found[1]).enter(SEQUENCE)):
        if name.kind == "directory":
            return name.value
    raise Refusal("malformed", "an entry names its issuer by something else than a directory name")


def _invalidity(extensions: Extensions, otherwise: int) -> int:
    found = extensions.get(oids.INVALIDITY_DATE)
    return otherwise if found is None else read_second(inside(found[1]))


def _reason(extensions: Extensions) -> str:
    found = extensions.get(oids.LIST_REASON)
    if found is None:
        return REASONS[0]
    value = inside(found[1]).value(0x0A)
    code = int.from_bytes(value)
    return REASONS[code] if code < len(REASONS) else f"reason {code}"[:20]
