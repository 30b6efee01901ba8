# SPDX-License-Identifier: Apache-2.0
"""Fuzz the SPF record parser, the macros and the evaluation: `python tests/fuzz/fuzz_spf.py [corpus folder]`, with atheris.

The input is the records of a small DNS, one a line: the first is the sender's, then those of `n.example`, the last
one explains. Whatever they say, there is a result, and no more questions than the limits allow.
"""

import sys
from collections.abc import Coroutine
from typing import Any

from gatepost.contracts.authentication import Spf
from gatepost.dns.answers import Answer, MxRecord
from gatepost.message.addresses import Address
from gatepost.protection.mailauth.spf.check import check

MOST_QUESTIONS = 1 + 10 * 11 + 11 + 1
"""The first record; ten terms of one question and ten hosts each; the names of the client; an explanation."""


class Lines:
    """A DNS in which every name has something, and what it has depends on the name and the input alone."""

    def __init__(self, lines: list[bytes]) -> None:
        self.lines = lines or [b""]
        self.asked = 0

    def _kind(self, name: str) -> int:
        self.asked += 1
        return sum(name.encode()) % 7

    async def txt(self, name: str) -> Answer[bytes]:
        kind = self._kind(name)
        if name == "sender.example":
            return Answer("found", (self.lines[0],))
        return Answer("failed") if kind == 6 else Answer("found", (self.lines[kind % len(self.lines)],))

    async def a(self, name: str) -> Answer[str]:
        return (Answer("found", ("198.51.100.1", "192.0.2.1")), Answer[str]("no_data"), Answer("found", ("no address",)))[
            self._kind(name) % 3
        ]

    async def aaaa(self, name: str) -> Answer[str]:
        return (Answer("found", ("2001:db8::1",)), Answer[str]("nxdomain"), Answer("found", ("::ffff:192.0.2.1",)))[self._kind(name) % 3]

    async def mx(self, domain: str) -> Answer[MxRecord]:
        return Answer("found", tuple(MxRecord(n, f"h{n}.{domain}" if n else "") for n in range(self._kind(domain) * 2 + 1)))

    async def names(self, address: str) -> Answer[str]:
        self._kind(address)
        return Answer("found", tuple(f"{n}.example" for n in range(20)))

    async def addresses(self, host: str) -> Answer[str]:
        raise AssertionError("SPF asks for one family")


def at_once(answer: Coroutine[Any, Any, Spf]) -> Spf:
    """Run what never waits."""
    try:
        answer.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits")


def one_input(data: bytes) -> None:
    """Judge one input; raises AssertionError where a promise is broken."""
    for client in ("192.0.2.1", "2001:db8::1"):
        dns = Lines(data.split(b"\n"))
        local = data[:20].decode("utf-8", "replace")
        found = at_once(
            check(dns, client=client, mail_from=Address(local, "sender.example"), helo=local[::-1], hostname="gate.example", now=1e9)
        )
        assert dns.asked <= MOST_QUESTIONS, dns.asked
        assert len(found.explanation) <= 500, found
        assert found.explanation.isprintable(), found
        assert found.reason.isprintable(), found
        assert len(found.reason) < 700, found


if __name__ == "__main__":
    import atheris

    atheris.instrument_all()
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
