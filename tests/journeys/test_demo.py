# SPDX-License-Identifier: Apache-2.0
"""`gatepost demo`: what an administrator sees who has read nothing but two commands."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatepost.testing.ports import LOOPBACK, accepts_connections, answers, free_port
from shared_corpora import corpus
from wire_client import WireClient

CHECKS = ["relay", "line ends", "size", "mail loop", "structure", "TLS first", "login", "blocked client"]


class Demo:
    """A demo in a folder of its own, on free ports."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.state = folder / "state"
        self.ports = [free_port() for _ in range(3)]
        self.command = [sys.executable, "-m", "gatepost", "demo", "--state", str(self.state), "--ports", *map(str, self.ports)]
        self.environment = {**os.environ, "GATEPOST_SHARED": str(folder / "absent"), **environment}

    def once(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run it to its table."""
        answer = subprocess.run(
            [*self.command, "--once", *arguments], env=self.environment, capture_output=True, text=True, check=False, timeout=90
        )
        assert not any(map(accepts_connections, self.ports))
        return answer

    def events(self, name: str) -> list[dict[str, Any]]:
        """Give the gateway's events of one name."""
        lines = (self.state / "gatepost.log").read_text().splitlines()
        return [event for event in map(json.loads, lines) if event["event"] == name]


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    """A demo with the package's own mails only."""
    return Demo(tmp_path)


def test_the_outcome_is_one_object(demo: Demo) -> None:
    """Delivered unchanged, refused by each check, waiting, given up with a report: with counts, as expected, exit code 0."""
    answer = demo.once("--json")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    outcome = json.loads(answer.stdout)
    assert outcome["as_expected"] is True
    assert outcome["delivered"] == outcome["unchanged"] > 60
    assert list(outcome["refused"]) == CHECKS
    assert (outcome["refused"]["relay"], outcome["refused"]["line ends"]) == (3, 3)
    assert (outcome["waiting"], outcome["reported"], outcome["reports_delivered"]) == (2, 1, 1)
    assert outcome["sent"] == outcome["delivered"] + sum(outcome["refused"].values()) + outcome["waiting"] + outcome["reported"]
    assert outcome["surprises"] == outcome["complaints"] == []
    assert "Sending" in answer.stderr


def test_each_mail_comes_from_its_own_client(demo: Demo) -> None:
    """The gateway sees the addresses of the trace fields, IPv4 and IPv6, and never the demo's own, but for submissions."""
    demo.once()
    received = demo.events("mail.received")
    inbound = {event["client"] for event in received if event["direction"] == "inbound"}
    assert {"198.51.100.14", "203.0.113.77", "2001:db8:7::25"} <= inbound
    assert not any(client.startswith("127.") for client in inbound)
    assert {event["client"] for event in received if event["direction"] == "outbound"} == {LOOPBACK}


def test_people_see_a_table(demo: Demo) -> None:
    """Heading, bar, a row for each outcome and each check with its count and the answer that the client saw."""
    answer = demo.once()
    assert (answer.returncode, answer.stderr) == (0, "")
    for row in ("delivered", "refused     relay", "line ends", "waiting", "given up", "sent"):
        assert re.search(rf"(?m)^ .*{row} .* \d+   \S", answer.stdout), (row, answer.stdout)
    assert "550 5.7.1 Unable to relay" in answer.stdout
    assert "Not as expected" not in answer.stdout


def test_real_mails_pass_unchanged(tmp_path: Path) -> None:
    """About 300 real mails: all that are sound arrive byte for byte, those with a bare CR are refused for it."""
    demo = Demo(tmp_path, GATEPOST_SHARED=str(corpus("mail-real").parent.parent))
    answer = demo.once("--json")
    outcome = json.loads(answer.stdout)
    assert answer.returncode == 0, outcome["surprises"]
    assert outcome["delivered"] == outcome["unchanged"] >= 300
    assert outcome["refused"]["line ends"] >= 5
    assert "real" in outcome["mails_from"]


def test_an_outcome_that_surprises_is_told(tmp_path: Path) -> None:
    """A gateway that was set otherwise makes the demo name what went wrong, and end with 1."""
    demo = Demo(tmp_path, GATEPOST_LISTENERS__0__PROXY_FROM="192.0.2.1")
    answer = demo.once()
    assert answer.returncode == 1
    assert "Not as expected: " in answer.stdout


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_a_taken_port_is_told_and_nothing_is_touched(demo: Demo, taken: int) -> None:
    """One sentence names the port; exit code 3; the folder of an earlier demo stays as it was."""
    demo.state.mkdir()
    (demo.state / "this-is-a-demo").touch()
    (demo.state / "kept").touch()
    with socket.socket() as other:
        other.bind((LOOPBACK, demo.ports[taken]))
        other.listen()
        answer = subprocess.run([*demo.command, "--once"], env=demo.environment, capture_output=True, text=True, check=False, timeout=30)
    assert (answer.returncode, answer.stdout) == (3, "")
    assert len(answer.stderr.splitlines()) == 1
    assert f"{LOOPBACK}:{demo.ports[taken]}: Address already in use" in answer.stderr
    assert (demo.state / "kept").exists()


@pytest.fixture
def living(demo: Demo) -> Iterator[tuple[Demo, "subprocess.Popen[str]", list[str]]]:
    """A demo that has shown its table and stays up, and the lines it has printed."""
    process = subprocess.Popen(demo.command, env=demo.environment, stdout=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or "Send it mail yourself" not in lines[-1]:
        line = process.stdout.readline()
        assert line, "".join(lines)
        lines.append(line.rstrip("\n"))
    yield demo, process, lines
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
    process.stdout.close()


def test_it_stays_up_and_can_be_looked_at(living: tuple[Demo, "subprocess.Popen[str]", list[str]]) -> None:
    """The commands it prints work, mail by hand is taken, Ctrl-C ends everything with 0."""
    demo, process, lines = living
    (command,) = [line.strip() for line in lines if " queue list " in line]
    answer = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert re.search(r"example\.com +2 ", answer.stdout)
    assert answers(demo.ports[0])
    login = re.search(r"log in as (\S+) with (\S+)$", lines[-1])
    assert login
    with WireClient(demo.ports[0]) as client:
        client.say("EHLO client.example")
        assert client.send("me@example.org", ["anna@example.com"], b"Subject: x\r\n\r\ny\r\n").startswith("250")
    with WireClient(demo.ports[2], greet=False) as client:
        client.wrap()
        client.greeting = client.reply()
        client.say("EHLO client.example")
        assert client.say("AUTH LOGIN").startswith("334")
        client.say(encoded(login[1]))
        assert client.say(encoded(login[2])).startswith("235")
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert not any(map(accepts_connections, demo.ports))


def encoded(word: str) -> str:
    """Give a word as AUTH LOGIN wants it."""
    import base64

    return base64.b64encode(word.encode()).decode()


def test_sigterm_ends_it_too(living: tuple[Demo, "subprocess.Popen[str]", list[str]]) -> None:
    """As a service manager would: nothing stays behind."""
    demo, process, _ = living
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert not any(map(accepts_connections, demo.ports))
