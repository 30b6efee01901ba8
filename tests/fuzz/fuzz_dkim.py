# SPDX-License-Identifier: Apache-2.0
"""Fuzz signatures, keys and chains, guided by coverage. Needs atheris; libFuzzer's options are passed on.

    PYTHONPATH=tests .venv/bin/python tests/fuzz/fuzz_dkim.py -max_total_time=3600 [CORPUS]

The first byte of an input chooses what it is: a mail, a mail behind a good signature field, a tag list, a key record,
a body. Nothing may raise, and what nobody signed may not pass. Inputs that do become fixtures of `test_dkim_properties.py`.
"""

import asyncio
import re
import sys

import atheris

with atheris.instrument_imports(include=["gatepost.protection.mailauth", "gatepost.message"]):
    from gatepost.message.parse import parse
    from gatepost.protection.mailauth.arc.validate import validate
    from gatepost.protection.mailauth.dkim.canonical import relaxed_body, simple_body
    from gatepost.protection.mailauth.dkim.field import parse_signature
    from gatepost.protection.mailauth.dkim.key import parse_key
    from gatepost.protection.mailauth.dkim.sign import sign
    from gatepost.protection.mailauth.dkim.tags import parse_tags
    from gatepost.protection.mailauth.dkim.verify import verify

from signing_keys import KeyZone, ed25519_key, record_of, rsa_key

NOW = 1_800_000_000.0
ZONE = {"s._domainkey.a.example": record_of(rsa_key()), "e._domainkey.a.example": record_of(ed25519_key())}
FIELD = b"DKIM-Signature: v=1; a=ed25519-sha256; d=a.example; s=e; h=from; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b="
LOOP = asyncio.new_event_loop()


def judge(mail: bytes) -> None:
    message = parse(mail)
    for found in LOOP.run_until_complete(verify(KeyZone(ZONE), message, NOW)):
        assert found.result != "pass"
        assert found.reason
    assert LOOP.run_until_complete(validate(KeyZone(ZONE), message, NOW)).result != "pass"


def read_record(untrusted: bytes) -> None:
    key = parse_key.__wrapped__(untrusted)
    assert (key.public is None) == bool(key.fault)


def read_tags(untrusted: bytes) -> None:
    tags = parse_tags(untrusted)
    assert tags is None or all(untrusted[tag.start : tag.end].strip(b" \t\r\n") == tag.value for tag in tags.values())
    parse_signature(untrusted)


def reduce_body(body: bytes) -> None:
    relaxed = b"".join(relaxed_body(body, 0, len(body)))
    assert not re.search(rb"[ \t]{2}|\t|[ ]\r\n|\A(\r\n)+\Z|\r\n\r\n\Z", relaxed)
    assert relaxed == b"".join(relaxed_body(relaxed, 0, len(relaxed)))
    simple = b"".join(simple_body(body, 0, len(body)))
    assert simple == b"".join(simple_body(simple, 0, len(simple)))


def sign_and_verify(mail: bytes) -> None:
    message = parse(b"From: a\r\n" + mail)
    if "dkim-signature" in message.headers or message.exceeded:
        return
    field = sign(message.raw, domain="a.example", selector="e", key=ed25519_key(), now=NOW)
    [found] = LOOP.run_until_complete(verify(KeyZone(ZONE), parse(field + message.raw), NOW))
    assert found.result == "pass"


TARGETS = [judge, lambda rest: judge(FIELD + rest), read_tags, read_record, reduce_body, sign_and_verify]


def one_input(data: bytes) -> None:
    if data:
        TARGETS[data[0] % len(TARGETS)](data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
