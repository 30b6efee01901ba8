# SPDX-License-Identifier: Apache-2.0
"""Compare distinguished names as RFC 5280 §7.1 says: case, runs of blanks and what nobody sees make no difference in texts.

Issuers are first compared as bytes; this is for the peers that write a name again in another form.
"""

import re
import unicodedata
from functools import lru_cache

from gatepost.encryption.cms import der
from gatepost.encryption.cms.ber import CONSTRUCTED, OID, SEQUENCE, SET, cursor_on
from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.cms.limits import Limits

LIMITS = Limits(size_bytes=16_384)
_UTF8_STRING = 0x0C
_TEXTS = {
    _UTF8_STRING: "utf-8",
    0x12: "latin-1",  # Numeric
    0x13: "latin-1",  # Printable
    0x14: "latin-1",  # Teletex, as nearly all who write it mean it
    0x16: "latin-1",  # IA5
    0x1A: "latin-1",  # Visible
    0x1C: "utf-32-be",  # Universal
    0x1E: "utf-16-be",  # BMP
}
"""The string types of a name's values, with their charsets."""
_ATTRIBUTES = 100
_VARIANTS = re.compile("[\u034f\u180b-\u180d\ufe00-\ufe0f\ufffc]").match
"""Characters that are mapped to nothing, beside controls and marks of format."""


def normalised(name: bytes) -> bytes:
    """Give a form that equal names share; a name that is malformed, or very large, gives itself."""
    return normal_form(name) or name


def normal_form(name: bytes) -> bytes | None:
    """Do the same, and give None for such a name: who excludes it must not take it for another one."""
    return _normal_form(name) if len(name) <= LIMITS.size_bytes else None


@lru_cache(maxsize=1024)
def _normal_form(name: bytes) -> bytes | None:
    try:
        cursor = cursor_on(name, LIMITS)
        relative_names, number = cursor.enter(SEQUENCE), 0
        written = []
        while relative_names.position < relative_names.end:
            attributes, parts = relative_names.enter(SET), []
            while attributes.position < attributes.end:
                attribute = attributes.enter(SEQUENCE)
                parts.append(der.sequence(der.oid(attribute.value(OID)), _value(attribute.peek(), attribute.raw())))
                number += 1
            written.append(der.set_of(parts))
            if number > _ATTRIBUTES:
                return None
        return der.sequence(*written)
    except Refusal:
        return None


def text_of(tag: int, encoded: bytes) -> str | None:
    """Give the text of an encoded value, None where it is of no string type; `Refusal` when it is malformed."""
    charset = _TEXTS.get(tag)
    return None if charset is None else cursor_on(encoded, LIMITS).value(tag).decode(charset, "replace")


def _value(tag: int, encoded: bytes) -> bytes:
    text = text_of(tag, encoded)
    if text is None:
        if tag & ~CONSTRUCTED in _TEXTS:
            raise Refusal("malformed", "a text of a name is in pieces")
        return encoded
    folded = text.casefold() if text.isascii() and text.isprintable() else _prepared(text)
    return der.element(_UTF8_STRING, " ".join(folded.split()).encode())


def _prepared(text: str) -> str:
    """Do what RFC 4518 §2.2 and §2.3 do with a text: what nobody sees is left out, what looks the same becomes the same."""
    seen = "".join(one for one in text if one.isspace() or (unicodedata.category(one) not in ("Cc", "Cf") and not _VARIANTS(one)))
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", seen).casefold())
