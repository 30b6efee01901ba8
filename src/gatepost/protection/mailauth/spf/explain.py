# SPDX-License-Identifier: Apache-2.0
"""The words of a domain for the sender it refuses (`exp=`, RFC 7208 §6.2); whatever is wrong with them, there are none."""

from gatepost.dns.resolver import Resolver
from gatepost.protection.mailauth.spf.evaluate import Evaluation, Outcome
from gatepost.protection.mailauth.spf.macros import EXPLANATION_LETTERS, query_name, read_macros

LONGEST = 500
_SOURCE = 2000
"""Octets of an explanation before its macros are filled."""


async def explanation(resolver: Resolver, evaluation: Evaluation, outcome: Outcome) -> str:
    """Fetch and fill the explanation of a fail; one line of printable characters, '' when there is none."""
    if outcome.result != "fail" or outcome.explanation is None:
        return ""
    name = query_name(await evaluation.expanded(outcome.explanation, outcome.domain))
    texts = (await resolver.txt(name)).values if name is not None else ()
    if len(texts) != 1 or not texts[0].isascii() or len(texts[0]) > _SOURCE:
        return ""
    macros = read_macros(texts[0].decode("ascii"), EXPLANATION_LETTERS)
    if macros is None:
        return ""
    filled = await evaluation.expanded(macros, outcome.domain)
    return "".join([char if char.isprintable() else " " for char in filled[:LONGEST]])
