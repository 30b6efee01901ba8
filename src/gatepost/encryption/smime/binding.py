# SPDX-License-Identifier: Apache-2.0
"""Whether a signer is the one whom a mail shows as its sender (RFC 8550 §3).

Every address of every From must be one of the signer's, the protected From included. A display name, a group's name or a comment
vouches for nothing: one that reads as another address, or a name that no issuer wrote beside answers that go elsewhere, unbinds, and so
does what readers take for different senders. Who is only the Sender
binds where policy says that the people of that domain may write for each other: anybody can put himself there, and readers show From.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from gatepost.config.limits import MessageLimits
from gatepost.encryption.paths.mailbox import folded, unquoted
from gatepost.encryption.smime.purpose import Purpose
from gatepost.message.addresses import Address
from gatepost.message.encoded_words import decode_words
from gatepost.message.headers import Headers
from gatepost.message.mailboxes import Mailbox, Mailboxes, parse_mailboxes

Bond = Literal[
    "bound",  # each shown address is the signer's
    "domain",  # the certificate is the one that this partner signs all of his domain's mail with
    "sender",  # the signer is the Sender, of From's own domain, and may write for others there
    "mismatch",
    "nothing",  # there is no From to bind to
]

BindingFinding = Literal[
    "from-repeated",  # more than one From field
    "from-without-address",  # a From that names nobody, or goes on beyond all limits
    "from-not-signer",  # an address that is not the signer's
    "from-differs",  # the From that is signed is another than the one outside
    "name-is-other-address",  # the display name, a group's or a comment reads as an address, and another one
    "bare-line-end",  # a CR without LF in the header: behind it some readers see another From
    "answers-elsewhere",  # Reply-To names somebody who is not the signer
    "signed-by-sender",  # From is not the signer, and the one whom Sender names is
    "sender-not-signer",  # From is the signer, and Sender names somebody else, as lists write it
    "header-differs",  # a signed field is another one outside
]

DomainCertificates = Mapping[str, frozenset[bytes]]
"""For each partner's domain, the SHA-256 of the certificates that sign for all of it."""

_NO_DOMAINS: frozenset[str] = frozenset()
_HARMLESS: frozenset[BindingFinding] = frozenset({"signed-by-sender", "sender-not-signer"})

_UNREAD = Mailbox("", None, "")
_AT = re.compile(r"\s*+@\s*+")


class Shown(NamedTuple):
    """Whom a mail shows as its sender."""

    fields: int
    mailboxes: tuple[Mailbox, ...]
    answers_to: tuple[Mailbox, ...]
    """Reply-To's."""
    senders: tuple[Mailbox, ...] = ()
    """Sender's, one as a rule."""
    groups: tuple[str, ...] = ()
    """Names of groups in From (RFC 6854), which readers show as they show a display name."""
    comments: tuple[str, ...] = ()
    has_bare_cr: bool = False

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Give the addresses of From that can be read."""
        return tuple(mailbox.address for mailbox in self.mailboxes if mailbox.address is not None)

    @property
    def names(self) -> tuple[str, ...]:
        """Give what stands as a name before the addresses."""
        return (*(mailbox.display_name for mailbox in self.mailboxes), *self.groups)

    @property
    def texts(self) -> tuple[str, ...]:
        """Give all beside the addresses that readers may show as one."""
        dressed = [_dressed(address) for address in self.addresses if not address.local.isalnum()]
        return (*self.names, *map(decode_words, self.comments), *dressed)

    def beside(self, inner: "Shown") -> "Shown":
        """Give what is shown outside and inside a protection, which must both be the signer's."""
        return Shown(
            max(self.fields, inner.fields),
            (*self.mailboxes, *inner.mailboxes),
            (*self.answers_to, *inner.answers_to),
            (*self.senders, *inner.senders),
            (*self.groups, *inner.groups),
            (*self.comments, *inner.comments),
            self.has_bare_cr or inner.has_bare_cr,
        )


