# SPDX-License-Identifier: Apache-2.0
"""A mail as a file holds it, brought into the form that it has on the wire."""


def wire_form(untrusted_raw: bytes) -> bytes:
    """Give a file's bytes as they would stand on the wire: without an mbox `From ` line, and CRLF where every line end is LF alone."""
    if untrusted_raw.startswith(b"From "):
        untrusted_raw = untrusted_raw.partition(b"\n")[2]
    return untrusted_raw if b"\r\n" in untrusted_raw else untrusted_raw.replace(b"\n", b"\r\n")
