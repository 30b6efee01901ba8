# SPDX-License-Identifier: Apache-2.0
"""The URL of a PostgreSQL store, and what is said of a wrong one."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gatepost.errors import ConfigError
from gatepost.storage.opening import find_target
from gatepost.storage.postgres_url import parse_url


@pytest.mark.parametrize(
    ("url", "shown", "keywords"),
    [
        (
            "postgresql://gatepost:s3cret@db.example:5433/mail",
            "postgresql://gatepost@db.example:5433/mail",
            {"user": "gatepost", "password": "s3cret", "host": "db.example", "port": "5433", "dbname": "mail"},
        ),
        ("postgres://db.example/mail", "postgresql://db.example/mail", {"host": "db.example", "dbname": "mail"}),
        (
            "postgresql://u:p%40%2F%3A@[2001:db8::1]:5432/a%20b?sslmode=verify-full&sslrootcert=/etc/ca.pem",
            "postgresql://u@[2001:db8::1]:5432/a%20b",
            {
                "user": "u",
                "password": "p@/:",
                "host": "2001:db8::1",
                "port": "5432",
                "dbname": "a b",
                "sslmode": "verify-full",
                "sslrootcert": "/etc/ca.pem",
            },
        ),
        (
            "postgresql://u@one:5432,two:5433/mail?target_session_attrs=read-write",
            "postgresql://u@one:5432,two:5433/mail",
            {"user": "u", "host": "one,two", "port": "5432,5433", "dbname": "mail", "target_session_attrs": "read-write"},
        ),
        (
            "postgresql://u@/mail?host=/run/postgresql&port=5433",
            "postgresql://u@/mail?host=/run/postgresql&port=5433",
            {"user": "u", "host": "/run/postgresql", "port": "5433", "dbname": "mail"},
        ),
    ],
)
def test_a_url_is_read(url: str, shown: str, keywords: dict[str, str]) -> None:
    """User, password, hosts, ports, database and parameters; what is shown lacks the password."""
    assert parse_url(url, "stores.gateway") == (shown, keywords)


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("mysql://u:s3cret@h/d", "neither `sqlite` nor the URL of a PostgreSQL database"),
        ("sqlite3", "neither"),
        ("postgresql://u:s3cret@h", "names no database"),
        ("postgresql://u:s3cret@h/", "names no database"),
        ("postgresql://u:s3cret@h:http/d", "port is no number"),
        ("postgresql://u:s3cret@h:0/d", "port is no number"),
        ("postgresql://u:s3cret@h/d/e", "goes on after the database's name"),
        ("postgresql://u:s3cret#1@h/d", "goes on after the database's name"),
        ("postgresql://u:s3c ret@h/d", "space or a control character"),
        ("postgresql://u:s3cret@h/d?options=-c%20fsync=off", "a parameter that is not known"),
        ("postgresql://u:s3cret@h/d?password=other", "a parameter that is not known"),
    ],
)
def test_a_wrong_url_is_named_by_its_setting(url: str, cause: str) -> None:
    """The sentence says what is wrong and how to mend it, and quotes nothing of the URL."""
    with pytest.raises(ConfigError) as caught:
        parse_url(url, "stores.gateway")
    assert cause in caught.value.cause
    assert caught.value.path == "stores.gateway"
    assert "s3cret" not in str(caught.value) and "s3c ret" not in str(caught.value)


def test_sqlite_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing, `sqlite`, and a reference to it, are a file in the data folder."""
    monkeypatch.setenv("STORE", "sqlite")
    assert [find_target(url, "key") for url in ("", "sqlite", "env:STORE")] == [None, None, None]


@given(some.text(max_size=60).map("postgresql://".__add__) | some.text(max_size=60), some.from_regex(r"[a-zA-Z0-9]{12}", fullmatch=True))
def test_no_url_breaks_it_and_none_shows_its_password(untrusted_url: str, password: str) -> None:
    """Whatever stands there is read or refused by name; a password is in neither answer."""
    for url in (untrusted_url, untrusted_url.replace("://", f"://u:{password}@", 1)):
        with contextlib.suppress(ConfigError):
            shown, keywords = parse_url(url, "key")
            assert keywords["dbname"] and shown.startswith("postgresql://")
            if keywords.get("password") == password:
                assert password not in shown
