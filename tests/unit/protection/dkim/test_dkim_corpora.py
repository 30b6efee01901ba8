# SPDX-License-Identifier: Apache-2.0
"""Real and crafted signatures with the result that others found."""

import json
import re
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest

from gatepost.contracts.authentication import DkimSignature
from gatepost.message.parse import parse
from gatepost.protection.mailauth.dkim.verify import verify
from shared_corpora import corpus, wire_form
from signing_keys import KeyZone

TOO_WEAK = {"good_rfc4871_3.txt", "goodkey_1.txt"}
"""Binding passes made with rsa-sha1 and 512 bits: RFC 8301 §3.1 and §3.2 take them away, so here they are right but `policy`."""

TIME = re.compile(rb"(?i)dkim-signature:[^\n]*(?:\n[ \t][^\n]*)*?[; \t]t=(\d+)")


def judge(path: Path, records: dict[str, Any], now: float | None = None) -> Awaitable[tuple[DkimSignature, ...]]:
    stored = path.read_bytes()
    if path.parent.name == "stalwart":
        stored = stored.partition(b"\n\n")[2]
    signed_at = TIME.search(stored)
    return verify(KeyZone(records), parse(wire_form(stored)), now if now is not None else float(signed_at[1]) if signed_at else 1.5e9)


async def test_the_binding_messages_agree(capsys: pytest.CaptureFixture[str]):
    """Where source and dkimpy are of one mind we are too, but for what RFC 8301 has taken away since."""
    folder = corpus("auth") / "dkim" / "mail-dkim"
    expected = json.loads((folder / "expected.json").read_text())["messages"]
    answers = json.loads((folder / "dns.json").read_text())
    records = {name: answer.get("txt") for name, answer in answers.items() if "txt" in answer or answer["rcode"] == "TIMEOUT"}
    agreed = informative = 0
    for name, case in expected.items():
        found = await judge(folder / name, records, 1.7e9)
        if not case["binding"]:
            informative += 1
            continue
        results = {one.result for one in found}
        if name in TOO_WEAK:
            assert case["result"] == "pass", name
            assert [(one.result, one.reason) for one in found] == [("policy", "the signature is right, but SHA-1 no longer counts")], name
        elif case["result"] == "pass":
            assert "pass" in results, (name, found)
        elif case["result"] == "fail":
            assert results == {"fail"}, (name, found)
        else:
            assert results <= {"neutral", "permerror", "temperror"}, (name, found)
        agreed += 1
    with capsys.disabled():
        print(f"\nmail-dkim: {agreed} binding agree ({len(TOO_WEAK)} of them right but too weak), {informative} informative read")
    assert agreed == sum(case["binding"] for case in expected.values())


async def test_the_real_mails_pass(capsys: pytest.CaptureFixture[str]):
    """Signatures of large providers, of lists and of RFC 8463, at the time they were made."""
    folder = corpus("auth") / "dkim"
    key_lines = (folder / "mimekit" / "gmail.pub").read_text().splitlines()
    records: dict[str, Any] = {"20120113._domainkey.gmail.com": "k=rsa; p=" + "".join(line for line in key_lines if "-" not in line)}
    for path in sorted((folder / "stalwart").glob("*.txt")):
        records |= dict(line.split(" ", 1) for line in path.read_text().partition("\n\n")[0].splitlines())
    paths = sorted([*(folder / "mimekit").glob("*.msg"), *(folder / "stalwart").glob("*.txt")])
    signatures = 0
    for path in paths:
        found = await judge(path, records)
        assert {(one.result, one.reason) for one in found} == {("pass", "")}, (path.name, found)
        signatures += len(found)
    with capsys.disabled():
        print(f"\nmimekit and stalwart: {len(paths)} mails, {signatures} signatures pass")
    assert (len(paths), signatures) == (7, 10)


async def test_rspamds_cases_agree(capsys: pytest.CaptureFixture[str]):
    """Unknown, revoked and outsize keys, unknown tags, broken and good Ed25519."""
    folder = corpus("auth") / "rspamd"
    cases = json.loads((folder / "cases.json").read_text())
    records = {one["name"]: one["replies"] for one in cases["dns_records"] if one["type"] == "txt" and "replies" in one}
    wanted = {"R_DKIM_ALLOW": {"pass"}, "R_DKIM_REJECT": {"fail"}, "R_DKIM_PERMFAIL": {"permerror"}}
    agreed = 0
    for case in cases["cases"]:
        if case["kind"] == "dkim":
            found = await judge(folder / "messages" / case["message"], records)
            assert {one.result for one in found} == wanted[case["expect"][0]], (case["name"], found)
            agreed += 1
    with capsys.disabled():
        print(f"\nrspamd: {agreed} DKIM cases agree")
    assert agreed >= 7
