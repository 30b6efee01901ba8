# SPDX-License-Identifier: Apache-2.0
"""Content-Type and Content-Disposition as values (RFC 2045 §5, RFC 2183).

Promises: never raises; a regular field costs one match, everything else goes to the tolerant reader.
What cannot be read is text/plain (RFC 2045 §5.2) or an attachment (RFC 2183 §2.8), with a defect.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple

from gatepost.config.limits import MessageLimits
from gatepost.message import defects
from gatepost.message.parameters import parse_parameters, skip_blanks

_TOKEN = r"[!#$%&'*+.^_`{|}~0-9A-Za-z-]++"  # noqa: S105 -- RFC 2045 §5.1, no password
# The outermost repeat is not possessive: CPython 3.11.2 (Debian 12) loses the position of nested possessive groups.
_REGULAR = re.compile(
    rf'[ \t]*+({_TOKEN})/({_TOKEN})((?:[ \t]*+;(?:\r?\n)?[ \t]*+{_TOKEN}=(?:{_TOKEN}|"[^"\\\r\n]*+"))*)\s*+;?\s*+'.encode()
).fullmatch
_REGULAR_PARAMETER = re.compile(rf';\s*+({_TOKEN})=(?:"([^"]*+)"|({_TOKEN}))'.encode()).findall
_TYPE = re.compile(rf"({_TOKEN})[ \t\r\n]*+(?:/[ \t\r\n]*+({_TOKEN}))?")


class ContentType(NamedTuple):
    """A media type; type, subtype and parameter names are in lower case, `boundary` holds its exact bytes."""

    maintype: str
    subtype: str
    parameters: dict[str, str]
    boundary: bytes = b""
    defects: tuple[str, ...] = ()
    exceeded: str | None = None

    @property
    def full(self) -> str:
        """Type and subtype, as in `text/plain`."""
        return f"{self.maintype}/{self.subtype}"


class Disposition(NamedTuple):
    """A content disposition: `inline`, `attachment` or another word, in lower case; '' when none was given."""

    value: str
    parameters: dict[str, str]
    defects: tuple[str, ...] = ()
    exceeded: str | None = None


TEXT_PLAIN: Final = ContentType("text", "plain", {})
MESSAGE_RFC822: Final = ContentType("message", "rfc822", {})
NO_DISPOSITION: Final = Disposition("", {})


def parse_content_type(untrusted: bytes, limits: MessageLimits) -> ContentType:
    """Read a raw Content-Type value, folds included."""
    # Most mails share a handful of values. One with a boundary is never seen again, so it stays out of the cache.
    if len(untrusted) < 128 and b"oundary" not in untrusted:
        return _cached(untrusted, limits)
    return _parse(untrusted, limits)


def _parse(untrusted: bytes, limits: MessageLimits) -> ContentType:
    regular = _REGULAR(untrusted)
    if regular is None or not untrusted.isascii():
        return _tolerant(untrusted, limits)
    parameters: dict[str, str] = {}
    boundary = b""
    if regular[3]:
        pairs = _REGULAR_PARAMETER(regular[3])
        if len(pairs) > limits.parameters:
            return _tolerant(untrusted, limits)
        for name_bytes, quoted, token in pairs:
            name, value = name_bytes.decode().lower(), quoted or token
            if name in parameters or "*" in name or b"=?" in value:
                return _tolerant(untrusted, limits)
            parameters[name] = value.decode()
            if name == "boundary":
                boundary = value.rstrip()
    return ContentType(regular[1].decode().lower(), regular[2].decode().lower(), parameters, boundary)


_cached = lru_cache(maxsize=1024)(_parse)


def _tolerant(untrusted: bytes, limits: MessageLimits) -> ContentType:
    text = untrusted.decode("latin-1")
    found: list[str] = []
    position, exceeded = skip_blanks(text, 0, limits.comment_depth, found)
    match = _TYPE.match(text, position)
    parameters = parse_parameters(text, match.end() if match else max(text.find(";"), 0), limits)
    maintype, subtype = (match[1].lower(), (match[2] or "").lower()) if match else ("", "")
    if not subtype:
        found.append(defects.MALFORMED_CONTENT_TYPE)
        # A lone `multipart` still has parts for other readers, so it has them here; all else is text/plain.
        maintype, subtype = ("multipart", "mixed") if maintype == "multipart" else ("text", "plain")
    return ContentType(
        maintype,
        subtype,
        parameters.values,
        parameters.untrusted_bytes.get("boundary", b"").rstrip() or parameters.values.get("boundary", "").encode().rstrip(),
        tuple(dict.fromkeys((*found, *parameters.defects))),
        exceeded or parameters.exceeded,
    )


def parse_disposition(untrusted: bytes, limits: MessageLimits) -> Disposition:
    """Read a raw Content-Disposition value, folds included."""
    text = untrusted.decode("latin-1")
    found: list[str] = []
    position, exceeded = skip_blanks(text, 0, limits.comment_depth, found)
    word = re.compile(_TOKEN).match(text, position)
    parameters = parse_parameters(text, word.end() if word else position, limits)
    if word is None:
        found.append(defects.MALFORMED_PARAMETER)
    return Disposition(
        word[0].lower() if word else "attachment",
        parameters.values,
        tuple(dict.fromkeys((*found, *parameters.defects))),
        exceeded or parameters.exceeded,
    )
