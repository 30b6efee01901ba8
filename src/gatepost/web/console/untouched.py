# SPDX-License-Identifier: Apache-2.0
"""Which fields of a form somebody left as they were, so that what others have saved there meanwhile stays.

A form carries a mark of each value that it was opened with. When it comes back and something else is saved by now, each field is
nobody's, mine, theirs, or both's; only what both changed is a question. Drafts are merged alike (`versioning.rebase`). Pure.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final, Literal

Side = Literal["same", "mine", "theirs", "both"]
"""Who has changed a field; `same`: nobody, or both alike."""
NAME: Final = "was"
"""Of the hidden field that carries the marks."""
_CHARACTERS: Final = 12


def marks(texts: Iterable[str]) -> str:
    """Give the marks of a form's values in their order."""
    return ".".join(_mark(one) for one in texts)


def sides(untrusted_marks: str, typed: Sequence[str], saved: Sequence[str]) -> list[Side]:
    """Say for each field who has changed it; without marks of just these fields everything that differs is both's."""
    was = untrusted_marks.split(".")
    known = was if len(was) == len(typed) else [""] * len(typed)
    return [_side(*one) for one in zip(known, typed, saved, strict=True)]


def _side(was: str, typed: str, saved: str) -> Side:
    mine, theirs = _mark(typed), _mark(saved)
    if mine == theirs:
        return "same"
    return "theirs" if mine == was else "mine" if theirs == was else "both"


def _mark(text: str) -> str:
    """Mark a text, whatever a browser makes of its line ends."""
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return hashlib.sha256(lines.encode(errors="surrogatepass")).hexdigest()[:_CHARACTERS]
