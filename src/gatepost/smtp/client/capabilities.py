# SPDX-License-Identifier: Apache-2.0
"""What a next hop offers, as its answer to EHLO says (RFC 5321 §4.1.1.1)."""

from typing import NamedTuple

from gatepost.smtp.replies import Reply


class Capabilities(NamedTuple):
    """The service extensions that matter to us; all off after a mere HELO."""

    pipelining: bool = False
    size: bool = False
    eight_bit: bool = False
    smtputf8: bool = False
    starttls: bool = False
    dsn: bool = False
    auth: frozenset[str] = frozenset()
    """SASL mechanisms in capitals."""


def capabilities_of(reply: Reply) -> Capabilities:
    """Read the extensions from the lines after the first; unknown ones and their parameters are ignored."""
    offered: dict[str, set[str]] = {}
    for untrusted_line in reply.text.upper().split("\n")[1:]:
        words = untrusted_line.replace("AUTH=", "AUTH ", 1).split()  # an old draft's form, still met
        if words:
            offered.setdefault(words[0], set()).update(words[1:])
    return Capabilities(
        pipelining="PIPELINING" in offered,
        size="SIZE" in offered,
        eight_bit="8BITMIME" in offered,
        smtputf8="SMTPUTF8" in offered,
        starttls="STARTTLS" in offered,
        dsn="DSN" in offered,
        auth=frozenset(offered.get("AUTH", ())),
    )
