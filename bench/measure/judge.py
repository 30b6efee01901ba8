# SPDX-License-Identifier: Apache-2.0
"""bench/judge: what judging one mail costs in CPU, by step and filter, while the DNS answers from the cache.

The mails, senders and settings are those of bench/relay with filters on: default rules, all filters, two blocklists. `total` is
the whole of what the gateway does between MAIL and its verdict, through the same `Judging`; the steps are timed apart, one
after the other; `frame` is the rest: running them side by side, with their time limits. A figure is the best round's mean.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, NamedTuple

import uvloop

from gatepost.contracts.authentication import Authentication
from gatepost.contracts.judged import Judged
from gatepost.dns.cache import CachingResolver
from gatepost.dns.twin import Twin
from gatepost.mailflow.identify import Identities
from gatepost.mailflow.judging import Judging
from gatepost.mailflow.transaction import Transaction
from gatepost.message.addresses import Address
from gatepost.message.parse import parse
from gatepost.protection.mailauth.arc.validate import validate
from gatepost.protection.mailauth.authors import author_domains
from gatepost.protection.mailauth.dkim.verify import verify
from gatepost.protection.mailauth.dmarc.evaluate import evaluate
from gatepost.protection.mailauth.spf.check import check, check_helo
from gatepost.roles.judgement import make_judging
from gatepost.rules.decide import decide
from gatepost.smtp.envelope import Envelope, Recipient
from gatepost.smtp.peer import Peer
from gatepost.testing.parcels import Loaded, load
from measure import place
from measure.filtering_rivals import configuration
from measure.mailbag import is_signed, mailbag, zone_file
from measure.place import tell

GOALS_MS = {4096: 0.7, 61440: 1.4}
_BAGS = ((4096, False), (61440, False), (61440, True))
"""Sizes, and whether the mail is mostly text; the others are mostly attachment."""
_HOSTNAME = "gateway.example"
_FIRST_STEPS = ("parse", "rule", "spf", "dkim", "arc", "dmarc")
_US = 1e-3


class Mail(NamedTuple):
    """One mail and how it came."""

    content: bytes
    peer: Peer
    sender: Address
    recipient: Address


class Desk:
    """Judges mails as the gateway does, and times it."""

    def __init__(self, zone: Twin) -> None:
        self._configuration = configuration(2525)
        self._resolver = CachingResolver(zone, clock=lambda: 0.0)
        self._judging: Judging = make_judging(self._configuration, Identities(self._configuration), self._resolver, _HOSTNAME)
        self.filters = tuple(self._judging.filters)

    def _begin(self, mail: Mail) -> tuple[Peer, Envelope, Transaction]:
        peer = Peer(mail.peer.address, mail.peer.port, mail.peer.listener, mail.peer.helo, True)
        envelope = Envelope(mail.sender)
        transaction = self._judging.begin(peer, envelope)
        transaction.tenant_id = 0
        transaction.chains.append(self._judging.chain(transaction, mail.recipient))
        envelope.recipients.append(Recipient(mail.recipient))
        return peer, envelope, transaction

    async def total(self, mail: Mail) -> dict[str, int]:
        """Judge a mail; gives the nanoseconds of it all."""
        began = time.thread_time_ns()
        peer, envelope, transaction = self._begin(mail)
        if self._judging.has_envelope_filters(transaction):
            assert await self._judging.judge_envelope(transaction, peer, envelope) is None
        message = parse(mail.content, self._configuration.message)
        rules = self._judging.choose(transaction, message)
        assert isinstance(rules, tuple)
        judgement = await self._judging.judge(transaction, rules, peer, envelope, message)
        took = time.thread_time_ns() - began
        assert judgement.decision.outcome == "accept" and judgement.authentication is not None
        assert judgement.authentication.dmarc.result == "pass", judgement
        assert not any(reason.failed for reason in judgement.decision.reasons), judgement
        return {"total": took}

    async def steps(self, mail: Mail) -> dict[str, int]:
        """Judge a mail one step after the other; gives the nanoseconds of each."""
        took, clock, resolver, now = {}, time.thread_time_ns, self._resolver, time.time()
        began = clock()
        message = parse(mail.content, self._configuration.message)
        took["parse"] = -began + (began := clock())
        peer, envelope, transaction = self._begin(mail)
        rules = self._judging.choose(transaction, message)
        took["rule"] = -began + (began := clock())
        spf = await check(resolver, client=peer.address, mail_from=mail.sender, helo=peer.helo, hostname=_HOSTNAME, now=now)
        helo = await check_helo(resolver, client=peer.address, helo=peer.helo, hostname=_HOSTNAME, now=now)
        took["spf"] = -began + (began := clock())
        dkim = await verify(resolver, message, now)
        took["dkim"] = -began + (began := clock())
        arc = await validate(resolver, message, now)
        took["arc"] = -began + (began := clock())
        dmarc = await evaluate(resolver, author_domains=author_domains(message), spf=spf, dkim=dkim)
        took["dmarc"] = -began + (began := clock())
        judged = Judged(peer, envelope, "inbound", 0, message, Authentication(spf, helo, dkim, arc, dmarc))
        findings = []
        for name, one in self._judging.filters.items():
            began = clock()
            findings.append(await one.judge(judged))
            took[name] = clock() - began
        assert isinstance(rules, tuple)
        began = clock()
        decision = decide(findings, rules[0])
        took["decide"] = clock() - began
        assert decision.outcome == "accept", decision
        return took


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; exit code 1 when a goal is missed."""
    parser = place.arguments(__doc__ or "")
    options = parser.parse_args(arguments)
    bags = {(size, wordy): _mails(load(mailbag(size, wordy=wordy))[: 200 if options.quick else None]) for size, wordy in _BAGS}
    desk = Desk(Twin.from_file(zone_file()))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        found = runner.run(_measure(desk, bags, 5 if options.quick else 9))
    if options.json:
        sys.stdout.write(json.dumps({"bench": "judge", "quick": options.quick, "rows": found}) + "\n")
    else:
        sys.stdout.write(_table(desk, found))
    return 0 if all(row["reached"] for row in found) else 1


