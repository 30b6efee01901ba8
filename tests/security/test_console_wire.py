# SPDX-License-Identifier: Apache-2.0
"""The console's server against who speaks HTTP as it should not be spoken, or hardly speaks at all."""

from collections.abc import Iterator

import pytest

from gatepost.web.frame.gate import Limits
from security.console_attack import FORM, Answer, Target, attacked, request

HASTE = Limits(connections=12, of_one_client=8, head_s=0.6, body_s=0.9)
PAGE = request("GET", "/sign-in")


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A console with its own limits."""
    with attacked(tmp_path_factory.mktemp("wire")) as target:
        yield target


@pytest.fixture(scope="module")
def cookie(target: Target) -> str:
    """The header of who has signed in."""
    return f"Cookie: gatepost-session={target.run(target.site.cookie('anna'))['gatepost-session']}"


# --- requests that two servers could read differently -----------------------------------------------------------------------------

SECOND = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
AMBIGUOUS = {
    "length and chunks": f"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{SECOND}",
    "chunks and length": f"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n{SECOND}",
    "two lengths": f"Content-Length: 0\r\nContent-Length: {len(SECOND)}\r\n\r\n{SECOND}",
    "a list of lengths": f"Content-Length: 0, {len(SECOND)}\r\n\r\n{SECOND}",
    "a length with a sign": f"Content-Length: +0\r\n\r\n{SECOND}",
    "a hexadecimal length": f"Content-Length: 0x0\r\n\r\n{SECOND}",
    "a coding that is none": f"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{SECOND}",
    "chunked is not the last coding": f"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{SECOND}",
    "a blank before the colon": f"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{SECOND}",
    "a folded header": f"X: y\r\n Content-Length: 0\r\n\r\n{SECOND}",
    "a bare line feed": f"X: y\nContent-Length: 0\n\n{SECOND}",
    "a bare carriage return": f"X: y\rContent-Length: 0\r\n\r\n{SECOND}",
    "a NUL": f"X: a\0b\r\n\r\n{SECOND}",
    "line feeds around chunks": f"Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n{SECOND}",
    "a chunk with a sign": f"Transfer-Encoding: chunked\r\n\r\n-1\r\na\r\n0\r\n\r\n{SECOND}",
    "a chunk that overflows": f"Transfer-Encoding: chunked\r\n\r\n1000000000000000a\r\na\r\n0\r\n\r\n{SECOND}",
    "a chunk without its end": f"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n{SECOND}",
}


@pytest.mark.parametrize("rest", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_no_request_hides_in_another(target, rest):
    """What can be read in two ways is answered 400 once and the connection closed; nothing after it is read."""
    answer = target.send(f"POST /sign-in HTTP/1.1\r\nHost: x\r\n{rest}".encode())
    assert (answer.status, answer.answers, answer.closed) == (400, 1, True)


@pytest.mark.parametrize(
    "line",
    [
        "GET /\tx HTTP/1.1",
        "GET /ü HTTP/1.1",
        "CONNECT a.example:443 HTTP/1.1",
        "GET http://a.example HTTP/1.1",
        "PRI * HTTP/2.0",
        "NONSENSE / HTTP/1.1",
        "get / HTTP/1.1",
    ],
)
def test_a_line_that_is_no_request_ends_the_connection(target, line):
    """One 400, no traceback, and nothing of it in the log: what strangers send is no news."""
    answer = target.send(f"{line}\r\nHost: x\r\n\r\n".encode())
    assert (answer.status, answer.answers, answer.closed) == (400, 1, True)


@pytest.mark.parametrize("host", ["[", "a b", "evil.example/x?y#z", "a@b", "", "x" * 5_000, "\xff"])
def test_no_answer_depends_on_the_host_that_is_named(target, host):
    """Whatever Host says, redirections stay on the path of the site that was called, and nothing fails."""
    answer = target.send(f"GET /monitoring HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode("latin-1"))
    assert (answer.status, answer.headers.get("location")) == (303, "/sign-in?next=%2Fmonitoring")


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example", "/%5cevil.example", "/%2f%2fevil.example", "/%0d%0aX:y", "/x?\\"])
def test_who_is_sent_to_the_door_stays_here(target, path):
    """The address of the door holds what was wanted as one encoded value."""
    location = target.send(request("GET", path)).headers["location"]
    assert location.startswith("/sign-in?next=%2F")
    assert not set(location) & set("\\\r\n")


def test_nothing_becomes_another_protocol(target):
    """An upgrade is not taken; the request is answered as HTTP."""
    for upgrade in ("websocket", "h2c"):
        answer = target.send(request("GET", "/sign-in", "Connection: upgrade, close", f"Upgrade: {upgrade}", "Sec-WebSocket-Key: x"))
        assert answer.status == 200, upgrade


def test_who_calls_is_not_whom_he_says_he_is(target, cookie):
    """Headers that a proxy would write change neither the client's address, which limits count, nor the scheme of cookies."""

    def lying(number: int) -> Answer:
        address = f"198.51.100.{number}"
        lies = (f"X-Forwarded-For: {address}", f"Forwarded: for={address};proto=https", f"X-Real-IP: {address}", "X-Forwarded-Proto: https")
        return target.send(request("POST", "/sign-in", FORM, *lies, body=b"name=nobody&password=x"))

    assert "strict-transport-security" not in lying(0).headers
    # However long each takes, within which an attempt more is given back to him, there is an end.
    assert any(lying(number).status == 429 for number in range(1, 100))


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "HEAD", "PROPFIND"])
def test_other_methods_find_nothing(target, cookie, method):
    """A page is asked by GET, and changed by POST; HEAD tells what GET would, no method is taken from a header or a field."""
    for path in ("/administrators", "/account"):
        answer = target.send(request(method, path, cookie, "X-HTTP-Method-Override: POST", "Origin: https://evil.example"))
        assert answer.status == (200 if method == "HEAD" else 404)
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert "X-HTTP-Method-Override" not in answer.body


def test_a_form_that_names_another_method_is_a_post(target, cookie):
    """`_method` is a field like others."""
    answer = target.send(request("POST", "/administrators/anna?_method=DELETE", cookie, FORM, body=b"_method=DELETE"))
    assert answer.status == 403


def test_nothing_of_all_this_was_a_surprise(target, capfd):
    """The log holds no traceback and no line that is not an event."""
    target.send(b"nonsense\r\n\r\n")
    target.send(request("GET", "/incidents/" + "9" * 5_000))
    said = capfd.readouterr().err
    assert "Traceback" not in said
    assert [line for line in said.splitlines() if not line.startswith("{")] == []
