# SPDX-License-Identifier: Apache-2.0
"""Distribution points: where a certificate says its lists are, and what a list says it covers (RFC 5280 §4.2.1.13, §5.2.5)."""

from typing import NamedTuple

from gatepost.encryption.cms import der
from gatepost.encryption.cms.ber import EXPLICIT, IMPLICIT, SEQUENCE, Cursor
from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.cms.names import normalised
from gatepost.encryption.paths.extensions import read_bits, read_boolean
from gatepost.encryption.paths.general_names import GeneralName, read_general_names, relative_names

ALL_REASONS = 0b1_1111_1110
"""Named bits 1 to 8 of ReasonFlags; bit 0 is unused."""

_MOST = 100

Names = frozenset[GeneralName]


class PointName(NamedTuple):
    """DistributionPointName: full names, or a name relative to the issuer of the list, which is not known here."""

    full: Names = frozenset()
    relative: bytes = b""
    """The relative name, normalised; b'' when the names are full."""

    def names(self, issuers: tuple[bytes, ...]) -> Names:
        """Give the full names, the relative one below each of these issuers."""
        if not self.relative:
            return self.full
        return frozenset(GeneralName("directory", der.sequence(*relative_names(issuer), self.relative)) for issuer in issuers)


class Point(NamedTuple):
    """Where a certificate says that a list is."""

    name: PointName | None
    reasons: int
    list_issuers: tuple[bytes, ...]
    """Who signs the list if it is not the issuer of the certificate: directory names, normalised."""


class Scope(NamedTuple):
    """What a list covers; the defaults are those of a list that does not say."""

    name: PointName | None = None
    only_users: bool = False
    only_authorities: bool = False
    only_attributes: bool = False
    reasons: int = ALL_REASONS
    indirect: bool = False


def read_points(cursor: Cursor) -> tuple[Point, ...]:
    """Read cRLDistributionPoints or freshestCRL."""
    points, held = [], cursor.enter(SEQUENCE)
    while held.position < held.end:
        point = held.enter(SEQUENCE)
        name = _read_point_name(point.enter(EXPLICIT | 0)) if point.peek() == EXPLICIT | 0 else None
        reasons = read_bits(point.value(IMPLICIT | 1)) & ALL_REASONS if point.peek() == IMPLICIT | 1 else ALL_REASONS
        issuers: tuple[bytes, ...] = ()
        if point.peek() == EXPLICIT | 2:
            found = read_general_names(point.enter(EXPLICIT | 2))
            issuers = tuple(issuer.value for issuer in found if issuer.kind == "directory")
        point.close()
        points.append(Point(name, reasons, issuers))
        if len(points) > _MOST:
            raise Refusal("too-large", "there are too many distribution points")
    return tuple(points)


def read_scope(cursor: Cursor) -> Scope:
    """Read issuingDistributionPoint."""
    held = cursor.enter(SEQUENCE)
    name = _read_point_name(held.enter(EXPLICIT | 0)) if held.peek() == EXPLICIT | 0 else None
    users, authorities = read_boolean(held, IMPLICIT | 1), read_boolean(held, IMPLICIT | 2)
    reasons = read_bits(held.value(IMPLICIT | 3)) & ALL_REASONS if held.peek() == IMPLICIT | 3 else ALL_REASONS
    indirect, attributes = read_boolean(held, IMPLICIT | 4), read_boolean(held, IMPLICIT | 5)
    held.close()
    if users + authorities + attributes > 1:
        raise Refusal("malformed", "a list covers only two things at once")
    return Scope(name, users, authorities, attributes, reasons, indirect)


def _read_point_name(holder: Cursor) -> PointName:
    if holder.peek() == EXPLICIT | 0:
        return PointName(full=frozenset(read_general_names(holder.enter(EXPLICIT | 0))))
    relative = holder.enter(EXPLICIT | 1)
    part = der.set_of([relative.data[relative.position : relative.end]])
    return PointName(relative=relative_names(normalised(der.sequence(part)))[0])
