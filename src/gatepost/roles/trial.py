# SPDX-License-Identifier: Apache-2.0
"""What the command line asks of a gateway's rooms without a running gateway: judge a file, explain the rules."""

import asyncio
from typing import Any

import msgspec

from gatepost.config.bootstrap import Bootstrap
from gatepost.config.configuration import Configuration
from gatepost.roles.judge_file import FileVerdict, Question, explain_rules, judge_file
from gatepost.roles.processes import hostname


def run_trial(raw: bytes, question: dict[str, Any], bootstrap: Bootstrap, configuration: Configuration) -> FileVerdict:
    """Judge a mail in wire form."""
    return asyncio.run(judge_file(raw, msgspec.convert(question, Question), configuration, hostname(bootstrap)))


def run_explanation(question: dict[str, Any], bootstrap: Bootstrap, configuration: Configuration) -> list[dict[str, Any]]:
    """Explain the rules."""
    return explain_rules(msgspec.convert(question, Question), configuration, hostname(bootstrap))
