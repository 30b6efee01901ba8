# SPDX-License-Identifier: Apache-2.0
"""An SMTP load generator that keeps a ledger: which mails a server took with 250, and which it did not.

In a test or a bench:

    result = await generate(Plan(port=2525, sessions=8, mails=1000))

As a process of its own, which prints its result as one JSON line and ends early but orderly on SIGTERM:

    python -m gatepost.testing.load --port 2525 --sessions 8 --mails 1000 [--starttls] [--ledger FILE]

Refused connections, 4xx and connections that are lost count as "not accepted"; the generator goes on with
the next mail. It never offers the same mail twice: an id that is seen twice elsewhere was duplicated there.
"""

import argparse
import asyncio
import os
import signal
import ssl
import sys
import time
from pathlib import Path
from typing import Literal

import msgspec

from gatepost.testing.conversation import Connection, Handover, dialogue
from gatepost.testing.ledger import ID_HEADER, Ledger, LedgerLine, digest
from gatepost.testing.mails import sample_mail
from gatepost.testing.parcels import Loaded, load, wire_form
from gatepost.testing.tls import unchecked_client_context

_ENDING = (signal.SIGTERM, signal.SIGINT)


class Plan(msgspec.Struct, kw_only=True, frozen=True):
    """What to send; `{n}` in an address becomes the mail's number."""

    port: int
    host: str = "127.0.0.1"
    sessions: int = 1
    """Connections at one time."""
    mails: int = 0
    """0: until `seconds` are over or somebody stops it."""
    seconds: float = 0.0
    """0: no limit of time."""
    rate_per_s: float = 0.0
    """Mails due each second, whether or not earlier ones are through; 0: as fast as the sessions go."""
    mails_per_connection: int = 1
    tls: Literal["none", "starttls", "implicit"] = "none"
    pipelines: bool = True
    """Whether to use PIPELINING where offered."""
    sender: str = "sender@example.org"
    recipients: tuple[str, ...] = ("user@example.com",)
    size_bytes: int = 4096
    content: bytes = b""
    """CRLF lines, sent after the id header; empty: a sample mail of `size_bytes`."""
    parcels: str = ""
    """Folder of different mails, each with its envelope and client (`testing.parcels`), sent round and round; they come
    instead of the sender, recipients and content above."""
    share: tuple[int, int] = (0, 1)
    """Which of the parcels: (k, n) is every n-th from the k-th on."""
    hashes: bool = True
    """Whether the ledger gets each mail's SHA-256."""
    run: str = ""
    """Prefix of the ids; empty: one from the clock and the pid."""
    give_up_s: float = 60.0
    """A connection that takes longer is cut."""


