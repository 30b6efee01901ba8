# SPDX-License-Identifier: Apache-2.0
"""What pages say of a fault in the configuration.

The rooms below tell faults for who writes a file, in English. Here stand their sentences, so that the catalogues have them
(a test drives each fault and finds those that are missing), and what a page says in place of those that speak of a file.
"""

import re
from collections.abc import Mapping
from typing import Final

from gatepost.versioning.edit_fields import Field
from gatepost.versioning.edit_values import Fault
from gatepost.web.frame.words import Words, _

_EMPTY: Final = re.compile(r"missing|expected str of length >= 1")
_LENGTH: Final = re.compile(r"expected str of length <= (\d+)")
_NUMBER: Final = re.compile(r"expected (?:int|float).*|.* is no number")

REWORDED: Final[Mapping[str, str]] = {
    'name filters, or write mode = "accept"': _("choose filters, or the mode Accept"),
    'write security = "required"': _("choose the connection security Required"),
    'write scripts, as ["Latin", "Common"]': _("write scripts, as Latin and Common"),
    "give networks, certificate_sha256 or provider_header": _("give networks, a certificate or the header field of a provider"),
    "only one of provider_networks and provider_header is given": _("only one of the provider's networks and header field is given"),
    "write it as `Name: value`": _("write it as Name: value"),
    "is empty, but user is given": _("is empty, but a user name is given"),
    "is empty, but password is given": _("is empty, but a password is given"),
    'add [[send_connectors]] with direction = "inbound"': _("add an inbound send connector"),
    "remove one of them, and raise the other's multiplier": _("remove one of them"),
}
"""Sentences that speak of a file, each with what a page says."""

_INSIDE: Final = (
    (re.compile(r"(?:(?:inbound|outbound) )?(.+) is [a-z_]+\[\d+\] already"), "there is {} already"),
    (re.compile(r"is the zone of lists\[\d+\] too"), "is the zone of another list, too"),
)
"""Sentences with a place in the file in them, and what a page says."""

