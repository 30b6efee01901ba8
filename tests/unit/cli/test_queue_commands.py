# SPDX-License-Identifier: Apache-2.0
"""`gatepost queue` against a control server, as an administrator uses it."""

import asyncio
import json
import threading
import time

import pytest

from gatepost.cli import main
from gatepost.delivery.queue.record import QueuedRecipient, QueueLine
from gatepost.roles.control import ControlServer


class Role:
    """A role's control server in a thread, with a queue that only remembers what it was asked."""

    def __init__(self, folder) -> None:
        now = time.time()
        self.lines = [QueueLine("a.example", 40, 2, now - 7500, now + 90), QueueLine("b.example", 1, 0, now - 5, now - 1)]
        self.recipients = [
            QueuedRecipient(
                "T1",
                0,
                "s@x.example",
                "r@a.example",
                "outbound",
                "waiting",
                3,
                now - 7500,
                now + 90,
                now + 9e4,
                4096,
                "451 [b]later\x1b[2J",
                "mx.a.example",
            ),
            QueuedRecipient("T2", 0, "", "r@b.example", "inbound", "waiting", 0, now, 0.0, now + 9e4, 4096, "", ""),
        ]
        self.number = 2
        self.asked: list[tuple[object, ...]] = []
        self.config = folder / "gatepost.toml"
        self.config.write_text(f'run = "{folder}"\n[[listeners]]\ntls = "none"\n')
        self._ready = threading.Event()
        self._path = folder / "control.sock"
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        names = {"queue.list": self.list, "queue.show": self.show, "queue.retry": self.retry, "queue.drop": self.drop}
        server = ControlServer(self._path, names)
        await server.start()
        self._ready.set()
        await self._end.wait()
        await server.close()

    async def list(self, tenant_id=None):
        self.asked.append(("list", tenant_id))
        return self.lines

    async def show(self, wanted, limit=1000, tenant_id=None):
        self.asked.append(("show", wanted, limit, tenant_id))
        return self.recipients

    async def retry(self, wanted, tenant_id=None):
        self.asked.append(("retry", wanted, tenant_id))
        return self.number

    async def drop(self, wanted, tenant_id=None):
        self.asked.append(("drop", wanted, tenant_id))
        return self.number

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)


@pytest.fixture
def role(tmp_path):
    """Give a running role."""
    with Role(tmp_path) as running:
        yield running


@pytest.fixture
def gatepost(role, capfd):
    """Call the command line for that role; gives the exit code and what was printed."""

    def call(*words):
        code = main([*words, "--config", str(role.config)])
        out, err = capfd.readouterr()
        assert err == ""
        return code, out

    return call


def test_list_shows_length_and_age_as_bars(gatepost):
    """Each domain has a line with its numbers, and bars in proportion."""
    code, out = gatepost("queue", "list")
    first, second = (next(line for line in out.splitlines() if domain in line) for domain in ("a.example", "b.example"))
    assert code == 0
    assert "40" in first and "2 h 5 min" in first and "in 1 min" in first
    assert first.count("█") == 24
    assert "now" in second
    assert second.count("█") == 0


def test_list_in_json_is_what_the_queue_said(gatepost, role):
    """JSON has the record's own keys."""
    code, out = gatepost("queue", "list", "--json", "--tenant", "7")
    assert code == 0
    assert [line["domain"] for line in json.loads(out)] == ["a.example", "b.example"]
    assert set(json.loads(out)[0]) == {"domain", "waiting", "sending", "oldest_at", "next_due_at"}
    assert role.asked == [("list", 7)]


def test_an_empty_queue_is_said(gatepost, role):
    """Nothing waiting is a sentence and no failure."""
    role.lines = []
    assert gatepost("queue", "list") == (0, "No mail is waiting.\n")
    assert gatepost("queue", "list", "--json") == (0, "[]\n")


def test_show_asks_for_what_is_wanted_and_shows_replies_harmlessly(gatepost, role):
    """A next hop's reply cannot write to the terminal, neither as control characters nor as markup."""
    code, out = gatepost("queue", "show", "a.example", "--limit", "10")
    assert code == 0
    assert role.asked == [("show", "a.example", 10, None)]
    assert "mx.a.example: 451 [b]later·[2J" in out
    assert "\x1b" not in out
    assert "<>" in out


def test_show_of_nothing_is_a_negative_answer(gatepost, role):
    """Asking for one mail that is not there gives exit code 1; an empty queue gives 0."""
    role.recipients = []
    assert gatepost("queue", "show", "T9") == (1, "Nothing waits for T9.\n")
    assert gatepost("queue", "show", "T9", "--json") == (1, "[]\n")
    assert gatepost("queue", "show") == (0, "No mail is waiting.\n")


@pytest.mark.parametrize(
    ("words", "asked", "number", "code", "said"),
    [
        (["retry", "T1"], ("retry", "T1", None), 2, 0, "2 recipients are due now.\n"),
        (["retry", "--all", "--tenant", "3"], ("retry", "", 3), 1, 0, "1 recipient is due now.\n"),
        (["drop", "a.example"], ("drop", "a.example", None), 2, 0, "2 recipients were removed.\n"),
        (["drop", "T9"], ("drop", "T9", None), 0, 1, "Nothing of that kind is waiting.\n"),
        (["drop", "T9", "--json"], ("drop", "T9", None), 0, 1, '{\n  "dropped": 0\n}\n'),
        (["retry", "T1", "--json"], ("retry", "T1", None), 2, 0, '{\n  "retried": 2\n}\n'),
    ],
)
def test_retry_and_drop_tell_how_many(gatepost, role, words, asked, number, code, said):
    """The number of recipients is the answer; none is a negative one."""
    role.number = number
    assert gatepost("queue", *words) == (code, said)
    assert role.asked == [asked]


def test_a_gateway_that_is_not_running_is_told(tmp_path, capfd):
    """Without a role the sentence says how to start one."""
    config = tmp_path / "gatepost.toml"
    config.write_text(f'data = "{tmp_path}"\n')
    assert main(["queue", "list", "--config", str(config)]) == 3
    assert f"no gateway is running at {tmp_path}/run/control.sock; start it with `gatepost run`" in capfd.readouterr().err
