# SPDX-License-Identifier: Apache-2.0
"""What is told when an S3 store refuses, is full, is slow or is not there: one sentence, within a time limit, without secrets."""

import http.server
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from contracts.blob_engines import put, require, s3_server, s3_store
from gatepost.errors import StoreAway, StoreError, StoreFull, StoreOwned
from gatepost.storage import blobs_bucket
from gatepost.storage.blobs_bucket import SILENCE_S
from gatepost.storage.blobs_s3 import S3BlobStore
from gatepost.testing.ports import LOOPBACK

NAME = "a" * 32
SECRET = "s3cr3t-that-nobody-sees"


class Answering(http.server.ThreadingHTTPServer):
    """A server that gives every question the same answer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__((LOOPBACK, 0), _Handler)
        self.status, self.code, self.asked = 200, "", 0
        self.objects: dict[str, bytes] | None = None
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"s3://bucket/mails?endpoint=http://{LOOPBACK}:{self.server_address[1]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Answering

    def _answer(self) -> None:
        self.server.asked += 1
        content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.server.objects is not None:
            self._keep(self.server.objects, content)
            return
        body = b"" if self.command == "HEAD" or not self.server.code else f"<Error><Code>{self.server.code}</Code></Error>".encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _keep(self, objects: dict[str, bytes], content: bytes) -> None:
        """Be a store that knows no conditions."""
        if self.command == "PUT" and "If-None-Match" not in self.headers:
            objects[self.path] = content
        conditional = self.command == "PUT" and "If-None-Match" in self.headers
        body = objects.get(self.path, b"") if self.command == "GET" else b""
        self.send_response(501 if conditional else 200 if self.path in objects else 404)
        for name, value in (("Content-Length", str(len(body))), ("ETag", '"x"'), ("Last-Modified", "Wed, 25 Nov 2026 21:00:00 GMT")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def answering() -> Iterator[Answering]:
    server = Answering()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "code", "expected", "told"),
    [
        (403, "InvalidAccessKeyId", StoreAway, "mend `stores.blobs_login`"),
        (403, "SignatureDoesNotMatch", StoreAway, "the secret does not fit"),
        (403, "AccessDenied", StoreAway, "allow it to get, put, delete and list"),
        (403, "RequestTimeTooSkewed", StoreAway, "let NTP set this machine's"),
        (404, "NoSuchBucket", StoreAway, "there is no such bucket; create it"),
        (301, "PermanentRedirect", StoreAway, "add region="),
        (400, "AuthorizationHeaderMalformed", StoreAway, "add region="),
        (503, "SlowDown", StoreAway, "the store is asked too much"),
        (503, "", StoreAway, "the store answered 503"),
        (500, "InternalError", StoreAway, "the store failed"),
        (418, "Teapot", StoreAway, "the store answered 418 Teapot"),
        (403, "QuotaExceeded", StoreFull, "raise its quota"),
        (400, "XMinioAdminBucketQuotaExceeded", StoreFull, "raise its quota"),
        (507, "XMinioStorageFull", StoreFull, "make room there"),
        (507, "", StoreFull, "the store is full \\(507\\)"),
    ],
)
def test_a_refusal_is_told_in_one_sentence(
    answering: Answering, tmp_path: Path, status: int, code: str, expected: type[StoreError], told: str
) -> None:
    """What, where and how to mend it; no secret, no library's text, and nothing is left on the disk."""
    answering.status, answering.code = status, code
    store = s3_store(answering.url, tmp_path, secret=SECRET)
    writer = store.create()
    writer.write(b"x")
    with pytest.raises(expected, match=told) as caught:
        writer.finish()
    assert str(caught.value).startswith(f"{answering.url}: ")
    assert not any(word in str(caught.value) for word in ("\n", SECRET, "Generic", "RetryError"))
    assert caught.value.__cause__ is None
    assert list(tmp_path.iterdir()) == []