def _mails(parcels: Iterable[Loaded]) -> list[Mail]:
    mails = []
    for number, one in enumerate(parcels):
        peer = Peer(one.source, 40000 + number, "0.0.0.0:25", one.helo, True)
        mails.append(Mail(one.content, peer, _address(one.sender), _address(one.recipients[0])))
    return mails


def _address(text: str) -> Address:
    local, _, domain = text.rpartition("@")
    return Address(local, domain)


async def _measure(desk: Desk, bags: dict[tuple[int, bool], list[Mail]], rounds: int) -> list[dict[str, Any]]:
    found = []
    for (size, wordy), mails in bags.items():
        kinds = {
            "signed": [mail for number, mail in enumerate(mails) if is_signed(number)],
            "unsigned": [mail for number, mail in enumerate(mails) if not is_signed(number)],
        }
        best: dict[str, dict[str, float]] = {kind: {} for kind in kinds}
        await _round(desk.total, mails)  # fills the cache
        for number in range(rounds):
            for kind, some in kinds.items():
                for figure, us in {**await _round(desk.total, some), **await _round(desk.steps, some)}.items():
                    best[kind][figure] = min(us, best[kind].get(figure, us))
            tell(f"{size} bytes{', mostly text' * wordy}, round {number + 1} of {rounds}")
        best["mixed"] = {figure: (best["signed"][figure] + best["unsigned"][figure]) / 2 for figure in best["signed"]}
        found += [_row(size, wordy, kind, figures) for kind, figures in best.items()]
    return found


async def _round(judge: Callable[[Mail], Awaitable[dict[str, int]]], mails: list[Mail]) -> dict[str, float]:
    """Give the mean microseconds of each figure."""
    sums: dict[str, int] = {}
    for mail in mails:
        for name, took in (await judge(mail)).items():
            sums[name] = sums.get(name, 0) + took
    return {name: took / len(mails) * _US for name, took in sums.items()}


def _row(size: int, wordy: bool, kind: str, us: dict[str, float]) -> dict[str, Any]:
    steps = {name: round(took, 1) for name, took in us.items() if name != "total"}
    goal = GOALS_MS[size]
    return {
        "size_bytes": size,
        "content": "text" if wordy else "attachment",
        "kind": kind,
        "steps_us": {**steps, "frame": round(us["total"] - sum(steps.values()), 1)},
        "total_ms": round(us["total"] / 1000, 3),
        "goal_ms": goal,
        "reached": us["total"] / 1000 <= goal,
    }


def _table(desk: Desk, found: list[dict[str, Any]]) -> str:
    figures = (*_FIRST_STEPS, *desk.filters, "decide", "frame")
    head = f"{'CPU in us':22}" + "".join(f"{row['size_bytes'] // 1024}k {row['kind']}".rjust(14) for row in found)
    more = "".ljust(22) + "".join(row["content"].rjust(14) for row in found)
    lines = [head, more, "-" * len(head)]
    lines += [f"{figure:22}" + "".join(f"{row['steps_us'][figure]:14.1f}" for row in found) for figure in figures]
    lines += [f"{'total':22}" + "".join(f"{row['total_ms'] * 1000:14.1f}" for row in found)]
    lines += [f"{'goal':22}" + "".join(f"{row['goal_ms'] * 1000:14.0f}" for row in found)]
    lines += ["".ljust(22) + "".join(("reached" if row["reached"] else "MISSED").rjust(14) for row in found)]
    return "\n".join(lines) + "\n"
