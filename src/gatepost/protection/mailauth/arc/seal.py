# SPDX-License-Identifier: Apache-2.0
"""Seal a mail before it is passed on: add our set to its chain (RFC 8617 §5.1).

Promises: the mail is not changed and the set stands above it; a chain that somebody has already declared broken, or
that is full, gets no further set. A chain that we found broken gets one last set that seals itself alone (§5.1.2).
"""

import hashlib
import re
from collections.abc import Sequence

from gatepost.contracts.authentication import Arc
from gatepost.message.parse import parse
from gatepost.message.raw import Raw
from gatepost.message.tree import Message
from gatepost.protection.mailauth.arc.chain import MOST_SETS, Set, read_chain
from gatepost.protection.mailauth.dkim.header import SignedHeader, relaxed_text
from gatepost.protection.mailauth.dkim.sign import (
    SIGNED,
    Draft,
    PrivateKey,
    algorithm_of,
    body_hash,
    folded,
    listed_names,
    sign_digest,
    signer_tags,
    unsigned_field,
)

SEALED = (*SIGNED, "dkim-signature")
"""What our signature in the set signs; Authentication-Results and ARC-Seal may not be among it (RFC 8617 §4.1.2)."""

_BARE_LINE = re.compile(rb"\n(?![ \t])|(?<!\r)\n|\r(?!\n)")


def seal(
    raw: Raw,
    *,
    results: bytes,
    found: Arc,
    domain: str,
    selector: str,
    key: PrivateKey,
    now: float,
    headers: Sequence[str] = SEALED,
) -> bytes:
    """Give the three fields to put above a mail, or b'' when its chain takes no more.

    `results` is the value of an Authentication-Results field (our name first, folds allowed), `found` what `validate`
    said of the mail as it came in. ValueError when settings or `results` cannot be.
    """
    if _BARE_LINE.search(results.strip()):
        raise ValueError("results would end their field")
    message = parse(raw)
    chain = read_chain(message.headers)
    if chain.ended or chain.instances >= MOST_SETS:
        return b""
    instance = chain.instances + 1
    verdict = "fail" if chain.fault else found.result
    signer = [f"a={algorithm_of(key)}", *signer_tags(domain, selector), f"t={int(now)}"]
    own_results = b"ARC-Authentication-Results: i=%d; %s\r\n" % (instance, results.strip())
    signature = _signature(message, key, [f"i={instance}", "c=relaxed/relaxed", *signer], headers)
    unsigned = folded("ARC-Seal", [*(f" {tag};" for tag in [f"i={instance}", f"cv={verdict}", *signer]), " b="])
    sealed = _sealed(message, chain.sets if verdict == "pass" else ())
    digest = hashlib.sha256(sealed + relaxed_text(own_results) + relaxed_text(signature) + relaxed_text(unsigned)[:-2]).digest()
    return Draft(unsigned, digest).field(sign_digest(key, digest)) + signature + own_results


def _signature(message: Message, key: PrivateKey, tags: Sequence[str], headers: Sequence[str]) -> bytes:
    names = listed_names(message.headers, headers, ())
    unsigned = unsigned_field("ARC-Message-Signature", tags, names, body_hash(message, True))
    digest = hashlib.sha256(SignedHeader(message.headers, message.raw).data(names, True, unsigned)).digest()
    return Draft(unsigned, digest).field(sign_digest(key, digest))


def _sealed(message: Message, sets: tuple[Set, ...]) -> bytes:
    header = SignedHeader(message.headers, message.raw)
    return b"".join(header.relaxed(field) for one in sets for field in (one.results, one.signature_field, one.seal_field))
