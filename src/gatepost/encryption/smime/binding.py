# SPDX-License-Identifier: Apache-2.0
"""Whether a signer is the one whom a mail shows as its sender (RFC 8550 §3).

Every address of every From must be one of the signer's, the protected From included. A display name, a group's name or a comment
vouches for nothing: one that reads as another address, or a name that no issuer wrote beside answers that go elsewhere, unbinds, and so
does what readers take for different senders. Sender stands for a From that is missing. Beside From, who is only the Sender
binds where policy says that the people of that domain may write for each other: anybody can put himself there, and readers show From.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, NamedTuple

from gatepost.config.limits import MessageLimits
from gatepost.encryption.paths.mailbox import folded, unquoted
from gatepost.encryption.smime.hidden import has_nearly_from, shows_behind_cr
from gatepost.encryption.smime.lookalike import names_each_other, reading_of, squashed
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
    "nothing",  # there is neither From nor Sender to bind to
]

BindingFinding = Literal[
    "from-repeated",  # more than one From field
    "from-without-address",  # a From that names nobody, or goes on beyond all limits
    "from-not-signer",  # an address that is not the signer's
    "from-differs",  # the From that is signed is another than the one outside
    "name-is-other-address",  # the display name, a group's or a comment reads as an address, and another one
    "name-with-at-sign",  # one of these has an @, and what stands behind it is no domain of the Internet
    "from-missing",  # there is no From, so Sender is whom the mail shows
    "from-unreadable",  # a field that only some readers take for From, and no other one
    "bare-line-end",  # a CR without LF in the header, where some readers begin a line
    "hidden-field",  # behind it they see a sender, answers, a content or the header's end
    "answers-elsewhere",  # Reply-To names somebody who is not the signer
    "signed-by-sender",  # From is not the signer, and the one whom Sender names is
    "sender-not-signer",  # From is the signer, and Sender names somebody else, as lists write it
    "header-differs",  # a signed field is another one outside
]

DomainCertificates = Mapping[str, frozenset[bytes]]
"""For each partner's domain, the SHA-256 of the certificates that sign for all of it."""

_NO_DOMAINS: frozenset[str] = frozenset()
_HARMLESS: frozenset[BindingFinding] = frozenset(
    {"signed-by-sender", "sender-not-signer", "name-with-at-sign", "from-missing", "bare-line-end"}
)

_UNREAD = Mailbox("", None, "")
_MOST_COMPARED = 100
_MOST_LISTS = 10
_LIST = re.compile(r"<([^<>\s]{1,255})>\s*\Z")


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
    hides: bool = False
    """Whether behind such a CR some readers see a field that counts, or the header's end."""
    nearly: bool = False
    """Whether there is no From, and a field that only some readers take for one."""
    sender: "Shown | None" = None
    """What is shown where there is no From: Sender in its place."""
    lists: tuple[str, ...] = ()
    """What List-Id calls the lists that the mail came through."""

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
            self.hides or inner.hides,
            (self.nearly and not inner.fields) or (inner.nearly and not self.fields),
            inner.sender if self.sender is None else self.sender if inner.sender is None else self.sender.beside(inner.sender),
            (*self.lists, *inner.lists),
        )

    def decided(self) -> "Shown":
        """Give what is shown, Sender in the place of From where that is missing."""
        return self.sender if not self.fields and not self.nearly and self.sender is not None else self


def shown_by(headers: Headers, limits: MessageLimits, block: Callable[[], bytes] | None = None) -> Shown:
    """Read From, Sender, Reply-To and List-Id of a header; without its `block` of bytes each CR alone is taken to hide something."""
    read = [parse_mailboxes(field.raw, limits) for field in headers.all("from")]
    answers = _mailboxes([parse_mailboxes(field.raw, limits) for field in headers.all("reply-to")])
    senders = [parse_mailboxes(field.raw, limits) for field in headers.all("sender")]
    bare = headers.has_bare_cr
    hides = bare and (block is None or shows_behind_cr(block()))
    named = [_LIST.search(field.text) for field in headers.all("list-id")[:_MOST_LISTS]] if answers else []
    lists = tuple(found[1].lower() for found in named if found is not None)
    shown = Shown(len(read), _mailboxes(read), answers, _mailboxes(senders), *_beside(read), bare, hides, lists=lists)
    if read:
        return shown
    nearly = block is not None and has_nearly_from(block())
    instead = Shown(len(senders), _mailboxes(senders), answers, (), *_beside(senders), bare, hides, lists=lists) if senders else None
    return shown._replace(nearly=nearly, sender=instead)


