# SPDX-License-Identifier: Apache-2.0
"""Validate one path, anchor first, as RFC 5280 §6.1 steps through it; revocation (6.1.3 (a)(3)) is asked afterwards.

The anchor's own constraints are applied too (RFC 5937): who trusts a root with name constraints trusts no more than that.
"""

from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from gatepost.encryption.cms.fault import Refusal
from gatepost.encryption.cms.oids import dotted
from gatepost.encryption.cms.public_key import load
from gatepost.encryption.paths import oids
from gatepost.encryption.paths.conformance import breach
from gatepost.encryption.paths.constraints import NameRules, read_name_constraints
from gatepost.encryption.paths.credential import (
    CERT_SIGN,
    DIGITAL_SIGNATURE,
    KEY_AGREEMENT,
    KEY_ENCIPHERMENT,
    NON_REPUDIATION,
    Credential,
)
from gatepost.encryption.paths.demands import Demands
from gatepost.encryption.paths.extensions import unknown_critical
from gatepost.encryption.paths.outcome import Finding, FindingKind
from gatepost.encryption.paths.policies import PolicyWork
from gatepost.encryption.paths.signed import remembered_signature

_KNOWN = frozenset(
    (
        oids.BASIC_CONSTRAINTS, oids.KEY_USAGE, oids.SUBJECT_NAMES, oids.ISSUER_NAMES, oids.POLICIES, oids.MAPPINGS, oids.NAME_CONSTRAINTS,
        oids.POLICY_CONSTRAINTS, oids.INHIBIT_ANY_POLICY, oids.EXTENDED_USAGE, oids.LIST_POINTS, oids.FRESHEST_LIST, oids.SUBJECT_KEY,
        oids.AUTHORITY_KEY, oids.AUTHORITY_ACCESS, oids.SUBJECT_ACCESS, oids.NO_CHECK,
    )
)  # fmt: skip
_PURPOSES = {"email-protection": oids.EMAIL_PROTECTION, "ocsp-signing": oids.OCSP_SIGNING}


class Walk(NamedTuple):
    """What the steps found on one path."""

    findings: tuple[Finding, ...]
    policies: frozenset[str] = frozenset()


class _Objection(Exception):
    """What ends a walk."""

    def __init__(self, kind: FindingKind, reason: str, depth: int) -> None:
        super().__init__(reason)
        self.finding = Finding(kind, reason, depth)


def walk(path: tuple[Credential, ...], second: int, demands: Demands) -> Walk:
    """Step through a path (the certificate first, the anchor last) at a second of Unix time; no findings: it holds."""
    depth = len(path) - 1
    if not depth:
        return _walk_alone(path[0], second, demands)
    names, policies = NameRules(demands.limits.names), PolicyWork(demands, depth)
    room = len(path) if demands.most_intermediates is None else demands.most_intermediates
    try:
        _begin(path[depth], second, demands, names, depth)
        room = _least(room, path[depth].path_length)
        while depth:
            depth -= 1
            credential, last = path[depth], depth == 0
            _check_basics(credential, path[depth + 1], second, demands, depth)
            if last or not credential.self_issued:
                _object("name-constraint", names.objection(credential.constrained_names()), depth)
            _object("policy", policies.take(credential, last), depth)
            if not last:
                _object("policy", policies.prepare(credential), depth)
                room = _descend(credential, names, room, depth)
            _check_extensions(credential, demands, depth)
        _check_use(path[0], demands)
        objection, holding = policies.finish(path[0], demands.policies)
        _object("policy", objection, 0)
    except Refusal as refusal:
        kind: FindingKind = "limit" if refusal.fault.kind == "too-large" else "malformed"
        return Walk((Finding(kind, refusal.fault.reason, depth),))
    except _Objection as objection_raised:
        return Walk((objection_raised.finding,))
    return Walk((), holding)


def _walk_alone(anchor: Credential, second: int, demands: Demands) -> Walk:
    """Judge a certificate that is trusted itself: its time and its use still count."""
    try:
        _check_time(anchor, second, 0)
        _check_extensions(anchor, demands, 0)
        _check_use(anchor, demands)
    except _Objection as objection:
        return Walk((objection.finding,))
    return Walk((), demands.policies)


