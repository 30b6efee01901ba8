# SPDX-License-Identifier: Apache-2.0
"""What the pages of Configuration › Changes share: their addresses, their tabs, the rights they need."""

from typing import Final

from gatepost.web.console.people.sheet import Tab
from gatepost.web.frame.forms import Form
from gatepost.web.frame.words import _

DRAFT: Final = "/configuration/changes"
TEXT: Final = DRAFT + "/text"
HISTORY: Final = DRAFT + "/history"
REPLAY: Final = DRAFT + "/replay"
CONFLICTS: Final = DRAFT + "/conflicts"
READ: Final = "configuration:read"
WRITE: Final = "configuration:write"
TABS: Final = (Tab(_("Your draft"), DRAFT), Tab(_("As text"), TEXT), Tab(_("History"), HISTORY))

CHANGED: Final = _("The draft was changed meanwhile, as in another tab. This is how it is now; look at it again.")


def seen(form: Form) -> int:
    """Give the revision of the draft that a form was made from; 0 where there was none."""
    return form.whole("revision", 0) or 0
