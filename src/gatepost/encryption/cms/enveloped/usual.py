# SPDX-License-Identifier: Apache-2.0
"""Read the form that most encrypted objects have in one go: DER, one RSA key named by its issuer, nothing optional, below 64 KiB.

Promises: what is read here, the readers of the whole syntax (`message.py`) read to the same result; any other form, a malformed one
above all, gives None and is theirs to judge. It exists because an RSA key answers so fast that reading counts beside it.
"""

import re
from struct import Struct

from gatepost.encryption.cms import der, oids
from gatepost.encryption.cms.algorithm import Algorithm, algorithm
from gatepost.encryption.cms.attributes import NONE
from gatepost.encryption.cms.enveloped.message import Enveloped
from gatepost.encryption.cms.enveloped.recipient import Transported
from gatepost.encryption.cms.identifier import Identifier
from gatepost.encryption.cms.measures import Measures
from gatepost.encryption.cms.octets import Octets

_RSA = algorithm(oids.RSA, der.NULL)
_LONG = rb"\x82(..)"
"""A length in two octets."""
_VERSION = rb"\x02\x01[\x00-\x7f]"
_FRONT = re.compile(
    rb"\x30" + _LONG + rb"\x06(?:\x0b(" + re.escape(oids.AUTH_ENVELOPED_DATA) + rb")|\x09" + re.escape(oids.ENVELOPED_DATA) + rb")"
    rb"\xa0" + _LONG + rb"\x30" + _LONG + _VERSION + rb"\x31" + _LONG + rb"\x30" + _LONG + _VERSION +
    rb"(\x30(?:[\x02-\x7f]|\x81[\x80-\xff]).+?)" + re.escape(_RSA.encoded) + rb"\x04" + _LONG,
    re.DOTALL,
).match  # fmt: skip
"""From the outermost element to the encrypted key."""
_MIDDLE = re.compile(
    rb"\x30" + _LONG + rb"\x06\x09(.{9})"
    rb"(\x30(?:\x1e\x06\x09(.{9})(\x30\x11\x04\x0c.{12}\x02\x01\x10)|\x1d\x06\x09(.{9})(\x04\x10.{16})))\x80" + _LONG,
    re.DOTALL,
).match  # fmt: skip
"""From the encrypted content's own element to the content: its type, and a cipher as GCM or as CBC has it."""
_lengths = Struct(">8H").unpack
_TAG = b"\x04\x10"


def read_usual(measures: Measures) -> Enveloped | None:
    """Read an object of the usual form; None when it has another one."""
    data, limits = measures.data, measures.limits
    front = _FRONT(data, 0, 1024)
    if front is None:
        return None
    whole, authenticated, content_info, enveloped, entries, entry, name, key = front.groups()
    key_start = front.end()
    middle = _MIDDLE(data, key_start + (key[0] << 8 | key[1]))
    if middle is None:
        return None
    encrypted, content_type, cipher, gcm, nonce, cbc, vector, content = middle.groups()
    sizes = _lengths(b"".join((whole, content_info, enveloped, entries, entry, key, encrypted, content)))
    content_start = middle.end()
    content_end = content_start + sizes[7]
    end = content_end + (18 if authenticated else 0)
    # Each element must end exactly where its parts do.
    if sizes != (
        end - 4,
        end - (size := front.end(3)),
        end - size - 4,
        middle.start() - front.end(5),
        middle.start() - front.end(6),
        sizes[5],
        content_end - middle.end(1),
        sizes[7],
    ) or len(name) != (name[1] + 2 if name[1] < 0x80 else name[2] + 3):
        return None
    beside = sizes[2] - sizes[7]
    if end > len(data) or beside > limits.overhead_bytes or limits.recipients < 1 or sizes[5] > limits.small_bytes:
        return None
    if authenticated and data[content_end : content_end + 2] != _TAG:
        return None
    recipient = Transported(Identifier(name), _RSA, data[key_start : key_start + sizes[5]])
    found = Algorithm(gcm or cbc, nonce or vector, cipher)
    octets = Octets(measures, content_start, content_end, False)
    tag = data[content_end + 2 : end] if authenticated else b""
    return Enveloped(bool(authenticated), (recipient,), content_type, found, octets, tag, None, NONE, beside)
