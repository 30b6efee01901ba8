# SPDX-License-Identifier: Apache-2.0
"""Whom a signer's certificate is trusted through: what this room asks, and is answered."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

from gatepost.encryption.cms.certificate import Certificate

Revocation = Literal[
    "good",  # nothing on the path is revoked, and every source was asked
    "revoked",  # something is
    "unknown",  # a source could not be asked; that is never good
    "unchecked",  # nobody asked, as policy has it
]


class Chain(NamedTuple):
    """One certificate's path, judged."""

    trusted: bool
    reason: str
    """One sentence; empty when trusted and known not to be revoked."""
    path: tuple[Certificate, ...] = ()
    """From the certificate to the anchor, as far as it was found."""
    revocation: Revocation = "unchecked"
    findings: tuple[str, ...] = ()
    """For the track: a word, a colon, a sentence, and whose certificate is meant."""


class Judge(Protocol):
    """Judges the certificates of one mail."""

    def judge(self, certificate: Certificate, when: datetime) -> Chain:
        """Judge one certificate at a time."""
        ...


class Trust(Protocol):
    """Holds the anchors that certificates are judged against."""

    def beside(self, certificates: Sequence[Certificate], lists: Sequence[bytes], received: datetime) -> Judge:
        """Give who judges one mail, with what came along in it: certificates and revocation lists speak for this mail alone.

        A list clears nobody unless it is still fresh when the mail is `received`: its sender chose it, and the time that he signed at.
        """
        ...
