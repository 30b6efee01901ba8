# SPDX-License-Identifier: Apache-2.0
"""Say what some bytes are: ContentInfo (RFC 5652 §3) and what it holds. This is where untrusted bytes come in."""

from typing import NamedTuple

from gatepost.encryption.cms import oids
from gatepost.encryption.cms.ber import EXPLICIT, OID, SEQUENCE, AnyBytes, Cursor, measured
from gatepost.encryption.cms.enveloped.message import Enveloped, read_auth_enveloped, read_enveloped
from gatepost.encryption.cms.enveloped.usual import read_usual
from gatepost.encryption.cms.fault import Fault, Refusal
from gatepost.encryption.cms.limits import DEFAULT, Limits
from gatepost.encryption.cms.signed.message import SignedData, read_signed_data
from gatepost.encryption.cms.space import Space


class OtherContent(NamedTuple):
    """CMS of a kind that is not read here, such as compressed data."""

    content_type: bytes


_READ = frozenset({oids.SIGNED_DATA, oids.ENVELOPED_DATA, oids.AUTH_ENVELOPED_DATA})


def read(untrusted: AnyBytes | Space, limits: Limits = DEFAULT) -> SignedData | Enveloped | OtherContent | Fault:
    """Read a CMS object in BER or DER; what follows it is left alone, as mails often end in a line end more.

    One in a space of its own is read once: its content, when it is taken, takes its place.
    """
    try:
        measures = measured(untrusted, limits)
        usual = read_usual(measures)
        if usual is not None:
            return usual
        whole = Cursor(measures, 0, len(measures.data)).enter(SEQUENCE)
        kind = whole.value(OID)
        if kind not in _READ:
            return OtherContent(kind)
        inside = whole.enter(EXPLICIT | 0)
        whole.close()
        found: SignedData | Enveloped
        if kind == oids.SIGNED_DATA:
            found = read_signed_data(inside)
        else:
            found = read_enveloped(inside) if kind == oids.ENVELOPED_DATA else read_auth_enveloped(inside)
        inside.close()
        return found
    except Refusal as refusal:
        return refusal.fault
