# SPDX-License-Identifier: Apache-2.0
"""Charts as data: what the page's script draws, and the same numbers as a table for who does not see it. Pure."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from gatepost.tracking.traffic import Flow, Step
from gatepost.web.frame.words import Words, _

Line = tuple[str, str, Callable[[Step], int]]


def _good(flow: Flow) -> int:
    return flow.delivered + flow.partly_delivered


def _refused(flow: Flow) -> int:
    return flow.refused_permanently + flow.refused_temporarily


_LINES: Final[tuple[Line, ...]] = (
    (_("Inbound, delivered"), "#1d7a3e", lambda step: _good(step.inbound)),
    (_("Outbound, delivered"), "#1f5fa8", lambda step: _good(step.outbound)),
    (_("Refused"), "#b3261e", lambda step: _refused(step.inbound) + _refused(step.outbound)),
    (_("Pending"), "#9a6700", lambda step: step.inbound.pending + step.outbound.pending),
)


class Chart(NamedTuple):
    """One chart: `drawn` for the script, `rows` (time and values) under `heads` for the table."""

    title: str
    drawn: dict[str, Any]
    heads: tuple[str, ...]
    rows: tuple[tuple[int, tuple[int, ...]], ...]


def flow_chart(title: str, steps: Sequence[Step], words: Words) -> Chart:
    """Draw a series of the mail flow."""
    labels = tuple(words(label) for label, _colour, _value in _LINES)
    drawn = {
        "at": [step.at for step in steps],
        "series": [
            {"label": label, "colour": colour, "values": [value(step) for step in steps]}
            for label, (_label, colour, value) in zip(labels, _LINES, strict=True)
        ],
    }
    rows = tuple((step.at, tuple(value(step) for _label, _colour, value in _LINES)) for step in steps)
    return Chart(title, drawn, labels, rows)


class Total(NamedTuple):
    """A number of the start page and the search that shows the mails behind it."""

    label: str
    mails: int
    search: dict[str, Any]


_TOTALS: Final[tuple[tuple[str, str, tuple[str, ...], Callable[[Flow], int]], ...]] = (
    (_("Inbound, delivered"), "inbound", ("success", "partial_success"), _good),
    (_("Outbound, delivered"), "outbound", ("success", "partial_success"), _good),
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
