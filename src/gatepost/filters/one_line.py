# SPDX-License-Identifier: Apache-2.0
"""Text of strangers in a finding: one line of printable characters, of bounded length."""

_LONGEST = 400


def one_line(untrusted: str) -> str:
    """Give a text that can be shown and logged: what cannot be printed becomes `?`, what is too long is cut."""
    text = untrusted if len(untrusted) <= _LONGEST else f"{untrusted[:_LONGEST]}…"
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)
