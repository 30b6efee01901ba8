# SPDX-License-Identifier: Apache-2.0
"""What became of a recipient, and whether the sender asked to hear of it (RFC 3461 §4.1, §5, §6).

    outcome     next hop has DSN    NOTIFY says                 action
    bounced     either              nothing, FAILURE            failed
    deferred    either              nothing, DELAY              delayed
    delivered   no                  SUCCESS                     relayed: from here on nobody will report
    delivered   yes                 anything                    none: NOTIFY went along, others report
    any         either              NEVER                       none

`delivered` as an action is for a final delivery; a gateway hands on, so it comes only from a caller that knows.
"""

import re
from typing import Literal, NamedTuple

from gatepost.smtp.envelope import Recipient

Action = Literal["failed", "delayed", "relayed", "delivered"]

WORST_FIRST: tuple[Action, ...] = ("failed", "delayed", "relayed", "delivered")

_REPLY = re.compile(r"([245])\d\d(?:[ -]([245]\.\d{1,3}\.\d{1,3})(?![\d.]))?")
_CLASSES: dict[Action, str] = {"failed": "45", "delayed": "4", "relayed": "2", "delivered": "2"}
_DEFAULTS: dict[Action, str] = {"failed": "5.0.0", "delayed": "4.0.0", "relayed": "2.0.0", "delivered": "2.0.0"}
EXPIRED = "4.4.7"
"""Delivery time expired (RFC 3463 §3.5)."""


class Fate(NamedTuple):
    """One recipient's fate as a report tells it. Times are Unix times, 0 when unknown."""

    recipient: Recipient
    action: Action
    untrusted_reply: str = ""
    """The last SMTP reply, as it came."""
    host: str = ""
    """The next hop that gave the reply; '' when the reply is our own."""
    attempted_at: float = 0.0
    expired: bool = False
    """Given up because the time was over, not because of what the last reply said."""
    retry_until: float = 0.0
    """Until when a delayed mail is tried."""

    @property
    def status(self) -> str:
        """The enhanced status code (RFC 3463): the reply's, where it has one that agrees with the action."""
        if self.expired and self.action == "failed":
            return EXPIRED
        match = _REPLY.match(self.untrusted_reply)
        if match is None or match[1] not in _CLASSES[self.action]:
            return _DEFAULTS[self.action]
        enhanced = match[2]
        return enhanced if enhanced is not None and enhanced[0] == match[1] else f"{match[1]}.0.0"


def action_owed(notify: str, outcome: Literal["delivered", "deferred", "bounced"], next_hop_has_dsn: bool) -> Action | None:
    """Give the action that the sender is to be told of, or None; `notify` is as in `Recipient`."""
    asked = notify.split(",") if notify else ["FAILURE", "DELAY"]
    if outcome == "bounced":
        return "failed" if "FAILURE" in asked else None
    if outcome == "deferred":
        return "delayed" if "DELAY" in asked else None
    return "relayed" if "SUCCESS" in asked and not next_hop_has_dsn else None


def asked_for(fate: Fate) -> bool:
    """Whether NOTIFY lets the sender hear of this fate."""
    notify = fate.recipient.notify
    wanted = {"failed": "FAILURE", "delayed": "DELAY", "relayed": "SUCCESS", "delivered": "SUCCESS"}[fate.action]
    return wanted in (notify.split(",") if notify else ["FAILURE", "DELAY"])
