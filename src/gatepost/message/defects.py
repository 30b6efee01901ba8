# SPDX-License-Identifier: Apache-2.0
"""The catalogue of defects: what can be wrong with a mail without stopping it.

A defect is data on a mail, never an exception. Its name goes into tracks and rules and stays stable;
its sentence is for people. Two programs may read a defective mail in two ways, and attackers use that.
"""

from typing import Final

NUL_BYTE: Final = "nul-byte"
LONG_LINE: Final = "long-line"
NO_FINAL_LINE_END: Final = "no-final-line-end"
NO_HEADER: Final = "no-header"
EIGHT_BIT_HEADER: Final = "eight-bit-header"
HEADER_WITHOUT_COLON: Final = "header-without-colon"
MBOX_FROM_LINE: Final = "mbox-from-line"
DUPLICATE_FIELD: Final = "duplicate-field"
DUPLICATE_CONTENT_TYPE: Final = "duplicate-content-type"
DUPLICATE_TRANSFER_ENCODING: Final = "duplicate-content-transfer-encoding"
UNKNOWN_TRANSFER_ENCODING: Final = "unknown-content-transfer-encoding"
ENCODED_MULTIPART: Final = "encoded-multipart"
ENCODED_MESSAGE: Final = "encoded-message"
MALFORMED_CONTENT_TYPE: Final = "malformed-content-type"
MISSING_BOUNDARY: Final = "missing-boundary"
LONG_BOUNDARY: Final = "long-boundary"
REPEATED_BOUNDARY: Final = "repeated-boundary"
NO_PARTS: Final = "multipart-without-parts"
MISSING_FINAL_BOUNDARY: Final = "missing-final-boundary"
DOUBTFUL_BOUNDARY: Final = "doubtful-boundary"
PART_WITHOUT_BLANK_LINE: Final = "part-without-blank-line"
MALFORMED_PARAMETER: Final = "malformed-parameter"
DUPLICATE_PARAMETER: Final = "duplicate-parameter"
UNCLOSED_QUOTE: Final = "unclosed-quote"
UNCLOSED_COMMENT: Final = "unclosed-comment"
UNCLOSED_ANGLE: Final = "unclosed-angle-bracket"
UNCLOSED_GROUP: Final = "unclosed-group"
STRAY_CHARACTER: Final = "stray-character"
MALFORMED_ADDRESS: Final = "malformed-address"
MALFORMED_BASE64: Final = "malformed-base64"
MALFORMED_QUOTED_PRINTABLE: Final = "malformed-quoted-printable"
UNKNOWN_CHARSET: Final = "unknown-charset"
WRONG_CHARSET: Final = "wrong-charset"

SENTENCES: Final[dict[str, str]] = {
    NUL_BYTE: "The mail holds a NUL byte (RFC 5322 §4.1).",
    LONG_LINE: "A line is longer than 998 bytes (RFC 5322 §2.1.1).",
    NO_FINAL_LINE_END: "The last line has no line end.",
    NO_HEADER: "The mail begins without any header field.",
    EIGHT_BIT_HEADER: "A header holds bytes above 127, which only an SMTPUTF8 mail may (RFC 6532 §3).",
    HEADER_WITHOUT_COLON: "A header line is neither a field nor the continuation of one (RFC 5322 §2.2).",
    MBOX_FROM_LINE: "The mail begins with the separator line of an mbox file.",
    DUPLICATE_FIELD: "A field that may stand once in a header stands there again (RFC 5322 §3.6).",
    DUPLICATE_CONTENT_TYPE: "An entity has more than one Content-Type field; the first one counts here.",
    DUPLICATE_TRANSFER_ENCODING: "An entity has more than one Content-Transfer-Encoding field; the first one counts here.",
    UNKNOWN_TRANSFER_ENCODING: "A Content-Transfer-Encoding is none of RFC 2045 §6.1; the body is taken as it stands.",
    ENCODED_MULTIPART: "A multipart entity claims to be encoded, which it may not be (RFC 2045 §6.4).",
    ENCODED_MESSAGE: "An enclosed message is encoded, which it may not be (RFC 2046 §5.2.1); it is not looked into.",
    MALFORMED_CONTENT_TYPE: "A Content-Type has no type and subtype; text/plain is assumed (RFC 2045 §5.2).",
    MISSING_BOUNDARY: "A multipart entity names no boundary, so it has no parts (RFC 2046 §5.1.1).",
    LONG_BOUNDARY: "A boundary is longer than 70 characters (RFC 2046 §5.1.1).",
    REPEATED_BOUNDARY: "A multipart entity uses the boundary of one that encloses it (RFC 2046 §5.1.2).",
    NO_PARTS: "A multipart entity never shows the boundary that it names.",
    MISSING_FINAL_BOUNDARY: "A multipart entity ends without its closing boundary (RFC 2046 §5.1.1).",
    DOUBTFUL_BOUNDARY: "A line begins with a boundary and goes on; RFC 2046 §5.1.1 lets readers take it for one.",
    PART_WITHOUT_BLANK_LINE: "A part's header ends at a boundary, without a blank line.",
    MALFORMED_PARAMETER: "A parameter has wrong syntax (RFC 2045 §5.1).",
    DUPLICATE_PARAMETER: "A parameter stands more than once; the first one counts here.",
    UNCLOSED_QUOTE: "A quoted string is not closed.",
    UNCLOSED_COMMENT: "A comment is not closed.",
    UNCLOSED_ANGLE: "An address in angle brackets is not closed.",
    UNCLOSED_GROUP: "A group of addresses is not closed by a semicolon (RFC 5322 §3.4).",
    STRAY_CHARACTER: "An address field holds a character where it means nothing.",
    MALFORMED_ADDRESS: "An address has wrong syntax (RFC 5322 §3.4.1).",
    MALFORMED_BASE64: "A base64 body holds other characters, or ends early (RFC 2045 §6.8).",
    MALFORMED_QUOTED_PRINTABLE: "A quoted-printable body holds a wrong escape (RFC 2045 §6.7).",
    UNKNOWN_CHARSET: "A text names a character set that is not known; UTF-8 or Windows-1252 is assumed.",
    WRONG_CHARSET: "A text does not fit the character set that it names.",
}
"""Each defect's sentence; no defect is named that is missing here."""
