# SPDX-License-Identifier: Apache-2.0
"""The control socket: who is served, what is answered, and whose socket is never touched."""

import asyncio
import os
import socket
import stat

import pytest
import uvloop

from gatepost.errors import ControlError, StoreAway
from gatepost.replication.service import Operation
from gatepost.replication.wire import FRAME_BYTES, LENGTH, Request, framed, read_payload, read_reply
from gatepost.roles import control
from gatepost.roles.control import ControlServer, ask
from waiting import PATIENCE_S


async def echo(wanted: str, limit: int = 3) -> list[object]:
    """Give the arguments back."""
    return [wanted, limit]


async def away() -> None:
    """Fail as a store does."""
    raise StoreAway("the store is away")


async def broken() -> None:
    """Fail as no handler should."""
    raise ZeroDivisionError


async def huge() -> str:
    """Answer more than a frame may hold."""
    return "x" * FRAME_BYTES


async def swallow(raw: bytes) -> int:
    """Take a lot."""
    return len(raw)


HANDLERS = {"echo": echo, "away": away, "broken": broken, "huge": huge, "swallow": Operation(swallow, command=True)}


@pytest.fixture
async def path(tmp_path):
    """Give the path of a running control server."""
    server = ControlServer(tmp_path / "run" / "control.sock", HANDLERS)
    await server.start()
    yield tmp_path / "run" / "control.sock"
    await server.close()


async def asked(path, do, **args):
    """Ask from a thread, as another process would."""
    return await asyncio.to_thread(ask, path, do, **args)


async def said(path, sent: bytes):
    """Send raw bytes and give the decoded answer."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(sent)
    writer.write_eof()
    payload = await read_payload(reader, first_s=PATIENCE_S)
    assert await reader.read() == b""
    writer.close()
    return read_reply(payload)


async def test_a_question_is_answered(path):
    """The handler's value comes back, its args were keywords."""
    assert await asked(path, "echo", wanted="a.example", limit=5) == ["a.example", 5]
    assert await asked(path, "echo", wanted="ü") == ["ü", 3]


async def test_a_batch_of_tracks_fits(path):
    """500 artefacts of 4 KB go both ways in one frame."""
    assert await asked(path, "swallow", raw=b"x" * 500 * 4096) == 500 * 4096
    raw = b"x" * 500 * 4096
    assert await asked(path, "echo", wanted=raw) == [raw, 3]


async def test_one_connection_carries_one_request_after_the_other(path):
    """A link need not connect for each question."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    for number in range(3):
        writer.write(framed(Request("a1", "echo", {"wanted": "x", "limit": number})))
        assert read_reply(await read_payload(reader, first_s=PATIENCE_S)).refused == ""
    writer.close()


async def test_the_socket_is_for_its_owner_alone(path):
    """The mode is 0600 from the first connection on, and its folder 0700."""
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_another_user_is_refused_even_when_the_mode_lets_him_in(path, monkeypatch):
    """SO_PEERCRED is checked besides the mode."""
    monkeypatch.setattr(control, "_peer_uid", lambda sock: os.geteuid() + 12345)
    with pytest.raises(ControlError, match="only root and the gateway's own user"):
        await asked(path, "echo", wanted="x")


async def test_the_peers_uid_is_read_from_the_kernel(path):
    """What SO_PEERCRED tells is this process's own uid."""
    left, right = socket.socketpair()
    with left, right:
        assert control._peer_uid(left) == os.geteuid()


@pytest.mark.parametrize(
    ("do", "args", "sentence"),
    [
        ("nothing", {}, "does not know 'nothing'; it knows away, broken, echo, huge, swallow"),
        ("echo", {}, "missing a required argument: 'wanted'"),
        ("echo", {"wanted": "x", "more": 1}, "unexpected keyword argument 'more'"),
        ("away", {}, "the store is away"),
        ("broken", {}, "its log says why"),
        ("huge", {}, "longer than 16 MiB"),
    ],
)
async def test_a_refusal_is_a_sentence_and_a_negative_answer(path, do, args, sentence, capfd):
    """What cannot be answered is refused with its reason; a surprise goes to the log, not to the asker."""
    with pytest.raises(ControlError, match=sentence) as caught:
        await asked(path, do, **args)
    assert caught.value.exit_code == 1
    assert ("ZeroDivisionError" in capfd.readouterr().err) == (do == "broken")


