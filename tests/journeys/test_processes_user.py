# SPDX-License-Identifier: Apache-2.0
"""Started as root with `user` set: root binds the ports, and everything that touches mail runs as that user."""

import os
import pwd
import random
import shutil
import socket
import subprocess
import sys
import tempfile
from asyncio import to_thread
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from gatepost.config.bootstrap import Listener
from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.load import Plan, generate
from gatepost.testing.ports import LOOPBACK
from gatepost.testing.sink import Sink
from waiting import until

NOBODY = "nobody"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may enter; skips where this test cannot change users."""
    if os.geteuid() != 0:
        pytest.skip("only root can start processes as another user")
    if not may_use_us(pwd.getpwnam(NOBODY).pw_uid):
        pytest.skip(f"{NOBODY} cannot run {sys.executable} or read the project")
    made = Path(tempfile.mkdtemp(prefix="gatepost-user-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def may_use_us(uid: int) -> bool:
    """Tell whether this user may run our interpreter and read the project."""
    try:
        return (
            subprocess.run(
                [sys.executable, "-c", "import gatepost.roles.single"], user=uid, cwd="/", capture_output=True, check=False
            ).returncode
            == 0
        )
    except OSError:
        return False


def privileged_port() -> int:
    """Find a free port that only root may bind."""
    for port in random.sample(range(600, 1024), 200):
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise OSError("no privileged port is free")


def identity(pid: int) -> dict[str, list[str]]:
    """Give a process's user, group and further groups."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines) if name in ("Uid", "Gid", "Groups")}


def not_owned_by(uid: int, folder: Path) -> tuple[list[str], list[str]]:
    """Give what belongs to somebody else, and all files, of a folder and below it."""
    found = [folder, *folder.rglob("*")]
    return [str(path) for path in found if path.lstat().st_uid != uid], [str(path) for path in found if path.is_file()]


def mode(path: Path) -> int:
    """Give a path's permissions."""
    return path.stat().st_mode & 0o777


async def test_processes_run_as_the_user_and_files_belong_to_it(folder: Path) -> None:
    """A port below 1024, small and large mail, a mail that waits: all work, and nothing of the store is root's."""
    account = pwd.getpwnam(NOBODY)
    uid, gid = str(account.pw_uid), str(account.pw_gid)
    async with Sink() as sink:
        sink.fail("rcpt", match="later@example.com")
        gateway = Gateway(folder, relay_all_to(sink.port), listeners=[Listener(address=LOOPBACK, port=privileged_port(), tls="none")])
        gateway.bootstrap = msgspec.structs.replace(gateway.bootstrap, user=NOBODY)
        async with gateway:
            running = gateway.running()
            assert identity(running["supervisor"][0])["Uid"] == ["0"] * 4
            for name in ("receive", "deliver"):
                assert identity(running[name][0]) == {"Uid": [uid] * 4, "Gid": [gid] * 4, "Groups": []}
            await generate(Plan(port=gateway.port, mails=3))
            await generate(Plan(port=gateway.port, mails=1, size_bytes=400_000))
            await sink.wait(4)
            await generate(Plan(port=gateway.port, mails=1, size_bytes=400_000, recipients=("later@example.com",)))
            await until(lambda: len(gateway.events("delivery.done")) == 5, "it was tried")
            foreign, files = await to_thread(not_owned_by, account.pw_uid, folder / "data")
            assert foreign == []
            assert any("blobs" in name for name in files)
            assert mode(folder / "data") == 0o700
            await to_thread(gateway.sigkill, "deliver")
            await until(lambda: gateway.running().get("deliver"), "deliver is started again")
            assert identity(gateway.running()["deliver"][0])["Uid"] == [uid] * 4
            await until(lambda: gateway.command("queue", "retry", "--all").returncode == 0, "deliver listens again")


def test_a_user_that_does_not_exist_is_told(tmp_path: Path) -> None:
    """One sentence, exit code 3, nothing made."""
    gateway = Gateway(tmp_path, relay_all_to(1))
    gateway.bootstrap = msgspec.structs.replace(gateway.bootstrap, user="no-such-user")
    gateway.write()
    answer = gateway.command("run")
    assert answer.returncode == 3
    assert "user: this machine has no user 'no-such-user'" in answer.stderr
    assert not (tmp_path / "data").exists()
