# SPDX-License-Identifier: Apache-2.0
"""What pages say of verdicts, of stages, and of why a rule does not own a mail: the rooms below say it in English."""

from collections.abc import Mapping
from typing import Final

from gatepost.web.frame.words import _

VERDICTS: Final[Mapping[str, str]] = {
    "accepted": _("The mail would be accepted."),
    "refused": _("The mail would be refused."),
    "deferred": _("The mail would be put off."),
    "discarded": _("The mail would be accepted, and discarded."),
}
STAGES: Final[Mapping[str, str]] = {
    "mail": _("at MAIL FROM"),
    "rcpt": _("at RCPT TO"),
    "data": _("at DATA, before its content came"),
    "content": _("after its content had come"),
}
OWNS: Final[Mapping[bool | None, str]] = {True: _("yes"), False: _("no"), None: _("depends on From")}
WHY: Final = (
    _("it is disabled"),
    _("its scopes match"),
    _("its scopes match, From too"),
    _("it is for inbound mail, and this is outbound"),
    _("it is for outbound mail, and this is inbound"),
    _("the sender {0} is none of {1}"),
    _("the client {0} is not in {1}"),
    _("the listener {0} is none of {1}"),
    _("it is for owned domains, and {0} is none"),
    _("the recipient {0} is none of {1}"),
    _("it owns mail whose From is {0}, and From was not given"),
    _("{0} is no mail address; write it as user@example.com"),
)
"""Sentences of `rules.scope`, `rules.explain` and `roles.judge_file`, with the places of their values numbered."""
