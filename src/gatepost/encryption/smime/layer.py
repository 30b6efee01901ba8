# SPDX-License-Identifier: Apache-2.0
"""One layer of protection around a mail's content, as it was read, and what was found wrong or odd about it."""

from typing import Literal, NamedTuple

import msgspec

from gatepost.encryption.cms.certificate import Certificate
from gatepost.encryption.cms.fault import Fault
from gatepost.encryption.cms.signed.judgement import Judgement

Finding = Literal[
    "outside-signature",  # there are parts beside the signed one, or what some readers take for one
    "text-before-parts",  # before the first part, and not what programs write there: readers do not show it, and it is not signed
    "text-after-parts",  # behind the last part, where scanners and lists write: the same
    "no-signature-part",  # multipart/signed, and its second part is none
    "no-signers",  # a signed object that nobody signed
    "certificates-only",  # a bag of certificates, no signature
    "other-digest-announced",  # micalg names another digest than the signers used
    "ambiguous-type",  # a protected entity names its type, its encoding or its boundary twice or oddly: readers differ in what counts
    "stray-line",  # a line of a protected entity's header is no field: some readers end the header there, and what follows is a text
    "type-differs",  # the object is of another kind than its Content-Type says
    "malformed-encoding",  # the object's base64 holds something else
    "other-content",  # what is signed is no MIME entity by its signed type: a receipt, a time stamp
    "unreadable",  # the object is not CMS, or of a kind that is not read
    "too-many-layers",
    "limit-exceeded",  # a limit of the message's structure, or of what is kept of it, ended the reading
    "protection-inside-only",  # something signed or encrypted lies inside, and the mail as a whole is not
    "encrypted-below-signatures",  # encrypted, below several signatures: somebody passes on another's mail
    "nested-signatures",  # one signature directly inside another, one of them clear: readers differ in which one they show
    "signed-ciphertext",  # the signature is around encrypted content, and says nothing of who wrote it
    "unauthenticated",  # CBC: the content may be changed, or in part another's
    "garbled-header",  # the decrypted header holds octets that no header has, as after CBC was tampered with
    "neutralised",  # active content was made plain text
]

BREAKING: frozenset[str] = frozenset(
    {
        "outside-signature",
        "no-signature-part",
        "no-signers",
        "other-content",
        "unreadable",
        "too-many-layers",
        "limit-exceeded",
        "ambiguous-type",
        "stray-line",
    }
)
"""With one of these a signed mail is broken, whatever its signatures say."""


class SignedLayer(NamedTuple):
    """A signature, or several, over everything inside."""

    form: Literal["multipart", "opaque"]
    judgements: tuple[Judgement, ...]
    certificates: tuple[Certificate, ...]
    """What came along: untrusted, of use to build a chain with."""
    revocations: tuple[bytes, ...]
    findings: tuple[Finding, ...] = ()
    fault: Fault | None = None
    overhead_bytes: int = 0
    """Bytes of its object beside the content."""

    @property
    def intact(self) -> bool:
        """Whether each of its signatures, and at least one, is intact over the whole content."""
        whole = bool(self.judgements) and not BREAKING.intersection(self.findings)
        return whole and all(judgement.verdict == "intact" for judgement in self.judgements)


class EncryptedLayer(msgspec.Struct, frozen=True):
    """An encryption of everything inside."""

    authenticated: bool
    cipher: str
    findings: tuple[Finding, ...] = ()
    fault: Fault | None = None
    """Why it was not opened; None when it was."""
    overhead_bytes: int = 0
    """Bytes of its object beside the content."""


Layer = SignedLayer | EncryptedLayer
