# SPDX-License-Identifier: Apache-2.0
"""Text from bytes, by the character set that a stranger names.

Promises: never raises; looks up only character sets, so that no name from a mail reaches Python's
import machinery, and no codec that is something else (punycode, unicode_escape) can be asked for.
"""

import re
from codecs import charmap_decode
from encodings.aliases import aliases

from gatepost.message import defects

_NOT_ALNUM = re.compile(r"[^a-z0-9]+")

_NOT_CHARSETS = frozenset(
    {"base64_codec", "bz2_codec", "hex_codec", "idna", "mbcs", "oem", "punycode", "quopri_codec", "raw_unicode_escape"}
    | {"rot_13", "undefined", "unicode_escape", "uu_codec", "zlib_codec"}
)

# Mail names the small set and uses the large one; WHATWG Encoding §4.2 maps them in the same way.
_SUPERSETS = {
    "latin_1": "cp1252",
    "ascii": "utf_8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "big5": "big5hkscs",
    "iso8859_9": "cp1254",
    "tis_620": "cp874",
}
_MORE_NAMES = {
    "iso_8859_8_i": "iso8859_8",
    "iso_8859_8_e": "iso8859_8",
    "x_sjis": "cp932",
    "windows_31j": "cp932",
    "cp_850": "cp850",
    "x_gbk": "gb18030",
    "unicode_1_1_utf_7": "utf_7",
    "windows_874": "cp874",
    "x_mac_roman": "mac_roman",
    "macintosh": "mac_roman",
}
_TABLE = bytes(range(256)).decode("cp1252", "replace")


def _known() -> dict[str, str]:
    names = dict(aliases)
    names.update({codec: codec for codec in aliases.values()})
    names.update(_MORE_NAMES)
    known = {name: _SUPERSETS.get(codec, codec) for name, codec in names.items() if codec not in _NOT_CHARSETS}
    known.update({f"iso_8859_{n}": known[f"iso8859_{n}"] for n in range(2, 17) if f"iso8859_{n}" in known})
    return known


_CODECS = _known()


def codec_of(untrusted_charset: str) -> str | None:
    """Give Python's name for a character set, or None when it is not known."""
    name = _NOT_ALNUM.sub("_", untrusted_charset[:64].strip().strip("'\"").lower()).strip("_")
    return _CODECS.get(name)


def to_text(data: bytes, untrusted_charset: str = "") -> tuple[str, tuple[str, ...]]:
    """Give the text and its defects; what cannot be decoded shows as U+FFFD."""
    codec = codec_of(untrusted_charset) if untrusted_charset else "utf_8"
    if codec is None:
        return undeclared(data), (defects.UNKNOWN_CHARSET,)
    try:
        return data.decode(codec), ()
    except (UnicodeError, ValueError):
        if codec == "utf_8":
            return undeclared(data), (defects.WRONG_CHARSET,)
        if codec == "cp1252":
            return _windows_1252(data), (defects.WRONG_CHARSET,)
        return data.decode(codec, "replace"), (defects.WRONG_CHARSET,)


def undeclared(data: bytes) -> str:
    """Give the text of bytes whose character set nobody names: UTF-8 where it fits, else Windows-1252."""
    try:
        return data.decode("utf_8")
    except UnicodeDecodeError:
        return _windows_1252(data)


def _windows_1252(data: bytes) -> str:
    """Decode by a table whose five holes are filled in: an error handler that is called for each of a million octets takes 80 ms."""
    return charmap_decode(data, "strict", _TABLE)[0]