class Result(msgspec.Struct, kw_only=True):
    """What became of the mails."""

    accepted: int = 0
    refused: int = 0
    """Answered with 4xx or 5xx."""
    lost: int = 0
    """No answer came: the connection was lost, cut or never made."""
    seconds: float = 0.0
    cpu_s: float = 0.0
    latencies: list[float] = msgspec.field(default_factory=list)
    """Seconds from when a mail was due to its 250, for each accepted mail."""
    replies: dict[str, int] = msgspec.field(default_factory=dict)
    """How often each reply, or reason for none, came; queue ids left out."""
    lines: list[LedgerLine] = msgspec.field(default_factory=list)

    def percentile(self, share: float) -> float:
        """Give the latency in seconds that this share (0 to 1) of the accepted mails kept; 0 when there are none."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class _Generator:
    """One run of a plan in one process."""

    def __init__(self, plan: Plan, ledger: Ledger | None, stop: asyncio.Event) -> None:
        self._plan, self._ledger, self._stop = plan, ledger, stop
        self.result = Result()
        self._parcels = load(Path(plan.parcels), plan.share) if plan.parcels else [self._only(plan)]
        self._run = plan.run or f"{time.time_ns():x}-{os.getpid():x}"
        self._context: ssl.SSLContext | None = unchecked_client_context() if plan.tls != "none" else None
        self._given = 0
        self._began = time.monotonic()
        self._open: set[Connection] = set()

    @staticmethod
    def _only(plan: Plan) -> Loaded:
        content, wire = wire_form(plan.content or sample_mail(plan.size_bytes))
        return Loaded(plan.sender, plan.recipients, "load.example", "", content, wire)

    async def run(self) -> Result:
        self._began, cpu = time.monotonic(), time.process_time()
        sessions = [asyncio.create_task(self._session()) for _ in range(self._plan.sessions)]
        await asyncio.gather(*sessions)
        self.result.seconds, self.result.cpu_s = time.monotonic() - self._began, time.process_time() - cpu
        return self.result

    def _next(self) -> Handover | None:
        plan = self._plan
        over = plan.seconds and time.monotonic() - self._began >= plan.seconds
        if self._stop.is_set() or over or (plan.mails and self._given >= plan.mails):
            return None
        number = self._given
        self._given += 1
        due = self._began + number / plan.rate_per_s if plan.rate_per_s else time.monotonic()
        name = f"{self._run}-{number}"
        header = ID_HEADER + name.encode() + b"\r\n"
        parcel = self._parcels[number % len(self._parcels)]
        return Handover(
            id=name,
            sender=parcel.sender.replace("{n}", str(number)),
            recipients=tuple(recipient.replace("{n}", str(number)) for recipient in parcel.recipients),
            wire=header + parcel.wire,
            sha256=digest(header + parcel.content) if plan.hashes else "",
            size=len(header) + len(parcel.content),
            helo=parcel.helo,
            source=parcel.source,
            started=due,
        )

    async def _session(self) -> None:
        while (mail := self._next()) is not None:
            if (early := mail.started - time.monotonic()) > 0:
                await asyncio.sleep(early)
            await self._connect(mail)

    async def _connect(self, first: Handover) -> None:
        plan, loop = self._plan, asyncio.get_running_loop()
        current, left = first, plan.mails_per_connection - 1

        def following() -> Handover | None:
            nonlocal current, left
            self._settle(current, "")
            left -= 1
            mail = self._next() if left >= 0 else None
            if mail is not None:
                current = mail
            return mail

        conversation = dialogue(first, following, tls=plan.tls, pipelines=plan.pipelines, name=first.helo)
        source = (first.source, 0) if first.source else None
        try:
            async with asyncio.timeout(plan.give_up_s):
                _, connection = await loop.create_connection(
                    lambda: Connection(conversation, self._context), plan.host, plan.port, local_addr=source
                )
                try:
                    await connection.ended
                finally:
                    connection.abort()
            why = "connection lost"
        except TimeoutError:
            why = f"nothing within {plan.give_up_s} s"
        except OSError as error:
            why = f"not connected: {os.strerror(error.errno) if error.errno else error}"
            # A server that restarts is not helped by a storm of attempts.
            await asyncio.sleep(0.05)
        self._settle(current, why)

    def _settle(self, mail: Handover, why: str) -> None:
        """Count a mail once: `wire` is emptied when it has been."""
        if not mail.wire:
            return
        mail.wire = b""
        result, reply = self.result, mail.reply
        seconds = time.monotonic() - mail.started
        accepted = reply is not None and reply.code == 250
        if accepted:
            result.accepted += 1
            result.latencies.append(seconds)
        elif reply is not None:
            result.refused += 1
        else:
            result.lost += 1
        word = "250" if accepted else str(reply or why)
        result.replies[word] = result.replies.get(word, 0) + 1
        line = LedgerLine(
            id=mail.id,
            sha256=mail.sha256,
            size=mail.size,
            sender=mail.sender,
            recipients=mail.recipients,
            at=time.time(),
            accepted=accepted,
            reply=str(reply or why),
            seconds=round(seconds, 6),
        )
        if self._ledger is None:
            result.lines.append(line)
        else:
            self._ledger.add(line)


async def generate(plan: Plan, *, ledger: Path | None = None, stop: asyncio.Event | None = None) -> Result:
    """Carry out a plan; with a ledger file the lines go there, else into the result."""
    if ledger is None:
        return await _Generator(plan, None, stop or asyncio.Event()).run()
    with Ledger(ledger) as book:
        return await _Generator(plan, book, stop or asyncio.Event()).run()


async def _generate_until_signal(plan: Plan, ledger: Path | None, early: list[int]) -> Result:
    stop = asyncio.Event()
    for number in _ENDING:
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    if early:
        stop.set()
    return await generate(plan, ledger=ledger, stop=stop)


def _plan(options: argparse.Namespace) -> Plan:
    tls: Literal["none", "starttls", "implicit"] = "starttls" if options.starttls else "implicit" if options.implicit_tls else "none"
    return Plan(
        port=options.port,
        sessions=options.sessions,
        mails=options.mails,
        seconds=options.seconds,
        rate_per_s=options.rate,
        mails_per_connection=options.mails_per_connection,
        tls=tls,
        sender=options.sender,
        recipients=tuple(options.recipient or ["user@example.com"]),
        size_bytes=options.size,
        content=options.mail.read_bytes() if options.mail else b"",
    )


def main(arguments: list[str] | None = None) -> int:
    """Generate load as the command line, or a plan on standard input, says."""
    parser = argparse.ArgumentParser(prog="python -m gatepost.testing.load", description="Send mails and keep a ledger of them.")
    parser.add_argument("--port", type=int, default=2525)
    parser.add_argument("--sessions", type=int, default=1)
    parser.add_argument("--mails", type=int, default=0, help="0: until --seconds are over or a signal comes")
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--rate", type=float, default=0.0, help="mails due each second; 0: as fast as it goes")
    parser.add_argument("--mails-per-connection", type=int, default=1)
    parser.add_argument("--starttls", action="store_true")
    parser.add_argument("--implicit-tls", action="store_true")
    parser.add_argument("--sender", default="sender@example.org")
    parser.add_argument("--recipient", action="append")
    parser.add_argument("--size", type=int, default=4096)
    parser.add_argument("--mail", type=Path, help="file with CRLF lines to send instead of a sample mail")
    parser.add_argument("--ledger", type=Path)
    parser.add_argument("--plan-from-stdin", action="store_true", help="read a plan as one JSON line, say 'ready', begin at the next line")
    options = parser.parse_args(arguments)
    early: list[int] = []
    for number in _ENDING:
        # Whoever was told "ready" may end us before the event loop runs.
        signal.signal(number, lambda got, _frame: early.append(got))
    import uvloop

    if options.plan_from_stdin:
        plan = msgspec.json.decode(sys.stdin.readline(), type=Plan)
        _say(b"ready")
        sys.stdin.readline()
    else:
        plan = _plan(options)
    result = uvloop.run(_generate_until_signal(plan, options.ledger, early))
    if options.ledger is not None or not options.plan_from_stdin:
        result.lines = []
    if not options.plan_from_stdin:
        shown = {f"p{share * 100:g}_ms": round(result.percentile(share) * 1000, 2) for share in (0.5, 0.9, 0.99)}
        result.latencies = []
        _say(msgspec.json.encode({**msgspec.to_builtins(result), **shown}))
        return 0
    _say(msgspec.json.encode(result))
    return 0


def _say(line: bytes) -> None:
    """Write one line, whole: a pipe may take less than it was given, and an unbuffered `sys.stdout` would not notice."""
    left = memoryview(line + b"\n")
    while left:
        left = left[os.write(1, left) :]


if __name__ == "__main__":
    sys.exit(main())
