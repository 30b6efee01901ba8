# SPDX-License-Identifier: Apache-2.0
"""The words that the client's parts share: phases, actions, verdicts and a mail's outcome."""

from enum import Enum
from typing import Literal, NamedTuple

from gatepost.smtp.replies import Reply

Security = Literal["none", "opportunistic", "required"]
"""STARTTLS: never; where offered, without checking the name; always, and the certificate must fit."""

Phase = Literal["greeting", "command", "data_start", "data_block", "data_end", "idle", "ending"]
"""What the client waits for; each phase has a time limit of its own (RFC 5321 §4.5.3.2)."""

Status = Literal["accepted", "temporary", "permanent"]


TEXT_CHARACTERS = 1000
"""What is kept of a reply's text; a next hop may send 400 KB, and each recipient's queue row would hold it."""


class Signal(Enum):
    """What the machine asks of its transport besides writing bytes."""

    START_TLS = "begin the handshake now"
    READY = "a mail can be begun"
    CONTENT = "send the streamed content now"
    SETTLED = "the mail has its outcome"
    CLOSE = "close the connection"


Action = bytes | Signal
"""Bytes are to be written; a signal tells what else happened."""


class Verdict(NamedTuple):
    """What became of one recipient, or of a connection that could not be opened."""

    status: Status
    reply: Reply
    local: bool = False
    """Whether the reply is ours because the next hop gave none."""

    @property
    def ends_connection(self) -> bool:
        """Tell whether it is a failure of the connection, not a judgement on the mail."""
        return self.status == "temporary" and (self.local or self.reply.code == 421)

    @property
    def text(self) -> str:
        """Give the reply on one line, as queues and reports show it; a local one has no code of the next hop's."""
        lines = self.reply.text.replace("\n", " ")[:TEXT_CHARACTERS]
        if self.local:
            return f"{self.reply.enhanced} {lines}"
        return f"{self.reply.code} {self.reply.enhanced} {lines}" if self.reply.enhanced else f"{self.reply.code} {lines}"


class Outcome(NamedTuple):
    """What became of one mail on one connection."""

    verdicts: tuple[Verdict, ...]
    """One for each recipient, in order."""
    lost: bool = False
    """Whether the connection ended (loss, timeout, 421, nonsense) before the dialogue did."""
    begun: bool = True
    """Whether the next hop answered MAIL with anything but 421; if not, the mail may go over another connection at once."""


def verdict_of(reply: Reply) -> Verdict:
    """Judge a next hop's reply: 2xx accepts, 5xx refuses for good, all else is for later."""
    if 200 <= reply.code < 300:
        return Verdict("accepted", reply)
    return Verdict("permanent" if reply.code >= 500 else "temporary", reply)


def local_failure(enhanced: str, text: str) -> Verdict:
    """Make the verdict of a failure that no reply tells about; the enhanced code's class says for how long."""
    if enhanced.startswith("5"):
        return Verdict("permanent", Reply(554, enhanced, text), local=True)
    return Verdict("temporary", Reply(451, enhanced, text), local=True)
