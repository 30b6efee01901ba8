# SPDX-License-Identifier: Apache-2.0
"""What is read of a form that somebody sent, and how it is refused."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from gatepost.web.frame import forms
from gatepost.web.frame.forms import FIELD_BYTES, FIELDS, STRANGERS_BYTES, Form, Unreadable
from gatepost.web.frame.headers import BodyTooLarge

URL_ENCODED = "application/x-www-form-urlencoded"


def sent(body: bytes, kind: str = URL_ENCODED, *, chunk: int = 10_000, ends: str = "http.request") -> Request:
    """Give a request whose body comes in pieces; `ends` may be a disconnection."""
    pieces = [body[at : at + chunk] for at in range(0, len(body), chunk)] or [b""]

    async def receive() -> Mapping[str, Any]:
        if pieces:
            return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces) or ends != "http.request"}
        return {"type": ends}

    headers = [(b"content-type", kind.encode("latin-1"))] if kind else []
    return Request({"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": headers, "app": None}, receive)  # type: ignore[arg-type]


def part(name: str, value: bytes, more: str = "") -> bytes:
    """Give one part of a multipart form."""
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + value + b"\r\n"


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8")), st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=3), max_size=5
    )
)
async def test_a_form_is_read_as_it_was_written(written):
    """Every field has its values in their order, blanks, signs and empty ones too; only NUL becomes a sign that stores can hold."""
    read = await forms.read(sent(urlencode(written, doseq=True).encode(), chunk=7))
    shown: dict[str, list[str]] = {}
    for name, values in written.items():
        shown.setdefault(name, []).extend(one.replace("\0", "\ufffd") for one in values)
    assert {name: read._values[name] for name in read.names} == shown


async def test_files_come_as_bytes():
    """A multipart form of somebody known is read like any other; a file is its bytes, whatever it is called."""
    body = part("a", "ü".encode()) + part("a", b"2") + part("mail", b"\xff\x00", '; filename="../../x"') + b"--b--\r\n"
    read = await forms.read(sent(body, "multipart/form-data; boundary=b"))
    assert (read.many("a"), read._values["mail"]) == (["ü", "2"], [b"\xff\x00"])


@pytest.mark.parametrize(
    ("body", "kind", "known", "status"),
    [
        (b"a=b&" * FIELDS, URL_ENCODED, True, 413),
        (b"a=" + b"b" * (FIELD_BYTES + 1), URL_ENCODED, True, 413),
        (b"a=" + b"b" * STRANGERS_BYTES, URL_ENCODED, False, 413),
        (part("a", b"x" * (FIELD_BYTES + 1)) + b"--b--\r\n", "multipart/form-data; boundary=b", True, 413),
        (part("a", b"x") * (FIELDS + 1) + b"--b--\r\n", "multipart/form-data; boundary=b", True, 413),
        (part("a", b"x") + b"--b--\r\n", "multipart/form-data", True, 400),
        (part("a", b"x") + b"--b--\r\n", "multipart/form-data; boundary=b", False, 415),
        (part("a", b"x") + b"--b--\r\n", "multipart/form-data; boundary=b; charset=utf-7", True, 415),
        (b"{}", "application/json", True, 415),
        (b"a=b", "text/plain", True, 415),
        (b"a=b", "\xff/\xfe", True, 415),
    ],
)
async def test_what_cannot_be_read_is_refused_with_a_status(body, kind, known, status):
    """Too much is 413, no form of this kind 415, a broken one 400."""
    with pytest.raises(Unreadable) as refused:
        await forms.read(sent(body, kind), known=known)
    assert refused.value.status == status


async def test_a_form_may_have_as_many_fields_as_the_limit():
    """And a stranger's as many bytes."""
    assert len((await forms.read(sent(b"&".join([b"a=b"] * FIELDS)))).many("a")) == FIELDS
    assert (await forms.read(sent(b"a=" + b"b" * (STRANGERS_BYTES - 2)), known=False)).text("a")


async def test_nothing_sent_is_an_empty_form():
    """A button without fields sends no type."""
    assert (await forms.read(sent(b"", ""))).names == ()


@pytest.mark.parametrize("kind", [URL_ENCODED, "multipart/form-data; boundary=b"])
async def test_who_goes_away_while_sending_is_no_surprise(kind):
    """The rest of the form does not come; that is a broken form, not an error of ours."""
    with pytest.raises(Unreadable) as refused:
        await forms.read(sent(part("a", b"x"), kind, ends="http.disconnect"))
    assert refused.value.status == 400


async def test_a_request_over_the_limit_of_all_is_too_large(monkeypatch):
    """What the layer outside stops is told as what it is."""
    request = sent(b"a=b")

    async def too_large() -> Any:
        raise BodyTooLarge

    request._receive = too_large
    with pytest.raises(Unreadable) as refused:
        await forms.read(request)
    assert refused.value.status == 413


@pytest.mark.parametrize(
    ("written", "number", "faults"),
    [
        ("7", 7, 0),
        (" 7 ", 7, 0),
        ("9" * 15, 999_999_999_999_999, 0),
        ("9" * 16, None, 1),
        ("9" * 5_000, None, 1),
        ("1e3", None, 1),
        ("", None, 0),
    ],
)
def test_a_whole_number_has_an_end(written, number, faults):
    """What no store could hold is told at its field."""
    form = Form({"n": [written]})
    assert (form.whole("n"), len(form.at("n"))) == (number, faults)
