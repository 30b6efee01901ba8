# SPDX-License-Identifier: Apache-2.0
"""The details of a track as the store keeps them: the artefact's payload as it came, larger ones deflated.

    0, payload          up to 2 KB
    1, raw deflate      above (RFC 1951), with a dictionary of our own words

To deflate an ordinary track (1.05 KB) costs 22 µs, half as much again as all else that is done to keep it, and saves 0.6 KB. So
ordinary ones are kept as they are, and what is large is made small. A dictionary is never changed, because what was written with it
must stay readable; a better one gets the next number.
"""

import zlib
from typing import Final

_WINDOW_BITS, _MEMORY_LEVEL = -12, 5
MOST_BYTES: Final = 16_777_216
"""Of a payload; more never comes over the wire."""

_DICTIONARY_1: Final = (
    b'"explanation":""helo_spf":{"result":"permerror","domain":"temperror"neutral"softfail"policy"none"'
    b'ArcValidationEntry{"result":"pass","sealers":["oldest_pass":1'
    b'DkimSignatureEntry{"result":"fail","domain":"selector":"google","selector1","algorithm":"ed25519-sha256"'
    b'"reason":"the body hash did not verify"key_bits":1024}'
    b'DkimSignatureEntry\xc4{"result":"pass","domain":"","selector":"s1","algorithm":"rsa-sha256","key_bits":2048}'
    b"application/octet-streamimage/pngimage/jpegmessage/rfc822application/vnd.openxmlformats-officedocument."
    b"wordprocessingml.documentapplication/pkcs7-signaturesmime.p7sapplication/pgp-signaturetext/calendar.pdfapplication/pdf"
    b'"policy":"reject","quarantine","policy_domain":"","spf_aligned":true,"dkim_aligned":false,"testing":true'
    b'{"result":"none","author_domain":"","reason":"no policy record","spf":{"result":"fail","domain":"","reason":"-all"}'
    b"450 4.2.0 451 4.7.1 550 5.7.1 550 5.1.1 refused as spam; the administrator finds the reason under "
    b"relay deniedrecipient unknown554 5.7.1 bounceddeferreddropped250 2.0.0 Message accepted Ok: queued as delivered"
    b"TLSv1.3 TLS_AES_256_GCM_SHA384TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384inboundoutboundRe: Fwd: AW: "
    b"@gmail.com@outlook.com.com.de.net.org.mail.protection.outlook.com.google.com"
    b"All other outbound mailsAll other inbound mails0.0.0.0:25"
    b"realtime_blocklists\xcb\x00\x00\x00\x00\x00\x00\x00\x00\xcb\x00\x00\x00\x00\x00\x00\x00\x00\x01\xcb"
    b"is on 0 of 0 realtime blocklists\xa0\x90"
    b"reputation\xcb\x00\x00\x00\x00\x00\x00\x00\x00\xcb\x00\x00\x00\x00\x00\x00\x00\x00\x01\xcb\xbcno sign of a doubtful sender\xa0\x90"
    b"words\xcb\x00\x00\x00\x00\x00\x00\x00\x00\xcb\x00\x00\x00\x00\x00\x00\x00\x00\x01\xcb\xb5no words of any group\xa0\x90"
    b"character_sets\xcb\x00\x00\x00\x00\x00\x00\x00\x00\xcb\x00\x00\x00\x00\x00\x00\x00\x00\x01\xcb\xa0\xa0\x90\x90\x91\x92"
    b'\xb4DmarcValidationEntry\xc4{"result":"pass","author_domain":"","policy":"none","policy_domain":"","spf_aligned":true,'
    b'"dkim_aligned":true,"reason":"","spf":{"result":"pass","domain":"","reason":"ip4: of "},'
    b'"helo_spf":{"result":"none","domain":"mail.","reason":"mail. has no SPF record"}}\x90\x01'
)
_DICTIONARIES: Final = {1: _DICTIONARY_1}
_NEWEST: Final = 1
_PLAIN: Final = b"\0"
_DEFLATED: Final = bytes((_NEWEST,))
WORTH_BYTES: Final = 2048
"""Of a payload that is deflated."""
_empty = zlib.compressobj(1, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL, zlib.Z_DEFAULT_STRATEGY, _DICTIONARIES[_NEWEST])
"""Copied for each track: to read the dictionary anew would cost more than to compress."""


def pack(payload: bytes) -> bytes:
    """Give the details of an artefact's payload."""
    if len(payload) <= WORTH_BYTES:
        return _PLAIN + payload
    deflate = _empty.copy()
    return _DEFLATED + deflate.compress(payload) + deflate.flush()


def unpack(content: bytes) -> bytes:
    """Give the payload again. Raises: ValueError for what no program of ours has written."""
    if content[:1] == _PLAIN:
        return content[1:]
    dictionary = _DICTIONARIES.get(content[0] if content else 0)
    if dictionary is None:
        raise ValueError("these details were written by a newer program")
    try:
        inflate = zlib.decompressobj(_WINDOW_BITS, dictionary)
        payload = inflate.decompress(content[1:], MOST_BYTES)
    except zlib.error as error:
        raise ValueError(f"these details are damaged ({error})") from None
    if not inflate.eof:
        raise ValueError("these details are damaged (they end too early, or never)")
    return payload
