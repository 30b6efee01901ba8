# SPDX-License-Identifier: Apache-2.0
"""What people read in a text that stands beside an address: another address, or somebody whom answers go to.

A text counts as it is shown. Where readers differ in what they show, each reading counts.
"""

import re
import unicodedata
from typing import Literal

from gatepost.encryption.paths.mailbox import folded
from gatepost.message.addresses import Address
from gatepost.message.domains import a_label
from gatepost.message.encoded_words import decode_words

Reading = Literal[
    "nothing",
    "sign",  # an @ that makes no address of the Internet: one label stands behind it
    "another",  # an address, and none of those that are vouched for
]

_AT = re.compile(r"\s*+@\s*+")
_DOT = re.compile(r"\s*+[.\u3002]\s*+")
_UNKNOWN = re.compile(r"=\?[^?\s]*+(?=\?[BbQq]\?)")
_SCHEME = re.compile(r"\A[A-Za-z]{1,10}:")
_AROUND = "<>()[]\"',;:.@"
_SHORTEST = 3
"""Letters of a word that names somebody; initials are everybody's."""
_MOST = 256
"""Characters of a name that are compared with each address of Reply-To."""


def reading_of(text: str, vouched: frozenset[tuple[str, str]]) -> Reading:
    """Say whether a text reads as an address, those that are vouched for left alone."""
    if "=?" in text:
        # RFC 2047 §6.2: of a charset that a reader does not know it may show what is ASCII.
        text = decode_words(_UNKNOWN.sub("=?us-ascii", text))
    if "@" not in text and text.isascii():
        return "nothing"
    found: Reading = "nothing"
    # Blanks around signs, and their wide forms, look the same to people; a sign too many at the end hides nothing from them.
    for one in _DOT.sub(".", _AT.sub("@", unicodedata.normalize("NFKC", text))).split():
        word = one.strip(_AROUND)
        local, at, domain = word.rpartition("@")
        if not (at and local and domain) or _is_vouched(local, domain, vouched):
            continue
        if "@" in local or not _is_one_label(domain):
            return "another"
        found = "sign"
    # What stands behind an @ may be shown before it, where marks of direction turn the text round.
    return "another" if found == "sign" and any(unicodedata.category(one) == "Cf" for one in text) else found


def names_each_other(name: str, address: Address, own: frozenset[str]) -> bool:
    """Say whether a name and an address seem to be the same person's, by a word that none of `own` has: the squashed own local parts."""
    of_name, of_local = _words(name[:_MOST]), _words(address.local)
    shown, written = "".join(of_name), "".join(of_local)
    words = (*(one for one in of_name if one in written), *(one for one in of_local if one in shown))
    return any(len(one) >= _SHORTEST and not any(one in other for other in own) for one in words)


def squashed(text: str) -> str:
    """Give the letters and digits of a text, as they are compared."""
    return "".join(_words(text))


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", unicodedata.normalize("NFKC", text).casefold())


def _is_vouched(local: str, domain: str, vouched: frozenset[tuple[str, str]]) -> bool:
    if not domain.isascii() and "." in domain:
        domain = a_label(domain.lower()) or domain  # RFC 5891 §5: compared in A-labels
    domain = domain.lower()
    return (folded(local), domain) in vouched or (folded(_SCHEME.sub("", local, count=1)), domain) in vouched


def _is_one_label(domain: str) -> bool:
    """Say whether a text is a word of plain or cased letters: of others some look like a dot."""
    return all((one.isascii() and one.isalnum()) or one in "-_" or unicodedata.category(one) in ("Lu", "Ll") for one in domain)
