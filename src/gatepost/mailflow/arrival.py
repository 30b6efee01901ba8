# SPDX-License-Identifier: Apache-2.0
"""The values that a mail becomes on its way through `journey.receive`."""

import msgspec

from gatepost.delivery.queue.record import Direction
from gatepost.message.tree import Message
from gatepost.smtp.envelope import Envelope
from gatepost.smtp.peer import Peer
from gatepost.smtp.server.service import Received


class Identified(msgspec.Struct, frozen=True):
    """A mail of which is known whose it is and which way it goes."""

    track: str
    tenant_id: int
    direction: Direction
    peer: Peer
    envelope: Envelope
    received: Received
    received_at: float


class Opened(msgspec.Struct, frozen=True):
    """The same, with its structure read."""

    mail: Identified
    message: Message
