# SPDX-License-Identifier: Apache-2.0
"""Marks of protected fields (RFC 9788) in a Content-Type: put in, and taken out, so that all else in it stays as it is.

Promises: what is in quotes or in a comment is no mark; a type that a change would damage is not changed.
"""

import re
from collections.abc import Collection
from functools import lru_cache

from gatepost.config.limits import MessageLimits
from gatepost.message.content_type import ContentType, parse_content_type

PROTECTED_MARKS = frozenset({"hp", "hp-legacy-display", "protected-headers"})
_TYPED = re.compile(rb"[^:]++:[ \t\r\n]*+[^\s;/()\"]++/[^\s;/()\",]++").match
_ASIDE = rb'"(?:[^"\\]|\\.)*+"?+|\((?:[^()\\]|\\.)*+\)?+'


def with_mark(line: bytes, mark: bytes) -> bytes:
    """Put a parameter into a Content-Type field, directly behind the type: what follows may be a quote or a comment that is not closed."""
    found = _TYPED(line)
    if found is not None:
        return line[: found.end()] + mark + line[found.end() :]
    return line.rstrip().rstrip(b";") + mark + b"\r\n"


def without(value: bytes, names: Collection[str], limits: MessageLimits) -> bytes | None:
    """Give a Content-Type's value without parameters of these names; None where they cannot be taken out without harm to another."""
    before = parse_content_type(value, limits)
    if not any(name in before.parameters for name in names):
        return value
    left = _parameters(tuple(sorted(names))).sub(lambda found: b"" if found[1] else found[0], value)
    after = parse_content_type(left, limits)
    is_clean = _rest(before, names) == _rest(after, ()) and before.boundary == after.boundary and before.full == after.full
    return left if is_clean else None


def _rest(content_type: ContentType, names: Collection[str]) -> dict[str, str]:
    return {name: value for name, value in content_type.parameters.items() if name not in names}


@lru_cache(maxsize=16)
def _parameters(names: tuple[str, ...]) -> re.Pattern[bytes]:
    """Find parameters of these names, and whatever is no place for one."""
    either = "|".join(map(re.escape, names)).encode()
    return re.compile(_ASIDE + rb"|(;\s*+(?:" + either + rb')\s*+=\s*+(?:"(?:[^"\\]|\\.)*+"|[^\s;"(]++))', re.IGNORECASE | re.DOTALL)
