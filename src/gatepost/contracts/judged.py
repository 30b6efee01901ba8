# SPDX-License-Identifier: Apache-2.0
"""What a filter is given to judge: the mail as far as it is here, and who brought it. Nothing in it may be changed."""

from typing import Literal

import msgspec

from gatepost.contracts.authentication import Authentication
from gatepost.message.tree import Message
from gatepost.smtp.envelope import Envelope
from gatepost.smtp.peer import Peer

Direction = Literal["inbound", "outbound"]


class Judged(msgspec.Struct, frozen=True):
    """One mail before its verdict. At the envelope stage `message` and `authentication` are None."""

    peer: Peer
    envelope: Envelope
    direction: Direction
    tenant_id: int = 0
    message: Message | None = None
    authentication: Authentication | None = None
