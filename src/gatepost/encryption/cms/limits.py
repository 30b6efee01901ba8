# SPDX-License-Identifier: Apache-2.0
"""How much a CMS object may cost. The defaults have room for every mail a gateway takes and still bound a second's work."""

from typing import NamedTuple


class Limits(NamedTuple):
    """Largest sizes and numbers; above one of them the bytes are refused as `too-large`."""

    size_bytes: int = 66_060_288
    """Bytes of the whole object; 63 MiB are a mail of 90 MB, and with all that reading takes beside them no more than 64."""
    overhead_bytes: int = 10_485_760
    """Bytes of all but the content: recipients, certificates, lists, signers."""
    depth: int = 32
    """Elements of indefinite length, or pieces of an octet string, within each other."""
    elements: int = 500_000
    """Elements that are stepped over to find the end of one of indefinite length, and pieces of an octet string."""
    indefinite: int = 10_000
    """Elements of indefinite length."""
    recipients: int = 5_000
    signers: int = 32
    """Each costs a verification; 32 of the dearest keys take half a second."""
    certificates: int = 500
    attributes: int = 100
    attribute_bytes: int = 1_048_576
    """Bytes of one set of attributes; a time stamp is one of them."""
    small_bytes: int = 65_536
    """Bytes of one algorithm, name, key or signature."""


DEFAULT = Limits()
