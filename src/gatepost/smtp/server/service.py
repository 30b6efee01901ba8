# SPDX-License-Identifier: Apache-2.0
"""What a server asks of the house behind it."""

from collections.abc import Awaitable
from typing import NamedTuple, Protocol

from gatepost.smtp.envelope import Envelope, Recipient
from gatepost.smtp.peer import Peer
from gatepost.smtp.replies import Reply


class Received(NamedTuple):
    """A mail's content as it was received: `inline`, or the name of a blob when it was larger."""

    size: int
    inline: bytes
    blob: str
    eight_bit: bool


class Spool(Protocol):
    """Takes a large mail's content in pieces, out of memory."""

    def write(self, piece: bytes) -> None:
        """Add a piece. Raises StoreFull or StoreAway."""

    def finish(self) -> str:
        """Make it durable and give its name; blocks. Raises StoreFull or StoreAway."""

    def abort(self) -> None:
        """Throw it away."""


class Service(Protocol):
    """The decisions of a receiving house. Replies that are known at once come at once, the others as awaitables."""

    def mail_from(self, peer: Peer, envelope: Envelope) -> Reply | Awaitable[Reply]:
        """Decide on MAIL."""

    def rcpt_to(self, peer: Peer, envelope: Envelope, recipient: Recipient) -> Reply | Awaitable[Reply]:
        """Decide on one RCPT; the envelope holds those accepted before."""

    def content_begins(self, peer: Peer, envelope: Envelope) -> Reply | Awaitable[Reply]:
        """Decide whether content may come now."""

    async def message(self, peer: Peer, envelope: Envelope, received: Received) -> Reply:
        """Take a whole mail; a positive reply makes it ours. Cancelled when the client hangs up first."""

    async def authenticate(self, peer: Peer, user: str, password: str) -> Reply:
        """Check credentials and note the user in `peer` when they are good."""

    def spool(self) -> Spool:
        """Open a place for a large mail's content; called, like all that it gives, in a pool thread. Raises StoreFull or StoreAway."""

    def may_be_blocked(self, peer: Peer) -> bool:
        """Tell whether this client may be refused for a while after an attack; one that is ours may not."""

    def content_refused(self, peer: Peer, envelope: Envelope, reply: Reply) -> None:
        """Take note that a whole mail was refused with `reply` for its line ends or its size."""
