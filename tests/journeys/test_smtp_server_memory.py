# SPDX-License-Identifier: Apache-2.0
"""What a session costs in memory while it is in the middle of a large mail, measured at the process from outside."""

import subprocess
import sys
from pathlib import Path

import pytest

from wire_client import WireClient

PROGRAM = Path(__file__).parent.parent / "security" / "receiving_process.py"
SESSIONS = 50
MAIL_BYTES = 20_000_000
MOST_KIB = 256


def memory_kib(process: int) -> int:
    """Give the memory that is the process's own."""
    rollup = dict(line.split(":") for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:])
    return sum(int(rollup[name].split()[0]) for name in ("Private_Clean", "Private_Dirty", "Swap"))


def session(port: int, layer: str) -> WireClient:
    """Open a session and begin a mail."""
    client = WireClient(port, greet=layer == "plain")
    if layer == "TLS":
        client.wrap()
        assert client.reply()[:3] == "220"
    client.say("EHLO client.example")
    client.say(f"MAIL FROM:<a@example.org> SIZE={MAIL_BYTES}")
    client.say("RCPT TO:<b@example.com>")
    assert client.say("DATA")[:3] == "354"
    return client


@pytest.mark.parametrize(("layer", "sent"), [("plain", 12_000_000), ("TLS", 4_000_000)])
def test_a_session_in_a_large_mail_costs_little_memory(layer, sent, tmp_path, capsys):
    """50 sessions, each in the middle of a mail of 20 MB: at most 256 KiB of the process's memory each."""
    block = b"x" * 1022 + b"\r\n"
    process = subprocess.Popen([sys.executable, PROGRAM, tmp_path, layer], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    clients: list[WireClient] = []
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with session(port, layer) as first:  # what every process pays once
            first.raw(block * 3000 + b".\r\n")
            assert first.reply()[:3] == "250"
        before = memory_kib(process.pid)
        clients = [session(port, layer) for _ in range(SESSIONS)]
        most = 0
        for _ in range(sent // (256 * 1024)):
            for client in clients:
                client.raw(block * 256)
            most = max(most, memory_kib(process.pid))
        each = (most - before) / SESSIONS
        with capsys.disabled():
            print(f"\n  {layer}: {each:.0f} KiB a session in the middle of a mail, at most {MOST_KIB}")
        assert each <= MOST_KIB
        for client in clients:
            client.raw(b".\r\n")
        assert {client.reply()[:3] for client in clients} == {"250"}
    finally:
        for client in clients:
            client.close()
        process.communicate("", timeout=20)
