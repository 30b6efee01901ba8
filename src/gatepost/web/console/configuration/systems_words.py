# SPDX-License-Identifier: Apache-2.0
"""What pages say of a link that cannot be made or parted: the rooms below say it in English, for who types commands."""

from collections.abc import Mapping
from typing import Final

from gatepost.web.frame.words import Words, _

REWORDED: Final[Mapping[str, str]] = {
    "a role's name has 1 to 63 letters, digits, dots and hyphens; give one with --name": _(
        "a name has 1 to 63 small letters, digits, dots and hyphens"
    ),
}
SENTENCES: Final = (
    _("{0} is no address; write HOST:PORT, as the gateway's `link.listen` has it"),
    _("this is no token; copy the whole one that `gatepost role invite` prints on the other role"),
    _("this token is wrong, was used, or is older than 15 minutes; get a new one with `gatepost role invite`"),
    _("there is a link {0} already; leave it first, or give this one another name with --name"),
    _("{0} cannot be reached ({1}); check the address and its `link.listen`"),
    _("{0} hung up; it is tried again"),
)
"""Their sentences, with the places of values numbered."""


def in_words(sentence: str, words: Words) -> str:
    """Say such a sentence in the reader's language; one that stands not here stays as it is."""
    return words(REWORDED.get(sentence, sentence))