def _object(kind: FindingKind, reason: str, depth: int) -> None:
    if reason:
        raise _Objection(kind, reason, depth)


def _begin(anchor: Credential, second: int, demands: Demands, names: NameRules, depth: int) -> None:
    """Look at the anchor itself, and take from it which names may be below it."""
    _check_time(anchor, second, depth)
    if demands.strict:
        _object("extension", breach(anchor, True), depth)
    _object("extension", _unknown(anchor), depth)
    if oids.BASIC_CONSTRAINTS in anchor.extensions and not anchor.is_ca:
        raise _Objection("not-ca", "the anchor says that it is no authority", depth)
    if not anchor.allows(CERT_SIGN):
        raise _Objection("key-usage", "the anchor's key may not sign certificates", depth)
    constraints = anchor.value(oids.NAME_CONSTRAINTS)
    if constraints is not None:
        names.add(read_name_constraints(constraints))


def _check_basics(credential: Credential, issuer: Credential, second: int, demands: Demands, depth: int) -> None:
    """Do (a)(1), (2) and (4) of §6.1.3."""
    if credential.issuer != issuer.subject:
        raise _Objection("no-path", "the issuer is named otherwise", depth)
    key = load(issuer.key)
    if isinstance(key, RSAPublicKey) and key.key_size < demands.least_rsa_bits:
        raise _Objection("algorithm", f"the issuer's RSA key has {key.key_size} bits, {demands.least_rsa_bits} are the least", depth + 1)
    check = remembered_signature(issuer.key, credential.algorithm, credential.signature, credential.signed, demands.sha1)
    if check == "broken":
        raise _Objection("signature", "the issuer's key did not make the signature", depth)
    if check != "holds":
        raise _Objection("algorithm", f"the signature's algorithm {dotted(credential.algorithm.oid)} is {check}", depth)
    _check_time(credential, second, depth)


def _check_time(credential: Credential, second: int, depth: int) -> None:
    if second < credential.not_before:
        raise _Objection("validity", "the certificate is not valid yet", depth)
    if second > credential.not_after:
        raise _Objection("validity", "the certificate has expired", depth)


def _descend(credential: Credential, names: NameRules, room: int, depth: int) -> int:
    """Do (g) and (k) to (n) of §6.1.4; give how many intermediates may follow."""
    constraints = credential.value(oids.NAME_CONSTRAINTS)
    if constraints is not None:
        names.add(read_name_constraints(constraints))
    if credential.version != 3 or not credential.is_ca:
        raise _Objection("not-ca", "a certificate that is no authority issued the next one", depth)
    if not credential.self_issued:
        if room <= 0:
            raise _Objection("path-length", "there are more intermediates than an issuer allows", depth)
        room -= 1
    room = _least(room, credential.path_length)
    if not credential.allows(CERT_SIGN):
        raise _Objection("key-usage", "the issuer's key may not sign certificates", depth)
    return room


def _least(room: int, path_length: int | None) -> int:
    return room if path_length is None else min(room, path_length)


def _check_extensions(credential: Credential, demands: Demands, depth: int) -> None:
    _object("extension", _unknown(credential), depth)
    if demands.strict:
        _object("extension", breach(credential, depth > 0), depth)
    purpose = _PURPOSES.get(demands.purpose)
    if purpose is not None and credential.purposes is not None and not credential.purposes & {purpose, oids.ANY_USAGE}:
        raise _Objection("key-usage", f"the extended key usage does not name {demands.purpose}", depth)


def _check_use(credential: Credential, demands: Demands) -> None:
    if demands.use == "any":
        return
    bits = DIGITAL_SIGNATURE | NON_REPUDIATION
    if demands.use == "encrypt":
        bits = KEY_ENCIPHERMENT if isinstance(load(credential.key), RSAPublicKey) else KEY_AGREEMENT
    if not credential.allows(bits):
        raise _Objection("key-usage", f"the key usage does not allow to {demands.use}", 0)


def _unknown(credential: Credential) -> str:
    oid = unknown_critical(credential.extensions, _KNOWN)
    return f"the critical extension {oid} is unknown" if oid else ""
