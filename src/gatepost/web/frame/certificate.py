# SPDX-License-Identifier: Apache-2.0
"""How the console's listeners speak TLS: 1.2 and newer, with forward secrecy and authenticated encryption only (RFC 9325), HTTP/1.1 within.

When a renewed certificate is taken is `smtp/certificate`'s affair, as for the listeners of mail.
"""

import ssl
from typing import Final

from gatepost.smtp.certificate import Identity
from gatepost.smtp.tls import server_context

_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2; those of 1.3 are all of this kind."""


def tls_context(identity: Identity) -> ssl.SSLContext:
    """Make the context of a listener. Raises: GatepostError."""
    context = server_context(*identity)
    context.set_ciphers(_CIPHERS)
    context.set_alpn_protocols(["http/1.1"])
    return context
