# SPDX-License-Identifier: Apache-2.0
"""Take markup out of an iCalendar object: readers show an appointment's description as HTML where there is one.

Promises: what stays, stays octet by octet; lines are read as lenient readers do, folded and ended by CRLF, LF or CR.
"""

import re

_LINES = re.compile(rb"[^\r\n]*+(?:(?:\r\n|\r|\n)[ \t][^\r\n]*+)*(?:\r\n|\r|\n|\Z)").findall
_unfolded = re.compile(rb"(?:\r\n|\r|\n)[ \t]").sub
_HEAD = re.compile(rb'(?:[^:"]|"[^"]*+"?+)*').match
_FORMAT = re.compile(rb';\s*+fmttype\s*+=\s*+"?+[^;"]*(?:html|xml|rtf)', re.IGNORECASE).search
_MARKUP = frozenset({b"x-alt-desc", b"styled-description"})
"""Properties that are HTML whether they say so or not."""
_WORDS = re.compile(rb"fmttype|x-alt-desc|styled-description", re.IGNORECASE).search


def without_markup(calendar: bytes) -> bytes | None:
    """Give the object without its properties in HTML and its like; None when it has none."""
    if _WORDS(_unfolded(b"", calendar)) is None:
        return None
    kept = [line for line in _LINES(calendar) if not _is_markup(_unfolded(b"", line))]
    whole = b"".join(kept)
    return None if len(whole) == len(calendar) else whole


def _is_markup(line: bytes) -> bool:
    head = _HEAD(line)
    assert head is not None
    name = head[0].partition(b";")[0].strip().lower()
    return name in _MARKUP or _FORMAT(head[0]) is not None
