# SPDX-License-Identifier: Apache-2.0
"""Revocation lists that came along with one mail (RFC 5652 §10.2.1): they speak in the question that they came with, and in no other.

The mail's sender chose them, and the time that he says he signed at. So such a list must hold when the mail is received, not
only when it was signed: who stole a key would else send the last list from before it was missed. What a list says
against a certificate counts whenever it was made; nobody but the issuer could have signed it.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from gatepost.encryption.cms.ber import SEQUENCE
from gatepost.encryption.cms.fault import Fault, Refusal
from gatepost.encryption.paths.demands import Limits
from gatepost.encryption.paths.revocation_list import RevocationList


class PassingLists(NamedTuple):
    """What came along, read: remembered by nobody once the mail is judged."""

    lists: tuple[RevocationList, ...] = ()
    second: int = 0
    """When the mail came, in Unix time."""
    faults: tuple[Fault, ...] = ()


NOTHING = PassingLists()


class Passing:
    """What came along with one mail; read once, for all of its signers."""

    __slots__ = ("_lists", "_received", "_untrusted_lists")

    def __init__(self, untrusted_lists: Sequence[bytes], received: datetime) -> None:
        """Hold CRLs in DER and when the mail came, with its time zone; revocation data of other kinds among them is left unread."""
        self._untrusted_lists = untrusted_lists
        self._received = received
        self._lists: PassingLists | None = None

    def read(self, limits: Limits) -> PassingLists:
        """Read the outlines of the lists, as many as limits allow."""
        if self._lists is None:
            found = [_read(one) for one in self._untrusted_lists[: limits.lists] if one[:1] == _SEQUENCE]
            faults = tuple(one for one in found if isinstance(one, Fault))
            lists = tuple(one for one in found if isinstance(one, RevocationList))
            self._lists = PassingLists(lists, int(self._received.timestamp() // 1), faults[:3])
        return self._lists


_SEQUENCE = bytes((SEQUENCE,))


def _read(encoded: bytes) -> RevocationList | Fault:
    try:
        return RevocationList(encoded)
    except Refusal as refusal:
        return refusal.fault