USES: dict[str, Callable[[S3BlobStore], object]] = {
    "open": lambda store: store.open(NAME),
    "beginning": lambda store: store.beginning(NAME, 10),
    "remove": lambda store: store.remove([NAME]),
    "sweep": lambda store: store.sweep(lambda names: names),
    "claim": lambda store: store.claim("me"),
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(("status", "code"), [(403, "InvalidAccessKeyId"), (503, "SlowDown"), (404, "NoSuchBucket")])
def test_every_use_tells_of_trouble(answering: Answering, tmp_path: Path, use: str, status: int, code: str) -> None:
    """Whatever was asked for, it is StoreAway, and nothing is taken for done."""
    answering.status, answering.code = status, code
    with pytest.raises(StoreAway) as caught:
        USES[use](s3_store(answering.url, tmp_path))
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("use", [*USES, "put"])
def test_a_store_that_does_not_answer_is_given_up(tmp_path: Path, use: str) -> None:
    """Connections that are taken and never answered: StoreAway, long before the usual silence is over."""
    with socket.create_server((LOOPBACK, 0)) as silent:
        store = s3_store(f"s3://bucket/mails?endpoint=http://{LOOPBACK}:{silent.getsockname()[1]}", tmp_path, silence_s=0.3)
        began = time.monotonic()
        with pytest.raises(StoreAway, match="does not answer in time"):
            USES.get(use, put)(store)
        assert time.monotonic() - began < SILENCE_S


def test_nobody_there_is_told(tmp_path: Path) -> None:
    """A port where nobody listens and a name that nobody has are told apart."""
    with pytest.raises(StoreAway, match="nobody listens at the endpoint"):
        put(s3_store(f"s3://bucket/mails?endpoint=http://{LOOPBACK}:1", tmp_path), b"x")
    with pytest.raises(StoreAway, match="name cannot be found"):
        put(s3_store("s3://bucket/mails?endpoint=http://nobody.invalid", tmp_path), b"x")


def test_a_missing_bucket_of_a_real_server_is_told(tmp_path: Path) -> None:
    """What the scripted answers say holds for a store that was not written for this test."""
    require("s3")
    store = s3_store(s3_server().url("never-made"), tmp_path)
    with pytest.raises(StoreAway, match="there is no such bucket; create it"):
        put(store, b"x")
    with pytest.raises(StoreAway, match="there is no such bucket; create it"):
        store.sweep(lambda names: names)


def test_a_busy_store_is_asked_again(answering: Answering, tmp_path: Path) -> None:
    """One 503 is no trouble yet: a question is repeated twice before it fails."""
    answering.status, answering.code = 503, "SlowDown"
    with pytest.raises(StoreAway):
        put(s3_store(answering.url, tmp_path), b"x")
    assert answering.asked == 3


def test_while_it_is_away_calls_fail_at_once(answering: Answering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a call that could not reach the store the next ones ask nobody, until the pause is over; then one tries, and it goes on."""
    now = time.monotonic()
    monkeypatch.setattr(blobs_bucket.time, "monotonic", lambda: now)
    answering.status = 503
    store = s3_store(answering.url, tmp_path)
    with pytest.raises(StoreAway):
        store.remove([NAME])
    asked = answering.asked
    for use in (store.create, lambda: store.open(NAME), lambda: store.remove([NAME])):
        with pytest.raises(StoreAway, match="503"):
            use()
    assert answering.asked == asked
    now += blobs_bucket.PAUSE_S + 1
    answering.status = 204
    store.remove([NAME])
    store.create().abort()
    assert answering.asked == asked + 1


def test_one_at_a_time_tries_again(answering: Answering, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one call finds out whether the store is back, the others do not wait beside it."""
    answering.status = 503
    store = s3_store(answering.url, tmp_path)
    with pytest.raises(StoreAway):
        store.remove([NAME])
    now = time.monotonic() + blobs_bucket.PAUSE_S + 1
    monkeypatch.setattr(blobs_bucket.time, "monotonic", lambda: now)
    store.bucket._breaker.enter()
    asked = answering.asked
    with pytest.raises(StoreAway):
        store.remove([NAME])
    assert answering.asked == asked


def test_a_refusal_is_no_reason_to_stop_asking(answering: Answering, tmp_path: Path) -> None:
    """A wrong key is asked with each time: mending it there helps at once."""
    answering.status, answering.code = 403, "AccessDenied"
    store = s3_store(answering.url, tmp_path)
    for _ in range(2):
        with pytest.raises(StoreAway):
            put(store, b"x")
    assert answering.asked == 2


def test_a_store_that_complains_of_what_is_gone_removes_the_rest(answering: Answering, tmp_path: Path) -> None:
    """Some stores answer 404 to deleting nothing; each of the others is asked for all the same."""
    answering.status, answering.code = 404, "NoSuchKey"
    store = s3_store(answering.url, tmp_path)
    store.remove([NAME, "b" * 32, "c" * 32])
    assert answering.asked >= 3


def test_a_store_that_knows_no_conditions_is_claimed_too(answering: Answering, tmp_path: Path) -> None:
    """Where `If-None-Match` is not known the owner is written all the same, and another one is refused."""
    answering.objects = {}
    store = s3_store(answering.url, tmp_path)
    store.claim("store-1")
    assert answering.objects == {"/bucket/mails/owner": b"store-1"}
    store.claim("store-1")
    with pytest.raises(StoreOwned):
        store.claim("store-2")
