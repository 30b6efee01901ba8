# SPDX-License-Identifier: Apache-2.0
"""The field that we make."""

import re

import pytest

from gatepost.message.parse import parse
from gatepost.protection.mailauth.dkim.field import parse_signature
from gatepost.protection.mailauth.dkim.sign import prepare, sign, sign_digest
from signing_keys import ed25519_key, rsa_key

MAIL = b"From: a@example.org\r\nTo: b@example.net\r\nTo: c@example.net\r\nSubject: One\r\n\r\nHello\r\n"
SETTINGS = {"domain": "Example.ORG", "selector": "s", "now": 1_800_000_000.9}


def test_the_field_says_what_was_asked_for():
    """Domain in lower case, time in whole seconds, each name as often as it occurs and once more where oversigned."""
    field = sign(MAIL, key=rsa_key(), valid_s=3600, identity="a@example.org", canonicalization="simple/relaxed", **SETTINGS)
    signature = parse_signature(field.partition(b":")[2])
    assert signature.fault == ""
    assert (signature.signer.domain, signature.signer.algorithm, signature.expires_at) == ("example.org", "rsa-sha256", 1_800_003_600)
    assert signature.names == ("from", "from", "subject", "subject", "date", "to", "to", "to", "content-type")
    assert (signature.relaxed_header, signature.relaxed_body) == (False, True)


def test_the_field_is_folded():
    """No line is longer than 78 columns, each continues with a tab, and the field ends in one line end."""
    field = sign(MAIL, key=rsa_key(2048), **SETTINGS)
    lines = field.split(b"\r\n")
    assert lines.pop() == b""
    assert max(map(len, lines)) <= 78
    assert all(line.startswith(b"\t") and line.strip() for line in lines[1:])
    assert not re.search(rb"(?<!\r)\n", field)


def test_the_key_may_be_elsewhere():
    """A digest goes to who has the key, and his signature completes the field; the bytes are the same."""
    draft = prepare(parse(MAIL), algorithm="ed25519-sha256", **SETTINGS)
    assert len(draft.digest) == 32
    assert draft.field(sign_digest(ed25519_key(), draft.digest)) == sign(MAIL, key=ed25519_key(), **SETTINGS)


def test_from_is_always_signed_and_the_list_is_never_longer_than_verifiers_read():
    """However many fields a mail has."""
    field = sign(b"To: x\r\n" * 400 + MAIL, key=ed25519_key(), headers=["to"], oversigned=(), **SETTINGS)
    signature = parse_signature(field.partition(b":")[2])
    assert (signature.fault, len(signature.names), signature.names[0]) == ("", 256, "from")


@pytest.mark.parametrize(
    "wrong",
    [
        {"domain": "exa mple.org"},
        {"selector": ""},
        {"canonicalization": "relaxed"},
        {"canonicalization": "nofws/simple"},
        {"identity": "a@example.com"},
        {"identity": "a;b@example.org"},
        {"identity": "a b@example.org"},
        {"headers": ["from", "a:b"]},
        {"headers": ["from", "b\u00e9"]},
    ],
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, object]):
    """Before anything is signed."""
    with pytest.raises(ValueError, match=r"."):
        sign(MAIL, key=ed25519_key(), **{**SETTINGS, **wrong})
