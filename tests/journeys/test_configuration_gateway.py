# SPDX-License-Identifier: Apache-2.0
"""A whole gateway whose configuration is changed while it works: `gatepost config`, as an administrator uses it."""

import asyncio
import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gatepost.config.canonical import canonical
from gatepost.config.rules import Rule
from gatepost.testing import toml
from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.sink import Sink
from gatepost.versioning import current
from waiting import PATIENCE_S, until
from wire_client import WireClient

MAIL = b"From: jo@elsewhere.example\r\nSubject: x\r\n\r\ntext\r\n"
NOBODY = (Rule(name="Nobody", direction="any", mode="reject"),)
replace = msgspec.structs.replace


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """Give a running gateway of two `receive` processes, which accepts all mail and sends it to a port where nobody is."""
    with Gateway(tmp_path / "gw", relay_all_to(1), receive=2) as running:
        settle(running, 1)
        yield running


def asked(gateway: Gateway, *words: str, code: int = 0) -> Any:
    """Give the JSON answer of a command that ends with this exit code."""
    done = gateway.command("config", *words, "--json")
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)


def status(gateway: Gateway) -> dict[str, Any]:
    """Give what `gatepost config status` tells."""
    told: dict[str, Any] = json.loads(gateway.command("config", "status", "--json").stdout or "{}")
    return told


def settle(gateway: Gateway, version: int, processes: int = 3, *, but: Sequence[int] = ()) -> None:
    """Wait until each process works with a version, but for those that keep these."""
    end, wanted = time.monotonic() + PATIENCE_S, sorted([*but, *[version] * (processes - len(but))])
    while sorted(one["version"] for one in status(gateway).get("processes", [])) != wanted:
        assert time.monotonic() < end, status(gateway)
        time.sleep(0.05)


def exported(gateway: Gateway, name: str = "new.toml") -> Path:
    """Export the configuration into a file."""
    path = gateway.folder / name
    asked(gateway, "export", "-o", str(path))
    return path


def applied(gateway: Gateway, path: Path, text: str, *, code: int = 0, author: str = "ann") -> Any:
    """Add a text to an exported file's head and apply it."""
    path.write_text(path.read_text().partition("\n")[0] + "\n" + text)
    return asked(gateway, "apply", str(path), "--reason", f"{author} has reasons", "--author", author, code=code)


def answer(gateway: Gateway) -> str:
    """Say how a mail is answered."""
    with WireClient(gateway.port) as client:
        client.say("EHLO x")
        return client.send("jo@elsewhere.example", ["li@example.com"], MAIL)[:3]


def test_a_change_goes_through_plan_apply_and_rollback(gateway: Gateway) -> None:
    """Each step tells what it does; mail is answered accordingly, and every process says which version it works with."""
    path = exported(gateway)
    assert path.read_text().startswith("# Gatepost configuration, version 1\n")
    assert path.stat().st_mode & 0o777 == 0o600
    new = canonical(replace(gateway.configuration, rules=NOBODY))
    path.write_text(path.read_text().partition("\n")[0] + "\n" + new)
    planned = asked(gateway, "apply", str(path), "--plan")
    assert [one["sentence"] for one in planned["changes"]] == [
        'rules "All mails": removed from place 1 (direction "any", mode "accept")',
        'rules "Nobody": added at place 1 (direction "any", mode "reject")',
    ]
    assert answer(gateway) == "250"
    made = asked(gateway, "apply", str(path), "--reason", "holidays", "--author", "ann")
    assert (made["outcome"], made["version"]["number"], made["changes"]) == ("made", 2, planned["changes"])
    settle(gateway, 2)
    assert answer(gateway) == "550"
    assert asked(gateway, "diff")["changes"] == planned["changes"]
    back = asked(gateway, "rollback", "1", "--reason", "work again", "--author", "bob")
    assert back["version"]["number"] == 3
    settle(gateway, 3)
    assert answer(gateway) == "250"
    told = [(one["number"], one["author"], one["reason"]) for one in asked(gateway, "history")]
    assert told[:2] == [(3, "bob", "back to version 1: work again"), (2, "ann", "holidays")]
    taken = [(one["process"], one["version"]) for one in gateway.events("configuration.taken")]
    # Whether a process took version 1 over, or began with it, is a matter of who was quicker.
    assert sorted(one for one in taken if one[1] > 1) == [("deliver", 2), ("deliver", 3), *[("receive", 2)] * 2, *[("receive", 3)] * 2]


