# SPDX-License-Identifier: Apache-2.0
"""What is known of one SMTP transaction from MAIL on: whose it is, which way it goes, which rules may own it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from gatepost.contracts.filter import Finding
from gatepost.contracts.judged import Direction
from gatepost.message.addresses import Address
from gatepost.rules.chain import Chain
from gatepost.rules.ruleset import Candidates


@dataclass(slots=True)
class Transaction:
    """Begun at MAIL, kept in `Peer.transaction`, given up with the transaction."""

    direction: Direction
    tenant_id: int | None
    """None until the first recipient tells, for mail from outside."""
    candidates: Candidates
    provisional: bool = False
    """Whether a foreign recipient was taken on trust in a provider's header, which the content must show."""
    handed_over: bool = False
    """Whether the mail went to the store's process, so that it may be ours whatever happens here."""
    chains: list[Chain] = field(default_factory=list)
    """One for each accepted recipient, in order."""
    findings: dict[str, Finding] = field(default_factory=dict)
    """What filters said before there was content."""
    milliseconds: dict[str, float] = field(default_factory=dict)
    authors: Sequence[Address | None] | None = None
    """The From field's mailboxes, once its content was read for the choice of the rule; None is one that cannot be read."""
