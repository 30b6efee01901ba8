# SPDX-License-Identifier: Apache-2.0
"""The scope of a rule: which mails it may own, asked in three steps as a mail arrives.

    transaction   direction, client, listener, MAIL FROM      at MAIL
    recipient     RCPT TO, and whether its domain is owned     at RCPT
    header        the authors in the From field                at the end of data

Each step is asked in two ways: `fits_...` for the hot path, `misfit_...` in words for `explain`.
"""

from collections.abc import Collection, Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from gatepost.config.limits import MessageLimits
from gatepost.config.rules import Mode, RecipientScope, Rule, RuleDirection
from gatepost.contracts.judged import Direction
from gatepost.contracts.sentence import AND_MORE, LIST, RULES, Sentence
from gatepost.message.addresses import Address
from gatepost.message.mailboxes import parse_mailboxes
from gatepost.message.tree import Message
from gatepost.rules.patterns import Patterns

_OTHER_DIRECTION = {
    "inbound": Sentence(RULES, "it is for outbound mail, and this is inbound"),
    "outbound": Sentence(RULES, "it is for inbound mail, and this is outbound"),
}
"""By the direction of the mail."""
_OTHER_SENDER = Sentence(RULES, "the sender {sender} is none of {entries}")
_OTHER_CLIENT = Sentence(RULES, "the client {client} is not in {entries}")
_OTHER_LISTENER = Sentence(RULES, "the listener {listener} is none of {entries}")
_NOT_OWNED = Sentence(RULES, "it is for owned domains, and {domain} is none")
_OTHER_RECIPIENT = Sentence(RULES, "the recipient {recipient} is none of {entries}")
_NO_AUTHOR = Sentence(RULES, "the mail has no author in From")
_OTHER_AUTHORS = Sentence(RULES, "From ({authors}) is none of {entries}")
_UNREADABLE = Sentence(LIST, "an unreadable address")

Authors = Sequence[Address | None]
"""The From field's mailboxes; None is one whose address cannot be read."""


class Transaction(NamedTuple):
    """What is known of a mail at MAIL."""

    direction: Direction
    sender: Address | None
    client: str
    listener: str


class Networks:
    """Client networks, found by their prefix: one look for each prefix length that occurs."""

    __slots__ = ("_by_prefix", "written")

    def __init__(self, networks: Sequence[str]) -> None:
        self.written = tuple(networks)
        by_prefix: dict[tuple[int, int], set[int]] = {}
        for network in map(ip_network, networks):
            shift = network.max_prefixlen - network.prefixlen
            by_prefix.setdefault((network.version, shift), set()).add(int(network.network_address) >> shift)
        self._by_prefix = tuple((version, shift, frozenset(prefixes)) for (version, shift), prefixes in by_prefix.items())

    def match(self, client: str) -> bool:
        """Tell whether a client's IP address lies in one of the networks."""
        version, number = _client(client)
        return any(version == of and number >> shift in prefixes for of, shift, prefixes in self._by_prefix)


@lru_cache(maxsize=4096)
def _client(client: str) -> tuple[int, int]:
    try:
        address = ip_address(client)
    except ValueError:
        return 0, 0
    return address.version, int(address)


class Scope:
    """One rule's scope, ready to be asked."""

    __slots__ = ("_any_author", "clients", "direction", "header_from", "listeners", "mail_from", "recipient_scope", "recipients")

    def __init__(self, rule: Rule) -> None:
        self.direction: RuleDirection = rule.direction
        self.recipient_scope: RecipientScope = rule.recipient_scope
        self.mail_from = Patterns(rule.mail_from) if rule.mail_from else None
        self.header_from = Patterns(rule.header_from) if rule.header_from else None
        self.recipients = Patterns(rule.recipients) if rule.recipients else None
        self.clients = Networks(rule.clients) if rule.clients else None
        self.listeners: Collection[str] = frozenset(rule.listeners)
        self._any_author = _any_author_counts(rule.mode)

    def fits_transaction(self, transaction: Transaction) -> bool:
        """Tell whether the rule may own a mail of this transaction."""
        if self.direction not in ("any", transaction.direction):
            return False
        if self.mail_from is not None and not self.mail_from.match(transaction.sender):
            return False
        if self.clients is not None and not self.clients.match(transaction.client):
            return False
        return not self.listeners or transaction.listener in self.listeners

    def fits_recipient(self, recipient: Address, *, owned: bool) -> bool:
        """Tell whether the rule may own a mail to this recipient; `owned` is whether the recipient's domain is."""
        if not owned and self.recipient_scope != "any":
            return False
        return self.recipients is None or self.recipients.match(recipient)

    def fits_authors(self, authors: Authors) -> bool:
        """Tell whether the rule owns a mail with these authors; a mail without one fits no header scope."""
        patterns = self.header_from
        if patterns is None:
            return True
        matches = [author is not None and patterns.match(author) for author in authors]
        return any(matches) if self._any_author else bool(matches) and all(matches)

    def misfit_transaction(self, transaction: Transaction) -> str:
        """Say why `fits_transaction` does not; '' when it does."""
        if self.direction not in ("any", transaction.direction):
            return _OTHER_DIRECTION[transaction.direction].text
        if self.mail_from is not None and not self.mail_from.match(transaction.sender):
            return _OTHER_SENDER.say(sender=_shown(transaction.sender), entries=_listed(self.mail_from.written))
        if self.clients is not None and not self.clients.match(transaction.client):
            return _OTHER_CLIENT.say(client=transaction.client, entries=_listed(self.clients.written))
        if self.listeners and transaction.listener not in self.listeners:
            return _OTHER_LISTENER.say(listener=transaction.listener, entries=_listed(sorted(self.listeners)))
        return ""

    def misfit_recipient(self, recipient: Address, *, owned: bool) -> str:
        """Say why `fits_recipient` does not; '' when it does."""
        if not owned and self.recipient_scope != "any":
            return _NOT_OWNED.say(domain=recipient.domain)
        if self.recipients is not None and not self.recipients.match(recipient):
            return _OTHER_RECIPIENT.say(recipient=recipient, entries=_listed(self.recipients.written))
        return ""

    def misfit_authors(self, authors: Authors) -> str:
        """Say why `fits_authors` does not; '' when it does."""
        if self.header_from is None or self.fits_authors(authors):
            return ""
        if not authors:
            return _NO_AUTHOR.text
        shown = ", ".join(_UNREADABLE.text if author is None else str(author) for author in authors)
        return _OTHER_AUTHORS.say(authors=shown, entries=_listed(self.header_from.written))


def authors(message: Message, limits: MessageLimits) -> list[Address | None]:
    """Give the authors of a mail: every mailbox of every From field (RFC 5322 §3.6.2 allows one field)."""
    return [mailbox.address for field in message.headers.all("from") for mailbox in parse_mailboxes(field.raw, limits).mailboxes]


def _any_author_counts(mode: Mode) -> bool:
    # A second author must neither carry a mail into a rule that is kind to it nor out of one that rejects it.
    return mode == "reject"


def _shown(address: Address | None) -> str:
    return "<>" if address is None else str(address)


def _listed(entries: Sequence[str]) -> str:
    first = ", ".join(entries[:5])
    return first if len(entries) <= 5 else AND_MORE.say(shown=first, more=len(entries) - 5)
