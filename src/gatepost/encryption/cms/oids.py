# SPDX-License-Identifier: Apache-2.0
"""Object identifiers, as the contents octets that stand in an object: they are compared and looked up, never decoded.

Arcs are from RFC 3370, RFC 5652, RFC 5083, RFC 5084, RFC 5753, RFC 5754, RFC 8017, RFC 8418, RFC 8419 and RFC 8551.
"""


def encoded(dotted: str) -> bytes:
    """Encode an identifier's contents octets (X.690 §8.19)."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    octets = bytearray()
    for arc in (first * 40 + second, *rest):
        septets = [arc & 0x7F]
        while arc := arc >> 7:
            septets.append(arc & 0x7F | 0x80)
        octets += bytes(reversed(septets))
    return bytes(octets)


def dotted(contents: bytes) -> str:
    """Write an identifier as people know it; octets that are none give a text that says so."""
    arcs, arc = [], 0
    for octet in contents[:64]:
        arc = arc << 7 | octet & 0x7F
        if not octet & 0x80:
            arcs.append(arc)
            arc = 0
    if not arcs or len(contents) > 64 or contents[-1] & 0x80:
        return "no identifier"
    first = min(arcs[0] // 40, 2)
    return ".".join(str(number) for number in (first, arcs[0] - 40 * first, *arcs[1:]))


_PKCS1 = "1.2.840.113549.1.1."
_PKCS7 = "1.2.840.113549.1.7."
_PKCS9 = "1.2.840.113549.1.9."
_SMIME = _PKCS9 + "16."
_NIST_AES = "2.16.840.1.101.3.4.1."
_NIST_HASH = "2.16.840.1.101.3.4.2."
_CERTICOM = "1.3.132."
_X963 = "1.3.133.16.840.63.0."

DATA = encoded(_PKCS7 + "1")
SIGNED_DATA = encoded(_PKCS7 + "2")
ENVELOPED_DATA = encoded(_PKCS7 + "3")
AUTH_ENVELOPED_DATA = encoded(_SMIME + "1.23")
COMPRESSED_DATA = encoded(_SMIME + "1.9")

CONTENT_TYPE = encoded(_PKCS9 + "3")
MESSAGE_DIGEST = encoded(_PKCS9 + "4")
SIGNING_TIME = encoded(_PKCS9 + "5")
COUNTERSIGNATURE = encoded(_PKCS9 + "6")
SMIME_CAPABILITIES = encoded(_PKCS9 + "15")
ALGORITHM_PROTECTION = encoded(_PKCS9 + "52")
KEY_PREFERENCE = encoded(_SMIME + "2.11")
SIGNING_CERTIFICATE = encoded(_SMIME + "2.12")
SIGNING_CERTIFICATE_V2 = encoded(_SMIME + "2.47")

SHA1 = encoded("1.3.14.3.2.26")
SHA256 = encoded(_NIST_HASH + "1")
SHA384 = encoded(_NIST_HASH + "2")
SHA512 = encoded(_NIST_HASH + "3")
SHA224 = encoded(_NIST_HASH + "4")

RSA = encoded(_PKCS1 + "1")
RSA_OAEP = encoded(_PKCS1 + "7")
MGF1 = encoded(_PKCS1 + "8")
P_SPECIFIED = encoded(_PKCS1 + "9")
RSA_PSS = encoded(_PKCS1 + "10")
SHA1_WITH_RSA = encoded(_PKCS1 + "5")
SHA256_WITH_RSA = encoded(_PKCS1 + "11")
SHA384_WITH_RSA = encoded(_PKCS1 + "12")
SHA512_WITH_RSA = encoded(_PKCS1 + "13")

EC_PUBLIC_KEY = encoded("1.2.840.10045.2.1")
ECDSA_WITH_SHA1 = encoded("1.2.840.10045.4.1")
ECDSA_WITH_SHA256 = encoded("1.2.840.10045.4.3.2")
ECDSA_WITH_SHA384 = encoded("1.2.840.10045.4.3.3")
ECDSA_WITH_SHA512 = encoded("1.2.840.10045.4.3.4")
X25519 = encoded("1.3.101.110")
ED25519 = encoded("1.3.101.112")

STD_DH_SHA1_KDF = encoded(_X963 + "2")
STD_DH_SHA256_KDF = encoded(_CERTICOM + "1.11.1")
STD_DH_SHA384_KDF = encoded(_CERTICOM + "1.11.2")
STD_DH_SHA512_KDF = encoded(_CERTICOM + "1.11.3")
COFACTOR_DH_SHA1_KDF = encoded(_X963 + "3")
COFACTOR_DH_SHA256_KDF = encoded(_CERTICOM + "1.14.1")
COFACTOR_DH_SHA384_KDF = encoded(_CERTICOM + "1.14.2")
COFACTOR_DH_SHA512_KDF = encoded(_CERTICOM + "1.14.3")
STD_DH_HKDF_SHA256 = encoded(_SMIME + "3.19")
STD_DH_HKDF_SHA384 = encoded(_SMIME + "3.20")
STD_DH_HKDF_SHA512 = encoded(_SMIME + "3.21")

AES128_CBC = encoded(_NIST_AES + "2")
AES128_WRAP = encoded(_NIST_AES + "5")
AES128_GCM = encoded(_NIST_AES + "6")
AES192_CBC = encoded(_NIST_AES + "22")
AES192_WRAP = encoded(_NIST_AES + "25")
AES192_GCM = encoded(_NIST_AES + "26")
AES256_CBC = encoded(_NIST_AES + "42")
AES256_WRAP = encoded(_NIST_AES + "45")
AES256_GCM = encoded(_NIST_AES + "46")
TRIPLE_DES_CBC = encoded("1.2.840.113549.3.7")
TRIPLE_DES_WRAP = encoded(_SMIME + "3.6")

SUBJECT_KEY_IDENTIFIER = encoded("2.5.29.14")
