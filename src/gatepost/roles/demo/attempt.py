# SPDX-License-Identifier: Apache-2.0
"""One try to hand a mail over: what is sent by whom, and what shall become of it."""

from typing import Any, Literal

import msgspec

from gatepost.roles.demo.settings import DOMAIN
from gatepost.roles.judge_file import FileVerdict, Question
from gatepost.testing.conversation import Reply

Fate = Literal["delivered", "refused", "waiting", "reported"]
"""delivered: the next hop took it; waiting: it is tried again later; reported: given up, and its sender was told."""

FILTERS = "filters"
RECIPIENT = "unknown recipient"

CHECKS = {
    "550 5.7.1 Unable": "relay",
    "550 5.1.1": RECIPIENT,
    "550 5.7.1 Message": FILTERS,
    "550 5.6.11": "line ends",
    "552 5.3.4": "size",
    "554 5.4.6": "mail loop",
    "554 5.6.0": "structure",
    "530 5.7.0": "TLS first",
    "535 5.7.8": "login",
    "421 4.7.1": "blocked client",
}
"""The check behind each refusal that the demo shows, by the beginning of its reply."""


class Attempt(msgspec.Struct, kw_only=True):
    """One try to hand a mail over, and once it was made, the reply that ended it."""

    name: str
    content: bytes
    client: str
    helo: str = "client.example"
    host: str = ""
    """The name that the client's address has in the DNS; '' when it has none."""
    leads_back: bool = True
    """Whether that name has the client's address."""
    in_dns: bool = True
    """Whether the DNS knows the client and the sender's domain at all."""
    listed: tuple[str, ...] = ()
    """Realtime blocklists that the client is on."""
    sender: str = "sender@example.org"
    recipients: tuple[str, ...] = (f"anna@{DOMAIN}",)
    door: Literal["smtp", "submission", "submissions"] = "smtp"
    starttls: bool = False
    login: Literal["", "right", "wrong"] = ""
    chunks: int = 0
    """BDAT commands; 0: DATA."""
    declared_bytes: int = 0
    """What MAIL says as SIZE; 0: nothing."""
    label: str = ""
    """What the folder of a real mail calls it: ham, spam, phishing."""
    expected: Fate | None = "delivered"
    """None: as `gatepost check` judges it."""
    check: str = ""
    """Which check shall refuse it."""
    filters: str = ""
    """Which filters shall refuse it, the one with most points first; '' where any may."""
    foretold: FileVerdict | None = None
    """What `gatepost check` says of it; None where it is not asked."""
    reply: Reply | None = None
    track: str = ""
    """The id in the reply: of a mail that was taken, or of one that filters refused."""
    logged: dict[str, Any] = {}
    """The gateway's event about it; empty where there is none, or none with a track."""

    @property
    def taken(self) -> bool:
        """Whether the gateway has said that the mail is its own now."""
        return self.reply is not None and self.reply.code == 250 and bool(self.track)

    @property
    def question(self) -> Question:
        """What `gatepost check` is asked about it."""
        return Question(self.client, self.helo, self.sender or "<>", self.recipients)


def check_of(reply: str) -> str:
    """Name the check behind a refusal; '' when it is none of those shown."""
    return next((check for beginning, check in CHECKS.items() if reply.startswith(f"{beginning} ")), "")