def test_two_people_at_once(gateway: Gateway) -> None:
    """Whoever applies second is refused, and reads who changed what; nothing of his is in force."""
    mine, yours = exported(gateway, "mine.toml"), exported(gateway, "yours.toml")
    applied(gateway, mine, canonical(replace(gateway.configuration, corporate_users=("ann@example.com",))), author="ann")
    refused = applied(gateway, yours, canonical(replace(gateway.configuration, rules=NOBODY)), author="bob", code=1)
    assert refused["outcome"] == "outdated"
    assert [(one["number"], one["author"], one["reason"]) for one in refused["meanwhile"]] == [(2, "ann", "ann has reasons")]
    assert [one["sentence"] for one in refused["changes"]] == ['corporate_users now with "ann@example.com"']
    said = gateway.command("config", "apply", str(yours), "--reason", "again")
    assert said.returncode == 1
    assert "Refused: version 2 is the newest, and your change does not rest on it." in said.stdout
    assert "ann: ann has reasons" in said.stdout
    assert asked(gateway, "history")[0]["number"] == 2


def test_what_check_refuses_is_not_applied(gateway: Gateway) -> None:
    """Place, cause and mend are told: of keys, of what stands between them, of rules and filters."""
    path = exported(gateway)
    good = canonical(gateway.configuration)
    for wrong, place in (
        ("surprise = 1\n" + good, "surprise"),
        (good + '\n[[owned_domains]]\nname = "other.example"\n[[owned_domains]]\nname = "other.example"\n', "owned_domains[2].name"),
        (good + '\n[[rules]]\nname = "R"\nfilters = [{ name = "wurds" }]\n', "rules[1].filters[0].name"),
        (good + '\n[[filters.word_groups]]\nname = "w"\nwords = ["("]\nsearch = "regex"\n', "filters.word_groups[0].words[0]"),
        (good.replace("[[send_connectors]]", '[[send_connectors]]\nuser = "me"\npassword = "sesame"', 1), "send_connectors[0].password"),
    ):
        refused = applied(gateway, path, wrong, code=1)
        assert refused["outcome"] == "faulty"
        assert place in refused["faults"][0]["path"] and refused["faults"][0]["mend"]
        assert "sesame" not in json.dumps(refused)
    assert len(asked(gateway, "history")) == 1


def test_a_process_that_cannot_work_with_a_version_keeps_the_old(gateway: Gateway) -> None:
    """A password that this machine does not have stops `deliver` alone; status and exit code say so, mail goes on, also after a restart."""
    gateway.terminate()
    (current.folder(Path(gateway.bootstrap.data)) / "applied").unlink()
    gateway.start()  # what it started with is what it goes back to
    settle(gateway, 1)
    path = exported(gateway)
    connectors = (
        replace(gateway.configuration.send_connectors[0], user="me", password="env:NOT_THERE"),
        *gateway.configuration.send_connectors[1:],
    )
    applied(gateway, path, canonical(replace(gateway.configuration, send_connectors=connectors)))
    gateway.wait_for("configuration.kept")
    settle(gateway, 2, but=[1])
    told = asked(gateway, "status", code=1)
    states = {one["process"]: (one["version"], one["error"]) for one in told["processes"]}
    assert states["receive"] == (2, "")
    assert states["deliver"][0] == 1 and "the environment has no NOT_THERE" in states["deliver"][1]
    assert answer(gateway) == "250"
    gateway.terminate()
    gateway.start()
    assert answer(gateway) == "250"
    settle(gateway, 2, but=[1])
    asked(gateway, "rollback", "1", "--reason", "no such password")
    settle(gateway, 3)


def test_the_seed_is_imported_once(gateway: Gateway) -> None:
    """A file that was changed after its import changes nothing at the next start, and an event says what to do instead."""
    gateway.terminate()
    gateway.configuration = replace(gateway.configuration, rules=NOBODY)
    gateway.start()
    (told,) = gateway.wait_for("configuration.seed_ignored")
    assert told["path"] == gateway.bootstrap.configuration and told["mend"] == "use gatepost config apply"
    assert answer(gateway) == "250"
    settle(gateway, 1)
    seed = Path(gateway.bootstrap.configuration)
    seed.write_text(f"# Gatepost configuration, version 1\n{toml.dump(gateway.configuration)}")
    assert asked(gateway, "apply", str(seed), "--reason", "as said")["outcome"] == "made"
    settle(gateway, 2)
    assert answer(gateway) == "550"


