# SPDX-License-Identifier: Apache-2.0
"""The console's server against who sends too much: heads, bodies, fields, parts, addresses."""

from collections.abc import Iterator

import pytest

from gatepost.web.frame.gate import LIMITS
from gatepost.web.frame.headers import BODY_BYTES
from resident_memory import resident_bytes
from security.console_attack import FORM, Target, attacked, request

CHUNKED = f"POST /account HTTP/1.1\r\nHost: x\r\nCookie: @\r\n{FORM}\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
"""The head of a form from somebody known, whose body is read to its end."""


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """A console with its own limits."""
    with attacked(tmp_path_factory.mktemp("bounds")) as target:
        yield target


@pytest.fixture(scope="module")
def cookie(target: Target) -> str:
    """The header of who has signed in."""
    return f"Cookie: gatepost-session={target.run(target.site.cookie('anna'))['gatepost-session']}"


# --- size -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "head",
    [
        b"GET /sign-in HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 200_000_000,
        b"GET /sign-in HTTP/1.1\r\nHost: x\r\n" + b"a: b\r\n" * 15_000_000,
        b"GET /" + b"a" * 100_000_000,
        b"\r\n" * 30_000_000,
        CHUNKED + b"0\r\nX: " + b"a" * 100_000_000,
        CHUNKED + b"0\r\n" + b"a: b\r\n" * 15_000_000,
        CHUNKED + b"1;" + b"a" * 100_000_000,
    ],
    ids=["one header", "many headers", "an address", "empty lines", "a trailer", "many trailers", "a chunk's extension"],
)
def test_no_head_is_larger_than_its_limit(target, cookie, head):
    """A hundred megabytes are cut off at once, and the process is no larger for them at any time."""
    head = head.replace(b"Cookie: @", cookie.encode(), 1)
    before = resident_bytes()
    answer = target.send(head)
    assert answer.closed
    assert answer.status in (0, 400)
    assert answer.took_s < LIMITS.head_s  # not when its time is over, but when it is too large
    assert answer.cpu_s < 5
    assert resident_bytes("VmHWM") - before < 12_000_000


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
    assert answer.cpu_s < 3


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
        (PART + b"x" * 1_500_000, "", 413),
        ((PART + b"x\r\n") * 40_000, "", 413),
        (b'--b\r\nContent-Disposition: form-data; name="' + b"n" * 3_000_000 + b'"\r\n\r\nx', "", 400),
        (b"--b\r\n" + b"X: y\r\n" * 400_000 + b"\r\n", "", 400),
        (b'--b\r\nContent-Disposition: form-data; name="f"; filename="../../x"\r\n\r\n' + b"x\r\n" * 10, "", 403),
        ((b'--b\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\nx\r\n') * 10, "", 413),
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
    assert answer.cpu_s < 5


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
    assert answer.cpu_s < 3
