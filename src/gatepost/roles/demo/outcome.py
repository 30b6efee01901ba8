# SPDX-License-Identifier: Apache-2.0
"""What became of all attempts, as one value: the tables at the demo's end."""

from collections.abc import Iterable

import msgspec

from gatepost.roles.demo.attempt import CHECKS, FILTERS, Attempt, check_of
from gatepost.roles.demo.foretelling import acting, reasons


class Surprise(msgspec.Struct, frozen=True):
    """An attempt that ended otherwise than it should."""

    name: str
    expected: str
    became: str
    reply: str


class ByFilters(msgspec.Struct, frozen=True):
    """Mails that the same filters refused, of which the first named gave most points."""

    filters: list[str]
    mails: int
    rule: str
    least_points: float
    most_points: float
    example: str
    why: str


class Labelled(msgspec.Struct, frozen=True):
    """Real mails of one label; those with bare line ends are refused for them, whatever they say."""

    label: str
    mails: int
    refused_by_filters: int
    refused_otherwise: int


class Outcome(msgspec.Struct, kw_only=True):
    """The tables at the demo's end."""

    sent: int
    delivered: int
    unchanged: int
    """Of those delivered: byte for byte as sent, below our own fields."""
    authenticated: dict[str, int]
    """Of those delivered: how many passed SPF, DKIM and DMARC, as our Authentication-Results tell the next hop."""
    waiting: int
    waiting_reply: str
    reported: int
    reported_reply: str
    reports_delivered: int
    refused: dict[str, int]
    """By the check that refused."""
    refusal_replies: dict[str, str]
    by_filters: list[ByFilters]
    threshold: float
    """Points from which on the rule refuses."""
    labels: list[Labelled]
    ham_refused: list[Surprise]
    """Mails labelled ham that filters refused; `expected` is empty, `became` says why."""
    foretold: int
    """Attempts of which `gatepost check` was asked first."""
    surprises: list[Surprise]
    complaints: list[str]
    """What the next hop, which is strict, found wrong with the gateway's manners."""
    seconds: float
    mails_from: str
    config: str
    zone: str
    check: list[str]
    """The command that tells the way of one refused mail."""

    @property
    def as_expected(self) -> bool:
        """Whether everything became what it should."""
        return not self.surprises and not self.complaints and not self.ham_refused and self.unchanged == self.delivered


def by_check(refused: Iterable[Attempt]) -> dict[str, list[Attempt]]:
    """Sort refused attempts by the check that refused, in the order in which checks are shown."""
    found: dict[str, list[Attempt]] = {check: [] for check in (*CHECKS.values(), "other")}
    for attempt in refused:
        found[check_of(str(attempt.reply)) or "other"].append(attempt)
    return {check: attempts for check, attempts in found.items() if attempts}


def by_filters(refused: Iterable[Attempt]) -> list[ByFilters]:
    """Sort what filters refused by the filters that did, the most frequent first."""
    found: dict[str, list[Attempt]] = {}
    for attempt in refused:
        found.setdefault(acting(attempt), []).append(attempt)
    lines = [_line(filters, attempts) for filters, attempts in found.items()]
    return sorted(lines, key=lambda line: (-line.mails, line.filters))


def _line(filters: str, attempts: list[Attempt]) -> ByFilters:
    points = [one.logged.get("scl", 0.0) for one in attempts]
    # One of our own shows best what a filter is for.
    example = next((one for one in attempts if one.filters), attempts[0])
    rule = example.logged.get("rule", "")
    return ByFilters(filters.split(), len(attempts), rule, min(points), max(points), example.name, reasons(example))


def by_label(attempts: Iterable[Attempt]) -> list[Labelled]:
    """Count real mails by their labels."""
    found: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        if attempt.label:
            found.setdefault(attempt.label, []).append(attempt)
    return [_counted(label, attempts) for label, attempts in found.items()]


def _counted(label: str, attempts: list[Attempt]) -> Labelled:
    checks = [check_of(str(one.reply)) for one in attempts if not one.taken]
    filtered = checks.count(FILTERS)
    return Labelled(label, len(attempts), filtered, len(checks) - filtered)
