# SPDX-License-Identifier: Apache-2.0
"""Mails that pages have judged: by a process of its own, within its limits, with the verdict that the gateway's rooms give."""

import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gatepost.config.configuration import Configuration, OwnedDomain
from gatepost.config.rules import FilterSettings, FilterUse, Rule, WordGroup
from gatepost.errors import GatepostError, UsageError
from gatepost.roles import trials
from gatepost.roles.trials import Tries
from gatepost.testing.gateway import relay_all_to
from gatepost.web.trying import Question

MAIL = b"From: a@sender.example\r\nSubject: cheap pills\r\n\r\nHello.\r\n"
ASKED = Question("192.0.2.1", "client.example", "a@sender.example", ("user@example.com",))


class Nobody:
    """The data know no user."""

    async def find(self, tenant_id: int, address: str) -> None:
        return None


def configuration(zone: Path) -> Configuration:
    """Give a rule that refuses one word."""
    zone.write_text("")
    return msgspec.structs.replace(
        relay_all_to(25),
        owned_domains=(OwnedDomain(name="example.com", recipients="any"),),
        rules=(Rule(name="all", filters=(FilterUse(name="words"),)),),
        filters=FilterSettings(word_groups=(WordGroup(name="pills", words=("cheap pills",), points=5.0),)),
        dns=msgspec.structs.replace(Configuration().dns, zone_file=str(zone)),
    )


@pytest.fixture
def tries() -> Any:
    """Give the trials of a console without people."""
    return Tries("gateway.example", Nobody())  # type: ignore[arg-type]


async def test_the_verdict_is_that_of_the_gateways_rooms(tries: Tries, tmp_path: Path):
    """With rule, sum and each filter's points."""
    verdict = await tries.judge(MAIL, ASKED, configuration(tmp_path / "zone"), 0)
    assert (verdict.verdict, verdict.rule, verdict.scl, verdict.stage) == ("refused", "all", 5.0, "content")
    assert [(one.name, one.points) for one in verdict.filters] == [("words", 5.0)]


async def test_an_address_that_cannot_be_read_is_told(tries: Tries, tmp_path: Path):
    """In one sentence, that names it."""
    with pytest.raises(UsageError, match="'nobody' is no mail address"):
        await tries.judge(MAIL, ASKED._replace(recipients=("nobody",)), configuration(tmp_path / "zone"), 0)
    with pytest.raises(UsageError, match="'x y@z' is no mail address"):
        await tries.explain(ASKED._replace(mail_from="x y@z"), configuration(tmp_path / "zone"))


async def test_rules_are_explained_down_to_the_owner(tries: Tries, tmp_path: Path):
    """As `gatepost rules explain` does."""
    told = await tries.explain(ASKED, configuration(tmp_path / "zone"))
    assert [(one.rule, one.matches) for one in told] == [("all", True)]


async def test_a_mail_that_takes_too_long_is_given_up(tries: Tries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Its process is gone, and somebody is told what to do instead."""
    monkeypatch.setattr(trials, "LIMIT_S", 0.05)
    with pytest.raises(GatepostError, match="could not be judged within"):
        await tries.judge(MAIL, ASKED, configuration(tmp_path / "zone"), 0)


async def test_a_process_that_crashes_is_told_as_such(tries: Tries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The console goes on."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(GatepostError, match="ended with 1"):
        await tries.judge(MAIL, ASKED, configuration(tmp_path / "zone"), 0)


async def test_what_judges_inherits_no_secret(tries: Tries, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """References to the environment name secrets of the gateway; this process gets none of it."""
    seen = tmp_path / "seen"
    spy = tmp_path / "spy"
    spy.write_text(f"#!/bin/sh\nenv > {seen}\nexit 1\n")
    spy.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(spy))
    monkeypatch.setenv("SMART_HOST_PASSWORD", "very secret")
    with pytest.raises(GatepostError):
        await tries.judge(MAIL, ASKED, configuration(tmp_path / "zone"), 0)
    assert "very secret" not in seen.read_text()
