# SPDX-License-Identifier: Apache-2.0
"""Why some bytes were not read, or not opened: a value, because bad bytes are expected.

Inside this room a `Refusal` carries it up; no public function lets one out.
"""

from typing import Literal, NamedTuple

FaultKind = Literal[
    "malformed",  # the bytes are not what they should be
    "too-large",  # larger, deeper or more numerous than the limits allow
    "unsupported",  # an algorithm or a form that we do not have
    "forbidden",  # one that we have and that policy does not allow
    "not-addressed",  # none of the recipients is one of our keys
    "undecryptable",  # the key, the padding or the tag was wrong; which of them is not said
]


class Fault(NamedTuple):
    """What is wrong, for the track: a kind and one sentence. Neither depends on a secret."""

    kind: FaultKind
    reason: str


class Refusal(Exception):
    """A fault on its way to the public function that returns it."""

    def __init__(self, kind: FaultKind, reason: str) -> None:
        super().__init__(reason)
        self.fault = Fault(kind, reason)


UNDECRYPTABLE = Fault("undecryptable", "the content cannot be decrypted with this key")
"""The one answer to every failure behind the private key, so that no failure can be told from another (RFC 3218)."""