@pytest.mark.parametrize(
    "payload", [b"\xc0", b"[]", b"\x90", b"\x92\xa1a\x01", b"\x93\xa1a\xa4echo\x90", b"\x93\xa0\xa4echo\x80", b"\x93\xa3a;b\xa4echo\x80"]
)
async def test_what_is_no_request_is_refused(path, payload):
    """Anything but an id, a name and named arguments gets a sentence, and the connection ends."""
    refused = (await said(path, LENGTH.pack(len(payload)) + payload)).refused
    assert "no request of Gatepost's private API" in refused or "a request's id" in refused


@pytest.mark.parametrize("length", [0, FRAME_BYTES + 1, 0xFFFFFFFF])
async def test_a_frame_out_of_bounds_is_refused_before_it_is_read(path, length):
    """A request may be 16 MiB long and no more."""
    assert f"a frame here has 1 to {FRAME_BYTES} bytes, not {length}" in (await said(path, LENGTH.pack(length))).refused


@pytest.mark.parametrize("sent", [b"\0\0", LENGTH.pack(100) + b"half"])
async def test_half_a_frame_is_told(path, sent):
    """The end of the connection in the middle of a frame is no request."""
    assert "ended in the middle" in (await said(path, sent)).refused


async def test_nobody_listening_says_how_to_start(tmp_path):
    """An absent and a stale socket both say what to do, with exit code 3."""
    stale = tmp_path / "stale.sock"
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(stale))
    for path in (tmp_path / "absent.sock", stale):
        with pytest.raises(ControlError, match="start it with `gatepost run`") as caught:
            await asked(path, "echo")
        assert caught.value.exit_code == 3


async def test_a_role_that_does_not_answer_is_not_waited_for_without_end(tmp_path):
    """The asker gives up after its time and says so."""
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / "deaf.sock"))
        deaf.listen()
        with pytest.raises(ControlError, match="did not answer within"):
            await asked(tmp_path / "deaf.sock", "echo", timeout_s=0.05)


async def test_a_role_that_dies_in_its_answer_is_told(tmp_path):
    """Half an answer is no answer."""
    server = await asyncio.start_unix_server(lambda reader, writer: writer.close(), str(tmp_path / "dying.sock"))
    async with server:
        with pytest.raises(ControlError, match="ended before it answered"):
            await asked(tmp_path / "dying.sock", "echo")


async def test_a_left_over_socket_is_replaced(tmp_path):
    """A crash leaves a socket file behind; the next start serves there."""
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(path))
    server = ControlServer(path, HANDLERS)
    await server.start()
    assert await asked(path, "echo", wanted="x") == ["x", 3]
    await server.close()
    assert not path.exists()


async def test_a_second_role_refuses_and_leaves_the_first_alone(path):
    """A living role's socket is never removed, not even by the second one's close."""
    second = ControlServer(path, {})
    with pytest.raises(ControlError, match="another gateway is running"):
        await second.start()
    await second.close()
    assert await asked(path, "echo", wanted="x") == ["x", 3]


async def test_a_living_socket_without_our_lock_is_left_alone(tmp_path):
    """Another program's live socket is not removed, whoever it is."""
    path = tmp_path / "control.sock"
    async with await asyncio.start_unix_server(lambda reader, writer: None, str(path)):
        with pytest.raises(ControlError, match="another program serves"):
            await ControlServer(path, {}).start()
        assert path.is_socket()


async def test_a_file_in_the_way_is_not_removed(tmp_path):
    """What is no socket was not made by us."""
    (tmp_path / "control.sock").write_text("mine")
    with pytest.raises(ControlError, match="is not a socket"):
        await ControlServer(tmp_path / "control.sock", {}).start()
    assert (tmp_path / "control.sock").read_text() == "mine"


async def test_a_path_too_long_for_a_socket_says_what_to_set(tmp_path):
    """The kernel takes 107 bytes; the sentence names the setting."""
    with pytest.raises(ControlError, match="set `run` to another folder"):
        await ControlServer(tmp_path / ("x" * 120), {}).start()


async def test_close_ends_open_connections(tmp_path):
    """A client that says nothing does not keep a role from ending."""
    server = ControlServer(tmp_path / "control.sock", HANDLERS)
    await server.start()
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "control.sock"))
    assert await asked(tmp_path / "control.sock", "echo", wanted="x")  # So the first was let in.
    await asyncio.wait_for(server.close(), PATIENCE_S)
    assert await reader.read() == b""
    writer.close()


def test_it_serves_on_uvloop_too(tmp_path):
    """The loop that roles run on gives the peer's credentials as well."""

    async def once() -> object:
        server = ControlServer(tmp_path / "control.sock", HANDLERS)
        await server.start()
        try:
            return await asked(tmp_path / "control.sock", "echo", wanted="x")
        finally:
            await server.close()

    assert uvloop.run(once()) == ["x", 3]
