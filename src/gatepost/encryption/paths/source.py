# SPDX-License-Identifier: Apache-2.0
"""Where revocation lists and OCSP responses come from: an interface, because to fetch them is another process's work.

A source that cannot be reached answers with why (`Evidence.away`); validation makes "unknown" of it, never "good".
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import count
from typing import NamedTuple, Protocol

from gatepost.encryption.cms.certificate import Certificate


class Evidence(NamedTuple):
    """What a source has about one certificate, as it came: nothing in it is believed before its signature is checked."""

    untrusted_lists: tuple[bytes, ...] = ()
    """CRLs, complete and delta, in DER."""
    untrusted_responses: tuple[bytes, ...] = ()
    """OCSPResponse, in DER."""
    untrusted_certificates: tuple[Certificate, ...] = ()
    """Certificates of those who sign indirect lists."""
    away: str = ""
    """Why something that should be here is not: which source, and what it said."""


class Revocations(Protocol):
    """Give what is known about revocation. `find` must not block: what is not at hand is away."""

    @property
    def generation(self) -> int:
        """A number that is another one whenever an answer of `find` may be another one; no two sources share one."""
        ...

    def find(self, certificate: Certificate, issuer: Certificate, when: datetime) -> Evidence:
        """Give the lists and responses about a certificate that this issuer made."""
        ...


_generations = count(1)


def next_generation() -> int:
    """Give a number that nobody had before in this process."""
    return next(_generations)


class Collected:
    """A source that holds what it was given: files of a command, or of a test."""

    def __init__(
        self,
        untrusted_lists: Iterable[bytes] = (),
        untrusted_responses: Iterable[bytes] = (),
        untrusted_certificates: Iterable[Certificate] = (),
        away: str = "",
    ) -> None:
        self._evidence = Evidence(tuple(untrusted_lists), tuple(untrusted_responses), tuple(untrusted_certificates), away)
        self.generation = next_generation()

    def find(self, certificate: Certificate, issuer: Certificate, when: datetime) -> Evidence:
        """Give everything; validation takes what is about the certificate."""
        return self._evidence
