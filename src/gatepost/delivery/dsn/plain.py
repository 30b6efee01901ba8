# SPDX-License-Identifier: Apache-2.0
"""Make foreign text harmless before it stands in a report: nothing from outside can end a line or begin a field."""

import re

_HARMFUL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls, line and paragraph separators, bidirectional overrides, lone surrogates."""
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
_PRINTABLE = re.compile(r"[ -~]+")
_EMBED = re.compile(r"[^!-*,-<>-\[\]-~]")
_EMBED_ASCII_ONLY = re.compile(r"[ +=\\]")
LINE = 76
LONGEST_WORD = 240
"""Characters of one word: in UTF-8 at most 960 of the 998 octets of a line (RFC 5322 §2.1.1)."""
LONGEST_TEXT = 1000


def harmless(untrusted: str) -> str:
    """Replace every character that could break or disguise a line by `?`."""
    return _HARMFUL.sub("?", untrusted)


def words(untrusted: str) -> list[str]:
    """Give a foreign text as words without line breaks, cut to a length that fits a field."""
    return [harmless(word)[:LONGEST_WORD] for word in untrusted[:LONGEST_TEXT].split()]


def folded(name: str, untrusted: str) -> str:
    """Write a header field, folded between words (RFC 5322 §2.2.3), CRLF-ended."""
    lines, line = [], f"{name}:"
    for word in words(untrusted):
        if len(line) + 1 + len(word) > LINE and line != f"{name}:":
            lines.append(line)
            line = ""
        line += f" {word}"
    return "\r\n".join([*lines, line]) + "\r\n"


def decoded_xtext(untrusted: str) -> str | None:
    """Decode xtext (RFC 3461 §4); None when it is none, or hides something that is not printable ASCII."""
    if not _XTEXT.fullmatch(untrusted):
        return None
    decoded = re.sub(r"\+([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), untrusted)
    return decoded if _PRINTABLE.fullmatch(decoded) else None


def embedded(untrusted: str, *, ascii_only: bool) -> str:
    r"""Write an address in the `utf-8` address type (RFC 6533 §3): utf-8-addr-xtext, or else utf-8-addr-unitext."""
    pattern = _EMBED if ascii_only else _EMBED_ASCII_ONLY
    return pattern.sub(lambda match: f"\\x{{{ord(match[0]):02X}}}", harmless(untrusted))
