# SPDX-License-Identifier: Apache-2.0
"""What the settings may say of the blob store, and what each process loads for it."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.errors import ConfigError
from gatepost.storage.blobs import FileBlobStore
from gatepost.storage.blobs_bucket_url import BucketUrl, parse_bucket_url
from gatepost.storage.blobs_cache import LIMIT_BYTES
from gatepost.storage.blobs_opening import open_blobs
from gatepost.storage.blobs_s3 import S3BlobStore


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://mails", BucketUrl("mails")),
        ("s3://mails/", BucketUrl("mails")),
        ("s3://mails/site-1/blobs/?region=eu-central-1", BucketUrl("mails", "site-1/blobs", region="eu-central-1")),
        ("s3://mails/%73ite?endpoint=https://s3.example.com:9000/", BucketUrl("mails", "site", "https://s3.example.com:9000")),
        ("s3://mails?endpoint=https%3A%2F%2F[2001:db8::1]:9000", BucketUrl("mails", endpoint="https://[2001:db8::1]:9000")),
        ("s3://mails?cache_mib=64&ca=/etc/ca.pem", BucketUrl("mails", ca="/etc/ca.pem", cache_bytes=67_108_864)),
    ],
)
def test_a_url_says_where_the_blobs_are(url: str, expected: BucketUrl) -> None:
    """Bucket, prefix, endpoint, region, authorities and the copies' limit."""
    assert parse_bucket_url(url, "stores.blobs") == expected
    assert parse_bucket_url("s3://mails", "").cache_bytes == LIMIT_BYTES


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://mails", "neither `files` nor"),
        ("s3://", "names no bucket"),
        ("s3://Mails", "names no bucket"),
        ("s3://AKIA:secret@mails", "no place for the access key"),
        ("s3://mails/a//b", "prefix"),
        ("s3://mails/../b", "prefix"),
        ("s3://mails/a b", "prefix"),
        ("s3://mails?endpoint=s3.example.com", "no URL of a host"),
        ("s3://mails?endpoint=ftp://s3.example.com", "no URL of a host"),
        ("s3://mails?endpoint=https://key:secret@s3.example.com", "no URL of a host"),
        ("s3://mails?endpoint=https://s3.example.com:99999", "no URL"),
        ("s3://mails?endpoint=https://[::1", "no URL"),
        ("s3://mails?endpoint=https://s3.example.com/mails", "goes on after its host"),
        ("s3://mails?region=", "region is no name"),
        ("s3://mails?regoin=eu", "these are: ca, cache_mib, endpoint, region"),
        ("s3://mails?region=a&region=b", "one twice"),
        ("s3://mails?cache_mib=0", "no number of MiB"),
        ("s3://mails?cache_mib=²", "no number of MiB"),
    ],
)
def test_a_url_that_cannot_work_is_refused(url: str, told: str) -> None:
    """With the setting, what is wrong and how to mend it, without the URL."""
    with pytest.raises(ConfigError, match=told) as caught:
        parse_bucket_url(url, "stores.blobs")
    assert str(caught.value).startswith("stores.blobs: ")
    assert "secret" not in str(caught.value)


@given(st.text(max_size=80) | st.from_regex(r"s3://[a-z.]{0,6}/?[a-z/%0-9.]{0,10}\?[a-z_]{0,9}=[ -~]{0,30}", fullmatch=True))
def test_any_text_is_a_place_or_refused(untrusted: str) -> None:
    """Whatever stands there, it is a bucket of a valid form or ConfigError."""
    try:
        url = parse_bucket_url(untrusted, "stores.blobs")
    except ConfigError:
        return
    assert url.bucket
    assert url.prefix == url.prefix.strip("/")
    assert not url.endpoint or url.endpoint.startswith(("http://", "https://"))
    assert url.shown.isprintable()


def test_files_are_the_default(tmp_path: Path) -> None:
    """`files` and nothing are the folder `blobs` of the data folder."""
    for url in ("files", ""):
        store = open_blobs(url, tmp_path)
        assert isinstance(store, FileBlobStore)
        assert store.folder == tmp_path / "blobs"
        store.close()


def test_a_bucket_is_opened_without_asking_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """URL and login may be given by reference; a store that is away does not keep a process from starting."""
    monkeypatch.setenv("BLOBS_URL", "s3://mails?endpoint=http://127.0.0.1:1&cache_mib=3")
    login = tmp_path / "login"
    login.write_text("AKIA:se:cret\n")
    store = open_blobs("env:BLOBS_URL", tmp_path / "data", login=f"file:{login}")
    assert isinstance(store, S3BlobStore)
    assert store.cache.folder == tmp_path / "data" / "blob-cache"
    assert store.cache.limit_bytes == 3 << 20
    assert open_blobs("env:BLOBS_URL", tmp_path / "data", cache_bytes=5).cache.limit_bytes == 5  # type: ignore[attr-defined]


@pytest.mark.parametrize("login", ["AKIA", ":secret", "AKIA:", " : "])
def test_a_login_without_its_two_halves_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, login: str) -> None:
    """The setting is named, the login is not shown."""
    monkeypatch.setenv("LOGIN", login)
    with pytest.raises(ConfigError, match=r"stores\.blobs_login: what it names is no login") as caught:
        open_blobs("s3://mails", tmp_path, login="env:LOGIN")
    assert "AKIA" not in str(caught.value)
    assert "secret" not in str(caught.value).removeprefix("stores.blobs_login: ").partition(";")[0]


def test_a_ca_that_is_missing_is_refused(tmp_path: Path) -> None:
    """A file that cannot be read is a mistake in the settings, known at the start."""
    with pytest.raises(ConfigError, match=r"the ca file /nowhere\.pem cannot be read"):
        open_blobs("s3://mails?ca=/nowhere.pem", tmp_path)
    (tmp_path / "not.pem").write_text("no certificate")
    with pytest.raises(ConfigError):
        open_blobs(f"s3://mails?ca={tmp_path}/not.pem", tmp_path)


def test_with_files_the_s3_library_is_not_loaded(tmp_path: Path) -> None:
    """What is not used costs neither time nor memory."""
    program = (
        "import sys, pathlib; from gatepost.storage.blobs_opening import open_blobs;"
        "open_blobs('files', pathlib.Path(sys.argv[1]));"
        "print([name for name in sys.modules if 'obstore' in name or name.endswith(('blobs_s3', 'blobs_bucket'))])"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