def test_a_damaged_file_is_mended_at_the_start(gateway: Gateway) -> None:
    """A gateway starts with the version it applied last, and `deliver` writes the file anew from its store."""
    path = exported(gateway)
    applied(gateway, path, canonical(replace(gateway.configuration, rules=NOBODY)))
    settle(gateway, 2)
    gateway.terminate()
    place = current.folder(Path(gateway.bootstrap.data)) / "current"
    place.write_bytes(place.read_bytes()[:-20])
    gateway.start()
    settle(gateway, 2)
    assert answer(gateway) == "550"
    assert current.read(Path(gateway.bootstrap.data)).number == 2


async def test_kills_while_versions_are_made(tmp_path: Path) -> None:
    """After SIGKILL of each process in turn all work with the newest version, no change was lost, and mail goes on."""
    async with Sink() as sink, Gateway(tmp_path / "gw", relay_all_to(sink.port)) as gateway:
        await asyncio.to_thread(settle, gateway, 1, 2)
        path = gateway.folder / "new.toml"
        for number, name in enumerate(("console", "deliver", "receive", "console", "deliver"), start=2):
            users = (f"v{number}@example.com",)
            path.write_text(current.head(number - 1) + canonical(replace(gateway.configuration, corporate_users=users)))
            words = ("config", "apply", str(path), "--reason", "x", "--json")
            doing = asyncio.create_task(asyncio.to_thread(gateway.command, *words))
            await asyncio.sleep(0.1 * number)  # anywhere in the life of the command: nothing tells from outside where it is
            await asyncio.to_thread(gateway.sigkill, name)
            await doing
            await until(lambda words=words: gateway.command(*words).returncode == 0, "the change, asked for again")
            await asyncio.to_thread(settle, gateway, number, 2)
        history = await asyncio.to_thread(asked, gateway, "history")
        assert [one["number"] for one in history] == [6, 5, 4, 3, 2, 1]
        assert await asyncio.to_thread(answer, gateway) == "250"
        await sink.wait(1)


class SlowHop:
    """A next hop that takes a mail and does not answer its end before it is told to."""

    def __init__(self) -> None:
        self.taken, self.release = asyncio.Event(), asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Talk to one client."""
        writer.write(b"220 slow.example ESMTP\r\n")
        content = False
        try:
            while line := await reader.readline():
                if content and line == b".\r\n":
                    self.taken.set()
                    await self.release.wait()
                elif content:
                    continue
                content = line.upper() == b"DATA\r\n"
                writer.write(b"354 go on\r\n" if content else b"250 ok\r\n")
        except ConnectionError:
            pass  # it has hung up
        finally:
            writer.close()


async def test_mail_in_flight_keeps_its_route(tmp_path: Path) -> None:
    """A mail that is under way when the routes change ends where it began, once; the next one goes the new way."""
    hop = SlowHop()
    server = await asyncio.start_server(hop.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, Sink() as sink, Gateway(tmp_path / "gw", relay_all_to(port)) as gateway:
        await asyncio.to_thread(settle, gateway, 1, 2)
        assert await asyncio.to_thread(answer, gateway) == "250"
        await hop.taken.wait()
        path = await asyncio.to_thread(exported, gateway)
        text = canonical(replace(relay_all_to(sink.port), corporate_users=("x@example.com",)))
        await asyncio.to_thread(applied, gateway, path, text)
        await asyncio.to_thread(settle, gateway, 2, 2)
        assert await asyncio.to_thread(answer, gateway) == "250"
        await sink.wait(1)
        hop.release.set()
        done = await asyncio.to_thread(gateway.wait_for, "delivery.done", 2)
        assert [one["outcome"] for one in done] == ["delivered", "delivered"]
        received = [one["track"] for one in gateway.events("mail.received")]
        assert [one["track"] for one in done] == received[::-1]
        assert len(sink.mails) == 1
