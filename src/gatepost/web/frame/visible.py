# SPDX-License-Identifier: Apache-2.0
"""What nobody sees in a text is made visible: signs that turn, join or hide others (Unicode Technical Report 36, section 2.10.2).

The file name `invoice⟨U+202E⟩fdp.exe` looks like `invoiceexe.pdf` to who does not see its right-to-left override. It is done once, to
the whole page that a template gave: everywhere between tags, but not in what a form sends back as it was (attributes and text areas).
"""

import re
from typing import Final

_HIDDEN: Final = (
    "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"  # controls
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # soft hyphen, fillers
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # no width, line ends, directions
    "\ud800-\udfff"  # halves of signs
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"  # invisible notes, tags
)
_ANY: Final = re.compile(f"[{_HIDDEN}]")
_PARTS: Final = re.compile(r"<textarea\b.*?</textarea>|<[^<>]*>", re.DOTALL)
"""What is left as it is. In texts and in attributes `<` and `>` are escaped."""
_JOINERS: Final = "\u200c\u200d"
_FIRST_THAT_JOINS: Final = "\u0590"
"""Scripts from Hebrew on, and pictures: there the joiners spell words and compose families."""


def visible(page: str) -> bytes:
    """Give a page as UTF-8 in which hidden signs between tags are written out."""
    if _ANY.search(page) is None:
        return page.encode()
    made, at = [], 0
    for part in _PARTS.finditer(page):
        made += [_ANY.sub(_written, page[at : part.start()]), part[0]]
        at = part.end()
    made.append(_ANY.sub(_written, page[at:]))
    return "".join(made).encode(errors="replace")


def _written(hidden: re.Match[str]) -> str:
    sign, text = hidden[0], hidden.string
    if sign in _JOINERS and hidden.start() and text[hidden.start() - 1] >= _FIRST_THAT_JOINS and not _ANY.match(text, hidden.start() - 1):
        return sign
    return f"⟨U+{ord(sign):04X}⟩"
