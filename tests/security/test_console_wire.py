# SPDX-License-Identifier: Apache-2.0
"""The console's server against who speaks HTTP as it should not be spoken, or hardly speaks at all."""

import asyncio
import resource
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvloop

from gatepost.web.frame.gate import Limits
from gatepost.web.frame.headers import BODY_BYTES
from security.console_attack import FORM, Target, attacked, request

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


@pytest.fixture(params=[uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"])
def hasty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Target]:
    """A console that has little patience, in the loop of the process and in the one of other tests."""
    with attacked(tmp_path, limits=HASTE, new_loop=request.param) as target:
        yield target


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
    lies = (
        "X-Forwarded-For: 198.51.100.9",
        "Forwarded: for=198.51.100.9;proto=https",
        "X-Real-IP: 198.51.100.9",
        "X-Forwarded-Proto: https",
    )
    answers = [target.send(request("POST", "/sign-in", FORM, *lies, body=b"name=nobody&password=x")) for _ in range(12)]
    assert [one.status for one in answers].count(429) >= 1
    assert "strict-transport-security" not in answers[0].headers


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


# --- size -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        b"GET /sign-in HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000_000,
        b"GET /sign-in HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 15_000_000,
        b"GET /" + b"a" * 100_000_000,
        b"\r\n" * 30_000_000,
        b"POST /sign-in HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: " + b"a" * 100_000_000,
    ],
    ids=["one header", "many headers", "an address", "empty lines", "a trailer"],
)
def test_no_head_is_larger_than_its_limit(target, head):
    """A hundred megabytes are cut off at once, and the process is no larger for them."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = target.send(head)
    assert answer.closed
    assert answer.status in (0, 400, 403, 429)
    assert answer.took_s < 5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 40_000, "KiB"


def test_a_head_within_the_limit_is_read(target):
    """Sixty kilobytes of cookies are many, but no reason to refuse."""
    assert target.send(request("GET", "/sign-in", "Cookie: " + "a=b; " * 12_000)).status == 200


def test_a_body_is_bounded(target, cookie):
    """From a stranger 64 KiB, from who is known 4 MiB; more is told so, and does not reach the page."""
    for header, size in (("X: y", 70_000), (cookie, BODY_BYTES + 1)):
        answer = target.send(request("POST", "/sign-in" if header == "X: y" else "/account", header, FORM, body=b"a=" + b"b" * size))
        assert (answer.status, "larger" in answer.body) == (413, True), answer.raw
    chunked = b"".join(b"10000\r\n" + b"a" * 65_536 + b"\r\n" for _ in range(100)) + b"0\r\n\r\n"
    answer = target.send(
        request("POST", "/account", cookie, FORM, "Transfer-Encoding: chunked", body=b"").replace(b"Content-Length: 0\r\n", b"") + chunked
    )
    assert answer.status == 413


@pytest.mark.parametrize(
    "body",
    [b"a=b&" * 10_000, b"&" * 60_000, b"%41" * 20_000 + b"=%42", b"a=" + b"%" * 60_000, b"a=" + b"\xff" * 60_000, b";" * 60_000],
    ids=["fields", "ampersands", "a name", "percents", "no UTF-8", "semicolons"],
)
def test_a_form_costs_little_to_read(target, body):
    """Fields have a number, and what is no UTF-8 is read as far as it goes; the answer comes at once."""
    answer = target.send(request("POST", "/sign-in", FORM, body=body))
    assert answer.status in (403, 413, 429)
    assert answer.took_s < 3


def test_ten_thousand_fields_of_somebody_known_are_refused(target, cookie):
    """The limit is the same behind the door."""
    assert target.send(request("POST", "/account", cookie, FORM, body=b"a=b&" * 10_000)).status == 413


def multipart(content: bytes, more: str = "") -> tuple[str, bytes]:
    """Write a multipart form with one field, so many bytes, and its header."""
    return f"Content-Type: multipart/form-data; boundary=b{more}", content + b"\r\n--b--\r\n"


PART = b'--b\r\nContent-Disposition: form-data; name="form_token"\r\n\r\n'


@pytest.mark.parametrize(
    ("content", "more", "status"),
    [
        (PART + b"x" * 1_500_000, "", 400),
        ((PART + b"x\r\n") * 40_000, "", 400),
        (b'--b\r\nContent-Disposition: form-data; name="' + b"n" * 3_000_000 + b'"\r\n\r\nx', "", 400),
        (b"--b\r\n" + b"X: y\r\n" * 400_000 + b"\r\n", "", 400),
        (b'--b\r\nContent-Disposition: form-data; name="f"; filename="../../x"\r\n\r\n' + b"x\r\n" * 10, "", 403),
        ((b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\nx\r\n') * 10, "", 400),
        (PART + b"a-" + b"z" * 300_000, "; charset=punycode", 415),
        (PART + b"xn--" + b"z" * 300_000, "; charset=idna", 415),
        (PART + b"\\ud800", "; charset=unicode_escape", 415),
        (PART + b"\xff\xfe", "", 403),
        (b"\r\n" * 1_900_000 + PART + b"x", "", 403),
        (b"no parts", "", 400),
    ],
    ids=["part", "parts", "name", "headers", "file", "files", "punycode", "idna", "escapes", "no UTF-8", "preamble", "nothing"],
)
def test_a_form_in_parts_is_bounded(target, cookie, content, more, status):
    """Size and number of parts have limits, and its text is UTF-8 whatever it says; it is answered at once and nothing fails."""
    header, body = multipart(content, more)
    answer = target.send(request("POST", "/account", cookie, header, body=body))
    assert answer.status == status
    assert answer.took_s < 5


def test_a_stranger_sends_no_parts(target):
    """What needs the larger parser is not read from who has no session."""
    header, body = multipart(PART + b"x")
    assert target.send(request("POST", "/sign-in", header, body=body)).status == 415


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "application/x-www-form-urlencoded/x", "x" * 10_000, "multipart/form-data"]
)
def test_what_is_no_form_is_refused(target, cookie, kind):
    """A type that pages do not send is told so."""
    answer = target.send(request("POST", "/account", cookie, f"Content-Type: {kind}", body=b"{}"))
    assert answer.status in (400, 415)


def test_a_compressed_body_is_not_unpacked(target, cookie):
    """A bomb stays the bytes that it is."""
    import gzip

    bomb = gzip.compress(b"a" * 50_000_000)
    assert target.send(request("POST", "/account", cookie, FORM, "Content-Encoding: gzip", body=bomb)).status == 403


# --- addresses --------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "../desk.py",
        "%2e%2e/desk.py",
        "..%2fdesk.py",
        "%2e%2e%2fdesk.py",
        "..%5cdesk.py",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "vendor/../../desk.py",
        "gatepost.css%00.png",
        "gatepost.css/",
        "a" * 5_000 + ".css",
        "%ff%fe.css",
        "vendor.sha256",
        "",
    ],
)
def test_only_known_files_are_served(target, name):
    """Nothing outside the folder, no name that is none, no error: 404 for all."""
    from gatepost.web.frame.assets import asset

    known = asset("gatepost.css")
    assert known is not None
    for mark in (known.mark, "0" * 16):
        assert target.send(request("GET", f"/static/{mark}/{name}")).status == 404


def test_a_file_elsewhere_is_not_even_looked_at(target, tmp_path):
    """Who knows the checksum of a picture on this machine does not get it by its absolute path."""
    import hashlib

    (tmp_path / "secret.png").write_bytes(b"secret")
    mark = hashlib.sha256(b"secret").hexdigest()[:16]
    for path in (f"/static/{mark}/{tmp_path}/secret.png", f"/static/{mark}//{str(tmp_path).lstrip('/')}/secret.png"):
        assert target.send(request("GET", path)).status == 404


def test_asking_for_files_that_do_not_exist_forgets_none_that_do(target):
    """The memory of files holds files only."""
    from gatepost.web.frame import assets

    assets.address("gatepost.css")
    known = assets._read.cache_info().currsize
    for number in range(400):
        target.site  # noqa: B018 - the target is up
        assert assets.asset(f"{number}.css") is None
    assert assets._read.cache_info().currsize == known


@pytest.mark.parametrize("number", ["9" * 16, "9" * 5_000, "0" * 20 + "1", "-1", "1e3", "%EF%BC%91", "1%00"])
def test_a_number_that_is_none_leads_nowhere(target, cookie, number):
    """As a page that does not exist, also where a store could not hold it."""
    assert target.send(request("GET", f"/incidents/{number}", cookie)).status == 404


@pytest.mark.parametrize("query", ["subject=" + "%F0" * 15_000, "a=b&" * 15_000, "%", "%ff=%fe", "last=%00", "cursor=" + "9" * 30_000])
def test_an_address_may_be_long_and_wrong(target, cookie, query):
    """It is answered, soon, and it is no error of ours."""
    answer = target.send(request("GET", f"/monitoring/message-tracking?{query}", cookie))
    assert answer.status == 200
    assert answer.took_s < 3


def test_nothing_of_all_this_was_a_surprise(target, capfd):
    """The log holds no traceback and no line that is not an event."""
    target.send(b"nonsense\r\n\r\n")
    target.send(request("GET", "/incidents/" + "9" * 5_000))
    said = capfd.readouterr().err
    assert "Traceback" not in said
    assert [line for line in said.splitlines() if not line.startswith("{")] == []


# --- patience ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pieces", "most_s"),
    [
        ((), HASTE.head_s),
        ((b"GET /sign-in HT",), HASTE.head_s),
        ((b"GET /sign-in HTTP/1.1\r\nHost: x\r\nX: ",), HASTE.head_s),
        ((request("POST", "/sign-in", FORM, keep=True).replace(b"Content-Length: 0", b"Content-Length: 9") + b"a",), HASTE.body_s),
        ((request("GET", "/sign-in", keep=True), b"GET /sign-in HT"), HASTE.head_s),
    ],
    ids=["nothing", "half a line", "half a head", "half a body", "half a second request"],
)
def test_who_only_waits_is_shown_out(hasty, pieces, most_s):
    """A request that does not become whole ends its connection after the time that it has."""
    answer = hasty.send(*pieces)
    assert answer.closed
    assert answer.took_s < most_s + 1.5


def test_a_byte_from_time_to_time_gives_no_more_time(hasty):
    """The clock counts from the first byte of a request, not from the last one."""
    begun = time.monotonic()
    with hasty.connect() as slow:
        slow.settimeout(0.05)
        with pytest.raises(OSError, match=r"reset|Broken"):
            for byte in b"GET /sign-in HTTP/1.1\r\nHost: " + b"x" * 1_000:
                slow.send(bytes([byte]))
                _nap(slow)
    assert time.monotonic() - begun < HASTE.head_s + 2


def _nap(connection: socket.socket) -> None:
    try:
        if not connection.recv(100):
            raise ConnectionResetError("reset")
    except TimeoutError:
        pass


def test_one_client_locks_nobody_out(hasty):
    """What one address holds open has a limit below that of all, so others come in; and it ends, so he himself does, too."""
    held = [hasty.connect() for _ in range(HASTE.of_one_client)]
    try:
        one_more = hasty.send(PAGE)
        assert (one_more.status, one_more.closed) == (0, True)
        with socket.socket() as other:
            other.bind(("127.0.0.2", 0))
            other.settimeout(5)
            other.connect(("127.0.0.1", hasty.port))
            other.sendall(PAGE)
            assert other.recv(12) == b"HTTP/1.1 200"
        time.sleep(HASTE.head_s + 0.3)  # the very time that is promised
        assert hasty.send(PAGE).status == 200
    finally:
        for one in held:
            one.close()


def test_many_clients_are_told_that_there_are_too_many(hasty):
    """Beyond the number of all nobody is taken in, until somebody leaves."""
    held = []
    try:
        for number in range(HASTE.connections):
            one = socket.socket()
            one.bind((f"127.0.1.{number + 1}", 0))
            one.connect(("127.0.0.1", hasty.port))
            held.append(one)
        assert hasty.send(PAGE).status in (0, 503)
    finally:
        for one in held:
            one.close()
    _soon(lambda: hasty.send(PAGE).status == 200)


def test_two_hundred_that_wait_do_not_keep_a_visitor_out(tmp_path):
    """With the console's own limits: one address opens as many connections as it can, another one gets its page at once."""
    with attacked(tmp_path) as target:
        held = [target.connect() for _ in range(200)]
        try:
            with socket.socket() as other:
                other.bind(("127.0.0.2", 0))
                other.settimeout(5)
                other.connect(("127.0.0.1", target.port))
                other.sendall(PAGE)
                assert other.recv(12) == b"HTTP/1.1 200"
        finally:
            for one in held:
                one.close()


def _soon(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end
