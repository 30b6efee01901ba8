# SPDX-License-Identifier: Apache-2.0
"""`gatepost demo`: what an administrator sees who has read nothing but two commands."""

import json
import os
import re
import shlex
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
from waiting import PATIENCE_S
from wire_client import WireClient

ROOT = Path(__file__).parent.parent.parent
CHECKS = [
    "relay",
    "unknown recipient",
    "filters",
    "line ends",
    "size",
    "mail loop",
    "structure",
    "TLS first",
    "login",
    "blocked client",
]
WATCH = """
import os, sys

def watch(event, arguments):
    name = str(arguments[0]).partition(".")[0] if event == "import" else ""
    if name == "dns" or event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"):
        told = [event, "".join(sys.argv[:4]), name or str(arguments[0])]
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        told = [event, "", arguments[1][0]]
    else:
        return
    with open(os.environ["WATCHED"], "a") as file:
        file.write("\\t".join(told) + "\\n")

sys.addaudithook(watch)
"""
"""What each Python process of a demo runs first: it notes every name that is looked up, every address that is
connected to, and that dnspython, which alone can ask a name server, was loaded."""


class Demo:
    """A demo in a folder of its own, on free ports."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.state = folder / "state"
        self.ports = [free_port() for _ in range(4)]
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
    assert [outcome["refused"][check] for check in ("relay", "unknown recipient", "filters", "line ends")] == [3, 3, 7, 3]
    assert {line["rule"] for line in outcome["by_filters"]} == {"All other inbound mails"}
    assert {name for line in outcome["by_filters"] for name in line["filters"]} == {
        "realtime_blocklists",
        "reputation",
        "words",
        "character_sets",
    }
    assert all(line["least_points"] >= outcome["threshold"] == 4 for line in outcome["by_filters"])
    assert any(line["why"] == "DMARC of bank.example fails (policy reject), +4" for line in outcome["by_filters"])
    assert outcome["authenticated"]["spf"] > 40
    assert (outcome["authenticated"]["dkim"], outcome["authenticated"]["dmarc"]) == (1, 1)
    assert outcome["foretold"] > 70
    assert (outcome["waiting"], outcome["reported"], outcome["reports_delivered"]) == (2, 1, 1)
    assert outcome["sent"] == outcome["delivered"] + sum(outcome["refused"].values()) + outcome["waiting"] + outcome["reported"]
    assert outcome["surprises"] == outcome["complaints"] == []
    assert "Sending" in answer.stderr


def test_the_log_says_why(demo: Demo) -> None:
    """Each refusal by filters is an event with its rule and the points of each filter, and with the track that the reply named."""
    answer = demo.once("--json")
    refused = [event for event in demo.events("mail.refused") if event["points"]]
    assert len(refused) == 7
    assert all(event["rule"] == "All other inbound mails" and sum(event["points"].values()) >= 4 for event in refused)
    assert all(event["reply"] == f"550 5.7.1 Message refused as spam ({event['track']})" for event in refused)
    assert json.loads(answer.stdout)["refusal_replies"]["filters"] in {event["reply"] for event in refused}


def test_a_refused_mail_can_be_asked_about(demo: Demo) -> None:
    """The command that the demo gives works when it is copied, after the demo has ended too, and gives the gateway's verdict."""
    command = json.loads(demo.once("--json").stdout)["check"]
    answer = subprocess.run(f"{shlex.join(command)} --json", shell=True, capture_output=True, text=True, check=False, timeout=30)
    assert (answer.returncode, answer.stderr) == (1, "")
    verdict = json.loads(answer.stdout)
    assert (verdict["verdict"], verdict["scl"], verdict["rule"]) == ("refused", 4, "All other inbound mails")
    (reputation,) = [one for one in verdict["filters"] if one["name"] == "reputation"]
    assert reputation["details"] == ["DMARC of bank.example fails (policy reject), +4"]


def test_the_manual_can_be_followed(demo: Demo) -> None:
    """Each command of the page on refused mails works on a demo's files and answers what the page shows."""
    page = (ROOT / "docs/howto/check-a-mail.md").read_text()
    commands = re.findall(r"(?m)^    gatepost (.*)$", page)
    answers = [block for block in page.split("```")[1::2] if block.startswith("\n")]
    demo.once("--json")
    for command, code, shown in zip(commands, (1, 0), answers, strict=True):
        words = [word.replace(".state/demo", str(demo.state)) for word in shlex.split(command)]
        answer = subprocess.run(
            [sys.executable, "-m", "gatepost", *words], capture_output=True, text=True, check=False, timeout=30, cwd=demo.state
        )
        assert (answer.returncode, answer.stderr) == (code, "")
        assert without_times(answer.stdout) == without_times(shown)


