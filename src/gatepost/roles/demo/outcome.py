# SPDX-License-Identifier: Apache-2.0
"""What became of each attempt: the client knows the replies, the next hop what arrived, the gateway what waits."""

import re
from collections.abc import Iterable
from pathlib import Path

import msgspec

from gatepost.roles.control import ask
from gatepost.roles.demo.attempts import CHECKS, Attempt, Fate
from gatepost.testing.gateway import Gateway
from gatepost.testing.strict import SinkMail

_TRACE = re.compile(rb"Received: [^\n]*\n(?:[ \t][^\n]*\n)*")
_TRACK = re.compile(rb"\sid ([0-9A-V]{24})\b")
_QUEUE_LIMIT = 10_000


class Surprise(msgspec.Struct, frozen=True):
    """An attempt that ended otherwise than it should."""

    name: str
    expected: str
    became: str
    reply: str


class Outcome(msgspec.Struct, kw_only=True):
    """The table at the demo's end."""

    sent: int
    delivered: int
    unchanged: int
    """Of those delivered: byte for byte as sent, below the trace field."""
    waiting: int
    waiting_reply: str
    reported: int
    reported_reply: str
    reports_delivered: int
    refused: dict[str, int]
    """By the check that refused."""
    refusal_replies: dict[str, str]
    surprises: list[Surprise]
    complaints: list[str]
    """What the next hop, which is strict, found wrong with the gateway's manners."""
    seconds: float
    mails_from: str
    config: str

    @property
    def as_expected(self) -> bool:
        """Whether everything became what it should."""
        return not self.surprises and not self.complaints and self.unchanged == self.delivered


class Observation:
    """What is known so far of the attempts that were made."""

    def __init__(self, made: list[Attempt], gateway: Gateway) -> None:
        self._made = made
        self._gateway = gateway
        self._control = Path(gateway.bootstrap.data) / "run" / "control.sock"
        self.contents: dict[str, bytes] = {}
        """By track: what the next hop got, without our trace field."""
        self.reports = 0
        self.waiting: dict[str, str] = {}
        self.bounced: dict[str, str] = {}

    def look(self, arrived: Iterable[SinkMail]) -> None:
        """See what has arrived, what waits after a first attempt, and what was given up."""
        self.contents, self.reports = {}, 0
        for mail in arrived:
            trace = _TRACE.match(mail.content)
            track = _TRACK.search(trace[0]) if trace else None
            if trace and track:
                self.contents[track[1].decode("ascii")] = mail.content[trace.end() :]
            else:
                self.reports += mail.sender == ""
        queued = ask(self._control, "queue.show", wanted="", limit=_QUEUE_LIMIT, tenant_id=None)
        self.waiting = {one["track"]: one["last_reply"] for one in queued if one["state"] == "waiting" and one["attempts"] > 0}
        done = self._gateway.events("delivery.done")
        self.bounced = {event["track"]: event["reply"] for event in done if event["outcome"] == "bounced"}

    @property
    def complete(self) -> bool:
        """Whether every mail that was taken has reached its fate, and each report its reader."""
        taken = {attempt.track for attempt in self._made if attempt.track}
        return taken <= {*self.contents, *self.waiting, *self.bounced} and self.reports >= len(self.bounced)

    def fate(self, attempt: Attempt) -> Fate | None:
        """Tell what became of an attempt; None while that is open, or when it was lost."""
        if not attempt.track:
            return "refused"
        if attempt.track in self.waiting:
            return "waiting"
        if attempt.track in self.bounced:
            return "reported" if self.reports else None
        return "delivered" if attempt.track in self.contents else None

    def outcome(self, complaints: list[str], seconds: float, mails_from: str) -> Outcome:
        """Count."""
        refused = [(check_of(attempt), attempt) for attempt in self._made if not attempt.track]
        delivered = [attempt for attempt in self._made if attempt.track in self.contents]
        checks = sorted({check for check, _ in refused}, key=[*CHECKS.values(), ""].index)
        return Outcome(
            sent=len(self._made),
            delivered=len(delivered),
            unchanged=sum(self.contents[attempt.track] == attempt.content for attempt in delivered),
            waiting=len(self.waiting),
            waiting_reply=next(iter(self.waiting.values()), ""),
            reported=len(self.bounced),
            reported_reply=next(iter(self.bounced.values()), ""),
            reports_delivered=self.reports,
            refused={check or "other": sum(one == check for one, _ in refused) for check in checks},
            refusal_replies={check or "other": next(str(attempt.reply) for one, attempt in refused if one == check) for check in checks},
            surprises=[self._surprise(attempt) for attempt in self._made if self._surprises(attempt)],
            complaints=complaints,
            seconds=round(seconds, 2),
            mails_from=mails_from,
            config=str(self._gateway.config_file),
        )

    def _surprises(self, attempt: Attempt) -> bool:
        fate = self.fate(attempt)
        return fate != attempt.expected or (fate == "refused" and check_of(attempt) != attempt.check)

    def _surprise(self, attempt: Attempt) -> Surprise:
        became = self.fate(attempt) or "lost"
        expected = f"{attempt.expected} ({attempt.check})" if attempt.check else attempt.expected
        return Surprise(attempt.name, expected, became, str(attempt.reply or "no reply"))


def check_of(attempt: Attempt) -> str:
    """Name the check behind an attempt's refusal; '' when it is none of those shown."""
    reply = str(attempt.reply)
    return next((check for beginning, check in CHECKS.items() if reply.startswith(f"{beginning} ")), "")
