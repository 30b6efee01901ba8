# SPDX-License-Identifier: Apache-2.0
"""Whose mail it claims to be: the domains of the authors, from every From field of a mail (RFC 9989 §5.3.1, §11.5).

From: Ann <ann@example.com>                   example.com
From: staff: a@example.com, b@example.net;    example.com example.net
From: ann@example.com (twice From)            the domains of both fields
From: "ann@example.com"                       ''  an author whose address cannot be read
no From, or an empty group                    none at all
"""

from gatepost.config.limits import MessageLimits
from gatepost.message.mailboxes import parse_mailboxes
from gatepost.message.tree import Message

_FIELDS = 8
_LIMITS = MessageLimits(addresses=100)


def author_domains(message: Message) -> tuple[str, ...]:
    """Give each author domain once, in order, as A-labels; '' stands for what cannot be read or is too much."""
    domains: dict[str, None] = {}
    fields = message.headers.all("from")
    for field in fields[:_FIELDS]:
        found = parse_mailboxes(field.raw, _LIMITS)
        for mailbox in found.mailboxes:
            domains[mailbox.address.domain if mailbox.address else ""] = None
        if found.exceeded:
            domains[""] = None
    if len(fields) > _FIELDS:
        domains[""] = None
    return tuple(domains)
