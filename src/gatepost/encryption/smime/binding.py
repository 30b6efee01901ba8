# SPDX-License-Identifier: Apache-2.0
"""Whether a signer is the one whom a mail shows as its sender (RFC 8550 §3).

Every address of every From must be one of the signer's, the protected From included. A display name vouches for nothing:
one that reads as another address, or one that no issuer wrote beside answers that go elsewhere, unbinds. Who is only the Sender
binds where policy says that the people of that domain may write for each other: anybody can put himself there, and readers show From.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from gatepost.config.limits import MessageLimits
from gatepost.encryption.smime.purpose import Purpose
from gatepost.message.addresses import Address
from gatepost.message.headers import Headers
from gatepost.message.mailboxes import Mailbox, parse_mailboxes

Bond = Literal[
    "bound",  # each shown address is the signer's
    "domain",  # the certificate is the one that this partner signs all of his domain's mail with
    "sender",  # the signer is the Sender, of From's own domain, and may write for others there
    "mismatch",
    "nothing",  # there is no From to bind to
]

BindingFinding = Literal[
    "from-repeated",  # more than one From field
    "from-without-address",  # a From that names nobody
    "from-not-signer",  # an address that is not the signer's
    "from-differs",  # the From that is signed is another than the one outside
    "name-is-other-address",  # the display name reads as an address, and another one
    "answers-elsewhere",  # Reply-To names somebody who is not the signer
    "signed-by-sender",  # From is not the signer, and the one whom Sender names is
    "sender-not-signer",  # From is the signer, and Sender names somebody else, as lists write it
    "header-differs",  # a signed field is another one outside
]

DomainCertificates = Mapping[str, frozenset[bytes]]
"""For each partner's domain, the SHA-256 of the certificates that sign for all of it."""

_NO_DOMAINS: frozenset[str] = frozenset()
_HARMLESS: frozenset[BindingFinding] = frozenset({"signed-by-sender", "sender-not-signer"})

_AT = re.compile(r"\s*+@\s*+")


class Shown(NamedTuple):
    """Whom a mail shows as its sender."""

    fields: int
    mailboxes: tuple[Mailbox, ...]
    answers_to: tuple[Address, ...]
    senders: tuple[Mailbox, ...] = ()
    """Sender's, one as a rule."""

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Give the addresses of From that can be read."""
        return tuple(mailbox.address for mailbox in self.mailboxes if mailbox.address is not None)


def shown_by(headers: Headers, limits: MessageLimits) -> Shown:
    """Read From, Sender and Reply-To of a header."""
    fields = headers.all("from")
    mailboxes = [mailbox for field in fields for mailbox in parse_mailboxes(field.raw, limits).mailboxes]
    answers = [one for field in headers.all("reply-to") for one in parse_mailboxes(field.raw, limits).addresses]
    senders = [mailbox for field in headers.all("sender") for mailbox in parse_mailboxes(field.raw, limits).mailboxes]
    return Shown(len(fields), tuple(mailboxes), tuple(answers), tuple(senders))


def same(one: Address, other: Address) -> bool:
    """Compare two addresses, letters of ASCII in either case."""
    return one.domain == other.domain and _folded(one.local) == _folded(other.local)


def bind(
    shown: Shown, signer: Purpose, digest: bytes, domains: DomainCertificates, delegating: frozenset[str] = _NO_DOMAINS
) -> tuple[Bond, tuple[BindingFinding, ...]]:
    """Judge one signer; `digest` is the SHA-256 of his certificate, in `delegating` domains a Sender signs for From."""
    if not shown.fields:
        return "nothing", ()
    addresses = shown.addresses
    bond, findings = _bond(shown, signer.addresses, digest, domains, delegating)
    if shown.fields > 1:
        findings.append("from-repeated")
    if not addresses or len(addresses) < len(shown.mailboxes):
        findings.append("from-without-address")
    vouched = (*signer.addresses, *addresses) if bond in ("domain", "sender") else signer.addresses
    if any(_reads_as_another(mailbox.display_name, vouched) for mailbox in shown.mailboxes):
        findings.append("name-is-other-address")
    unbinding = not _HARMLESS.issuperset(findings)
    if not all(_is_one_of(address, vouched) for address in shown.answers_to):
        findings.append("answers-elsewhere")
        unbinding = unbinding or not all(_is_vouched(mailbox.display_name, signer.names) for mailbox in shown.mailboxes)
    return ("mismatch" if unbinding else bond), tuple(findings)


def _bond(
    shown: Shown, own: Sequence[Address], digest: bytes, domains: DomainCertificates, delegating: frozenset[str]
) -> tuple[Bond, list[BindingFinding]]:
    """Say through whom the addresses of From are the signer's, names and answers left aside."""
    findings: list[BindingFinding] = []
    addresses = shown.addresses
    sender_signed = bool(shown.senders) and all(one.address is not None and _is_one_of(one.address, own) for one in shown.senders)
    if all(_is_one_of(address, own) for address in addresses):
        if shown.senders and not sender_signed:
            findings.append("sender-not-signer")
        return "bound", findings
    if all(digest in domains.get(address.domain, ()) for address in addresses):
        return "domain", findings
    if sender_signed:
        findings.append("signed-by-sender")
        homes = {mailbox.address.domain for mailbox in shown.senders if mailbox.address is not None}
        if len(homes) == 1 and homes <= delegating and all(address.domain in homes for address in addresses):
            return "sender", findings
    findings.append("from-not-signer")
    return "mismatch", findings


def _is_one_of(address: Address, own: Sequence[Address]) -> bool:
    return any(same(address, one) for one in own)


def _reads_as_another(name: str, vouched: Sequence[Address]) -> bool:
    # Blanks around the sign, and its wide forms, look the same to people.
    words = (word.strip("<>()[]\"',;:") for word in _AT.sub("@", unicodedata.normalize("NFKC", name)).split())
    for word in words:
        local, at, domain = word.rpartition("@")
        if at and local and domain and not any(same(Address(local, domain.lower()), one) for one in vouched):
            return True
    return False


def _is_vouched(name: str, names: Sequence[str]) -> bool:
    """Say whether a display name is empty or one that the issuer wrote, the order of its words left alone."""
    words = sorted(name.casefold().replace(",", " ").split())
    return not words or any(words == sorted(one.casefold().replace(",", " ").split()) for one in names)


def _folded(local: str) -> str:
    return local.lower() if local.isascii() else local