SENTENCES: Final = (
    _("there is no {0} any more"),
    _("look at the list again"),
    _("there is {0} already"),
    _("is the zone of another list, too"),
    _("name it otherwise"),
    _("this is the last rule, and without any the default rules hold"),
    _("disable it, or change it"),
    _("there is no place {0}"),
    _("write a whole number from {0} to {1}"),
    _("write a whole number of at least {0}"),
    _("write a whole number"),
    _("write a number from {0} to {1}"),
    _("write a number above {0} and at most {1}"),
    _("write a number of at least {0}"),
    _("write a number above {0}"),
    _("write one of {0}"),
    _("holds half of a character"),
    _("{0} is no domain name"),
    _("{0} is no domain name ({1})"),
    _("{0} is an IP address, not a domain name"),
    _("write a domain, as example.com or *.example.com"),
    _("remove one of them"),
    _("{0} is no mail address"),
    _("write one address, as postmaster@example.com"),
    _("nothing says how to know this server"),
    _("give both or none"),
    _("give both, or neither"),
    _("this is no header field"),
    _("is not a SHA-256 in hex"),
    _("write its 64 hex digits without colons"),
    _("{0} is no IP address or network"),
    _("{0} has bits set beyond its prefix (meant {1}?)"),
    _("{0} is no IP address"),
    _("write an address or a network, as 192.0.2.0/24"),
    _("is the whole internet, which would make this an open relay"),
    _("write only the servers' own addresses"),
    _("is the whole internet, so everybody could say himself where he comes from"),
    _("write only the proxies' own addresses"),
    _("{0} is no web address"),
    _("{0} has more than scheme, host and port"),
    _("write it as https://console.example.com"),
    _("write a domain, *.example.com, or * for all"),
    _("{0} is no name server"),
    _("write 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:5353"),
    _("{0} is no next hop"),
    _("{0} is no next hop; an IPv6 address stands in brackets"),
    _("{0} is no port"),
    _("write host, host:port or [address]:port"),
    _("is empty, but the MX of an owned domain is this gateway, so mail would run in a circle"),
    _("name the mail server that has the mailboxes"),
    _("a secret is given by reference"),
    _("the reference {0}: names no absolute path"),
    _("the reference {0}: names no variable"),
    _("write file:/PATH or env:NAME, never the password itself"),
    _("a login without TLS would show the password"),
    _("no inbound connector serves {0}, so its mail could go nowhere"),
    _("details cannot be kept longer than the summaries, which are kept for {0} days"),
    _("write one address, as user@example.com"),
    _("the address is empty"),
    _("the null sender is no recipient and no author"),
    _("write user@example.com, *user@example.com, *@example.com, *.example.com or *"),
    _("{0} names no domain"),
    _("{0} is no address"),
    _("write *@{0} for the addresses of this domain"),
    _("{0} has nothing before the @"),
    _("write *{0}"),
    _("{0} has a * behind the @"),
    _("write *.example.com for subdomains, and one pattern for each domain"),
    _("{0} has a * that is not at its beginning"),
    _("{0} is no domain"),
    _("{0} is no listener"),
    _("write address:port, as 0.0.0.0:25"),
    _("there is no filter {0}"),
    _("did you mean {0}?"),
    _("{0} has no function in {1} mail"),
    _("remove it, or make the rule {0}"),
    _("remove it"),
    _("is empty, so nothing gives points and the threshold is never reached"),
    _("write the list's domain, as bl.example.org"),
    _("{0} is no answer of a blocklist"),
    _("{0} is an error that operators answer, never a hit"),
    _("write an address, a network or a range within 127.0.0.0/8, as 127.0.0.2, 127.0.0.4-127.0.0.7"),
    _("{0} changes nothing"),
    _("write at least {0}, or less than 0"),
    _("is empty"),
    _("has {0} words"),
    _("write 1 to {0} words in a {1} group, and the others in another"),
    _("is blank"),
    _("{0} has {1} characters"),
    _("write 1 to {0} characters"),
    _("{0} is found in every mail"),
    _("write letters beside the * and ?"),
    _("write an expression that needs at least one character"),
    _("{0} is no RE2 expression ({1})"),
    _("mend it; look-around and back-references do not exist in RE2"),
    _("cannot be searched together ({0})"),
    _("make several groups of them"),
    _("{0} is no script known here"),
    _("write {0}"),
    _("is empty, so every letter is foreign"),
    _("{0} is no limit"),
    _("write a finite number"),
)
"""What the rooms below say, with the places of its values numbered."""


def said(fault: Fault, field: Field | None, words: Words) -> tuple[str, str]:
    """Give cause and mend of a fault in the reader's language."""
    cause, mend = fault.cause, fault.mend
    if field is not None and (formed := _form_fault(cause, mend, field)):
        cause, mend = formed
    if most := _LENGTH.fullmatch(cause):
        return words("is too long"), words("write at most {n} characters", n=most[1])
    for pattern, sentence in _INSIDE:
        if found := pattern.fullmatch(cause):
            cause = sentence.format(*found.groups())
    return words(REWORDED.get(cause, cause)), words(REWORDED.get(mend, mend))


def _form_fault(cause: str, mend: str, field: Field) -> tuple[str, str] | None:
    """Say what the model itself refuses."""
    if _EMPTY.fullmatch(cause):
        return _("is missing"), _("write at least one line") if field.kind == "texts" else ""
    if field.kind in ("whole", "number") and _NUMBER.fullmatch(cause):
        return _("this number cannot be taken"), mend
    if field.kind == "choice":
        return _("is none of the choices"), _("choose one of the list")
    if cause.startswith("expected str matching regex"):
        return (_("is not a whole argon2id hash"), "") if field.secret else (_("holds other characters than ASCII"), _("write ASCII only"))
    return None
