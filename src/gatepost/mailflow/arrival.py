# SPDX-License-Identifier: Apache-2.0
"""The values that a mail becomes on its way through `journey.receive`."""

import msgspec

from gatepost.contracts.judged import Direction
from gatepost.mailflow.transaction import Transaction
from gatepost.message.tree import Message
from gatepost.smtp.envelope import Envelope
from gatepost.smtp.peer import Peer
from gatepost.smtp.server.service import Received


class Opened(msgspec.Struct, frozen=True):
    """A whole mail whose structure was read."""

    track: str
    received_at: float
    peer: Peer
    envelope: Envelope
    received: Received
    message: Message


class Identified(msgspec.Struct, frozen=True):
    """A mail of which is known whose it is and which way it goes."""

    track: str
    tenant_id: int
    direction: Direction
    opened: Opened
    transaction: Transaction
