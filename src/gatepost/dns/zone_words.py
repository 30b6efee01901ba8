# SPDX-License-Identifier: Apache-2.0
"""Cut a line of a zone file into its words (RFC 1035 §5.1): quoted strings, backslash escapes, comments.

    name TXT "v=spf1 " "ip4:192.0.2.1 -all" ; a comment      four words
    name TXT "a \\"quote\\", a backslash \\\\, an octet \\200"     three words

Words are octets, text in UTF-8. A parenthesis is an ordinary character here: a record is one line.
"""

import re

_WORD = re.compile(r'\s*(?:;.*|"((?:[^"\\]|\\.)*)"|((?:[^\s;"\\]|\\.)+)|($))')
_ESCAPE = re.compile(rb"\\([0-9]{3}|.)", re.DOTALL)


def zone_words(line: str) -> list[bytes]:
    """Give the words of a line; raises ValueError for a quote that does not end."""
    words = []
    at = 0
    while at < len(line):
        found = _WORD.match(line, at)
        if found is None:
            raise ValueError("a quote or a backslash without its end")
        at = found.end()
        word = found[1] if found[1] is not None else found[2]
        if word is not None:
            words.append(_ESCAPE.sub(_octet, word.encode()) if "\\" in word else word.encode())
        elif found[3] is None:
            break
    return words


def _octet(escape: re.Match[bytes]) -> bytes:
    """Give what an escape stands for; raises ValueError above \\255."""
    return bytes([int(escape[1])]) if escape[1].isdigit() and len(escape[1]) == 3 else escape[1]
