# SPDX-License-Identifier: Apache-2.0
"""The mail that a command is about: a file, or standard input where `-` is said."""

import sys
from pathlib import Path

from gatepost.errors import UsageError
from gatepost.message.wire_form import wire_form


def mail_in(file: Path) -> bytes:
    """Read a mail as it would stand on the wire. Raises UsageError when it cannot be read."""
    return wire_form(bytes_of(file) if str(file) != "-" else _standard_input())


def bytes_of(file: Path) -> bytes:
    """Read a file. Raises UsageError when it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as fault:
        raise UsageError(f"{file} cannot be read ({fault.strerror}); name a file that is there") from None


def _standard_input() -> bytes:
    trouble = "it is closed"
    if sys.stdin is not None:
        try:
            return sys.stdin.buffer.read()
        except OSError as fault:
            trouble = str(fault.strerror)
    raise UsageError(f"standard input cannot be read ({trouble}); name a mail file, or give one through a pipe")
