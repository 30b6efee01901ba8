# SPDX-License-Identifier: Apache-2.0
"""What pages say of verdicts and stages, and of an address that is none: the rooms below say it in English."""

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
ADDRESS: Final = _("{0} is no mail address; write it as user@example.com")
"""A sentence of `roles.judge_file`, with the place of its value numbered."""
