# SPDX-License-Identifier: Apache-2.0
"""Read the ARC sets of a mail, and whether they make a chain at all (RFC 8617 §4, §5.2 steps 1 to 3).

Promises: any header gives a `Chain`; what is wrong with its form is its `fault`. Nothing here looks at keys or at the body.
"""

import re
from typing import NamedTuple

from gatepost.message.headers import Field, Headers
from gatepost.protection.mailauth.dkim.field import Signature, Signer, read_signature, read_signer
from gatepost.protection.mailauth.dkim.tags import Tags, parse_tags, value_of

MOST_SETS = 50
"""Sets that a chain may have (RFC 8617 §4.2.1)."""

RESULTS, MESSAGE_SIGNATURE, SEAL = "arc-authentication-results", "arc-message-signature", "arc-seal"
KINDS = (RESULTS, MESSAGE_SIGNATURE, SEAL)

_INSTANCE_OF_RESULTS = re.compile(rb"[ \t\r\n]*i[ \t\r\n]*=[ \t\r\n]*([0-9]{1,2})[ \t\r\n]*;")
_INSTANCE = re.compile(rb"[0-9]{1,2}").fullmatch


_Parts = dict[str, tuple[Field, Tags]]
"""The fields of one instance by their kind, each with its tags."""


class Set(NamedTuple):
    """One who passed the mail on: what he found, his signature over the mail, his seal over the chain."""

    results: Field
    signature_field: Field
    signature: Signature
    seal_field: Field
    seal: Signer
    verdict: str
    """cv=, his word on the chain before him."""


class Chain(NamedTuple):
    """The sets, oldest first; with a `fault` they are none."""

    sets: tuple[Set, ...] = ()
    instances: int = 0
    """The highest instance seen."""
    fault: str = ""
    ended: bool = False
    """Whether the newest seal declares the chain broken; nobody adds to it any more (RFC 8617 §5.1)."""


def read_chain(headers: Headers) -> Chain:
    """Read a mail's ARC fields; a mail without any has an empty chain."""
    if sum(map(headers.count, KINDS)) > MOST_SETS * len(KINDS):
        return Chain((), MOST_SETS, f"there are more than {MOST_SETS} sets")
    found: dict[int, _Parts] = {}
    fault = ""
    for kind in KINDS:
        for field in headers.all(kind):
            tags = _tags(kind, field)
            instance = 0 if tags is None else _instance(tags)
            if tags is None or not 1 <= instance <= MOST_SETS:
                fault = fault or f"the instance of {field.name} cannot be read"
            elif kind in found.setdefault(instance, {}):
                fault = fault or f"there are two {field.name} of instance {instance}"
            else:
                found[instance][kind] = (field, tags)
    newest = max(found, default=0)
    seal = found[newest].get(SEAL) if newest else None
    ended = seal is not None and _verdict(seal[1]) == "fail"
    sets, missing = ([], "") if fault else _sets(found, newest)
    return Chain(() if missing else tuple(sets), newest, fault or missing, ended)


def _sets(found: dict[int, _Parts], newest: int) -> tuple[list[Set], str]:
    """Give the sets from the oldest to the newest, or say what breaks them."""
    sets: list[Set] = []
    for instance in range(1, newest + 1):
        parts = found.get(instance, {})
        missing = [kind for kind in KINDS if kind not in parts]
        if missing:
            return sets, f"instance {instance} has no {missing[0]}"
        sets.append(_set(parts))
        fault = _fault(instance, sets[-1], parts[SEAL][1])
        if fault:
            return sets, f"instance {instance}: {fault}"
    return sets, ""


def _set(parts: _Parts) -> Set:
    signature_field, signature_tags = parts[MESSAGE_SIGNATURE]
    seal_field, seal_tags = parts[SEAL]
    return Set(
        results=parts[RESULTS][0],
        signature_field=signature_field,
        signature=read_signature(signature_tags, read_signer(signature_tags)),
        seal_field=seal_field,
        seal=read_signer(seal_tags),
        verdict=_verdict(seal_tags),
    )


def _verdict(seal_tags: Tags) -> str:
    return value_of(seal_tags, b"cv").lower().decode("ascii", "replace")


def _fault(instance: int, one: Set, seal_tags: Tags) -> str:
    """Say what in a set's form breaks the chain; '' when nothing does."""
    if one.verdict == "fail":
        return "its sealer found the chain broken"
    if one.verdict != ("none" if instance == 1 else "pass"):
        return "cv= does not fit its place in the chain"
    if b"h" in seal_tags:
        return "the seal has h="
    if one.seal.fault:
        return f"in the seal, {one.seal.fault}"
    if one.seal.hash_name != "sha256":
        return "the seal is made with SHA-1"
    if SEAL in one.signature.names:
        return "the signature signs a seal"
    return f"in the signature, {one.signature.fault}" if one.signature.fault else ""


def _tags(kind: str, field: Field) -> Tags | None:
    """Read a field's tags; of the results only the instance, which stands first, is tags."""
    if kind != RESULTS:
        return parse_tags(field.raw)
    match = _INSTANCE_OF_RESULTS.match(field.raw)
    return parse_tags(match[0]) if match else None


def _instance(tags: Tags) -> int:
    value = value_of(tags, b"i")
    return int(value) if _INSTANCE(value) else 0
