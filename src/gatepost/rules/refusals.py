# SPDX-License-Identifier: Apache-2.0
"""What a refused mail is answered, and what becomes of it (RFC 5321 §4.2.5, RFC 3463 §3.8).

The texts are public and name no configuration; why a mail was refused stands in its track.
"""

from typing import Literal, NamedTuple

from gatepost.config.rules import Rejection
from gatepost.contracts.judged import Direction
from gatepost.smtp.replies import Reply

SPAM = Reply(550, "5.7.1", "Message refused as spam")
POLICY = Reply(550, "5.7.1", "Message refused by policy")
UNKNOWN_RECIPIENT = Reply(550, "5.1.1", "Recipient unknown")

Outcome = Literal["accept", "refuse", "discard"]


class Fate(NamedTuple):
    """What becomes of a rejected mail: it is refused (5xx) or taken and discarded (2xx), with a report of ours or not."""

    outcome: Outcome
    reports: bool


_REFUSE, _REFUSE_AND_REPORT = Fate("refuse", False), Fate("refuse", True)
_DISCARD, _DISCARD_AND_REPORT = Fate("discard", False), Fate("discard", True)

_FATES: dict[Rejection, dict[Direction, Fate]] = {
    "reject_inbound_report_outbound": {"inbound": _REFUSE, "outbound": _DISCARD_AND_REPORT},
    "discard_report_outbound": {"inbound": _DISCARD, "outbound": _DISCARD_AND_REPORT},
    "reject_report_all": {"inbound": _REFUSE_AND_REPORT, "outbound": _REFUSE_AND_REPORT},
    "reject_report_none": {"inbound": _REFUSE, "outbound": _REFUSE},
}


def fate(rejection: Rejection, direction: Direction) -> Fate:
    """Give what becomes of a mail that is rejected for another reason than spam or malware."""
    return _FATES[rejection][direction]


def spam(text: str = "") -> Reply:
    """Give the refusal by points, with a rule's own text where it has one."""
    return SPAM._replace(text=text) if text else SPAM


def with_track(reply: Reply, track: str) -> Reply:
    """Add the id by which the administrator finds the mail."""
    return reply._replace(text=f"{reply.text} ({track})")
