# SPDX-License-Identifier: Apache-2.0
"""Hash a mail's body in every form that its signatures ask for, reading it once for each canonicalization."""

import asyncio
import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from gatepost.message.tree import Message
from gatepost.protection.mailauth.dkim.canonical import relaxed_body, simple_body

if TYPE_CHECKING:
    from hashlib import _Hash

_BLOCKS_IN_A_ROW = 128
"""Blocks after which others get their turn: about 1 MiB."""


class BodyForm(NamedTuple):
    """What of a body is hashed, and how; `length` is the first bytes of the canonical body, None is all."""

    relaxed: bool
    hash_name: str
    length: int | None = None


class BodyDigest(NamedTuple):
    """A body's hash, and how long its canonical form is."""

    digest: bytes
    size: int


async def hash_body(message: Message, wanted: Iterable[BodyForm]) -> dict[BodyForm, BodyDigest]:
    """Hash the body of a mail; signatures that ask for the same form share the work."""
    digests: dict[BodyForm, BodyDigest] = {}
    forms = set(wanted)
    for is_relaxed in (False, True):
        chosen = [form for form in forms if form.relaxed is is_relaxed]
        if chosen:
            digests.update(await _hash_canonical(message, chosen, is_relaxed))
    return digests


async def _hash_canonical(message: Message, forms: list[BodyForm], is_relaxed: bool) -> dict[BodyForm, BodyDigest]:
    running = [(form, new_hash(form.hash_name)) for form in forms]
    whole = [hasher for form, hasher in running if form.length is None]
    cut = [(form.length, hasher) for form, hasher in running if form.length is not None]
    root, canonical, size = message.root, relaxed_body if is_relaxed else simple_body, 0
    for number, block in enumerate(canonical(root.raw, root.body_start, root.end), 1):
        for hasher in whole:
            hasher.update(block)
        for length, hasher in cut:
            if length > size:
                hasher.update(block[: length - size])
        size += len(block)
        if number % _BLOCKS_IN_A_ROW == 0:
            await asyncio.sleep(0)
    return {form: BodyDigest(hasher.digest(), size) for form, hasher in running}


def new_hash(hash_name: str) -> "_Hash":
    """Begin a hash, `sha256` or `sha1`."""
    # SHA-1 is only checked, to tell a broken signature from one that is too weak to count.
    return hashlib.sha256() if hash_name == "sha256" else hashlib.sha1(usedforsecurity=False)