def _beside(fields: Sequence[Mailboxes]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the names of groups and the comments."""
    return tuple(group for one in fields for group in one.groups), tuple(comment for one in fields for comment in one.comments)


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
    oddities = _oddities(shown)
    shown = shown.decided()
    if not shown.fields:
        return ("nothing" if _HARMLESS.issuperset(oddities) else "mismatch"), tuple(oddities)
    addresses = shown.addresses
    # Looked up in sets: a stranger chooses how many addresses From, Reply-To and his certificate have.
    own = frozenset(map(_key, signer.addresses))
    bond, findings = _bond(shown, own, digest, domains, delegating)
    if shown.fields > 1:
        findings.append("from-repeated")
    if not addresses or len(addresses) < len(shown.mailboxes):
        findings.append("from-without-address")
    vouched = own.union(map(_key, addresses)) if bond in ("domain", "sender") else own
    findings += [*_of_texts(shown, vouched), *oddities]
    unbinding = not _HARMLESS.issuperset(findings)
    elsewhere = [one for one in shown.answers_to if not _is_answered_by(one, vouched)]
    if elsewhere:
        findings.append("answers-elsewhere")
        named = any(not _is_vouched(name, signer.names) for name in shown.names)
        unbinding = unbinding or (named and not _may_answer(elsewhere, shown, vouched))
    return ("mismatch" if unbinding else bond), tuple(findings)


def _of_texts(shown: Shown, vouched: frozenset[tuple[str, str]]) -> list[BindingFinding]:
    """Say what people read beside the addresses; after the first other address nothing else counts."""
    found: list[BindingFinding] = []
    for text in shown.texts:
        reading = reading_of(text, vouched)
        if reading == "another":
            return ["name-is-other-address"]
        if reading == "sign":
            found = ["name-with-at-sign"]
    return found


def _oddities(shown: Shown) -> list[BindingFinding]:
    """Name what is odd about the header itself, whoever signed."""
    odd: dict[BindingFinding, bool] = {
        "from-missing": shown.decided() is not shown,
        "bare-line-end": shown.has_bare_cr,
        "hidden-field": shown.hides,
        "from-unreadable": shown.nearly,
    }
    return [finding for finding, is_so in odd.items() if is_so]


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


def _is_answered_by(one: Mailbox, vouched: frozenset[tuple[str, str]]) -> bool:
    """Say whether answers go to the signer, to an address of his with a suffix, or by `<>` to nobody else."""
    if one.address is None:
        return one.raw == "<>"
    local, domain = _key(one.address)
    return (local, domain) in vouched or (local.partition("+")[0], domain) in vouched


def _may_answer(elsewhere: Sequence[Mailbox], shown: Shown, vouched: frozenset[tuple[str, str]]) -> bool:
    """Say whether others may answer for who is shown: beside him, in his own domain, or as the mailing list that the mail came through.

    None of the latter may be whom the name seems to mean: that is how a colleague is feigned.
    """
    others = [one.address for one in elsewhere if one.address is not None]
    if len(others) < len(elsewhere):
        return False
    if any(one.address is not None and _is_answered_by(one, vouched) for one in shown.answers_to):
        return True
    if len(others) * len(shown.names) > _MOST_COMPARED:
        return False  # each name is compared with each address, and nobody has many of both
    homes = {address.domain for address in shown.addresses}
    own = frozenset(squashed(address.local) for address in shown.addresses)
    return all(
        (one.domain in homes or any(name == one.domain or name.endswith("." + one.domain) for name in shown.lists))
        and not any(names_each_other(name, one, own) for name in shown.names)
        for one in others
    )


def _is_vouched(name: str, names: Sequence[str]) -> bool:
    """Say whether a display name is empty or one that the issuer wrote, the order of its words left alone."""
    words = sorted(name.casefold().replace(",", " ").split())
    return not words or any(words == sorted(one.casefold().replace(",", " ").split()) for one in names)


def _dressed(address: Address) -> str:
    """Give what readers may show of an address whose local part is in quotes or an encoded word; '' for every other one."""
    if "=?" in address.local:
        return decode_words(str(address))
    return unquoted(address.local) if address.local[:1] == '"' else ""