def shown_by(headers: Headers, limits: MessageLimits) -> Shown:
    """Read From, Sender and Reply-To of a header."""
    read = [parse_mailboxes(field.raw, limits) for field in headers.all("from")]
    answers = _mailboxes([parse_mailboxes(field.raw, limits) for field in headers.all("reply-to")])
    senders = _mailboxes([parse_mailboxes(field.raw, limits) for field in headers.all("sender")])
    groups = [group for one in read for group in one.groups]
    comments = [comment for one in read for comment in one.comments]
    return Shown(len(read), _mailboxes(read), answers, senders, tuple(groups), tuple(comments), headers.has_bare_cr)


def _mailboxes(fields: Sequence[Mailboxes]) -> tuple[Mailbox, ...]:
    """Give the mailboxes of fields; what a limit kept from being read is one without an address."""
    found = [mailbox for one in fields for mailbox in one.mailboxes]
    if any([one.exceeded for one in fields]):
        found.append(_UNREAD)
    return tuple(found)


def same(one: Address, other: Address) -> bool:
    """Compare two addresses, letters of ASCII in either case, quotes left alone."""
    return one == other or _key(one) == _key(other)


def _key(address: Address) -> tuple[str, str]:
    """Give what equal addresses share."""
    return folded(address.local), address.domain


def bind(
    shown: Shown, signer: Purpose, digest: bytes, domains: DomainCertificates, delegating: frozenset[str] = _NO_DOMAINS
) -> tuple[Bond, tuple[BindingFinding, ...]]:
    """Judge one signer; `digest` is the SHA-256 of his certificate, in `delegating` domains a Sender signs for From."""
    if not shown.fields:
        return ("mismatch", ("bare-line-end",)) if shown.has_bare_cr else ("nothing", ())
    addresses = shown.addresses
    # Looked up in sets: a stranger chooses how many addresses From, Reply-To and his certificate have.
    own = frozenset(map(_key, signer.addresses))
    bond, findings = _bond(shown, own, digest, domains, delegating)
    if shown.fields > 1:
        findings.append("from-repeated")
    if not addresses or len(addresses) < len(shown.mailboxes):
        findings.append("from-without-address")
    vouched = own.union(map(_key, addresses)) if bond in ("domain", "sender") else own
    if any(_reads_as_another(text, vouched) for text in shown.texts):
        findings.append("name-is-other-address")
    if shown.has_bare_cr:
        findings.append("bare-line-end")
    unbinding = not _HARMLESS.issuperset(findings)
    if not all(one.address is not None and _key(one.address) in vouched for one in shown.answers_to):
        findings.append("answers-elsewhere")
        unbinding = unbinding or not all(_is_vouched(name, signer.names) for name in shown.names)
    return ("mismatch" if unbinding else bond), tuple(findings)


def _bond(
    shown: Shown, own: frozenset[tuple[str, str]], digest: bytes, domains: DomainCertificates, delegating: frozenset[str]
) -> tuple[Bond, list[BindingFinding]]:
    """Say through whom the addresses of From are the signer's, names and answers left aside."""
    findings: list[BindingFinding] = []
    addresses = shown.addresses
    sender_signed = bool(shown.senders) and all(one.address is not None and _key(one.address) in own for one in shown.senders)
    if all(_key(address) in own for address in addresses):
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


def _reads_as_another(name: str, vouched: frozenset[tuple[str, str]]) -> bool:
    if "@" not in name and name.isascii():
        return False
    # Blanks around the sign, and its wide forms, look the same to people; a sign too many at the end hides nothing from them.
    words = (word.strip("<>()[]\"',;:.@") for word in _AT.sub("@", unicodedata.normalize("NFKC", name)).split())
    for word in words:
        local, at, domain = word.rpartition("@")
        if at and local and domain and (folded(local), domain.lower()) not in vouched:
            return True
    return False


def _is_vouched(name: str, names: Sequence[str]) -> bool:
    """Say whether a display name is empty or one that the issuer wrote, the order of its words left alone."""
    words = sorted(name.casefold().replace(",", " ").split())
    return not words or any(words == sorted(one.casefold().replace(",", " ").split()) for one in names)


def _dressed(address: Address) -> str:
    """Give what readers may show of an address whose local part is in quotes or an encoded word; '' for every other one."""
    if "=?" in address.local:
        return decode_words(str(address))
    return unquoted(address.local) if address.local[:1] == '"' else ""