def without_times(table: str) -> list[str]:
    """Give the words of each line without milliseconds and without lines drawn."""
    return [" ".join(re.sub(r"\d+\.\d+(?: {2,}| *$)|─+", "", line).split()) for line in table.splitlines() if line.strip()]


@pytest.mark.parametrize("mails", ["own", "real"])
def test_nothing_is_looked_up_outside(tmp_path: Path, mails: str) -> None:
    """No process of the demo asks a name server, resolves a name of a mail or sends anything to another machine."""
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    watched = tmp_path / "watched"
    environment = {"PYTHONPATH": str(tmp_path), "WATCHED": str(watched)}
    if mails == "real":
        environment["GATEPOST_SHARED"] = str(corpus("mail-real").parent.parent)
    demo = Demo(tmp_path, **environment)
    assert demo.once("--json").returncode == 0
    seen = [line.split("\t") for line in watched.read_text().splitlines()]
    assert {name for _, _, name in seen} <= {LOOPBACK, "localhost"}
    assert "socket.connect" in {event for event, _, _ in seen}
    assert "mx.partner.example. A 198.51.100.14" in (demo.state / "zone").read_text()
    assert f'zone_file = "{demo.state / "zone"}"' in (demo.state / "configuration.toml").read_text()


def test_a_question_to_a_name_server_would_be_noticed(tmp_path: Path) -> None:
    """What watches the demo sees the resolver that asks the network, whatever event loop it runs on."""
    (tmp_path / "sitecustomize.py").write_text(WATCH)
    watched = tmp_path / "watched"
    program = (
        "import uvloop; from gatepost.dns.network import NetworkResolver; "
        f"uvloop.run(NetworkResolver(['{LOOPBACK}'], 1, 0.2).mx('mail.example'))"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "WATCHED": str(watched)}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, timeout=30)
    assert "import\t-c\tdns" in watched.read_text()


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
    for row in ("delivered", "refused     relay", "unknown recipient", "filters", "line ends", "waiting", "given up", "sent"):
        assert re.search(rf"(?m)^ .*{row} .* \d+   \S", answer.stdout), (row, answer.stdout)
    assert "550 5.7.1 Unable to relay" in answer.stdout
    assert f"DNS is answered from {demo.state}/zone alone; nothing is looked up outside.\n" in answer.stdout
    for filters in ("realtime_blocklists", "realtime_blocklists, words", "reputation", "reputation, character_sets", "words"):
        assert re.search(rf"(?m)^ {filters} +\d+ +4?", answer.stdout), (filters, answer.stdout)
    command, told = answer.stdout.partition("\n$ ")[2].split("\n", 1)
    assert " check " in command
    assert told.startswith("The mail is refused: 550 5.7.1 Message refused as spam\n")
    assert "DMARC of bank.example fails (policy reject), +4" in told
    assert "Not as expected" not in answer.stdout


def test_real_mails_pass_unchanged(tmp_path: Path) -> None:
    """About 300 real mails: no ham is refused by filters, some spam is, all others arrive byte for byte; a bare CR is refused."""
    demo = Demo(tmp_path, GATEPOST_SHARED=str(corpus("mail-real").parent.parent))
    answer = demo.once("--json")
    outcome = json.loads(answer.stdout)
    assert answer.returncode == 0, (outcome["surprises"], outcome["ham_refused"])
    assert outcome["delivered"] == outcome["unchanged"] >= 280
    assert outcome["refused"]["line ends"] >= 5
    counted = {one["label"]: (one["mails"], one["refused_by_filters"]) for one in outcome["labels"]}
    assert counted["ham"][0] >= 140 and counted["ham"][1] == 0
    assert counted["spam"][0] >= 120 and counted["spam"][1] >= 10
    assert outcome["refused"]["filters"] == 7 + sum(refused for _, refused in counted.values())
    assert outcome["foretold"] >= 320
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
    assert re.search(r"company\.example +2 ", answer.stdout)
    assert answers(demo.ports[0], PATIENCE_S)
    login = re.search(r"log in as (\S+) with (\S+)$", lines[-1])
    assert login
    with WireClient(demo.ports[0]) as client:
        client.say("EHLO client.example")
        assert client.send("me@example.org", ["anna@company.example"], b"Subject: x\r\n\r\ny\r\n").startswith("250")
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
