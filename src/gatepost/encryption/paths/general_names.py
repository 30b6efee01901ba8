# SPDX-License-Identifier: Apache-2.0
"""GeneralName (RFC 5280 §4.2.1.6): the eight kinds of name, and a distinguished name as the relative names it is made of."""

from functools import lru_cache
from typing import Literal, NamedTuple

from gatepost.encryption.cms.ber import EXPLICIT, IMPLICIT, OID, SEQUENCE, SET, Cursor
from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.cms.names import normal_form, normalised
from gatepost.encryption.paths import oids
from gatepost.encryption.paths.extensions import inside

NameKind = Literal["other", "email", "dns", "x400", "directory", "edi", "uri", "ip", "registered"]

_TAGS: dict[int, NameKind] = {
    EXPLICIT | 0: "other",
    IMPLICIT | 1: "email",
    IMPLICIT | 2: "dns",
    EXPLICIT | 3: "x400",
    EXPLICIT | 4: "directory",
    EXPLICIT | 5: "edi",
    IMPLICIT | 6: "uri",
    IMPLICIT | 7: "ip",
    IMPLICIT | 8: "registered",
}
_MOST = 4096
_ADDRESS_TAGS = (0x16, 0x0C, 0x13)
"""IA5String, and UTF8String and PrintableString, which say the same octets."""


class GeneralName(NamedTuple):
    """One name; of a directory name the normalised encoding, of another its contents."""

    kind: NameKind
    value: bytes


def read_general_name(cursor: Cursor) -> GeneralName:
    """Read the next name."""
    kind = _TAGS.get(cursor.peek())
    if kind is None:
        raise Refusal("malformed", "a name is of no known kind")
    if kind == "directory":
        held = cursor.enter(EXPLICIT | 4)
        name = held.raw(SEQUENCE)
        held.close()
        return GeneralName(kind, normalised(name))
    if kind == "other":
        return _read_other_name(cursor)
    value = cursor.value(cursor.peek())
    if kind in ("email", "dns", "uri") and not value.isascii():
        raise Refusal("malformed", "a name that is ASCII has other octets")
    return GeneralName(kind, value)


def read_general_names(cursor: Cursor) -> tuple[GeneralName, ...]:
    """Read names to the end."""
    names = []
    while cursor.position < cursor.end:
        names.append(read_general_name(cursor))
        if len(names) > _MOST:
            raise Refusal("too-large", f"there are more than {_MOST} names")
    return tuple(names)


@lru_cache(maxsize=1024)
def relative_names(name: bytes) -> tuple[bytes, ...]:
    """Give the relative names of a distinguished name, each normalised; `Refusal` for one that cannot be compared."""
    normal = normal_form(name)
    if normal is None:
        raise Refusal("malformed", "a distinguished name is malformed or too large")
    parts, cursor = [], inside(normal).enter(SEQUENCE)
    while cursor.position < cursor.end:
        parts.append(cursor.raw(SET))
        if len(parts) > _MOST:
            raise Refusal("too-large", "a distinguished name has too many parts")
    return tuple(parts)


def addresses_in(subject: bytes) -> tuple[GeneralName, ...]:
    """Give the mail addresses that stand in a distinguished name (RFC 5280 §4.1.2.6); one in a type that no address has is empty."""
    found = []
    cursor = inside(subject).enter(SEQUENCE)
    while cursor.position < cursor.end:
        attributes = cursor.enter(SET)
        while attributes.position < attributes.end:
            attribute = attributes.enter(SEQUENCE)
            if attribute.value(OID) == oids.EMAIL_ADDRESS:
                tag = attribute.peek()
                value = attribute.value(tag)
                found.append(GeneralName("email", value if tag in _ADDRESS_TAGS else b""))
            if len(found) > _MOST:
                raise Refusal("too-large", "a distinguished name has too many addresses")
    return tuple(found)


def _read_other_name(cursor: Cursor) -> GeneralName:
    held = cursor.enter(EXPLICIT | 0)
    kind = held.value(OID)
    value = held.enter(EXPLICIT | 0)
    if kind == oids.INTERNATIONAL_MAILBOX:
        return GeneralName("email", _with_ascii_host(value.value(0x0C)))
    return GeneralName("other", kind + value.raw())


def _with_ascii_host(mailbox: bytes) -> bytes:
    """Write a SmtpUTF8Mailbox so that constraints on mail addresses apply to it (RFC 9598 §6); without a host where it has none.

    Such a name is no address, and constraints forbid it (§3).
    """
    local, at, host = mailbox.rpartition(b"@")
    if not at:
        return mailbox + b"@"
    if host.isascii():
        return mailbox
    import idna

    try:
        return local + at + idna.encode(host.decode(), uts46=True)
    except (idna.IDNAError, UnicodeError):
        return local + at
