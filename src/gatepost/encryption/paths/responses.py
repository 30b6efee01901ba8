# SPDX-License-Identifier: Apache-2.0
"""OCSP responses (RFC 6960 §4.2): read, and find the answer about one certificate.

Who signed is checked by `revocation.py`; nothing here is believed.
"""

import hashlib
from functools import lru_cache
from typing import Literal, NamedTuple

from gatepost.encryption.cms.algorithm import Algorithm, read_algorithm
from gatepost.encryption.cms.ber import EXPLICIT, IMPLICIT, INTEGER, OCTET_STRING, OID, SEQUENCE, Cursor, cursor_on
from gatepost.encryption.cms.certificate import Certificate, key_bits, read_certificate
from gatepost.encryption.cms.digests import name_of
from gatepost.encryption.cms.fault import Fault, Refusal
from gatepost.encryption.cms.limits import Limits
from gatepost.encryption.cms.names import normalised
from gatepost.encryption.paths import oids
from gatepost.encryption.paths.credential import read_second, read_signature
from gatepost.encryption.paths.extensions import read_extensions, unknown_critical
from gatepost.encryption.paths.revocation_list import REASONS

_LIMITS = Limits(size_bytes=1_048_576, small_bytes=1_048_576)
_ENUMERATED = 0x0A
_SMALL = 8_192
_ANSWERS = 1_000
_CERTIFICATES = 16
_FAILURES = {1: "malformed request", 2: "internal error", 3: "try later", 5: "signature required", 6: "not authorised"}
_NONE_KNOWN: frozenset[bytes] = frozenset()


class Answer(NamedTuple):
    """What a response says about one certificate."""

    digest: str
    name_hash: bytes
    key_hash: bytes
    serial: bytes
    state: Literal["good", "revoked", "unknown"]
    second: int
    """When it was revoked."""
    reason: str
    this_update: int
    next_update: int | None

    def is_about(self, certificate: Certificate, issuer: Certificate) -> bool:
        """Say whether this is the answer about a certificate of this issuer."""
        if self.serial != certificate.serial:
            return False
        if self.key_hash != hashlib.new(self.digest, key_bits(issuer.public_key), usedforsecurity=False).digest():
            return False
        return any(
            self.name_hash == hashlib.new(self.digest, name, usedforsecurity=False).digest()
            for name in (issuer.subject, certificate.issuer)
        )


class Response(NamedTuple):
    """A basic response: its answers, and who is said to have signed it."""

    signed: bytes
    algorithm: Algorithm
    signature: bytes
    responder_name: bytes
    """Normalised; b'' where the responder is named by its key."""
    responder_key: bytes
    """SHA-1 of its key."""
    produced_at: int
    answers: tuple[Answer, ...]
    certificates: tuple[Certificate, ...]

    def is_by(self, certificate: Certificate) -> bool:
        """Say whether this certificate is the responder that the response names."""
        if self.responder_name:
            return normalised(certificate.subject) == self.responder_name
        return hashlib.sha1(key_bits(certificate.public_key), usedforsecurity=False).digest() == self.responder_key


def read_response(untrusted: bytes) -> Response | Fault:
    """Read a response; what is small is remembered by its bytes."""
    return _read_whole(untrusted) if len(untrusted) > _SMALL else _remembered(untrusted)


def _read_whole(untrusted: bytes) -> Response | Fault:
    try:
        return _read(cursor_on(untrusted, _LIMITS))
    except Refusal as refusal:
        return refusal.fault


_remembered = lru_cache(maxsize=512)(_read_whole)


def _read(outer: Cursor) -> Response:
    whole = outer.enter(SEQUENCE)
    outer.close()
    status = int.from_bytes(whole.value(_ENUMERATED))
    if status:
        raise Refusal("unsupported", f"the responder has no answer: {_FAILURES.get(status, 'unknown reason')}")
    held = whole.enter(EXPLICIT | 0).enter(SEQUENCE)
    if held.value(OID) != oids.BASIC_RESPONSE:
        raise Refusal("unsupported", "the response is of an unknown type")
    basic = cursor_on(held.value(OCTET_STRING), _LIMITS).enter(SEQUENCE)
    signed, algorithm, signature = basic.raw(SEQUENCE), read_algorithm(basic), read_signature(basic)
    certificates = _read_certificates(basic.enter(EXPLICIT | 0).enter(SEQUENCE)) if basic.peek() == EXPLICIT | 0 else ()
    basic.close()
    body = cursor_on(signed, _LIMITS).enter(SEQUENCE)
    if body.peek() == EXPLICIT | 0:
        body.skip(EXPLICIT | 0)
    name = key = b""
    if body.peek() == EXPLICIT | 1:
        name = normalised(body.enter(EXPLICIT | 1).raw(SEQUENCE))
    else:
        key = body.enter(EXPLICIT | 2).value(OCTET_STRING)
    produced_at = read_second(body)
    answers = _read_answers(body.enter(SEQUENCE))
    _check_extensions(body, EXPLICIT | 1)
    body.close()
    return Response(signed, algorithm, signature, name, key, produced_at, answers, certificates)


def _read_certificates(held: Cursor) -> tuple[Certificate, ...]:
    found = []
    while held.position < held.end:
        certificate = read_certificate(held.raw(SEQUENCE))
        if isinstance(certificate, Certificate):
            found.append(certificate)
        if len(found) > _CERTIFICATES:
            raise Refusal("too-large", "a response carries too many certificates")
    return tuple(found)


def _read_answers(held: Cursor) -> tuple[Answer, ...]:
    answers = []
    while held.position < held.end:
        answers.append(_read_answer(held.enter(SEQUENCE)))
        if len(answers) > _ANSWERS:
            raise Refusal("too-large", "a response has too many answers")
    return tuple(answers)


def _read_answer(single: Cursor) -> Answer:
    about = single.enter(SEQUENCE)
    digest = name_of(read_algorithm(about))
    name_hash, key_hash, serial = about.value(OCTET_STRING), about.value(OCTET_STRING), about.value(INTEGER)
    about.close()
    state, second, reason = _read_state(single)
    this_update = read_second(single)
    next_update = read_second(single.enter(EXPLICIT | 0)) if single.peek() == EXPLICIT | 0 else None
    _check_extensions(single, EXPLICIT | 1)
    single.close()
    return Answer(digest, name_hash, key_hash, serial, state, second, reason, this_update, next_update)


def _read_state(single: Cursor) -> tuple[Literal["good", "revoked", "unknown"], int, str]:
    tag = single.peek()
    if tag == EXPLICIT | 1:
        held = single.enter(tag)
        second, reason = read_second(held), REASONS[0]
        if held.peek() == EXPLICIT | 0:
            code = int.from_bytes(held.enter(EXPLICIT | 0).value(_ENUMERATED))
            reason = REASONS[code] if code < len(REASONS) else "of unknown code"
        return "revoked", second, reason
    single.skip(tag if tag == IMPLICIT | 2 else IMPLICIT | 0)
    return ("unknown" if tag == IMPLICIT | 2 else "good"), 0, ""


def _check_extensions(holder: Cursor, tag: int) -> None:
    if holder.peek() != tag:
        return
    unknown = unknown_critical(read_extensions(holder.enter(tag)), _NONE_KNOWN)
    if unknown:
        raise Refusal("unsupported", f"the response has the critical extension {unknown}, which is unknown")
