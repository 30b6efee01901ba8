# SPDX-License-Identifier: Apache-2.0
"""What makes a rule impossible: each fault with its place, its cause and its mend, in the file's order."""

import difflib
import math
from collections.abc import Collection, Iterator, Sequence
from typing import Protocol

from gatepost.config.names import network_fault
from gatepost.config.rules import Rule
from gatepost.contracts.judged import Direction
from gatepost.errors import ConfigError
from gatepost.rules.patterns import pattern_fault


class KnownFilter(Protocol):
    """What must be known of a filter to check a rule; every `contracts.filter.Filter` tells it."""

    @property
    def name(self) -> str:
        """As rules call it."""

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Where it has a function."""


def rule_faults(
    rules: Sequence[Rule], known: Collection[KnownFilter], source: str, listeners: Collection[str] | None = None
) -> Iterator[ConfigError]:
    """Yield all that cannot work; `listeners` are the names that exist, where the caller knows them."""
    filters = {known_filter.name: known_filter for known_filter in known}
    seen: dict[str, int] = {}
    for number, rule in enumerate(rules):
        where = f"{source}: rules[{number}]"
        first = seen.setdefault(rule.name, number)
        if first != number:
            yield ConfigError(f"{where}.name", f"{rule.name!r} is rules[{first}] already", "name it otherwise")
        yield from _scope_faults(rule, where, listeners)
        yield from _filter_faults(rule, where, filters)
        if not math.isfinite(rule.threshold):
            yield ConfigError(f"{where}.threshold", f"{rule.threshold} is never reached", "write a number, as 4")
        if rule.mode == "check" and not rule.filters:
            cause = "is empty, so nothing gives points and the threshold is never reached"
            yield ConfigError(f"{where}.filters", cause, 'name filters, or write mode = "accept"')


def _scope_faults(rule: Rule, where: str, listeners: Collection[str] | None) -> Iterator[ConfigError]:
    for key, null_allowed in (("mail_from", True), ("header_from", False), ("recipients", False)):
        for index, pattern in enumerate(getattr(rule, key)):
            if fault := pattern_fault(pattern, null_allowed=null_allowed):
                yield ConfigError(f"{where}.{key}[{index}]", *fault)
    for index, network in enumerate(rule.clients):
        if cause := network_fault(network):
            yield ConfigError(f"{where}.clients[{index}]", cause, "write an address or a network, as 192.0.2.0/24")
    for index, listener in enumerate(rule.listeners):
        if not _is_listener(listener):
            yield ConfigError(f"{where}.listeners[{index}]", f"{listener!r} is no listener", "write address:port, as 0.0.0.0:25")
        elif listeners is not None and listener not in listeners:
            mend = f"write one of {', '.join(sorted(listeners))}" if listeners else "remove it"
            yield ConfigError(f"{where}.listeners[{index}]", f"there is no listener {listener}", mend)


def _filter_faults(rule: Rule, where: str, filters: dict[str, KnownFilter]) -> Iterator[ConfigError]:
    seen: dict[str, int] = {}
    for index, use in enumerate(rule.filters):
        path = f"{where}.filters[{index}].name"
        first = seen.setdefault(use.name, index)
        if first != index:
            yield ConfigError(path, f"{use.name} is filters[{first}] already", "remove one of them, and raise the other's multiplier")
        known = filters.get(use.name)
        if known is None:
            yield ConfigError(path, f"there is no filter {use.name!r}", _nearest(use.name, filters))
        elif missing := _without_function(rule, known):
            mend = f"remove it, or make the rule {known.directions[0]}" if known.directions else "remove it"
            yield ConfigError(path, f"{use.name} has no function in {missing} mail", mend)


def _without_function(rule: Rule, known: KnownFilter) -> str:
    """Name the directions of the rule that the filter cannot judge."""
    wanted: tuple[Direction, ...] = ("inbound", "outbound") if rule.direction == "any" else (rule.direction,)
    return " or ".join(direction for direction in wanted if direction not in known.directions)


def _nearest(name: str, filters: dict[str, KnownFilter]) -> str:
    near = difflib.get_close_matches(name, filters, n=1)
    return f"did you mean {near[0]}?" if near else f"write one of {', '.join(sorted(filters))}" if filters else "remove it"


def _is_listener(text: str) -> bool:
    address, colon, port = text.rpartition(":")
    return bool(address and colon) and port.isascii() and port.isdigit() and 1 <= int(port) <= 65535
