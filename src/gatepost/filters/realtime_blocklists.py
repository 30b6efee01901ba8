# SPDX-License-Identifier: Apache-2.0
"""Realtime blocklists: lists of senders in the DNS, asked for the client's address (RFC 5782).

    192.0.2.1 on bl.example.org?      A of 1.2.0.192.bl.example.org
        no such name                  not listed
        127.0.0.2                     listed; the number says why, as the list's operator defines
        127.255.255.254               the operator does not answer us: an error, never a hit
        127.0.0.1, 203.0.113.7        no list answers that, but a resolver that lies does: an error

Promises: all lists are asked at once; a list that gives no answer or an error gives no points and is named in `failed`;
private addresses are not asked for.
"""

import asyncio
from collections.abc import Iterator
from ipaddress import IPv4Address, ip_network
from typing import ClassVar, NamedTuple

from gatepost.config.blocklists import Blocklist, RealtimeBlocklistSettings
from gatepost.config.names import domain_fault
from gatepost.contracts.filter import Finding, Stage
from gatepost.contracts.judged import Direction, Judged
from gatepost.contracts.sentence import SEPARATOR, Sentence
from gatepost.dns.answers import Answer
from gatepost.dns.resolver import Resolver
from gatepost.dns.reverse import reverse_name
from gatepost.errors import ConfigError
from gatepost.filters.one_line import one_line
from gatepost.filters.private_addresses import is_private

NAME = "realtime_blocklists"

_PRIVATE = Sentence(NAME, "the client's address is private, so no list is asked")
_ON_LISTS = Sentence(NAME, "{address} is on {count} of {lists} realtime blocklists")
_LISTED = Sentence(NAME, "{list}: {address} is listed ({answers}), {points:+g}")
_NO_ANSWER = Sentence(NAME, "{list}: no answer from the DNS")
_NONSENSE = Sentence(NAME, "{list}: {answer} is no answer of a blocklist")
_REFUSED = Sentence(NAME, "{list}: refused to answer ({answer})")

_LISTS = (0x7F000000, 0x7FFFFFFF)
_ERRORS = (0x7FFFFF00, 0x7FFFFFFF)
_LOCALHOST = 0x7F000001


class _List(NamedTuple):
    """A list, ready to be asked."""

    zone: str
    name: str
    points: float
    accepted: tuple[tuple[int, int], ...]


class RealtimeBlocklists:
    """The filter; its settings have been checked by `realtime_blocklist_faults`."""

    name = NAME
    stage: Stage = "envelope"
    directions: tuple[Direction, ...] = ("inbound",)
    private: ClassVar[Finding] = Finding(filter=NAME, message=_PRIVATE.text)

    def __init__(self, settings: RealtimeBlocklistSettings, resolver: Resolver) -> None:
        self._resolver = resolver
        self.lowest_points = sum(min(0.0, one.points) for one in settings.lists)
        self._lists = tuple(
            _List(one.zone.lower().rstrip("."), one.name or one.zone, one.points, tuple(map(_range, one.answers)))
            for one in settings.lists
            if one.points
        )

    async def judge(self, mail: Judged) -> Finding:
        """Ask all lists for the client's address."""
        address = mail.peer.address
        reverse = None if is_private(address) else reverse_name(address)
        if reverse is None:
            return self.private
        reverse = reverse.removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
        answers = await asyncio.gather(*(self._resolver.a(f"{reverse}.{one.zone}") for one in self._lists))
        points, details, failed = 0.0, [], []
        for one, answer in zip(self._lists, answers, strict=True):
            hit, trouble = _weighed(one, answer)
            if trouble:
                failed.append(trouble)
            elif hit:
                points += one.points
                details.append(_LISTED.say(list=one.name, address=address, answers=hit, points=one.points))
        message = _ON_LISTS.say(address=address, count=len(details), lists=len(self._lists))
        return Finding(filter=NAME, points=points, message=message, details=tuple(details), failed=SEPARATOR.join(failed))


def _weighed(asked: _List, answer: Answer[str]) -> tuple[str, str]:
    """Give what of an answer is a hit, and what is wrong with it."""
    if answer.status == "failed":
        return "", _NO_ANSWER.say(list=asked.name)
    hits = []
    for value in answer.values:
        number = _number(value)
        if not _within(number, _LISTS):
            return "", _NONSENSE.say(list=asked.name, answer=one_line(value[:40]))
        if _within(number, _ERRORS):
            return "", _REFUSED.say(list=asked.name, answer=value)
        if any(_within(number, accepted) for accepted in asked.accepted):
            hits.append(value)
        elif not asked.accepted:
            if number == _LOCALHOST:
                return "", _NONSENSE.say(list=asked.name, answer=value)
            hits.append(value)
    return ", ".join(sorted(hits)), ""


def _number(untrusted: str) -> int:
    """Give an IPv4 address as a number, -1 for what is none."""
    try:
        return int(IPv4Address(untrusted))
    except ValueError:
        return -1


def _within(number: int, bounds: tuple[int, int]) -> bool:
    return bounds[0] <= number <= bounds[1]


def _range(text: str) -> tuple[int, int]:
    """Read an address, a network or `first-last`; raises ValueError."""
    first, dash, last = text.partition("-")
    if dash:
        bounds = int(IPv4Address(first.strip())), int(IPv4Address(last.strip()))
    else:
        network = ip_network(text)
        bounds = int(network.network_address), int(network.broadcast_address)
    if bounds[0] > bounds[1] or not (_within(bounds[0], _LISTS) and _within(bounds[1], _LISTS)):
        raise ValueError(text)
    return bounds


def realtime_blocklist_faults(settings: RealtimeBlocklistSettings, source: str) -> Iterator[ConfigError]:
    """Yield all that is wrong with the lists beyond the form of their keys; `source` is where they stand."""
    seen: dict[str, int] = {}
    for number, one in enumerate(settings.lists):
        where = f"{source}.lists[{number}]"
        if fault := domain_fault(one.zone.rstrip(".")):
            yield ConfigError(f"{where}.zone", fault, "write the list's domain, as bl.example.org")
        first = seen.setdefault(one.zone.lower().rstrip("."), number)
        if first != number:
            yield ConfigError(f"{where}.zone", f"is the zone of lists[{first}] too", "remove one of them")
        yield from _answer_faults(one, where)


def _answer_faults(one: Blocklist, where: str) -> Iterator[ConfigError]:
    for index, text in enumerate(one.answers):
        mend = "write an address, a network or a range within 127.0.0.0/8, as 127.0.0.2, 127.0.0.4-127.0.0.7"
        try:
            low, _ = _range(text)
        except ValueError:
            yield ConfigError(f"{where}.answers[{index}]", f"{text!r} is no answer of a blocklist", mend)
        else:
            if _within(low, _ERRORS):
                yield ConfigError(f"{where}.answers[{index}]", f"{text!r} is an error that operators answer, never a hit", mend)
