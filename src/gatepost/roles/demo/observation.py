# SPDX-License-Identifier: Apache-2.0
"""See what became of each attempt: the client knows the replies, the next hop what arrived, the gateway what waits and why."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from gatepost.roles.control import ask
from gatepost.roles.demo.attempt import FILTERS, Attempt, Fate, check_of
from gatepost.roles.demo.foretelling import acting, differs, reasons
from gatepost.roles.demo.outcome import Outcome, Surprise, by_check, by_filters, by_label
from gatepost.testing.gateway import Gateway
from gatepost.testing.strict import SinkMail

_TRACE = re.compile(rb"(?:Authentication-Results: [^\n]*\n(?:[ \t][^\n]*\n)*)?Received: [^\n]*\n(?:[ \t][^\n]*\n)*")
_TRACK = re.compile(rb"\sid ([0-9A-V]{24})\b")
_PASSES = re.compile(rb"\n\t(spf=pass[^;]*?smtp\.mailfrom|dkim=pass|dmarc=pass)")
_QUEUE_LIMIT = 10_000


class Arrived(NamedTuple):
    """A mail as the next hop has it."""

    trace: bytes
    """Our own fields."""
    content: bytes


class Observation:
    """What is known so far of the attempts that were made."""

    def __init__(self, made: list[Attempt], gateway: Gateway) -> None:
        self._made = made
        self._gateway = gateway
        self._control = Path(gateway.bootstrap.data) / "run" / "control.sock"
        self.arrived: dict[str, Arrived] = {}
        """By track."""
        self.reports = 0
        self.waiting: dict[str, str] = {}
        self.bounced: dict[str, str] = {}

    def look(self, arrived: Iterable[SinkMail]) -> None:
        """See what has arrived, what waits after a first attempt, and what was given up."""
        self.arrived, self.reports = {}, 0
        for mail in arrived:
            trace = _TRACE.match(mail.content)
            track = _TRACK.search(trace[0]) if trace else None
            if trace and track:
                self.arrived[track[1].decode("ascii")] = Arrived(trace[0], mail.content[trace.end() :])
            else:
                self.reports += mail.sender == ""
        queued = ask(self._control, "queue.show", wanted="", limit=_QUEUE_LIMIT, tenant_id=None)
        self.waiting = {one["track"]: one["last_reply"] for one in queued if one["state"] == "waiting" and one["attempts"] > 0}
        done = self._gateway.events("delivery.done")
        self.bounced = {event["track"]: event["reply"] for event in done if event["outcome"] == "bounced"}

    @property
    def complete(self) -> bool:
        """Whether every mail that was taken has reached its fate, and each report its reader."""
        taken = {attempt.track for attempt in self._made if attempt.taken}
        return taken <= {*self.arrived, *self.waiting, *self.bounced} and self.reports >= len(self.bounced)

    def fate(self, attempt: Attempt) -> Fate | None:
        """Tell what became of an attempt; None while that is open, or when it was lost."""
        if not attempt.taken:
            return "refused"
        if attempt.track in self.waiting:
            return "waiting"
        if attempt.track in self.bounced:
            return "reported" if self.reports else None
        return "delivered" if attempt.track in self.arrived else None

    def outcome(self, complaints: list[str], seconds: float, mails_from: str, check: list[str]) -> Outcome:
        """Count; every reply, rule and point is held against what `gatepost check` said before."""
        self._read_log()
        refused = by_check(attempt for attempt in self._made if not attempt.taken)
        delivered = [attempt for attempt in self._made if attempt.taken and attempt.track in self.arrived]
        passes = [method for attempt in delivered for method in _passed(self.arrived[attempt.track].trace)]
        return Outcome(
            sent=len(self._made),
            delivered=len(delivered),
            unchanged=sum(self.arrived[attempt.track].content == attempt.content for attempt in delivered),
            authenticated={method: passes.count(method) for method in ("spf", "dkim", "dmarc")},
            waiting=len(self.waiting),
            waiting_reply=next(iter(self.waiting.values()), ""),
            reported=len(self.bounced),
            reported_reply=next(iter(self.bounced.values()), ""),
            reports_delivered=self.reports,
            refused={check: len(attempts) for check, attempts in refused.items()},
            refusal_replies={check: str(attempts[0].reply) for check, attempts in refused.items()},
            by_filters=by_filters(refused.get(FILTERS, [])),
            threshold=max((one.foretold.threshold for one in self._made if one.foretold), default=0.0),
            labels=by_label(self._made),
            ham_refused=[Surprise(one.name, "", reasons(one), str(one.reply)) for one in refused.get(FILTERS, []) if one.label == "ham"],
            foretold=sum(attempt.foretold is not None for attempt in self._made),
            surprises=[self._surprise(attempt) for attempt in self._made if self._surprises(attempt)],
            complaints=complaints,
            seconds=round(seconds, 2),
            mails_from=mails_from,
            config=str(self._gateway.config_file),
            zone=self._gateway.configuration.dns.zone_file,
            check=check,
        )

    def _read_log(self) -> None:
        events = {event["track"]: event for name in ("mail.received", "mail.refused") for event in self._gateway.events(name)}
        for attempt in self._made:
            attempt.logged = events.get(attempt.track, {}) if attempt.track else {}

    def _surprises(self, attempt: Attempt) -> bool:
        fate = self.fate(attempt)
        if fate != attempt.expected or (fate == "refused" and check_of(str(attempt.reply)) != attempt.check):
            return True
        if attempt.filters and attempt.filters != acting(attempt):
            return True
        return differs(attempt)

    def _surprise(self, attempt: Attempt) -> Surprise:
        became = f"{self.fate(attempt) or 'lost'}{_points(attempt.logged.get('points', {}))}"
        told = {line.name: line.points for line in attempt.foretold.filters} if attempt.foretold else {}
        check = f"{attempt.check} {attempt.filters}".strip()
        expected = f"{attempt.expected}{f' ({check})' if check else ''}{_points(told)}"
        return Surprise(attempt.name, expected, became, str(attempt.reply or "no reply"))


def _points(points: dict[str, float]) -> str:
    given = ", ".join(f"{name} {value:g}" for name, value in points.items() if value)
    return f" with {given}" if given else ""


def _passed(trace: bytes) -> set[str]:
    return {found.partition(b"=")[0].decode() for found in _PASSES.findall(trace)}
