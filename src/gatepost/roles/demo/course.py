# SPDX-License-Identifier: Apache-2.0
"""The demo from its start to its end.

Promises: its folder is emptied only when it is a demo's; nothing listens outside loopback; every process that it
starts ends with it. Exit code 0 when everything became what it should, 1 when not, 3 when it could not begin.
"""

import asyncio
import contextlib
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import msgspec
from rich.console import Console

from gatepost.errors import GatepostError
from gatepost.roles.control import ask, console_path
from gatepost.roles.demo import display
from gatepost.roles.demo.attempt import Attempt
from gatepost.roles.demo.attempts import Attempts, attempts
from gatepost.roles.demo.client import hand_over, takes_mail, track_of
from gatepost.roles.demo.filtered import EXAMPLE
from gatepost.roles.demo.foretelling import arguments, foretell, keep
from gatepost.roles.demo.mails import own_mails, real_mails
from gatepost.roles.demo.observation import Observation
from gatepost.roles.demo.outcome import Outcome
from gatepost.roles.demo.settings import ADMINISTRATOR, BUSY, HOST, HOSTNAME, UNKNOWN, Ports, configuration, listeners
from gatepost.roles.demo.zone import zone_of
from gatepost.roles.processes import refuse_taken
from gatepost.testing.conversation import Reply
from gatepost.testing.gateway import Gateway
from gatepost.testing.sink import Sink
from gatepost.testing.tls import CertificateFiles, self_signed

INTERRUPTED = 130
_MARK = "this-is-a-demo"
_SESSIONS = 8
_PATIENCE_S = 30.0


def main(*, once: bool = False, state: Path = Path(".state/demo"), ports: tuple[int, int, int, int] = Ports(), json: bool = False) -> int:
    """Run the demo; gives the exit code."""
    for listener in listeners(Ports(*ports)):
        refuse_taken(listener)
    stage = _Stage(empty(state), Ports(*ports), secrets.token_urlsafe(9), display.screen(progress_only=json))
    try:
        return asyncio.run(_demo(stage, once=once, json=json))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return INTERRUPTED


def empty(state: Path) -> Path:
    """Make the demo's folder anew; raises GatepostError when it holds anything but an earlier demo."""
    if state.exists() and not (state / _MARK).exists() and (not state.is_dir() or any(state.iterdir())):
        raise GatepostError(f"{state}: holds something that is not a demo's; name an empty or a new folder with --state")
    try:
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir(parents=True)
        (state / _MARK).touch()
    except OSError as error:
        raise GatepostError(f"{state}: cannot be made ({error.strerror}); name another folder with --state") from None
    return state.resolve()


class _Stage(NamedTuple):
    """What all steps of one demo share."""

    state: Path
    ports: Ports
    password: str
    console: Console


async def _demo(stage: _Stage, *, once: bool, json: bool) -> int:
    _end_on_signals()
    certificate = self_signed(stage.state / "tls", HOSTNAME, "localhost")
    tries, mails_from = _gather()
    zone = stage.state / "zone"
    zone.write_text(zone_of(tries.all, tries.records))
    async with _next_hop(certificate) as sink:
        settings = configuration(sink.port, stage.password, zone)
        gateway = Gateway(stage.state, settings, listeners=listeners(stage.ports), tls=certificate, hostname=HOSTNAME)
        display.heading(stage.console, stage.ports, stage.state, mails_from)
        await foretell(tries.all, settings)
        async with gateway:
            await _until_ready(stage.ports)
            await asyncio.to_thread(gateway.wait_for_console)
            display.door(stage.console, stage.ports, ADMINISTRATOR, await asyncio.to_thread(_one_time_password, gateway))
            outcome = await _show(stage, gateway, sink, tries, mails_from)
            if json:
                sys.stdout.write(msgspec.json.encode({"as_expected": outcome.as_expected, **msgspec.to_builtins(outcome)}).decode() + "\n")
                sys.stdout.flush()
            else:
                display.tables(stage.console, outcome)
                await asyncio.to_thread(display.told, stage.console, outcome.check)
            if not once:
                display.looking_on(stage.console, stage.ports, gateway.config_file, stage.password)
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
                stage.console.print("Ending.")
    return 0 if outcome.as_expected else 1


def _one_time_password(gateway: Gateway) -> str:
    """Make the first administrator, as `gatepost people admin NAME --one-time-password` does."""
    wanted = {"one_time_password": True, "display_name": "First administrator"}
    answer = ask(console_path(gateway.bootstrap), "access.admin", author="demo", name=ADMINISTRATOR, change=wanted)
    password: str = answer["one_time_password"]
    return password


def _gather() -> tuple[Attempts, str]:
    """Give all that will be tried, and where the mails come from."""
    real, own = real_mails(), own_mails()
    mails_from = f"{len(real)} real ones and {len(own)} of our own" if real else f"{len(own)} of our own, several times"
    return attempts(real, own), mails_from


async def _until_ready(ports: Ports) -> None:
    end = time.monotonic() + _PATIENCE_S
    while not await asyncio.to_thread(takes_mail, ports):
        if time.monotonic() > end:
            raise GatepostError("the gateway has started and takes no mail; its log, gatepost.log in the demo's folder, says why")
        await asyncio.sleep(0.05)


def _end_on_signals() -> None:
    task = asyncio.current_task()
    assert task is not None, "the demo is a task"
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)


def _next_hop(certificate: CertificateFiles) -> Sink:
    sink = Sink(tls=certificate)
    for failing in (BUSY, UNKNOWN):
        sink.fail("rcpt", reply=failing.reply, match=failing.address)
    return sink


async def _show(stage: _Stage, gateway: Gateway, sink: Sink, tries: Attempts, mails_from: str) -> Outcome:
    """Send everything, wait until each mail has reached its fate, count."""
    began = time.monotonic()
    with display.progress(stage.console) as bar:
        task = bar.add_task("Sending", total=len(tries.together) + len(tries.in_turn))
        await _send(tries, stage, lambda: bar.advance(task))
    observation = Observation(tries.all, gateway)
    arriving = sum(attempt.taken and attempt.expected != "waiting" for attempt in tries.all)  # as itself, or as a report
    with contextlib.suppress(TimeoutError):
        await sink.wait(arriving, _PATIENCE_S)
    seconds = time.monotonic() - began
    for _ in range(100):
        await asyncio.to_thread(observation.look, sink.mails)
        if observation.complete:
            break
        await asyncio.sleep(0.1)
    files = keep(tries.all, stage.state / "refused")
    example = next(attempt for attempt in tries.all if attempt.name == EXAMPLE)
    command = arguments(example, display.shown(files[EXAMPLE]), display.shown(gateway.config_file))
    return observation.outcome(sink.errors, seconds, mails_from, [*display.gatepost(), *command])


async def _send(tries: Attempts, stage: _Stage, told: Callable[[], object]) -> None:
    with ThreadPoolExecutor(_SESSIONS, thread_name_prefix="demo-client") as clients:
        loop = asyncio.get_running_loop()

        async def make(attempt: Attempt) -> None:
            attempt.reply = await loop.run_in_executor(clients, _make, attempt, stage)
            attempt.track = track_of(attempt.reply)
            told()

        await asyncio.gather(*map(make, tries.together))
        for attempt in tries.in_turn:
            await make(attempt)


def _make(attempt: Attempt, stage: _Stage) -> Reply:
    try:
        return hand_over(attempt, stage.ports, stage.password)
    except OSError as error:
        return Reply(421, f"{HOST}, {attempt.door}: {error}")
