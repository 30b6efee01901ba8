# SPDX-License-Identifier: Apache-2.0
"""The name of a mail's track: 24 letters and digits that sort by time and cannot be guessed."""

import base64
import os
import time


def new_track() -> str:
    """Make a track id: 48 bits of milliseconds, 72 random bits, in base32hex (RFC 4648 §7)."""
    return base64.b32hexencode(int(time.time() * 1000).to_bytes(6, "big") + os.urandom(9)).decode("ascii")
