# SPDX-License-Identifier: Apache-2.0
"""Mails whose content matters, for the filters that read it."""

import asyncio

from contracts.judged_mails import judged
from gatepost.contracts.filter import Filter, Finding
from gatepost.contracts.judged import Judged


def with_content(body: str | bytes, kind: str = "text/plain; charset=utf-8", subject: str = "Lunch", encoding: str = "8bit") -> Judged:
    """Give a mail of one part."""
    head = f"From: a@b.example\r\nSubject: {subject}\r\nContent-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return judged(head.encode() + (body.encode() if isinstance(body, str) else body))


def ask(chosen: Filter, mail: Judged) -> Finding:
    """Give a filter's finding."""
    return asyncio.run(chosen.judge(mail))
