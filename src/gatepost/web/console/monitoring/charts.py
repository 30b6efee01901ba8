# SPDX-License-Identifier: Apache-2.0
"""Charts as data: what the page's script draws, and the same numbers as a table for who does not see it. Pure."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from gatepost.tracking.traffic import Flow, Series, Step
from gatepost.web.frame.templates import query
from gatepost.web.frame.words import Words, _

Line = tuple[str, str, str, tuple[str, ...], Callable[[Step], int]]
"""Label, colour, and the direction and results of a search for its mails."""
_REFUSED: Final = ("permanently_blocked", "temporarily_blocked")
_GOOD: Final = ("success", "partial_success")


def _good(flow: Flow) -> int:
    return flow.delivered + flow.partly_delivered


def _refused(flow: Flow) -> int:
    return flow.refused_permanently + flow.refused_temporarily


_LINES: Final[tuple[Line, ...]] = (
    (_("Inbound, delivered"), "#1d7a3e", "inbound", _GOOD, lambda step: _good(step.inbound)),
    (_("Outbound, delivered"), "#1f5fa8", "outbound", _GOOD, lambda step: _good(step.outbound)),
    (_("Refused"), "#b3261e", "", _REFUSED, lambda step: _refused(step.inbound) + _refused(step.outbound)),
    (_("Pending"), "#9a6700", "", ("delivery_pending",), lambda step: step.inbound.pending + step.outbound.pending),
)


class Total(NamedTuple):
    """A number of the start page and the search that shows the mails behind it."""

    label: str
    mails: int
    search: dict[str, Any]


class Row(NamedTuple):
    """One step (Unix time) and its numbers, in the order of the heads."""

    at: int
    numbers: tuple[Total, ...]


class Chart(NamedTuple):
    """One chart: `drawn` for the script, `rows` under `heads` for the table."""

    title: str
    drawn: dict[str, Any]
    heads: tuple[str, ...]
    rows: tuple[Row, ...]


def flow_chart(title: str, flow: Series, words: Words) -> Chart:
    """Draw a series of the mail flow."""
    labels = tuple(words(line[0]) for line in _LINES)
    ends = [step.at + flow.step_hours * 3600 for step in flow.steps]
    rows = tuple(
        Row(step.at, tuple(Total(label, count(step), _search(step.at, end, where, results)) for label, _c, where, results, count in _LINES))
        for step, end in zip(flow.steps, ends, strict=True)
    )
    drawn = {
        "at": [step.at for step in flow.steps],
        "mails": [query(**_search(step.at, end, "", ())) for step, end in zip(flow.steps, ends, strict=True)],
        "series": [
            {"label": label, "colour": line[1], "values": [row.numbers[place].mails for row in rows]}
            for place, (label, line) in enumerate(zip(labels, _LINES, strict=True))
        ],
    }
    return Chart(title, drawn, labels, rows)


def _search(after: int, before: int, direction: str, results: tuple[str, ...]) -> dict[str, Any]:
    """Give the search for the mails of a period (Unix times), as the search's form writes it."""
    start, end = (datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M") for at in (after, before))
    return {"from": start, "to": end, "zone": 0, "direction": direction, "result": list(results)}


_TOTALS: Final[tuple[tuple[str, str, tuple[str, ...], Callable[[Flow], int]], ...]] = (
    (_("Inbound, delivered"), "inbound", _GOOD, _good),
    (_("Outbound, delivered"), "outbound", _GOOD, _good),
    (_("Refused for good"), "", ("permanently_blocked",), lambda flow: flow.refused_permanently),
    (_("Refused for now"), "", ("temporarily_blocked",), lambda flow: flow.refused_temporarily),
    (_("Delivery pending"), "", ("delivery_pending",), lambda flow: flow.pending),
    (_("Delivery failed"), "", ("dispatcher_error",), lambda flow: flow.failed),
)


def totals(steps: Sequence[Step], period: str) -> list[Total]:
    """Add up what flowed, each with the search for its mails."""
    found = []
    for label, direction, results, count in _TOTALS:
        pairs = [pair for step in steps for pair in (("inbound", step.inbound), ("outbound", step.outbound))]
        flows = [flow for name, flow in pairs if direction in ("", name)]
        found.append(Total(label, sum(map(count, flows)), {"last": period, "direction": direction, "result": list(results)}))
    return found
