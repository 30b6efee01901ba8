# SPDX-License-Identifier: Apache-2.0
"""`gatepost run` starts what it should, and where it must not start it says why in one sentence and starts nothing."""

import asyncio
import socket
import subprocess
import sys
from asyncio import to_thread
from pathlib import Path

import pytest

from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.load import Plan, generate
from gatepost.testing.ports import LOOPBACK, accepts_connections, answers, free_port
from gatepost.testing.processes import alive, tree
from gatepost.testing.sink import Sink
from lone_process import LoneProcess
from waiting import PATIENCE_S, until
from wire_client import WireClient

MAIL = b"From: a@example.org\r\nSubject: x\r\n\r\ntext\r\n"


def gateway_in(folder: Path, hop: int = 1) -> Gateway:
    """Give a gateway that is written and not started."""
    gateway = Gateway(folder, relay_all_to(hop))
    gateway.write()
    return gateway


def run(gateway: Gateway, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Start `gatepost run` where it is expected to end by itself."""
    return gateway.command("run", *arguments, timeout_s=20.0)


def assert_refuses(answer: "subprocess.CompletedProcess[str]", *parts: str) -> None:
    """It ended with 3, and its only words beside events are one sentence with these parts."""
    words = [line for line in answer.stderr.splitlines() if not line.startswith("{")]
    assert (answer.returncode, answer.stdout) == (3, "")
    assert len(words) == 1, answer.stderr
    for part in parts:
        assert part in words[0]


async def test_run_starts_all_processes_and_a_mail_goes_through(tmp_path: Path) -> None:
    """Supervisor, deliver and receive run, the port answers, a mail reaches the next hop; SIGTERM ends all with 0."""
    async with Sink() as sink:
        gateway = Gateway(tmp_path, relay_all_to(sink.port))
        await to_thread(gateway.start)
        await to_thread(gateway.wait_for, "process.started", 4)
        assert {name: len(pids) for name, pids in gateway.running().items()} == {"supervisor": 1, "deliver": 1, "receive": 1, "console": 1}
        result = await generate(Plan(port=gateway.port, mails=5))
        mails = await sink.wait(5)
        assert {mail.id: mail.sha256 for mail in mails} == {line.id: line.sha256 for line in result.lines}
        pids = gateway.pids()
        assert await to_thread(gateway.terminate) == 0
        assert [pid for pid in pids if alive(pid)] == []
        assert not sink.errors


async def test_each_receive_process_serves_the_same_port(tmp_path: Path) -> None:
    """With two receive processes both run, and mail goes through whichever the kernel chooses."""
    async with Sink() as sink:
        gateway = Gateway(tmp_path, relay_all_to(sink.port), receive=2)
        async with gateway:
            await generate(Plan(port=gateway.port, mails=40, sessions=4))
            await sink.wait(40)
            await until(lambda: len(gateway.running()["receive"]) == 2, "both have said that they are ready")


@pytest.mark.parametrize(
    ("file", "line", "path", "mend"),
    [
        ("gatepost.toml", "hostnam = 'x.example'", "gatepost.toml: hostnam", "hostname"),
        ("gatepost.toml", "hostname = [", "gatepost.toml: at its end", "mend that line"),
        ("configuration.toml", "delivery = {lease_s = 'long'}", "configuration.toml: delivery.lease_s", "number"),
        ("configuration.toml", "delivery = {lease_s = inf}", "configuration.toml: delivery.lease_s", "finite"),
    ],
)
def test_a_wrong_setting_starts_nothing(tmp_path: Path, file: str, line: str, path: str, mend: str) -> None:
    """One line names the path, the cause and how to mend it; no store was made and no process was started."""
    gateway = gateway_in(tmp_path)
    text = (tmp_path / file).read_text()
    (tmp_path / file).write_text("\n".join(old for old in text.splitlines() if not old.startswith("hostname")) + f"\n{line}\n")
    assert_refuses(run(gateway), path, mend)
    assert not (tmp_path / "data").exists()


def test_an_unknown_process_is_wrong_use(tmp_path: Path) -> None:
    """The sentence lists the processes there are; exit code 2."""
    answer = run(gateway_in(tmp_path), "--process", "nonsense")
    assert answer.returncode == 2
    assert "deliver, receive" in answer.stderr


@pytest.mark.parametrize("process", [[], ["--process", "receive"]], ids=["supervised", "alone"])
def test_a_taken_port_is_told(tmp_path: Path, process: list[str]) -> None:
    """Where another program listens, the sentence names address and port, and nothing stays behind."""
    gateway = gateway_in(tmp_path)
    with socket.socket() as other:
        other.bind((LOOPBACK, gateway.port))
        other.listen()
        assert_refuses(run(gateway, *process), f"{LOOPBACK}:{gateway.port}", "in use", "choose another")


def test_another_gateways_port_is_not_shared(tmp_path: Path) -> None:
    """A second gateway with its own store refuses the first one's port, though the kernel would let both have it."""
    first, second = gateway_in(tmp_path / "first"), gateway_in(tmp_path / "second")
    with first:
        assert use_port(second, first.port)
        assert_refuses(run(second), f"{LOOPBACK}:{first.port}", "in use")
        assert answers(first.port, PATIENCE_S)


def use_port(gateway: Gateway, port: int) -> bool:
    """Let a gateway's file name this port instead of its own."""
    text = gateway.config_file.read_text()
    gateway.config_file.write_text(text.replace(f"port = {gateway.port}", f"port = {port}"))
    return gateway.config_file.read_text() != text


async def test_a_second_start_on_the_same_store_refuses_and_harms_nothing(tmp_path: Path) -> None:
    """It names the owner's process and ends with 3; the first loses neither a connection nor a mail meanwhile."""
    async with Sink() as sink, Gateway(tmp_path, relay_all_to(sink.port)) as gateway:
        (owner,) = gateway.running()["deliver"]
        stop = asyncio.Event()
        load = asyncio.create_task(generate(Plan(port=gateway.port, sessions=2, rate_per_s=200.0, size_bytes=1000), stop=stop))
        for arguments in ([], [], ["--process", "deliver"]):
            answer = await to_thread(run, gateway, *arguments)
            assert_refuses(answer, f"process {owner} owns this store", str(tmp_path / "data"), "end that process")
        stop.set()
        result = await load
        assert (result.refused, result.lost, set(result.replies)) == (0, 0, {"250"})
        await sink.wait(result.accepted)
        assert gateway.running()["deliver"] == [owner]
        assert gateway.events("process.ended") == []


async def test_a_second_start_with_another_port_refuses_too(tmp_path: Path) -> None:
    """What counts is the store, not the port."""
    async with Gateway(tmp_path, relay_all_to(1)) as gateway:
        assert use_port(gateway, free_port())
        assert_refuses(await to_thread(run, gateway), "owns this store")


async def test_the_processes_work_alone_side_by_side(tmp_path: Path) -> None:
    """`--process deliver` and `--process receive`, started in any order, carry a mail together; SIGTERM ends each with 0."""
    async with Sink() as sink:
        gateway = gateway_in(tmp_path, sink.port)
        with LoneProcess(gateway, "receive") as receive, LoneProcess(gateway, "deliver") as deliver:
            await until(lambda: takes_mail(gateway.port) or not (receive.runs and deliver.runs), "mail is taken")
            await generate(Plan(port=gateway.port, mails=3))
            await sink.wait(3)
            assert [await to_thread(receive.terminate), await to_thread(deliver.terminate)] == [0, 0]
        assert not accepts_connections(gateway.port)


def takes_mail(port: int) -> bool:
    """Tell whether a mail would be taken now; waits a moment where nobody listens yet."""
    if not answers(port):
        return False
    with WireClient(port) as client:
        client.say("EHLO client.example")
        return client.say("MAIL FROM:<a@example.org>").startswith("250")


def test_without_a_gateway_the_queue_cannot_be_asked(tmp_path: Path) -> None:
    """The sentence names the socket and how to start; exit code 3."""
    gateway = gateway_in(tmp_path)
    for command in (["list"], ["show"], ["retry", "--all"], ["drop", "example.com"]):
        answer = gateway.command("queue", *command)
        assert_refuses(answer, str(tmp_path / "data" / "run" / "control.sock"), "gatepost run")


def test_a_supervisor_that_cannot_start_leaves_no_process(tmp_path: Path) -> None:
    """When a process refuses its first start, the others are ended and the exit code is its own."""
    gateway = gateway_in(tmp_path)
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "gateway.sqlite").write_bytes(b"this is no database" * 100)
    command = [sys.executable, "-m", "gatepost", "run", "--config", str(gateway.config_file)]
    with (tmp_path / "log").open("wb") as log:
        child = subprocess.Popen(command, stderr=log, start_new_session=True)
        assert child.wait(20.0) == 3
    assert "gateway.sqlite" in (tmp_path / "log").read_text()
    assert tree([child.pid]) == []
    assert not accepts_connections(gateway.port)
