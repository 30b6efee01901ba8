# SPDX-License-Identifier: Apache-2.0
"""Address fields as values: From, To, Cc and their like (RFC 5322 §3.4 and §4.4, RFC 2047, RFC 6532).

Promises: never raises, takes linear time; every mailbox that stands in the field is in the answer. One
whose address cannot be read without guessing has `address=None`, its text and a defect, so that a rule sees it.
"""

import re
from itertools import pairwise
from typing import NamedTuple

from gatepost.config.limits import MessageLimits
from gatepost.message import defects
from gatepost.message.addresses import Address
from gatepost.message.domains import a_label, address_literal
from gatepost.message.encoded_words import decode_words
from gatepost.message.headers import unfold
from gatepost.message.parameters import skip_blanks, unescape

_TOKEN = re.compile(
    r"""(?P<quoted>"(?:[^"\\]|\\.)*+"?+)
      | (?P<word>=\?[^?\s]{1,60}\?[BbQq]\?[^?]*+\?=)
      | (?P<literal>\[[^\[\]]*+\]?+)
      | (?P<atom>[^\s()<>\[\],;:@"]++)
      | (?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_LOCAL = re.compile(r"[^\s()<>\[\],;:@\"\\\x00-\x1f\x7f]++")
_ATOM = r"(?:(?!=\?)[^\s()<>\[\],;:@\"\\\x00-\x1f\x7f])++"
_ENCODED = r"=\?[^?\s]{1,60}\?[BbQq]\?[^?\s()<>\[\],;:@\"\\]*+\?="
# The repeat of words is not possessive: CPython 3.11.2 (Debian 12) loses the position of nested possessive groups.
_USUAL = re.compile(
    rf"""(?:"([^"\\\r\n]++)"[ ]|((?:(?:{_ENCODED}|{_ATOM})[ ]){{1,20}}))?<({_ATOM})@([A-Za-z0-9.-]++)>""", re.VERBOSE
).fullmatch
"""One mailbox as nearly every From has it."""
_USUAL_LENGTH = 256

_WORDS_OF_AN_ADDRESS = 16
"""How many words and marks an address has on average at the most; a field with more is made to cost time."""


class Mailbox(NamedTuple):
    """One mailbox of an address field; `raw` is its text without line folds."""

    display_name: str
    address: Address | None
    raw: str


class Mailboxes(NamedTuple):
    """All mailboxes of a field, those in groups too; `groups` are the groups' names, `comments` what stands in parentheses."""

    mailboxes: list[Mailbox]
    groups: list[str]
    defects: tuple[str, ...] = ()
    exceeded: str | None = None
    comments: tuple[str, ...] = ()

    @property
    def addresses(self) -> list[Address]:
        """The addresses that could be read."""
        return [mailbox.address for mailbox in self.mailboxes if mailbox.address is not None]


class _Token(NamedTuple):
    kind: str
    text: str

    @property
    def mark(self) -> str:
        return self.text if self.kind == "mark" else ""


def parse_mailboxes(untrusted: bytes | str, limits: MessageLimits) -> Mailboxes:
    """Read the value of an address field."""
    text = unfold(untrusted) if isinstance(untrusted, bytes) else untrusted
    usual = _USUAL(text) if len(text) <= _USUAL_LENGTH else None
    if usual is not None:
        quoted, words, local, untrusted_domain = usual.groups()
        domain = a_label(untrusted_domain)
        if domain is not None:
            name = decode_words(quoted or words or "").strip()
            return Mailboxes([Mailbox(name, Address(local, domain), text)], [])
    return _Reading(text, limits).run()


class _Reading:
    """The state of reading one field: the tokens since the last comma, and what they have shown so far."""

    def __init__(self, text: str, limits: MessageLimits) -> None:
        self.text, self.limits = text, limits
        self.found: list[str] = []
        self.answer: list[Mailbox] = []
        self.groups: list[str] = []
        self.comments: list[str] = []
        self.exceeded: str | None = None
        self.in_group = False
        self.words_left = 1000 + _WORDS_OF_AN_ADDRESS * limits.addresses
        self._begin(0)

    def _begin(self, position: int) -> None:
        self.since = position
        self.tokens: list[_Token] = []
        self.comment = ""
        self.angle_at: int | None = None
        self.angle_end: int | None = None
        self.has_at = self.in_route = False

    def run(self) -> Mailboxes:
        """Read the field to its end or to a limit."""
        position, end = 0, len(self.text)
        while self.exceeded is None:
            position = self._skip(position)
            match = _TOKEN.match(self.text, position)
            if match is None or position >= end:
                break
            self._take(_Token(match.lastgroup or "", match[0]), position)
            position = match.end()
            self.words_left -= 1
            if self.words_left < 0:
                self.exceeded = "addresses"
        self._finish(end)
        if self.in_group and self.exceeded is None:
            self.found.append(defects.UNCLOSED_GROUP)
        return Mailboxes(self.answer, self.groups, tuple(dict.fromkeys(self.found)), self.exceeded, tuple(self.comments))

    def _skip(self, position: int) -> int:
        after, limit = skip_blanks(self.text, position, self.limits.comment_depth, self.found)
        if limit is not None:
            self.exceeded = limit
        elif after > position and (comment := self.text[position:after].strip()):
            self.comment = comment
            self.comments.append(comment)
        return after

    def _take(self, token: _Token, position: int) -> None:
        """Sort one token in: it ends a mailbox, a group or a group's name, or it is part of a mailbox."""
        mark = token.mark
        if (mark == "," and not self.in_route) or mark == ";":
            self._finish(position)
            if mark == ";":
                if not self.in_group:
                    self.found.append(defects.STRAY_CHARACTER)
                self.in_group = False
        elif mark == ":" and not (self.in_group or self.has_at) and self.angle_at is None:
            self.groups.append(_phrase(self.tokens))
            self.in_group = True
            self._begin(position + 1)
        else:
            self._note(token, mark)
            self.tokens.append(token)

    def _note(self, token: _Token, mark: str) -> None:
        if mark == "<" and self.angle_at is None:
            self.angle_at = len(self.tokens)
        elif mark == ">" and self.angle_end is None and self.angle_at is not None:
            self.angle_end = len(self.tokens)
            self.in_route = False
        elif mark == "@":
            self.has_at = True
            # An obsolete route, <@one,@two:user@example.com>, holds commas (RFC 5322 §4.4).
            self.in_route = self.in_route or self.angle_at == len(self.tokens) - 1
        elif mark == ":":
            self.in_route = False
        if token.kind == "quoted" and not _is_closed(token.text):
            self.found.append(defects.UNCLOSED_QUOTE)

    def _finish(self, end: int) -> None:
        """Make a mailbox of the tokens since the last comma; an empty list element is let pass."""
        if self.tokens:
            if len(self.answer) >= self.limits.addresses:
                self.exceeded = "addresses"
            else:
                self.answer.append(self._mailbox(self.tokens, self.text[self.since : end].strip()))
        self._begin(end + 1)

    def _mailbox(self, tokens: list[_Token], raw: str) -> Mailbox:
        name = ""
        if self.angle_at is None:
            inside = tokens
        else:
            name = _phrase(tokens[: self.angle_at])
            inside = _without_route(tokens[self.angle_at + 1 : self.angle_end])
            if self.angle_end is None:
                self.found.append(defects.UNCLOSED_ANGLE)
            elif self.angle_end + 1 < len(tokens):
                self.found.append(defects.STRAY_CHARACTER)
                inside = []  # text or a second address behind the first: readers disagree which one counts
        address = _address(inside)
        if address is None:
            self.found.append(defects.MALFORMED_ADDRESS)
        elif not name and self.comment:
            name = decode_words(self.comment[1:-1].strip())  # user@example.com (Name), an old form still in use
        return Mailbox(name, address, raw)


def _without_route(inside: list[_Token]) -> list[_Token]:
    if inside and inside[0].mark == "@":
        colon = next((n for n, token in enumerate(inside) if token.mark == ":"), -1)
        return inside[colon + 1 :]
    return inside


def _address(tokens: list[_Token]) -> Address | None:
    """Read an addr-spec (RFC 5322 §3.4.1); blanks and comments around its dots and its at sign are let pass (§4.4)."""
    at = next((n for n in range(len(tokens) - 1, -1, -1) if tokens[n].mark == "@"), None)
    if at is None:
        return None
    untrusted_local, untrusted_domain = _joined(tokens[:at]), _joined(tokens[at + 1 :])
    if not untrusted_local or not untrusted_domain:
        return None
    domain = address_literal(untrusted_domain) if untrusted_domain[0] == "[" else a_label(untrusted_domain)
    if domain is None:
        return None
    if untrusted_local[0] == '"':
        right = _is_closed(untrusted_local) and untrusted_local.isprintable() and at == 1
    else:
        right = _LOCAL.fullmatch(untrusted_local) is not None
    return Address(untrusted_local, domain) if right else None


def _joined(tokens: list[_Token]) -> str:
    """Join the words of one side of an address; '' when two words have no dot between them."""
    for one, next_one in pairwise(tokens):
        if not one.text.endswith(".") and not next_one.text.startswith("."):
            return ""
    return "".join(token.text for token in tokens)


def _is_closed(quoted: str) -> bool:
    # The token ends at the first quote that no backslash precedes, so only the end of the field is in doubt.
    body = quoted[1:-1]
    return len(quoted) > 1 and quoted[-1] == '"' and (len(body) - len(body.rstrip("\\"))) % 2 == 0


def _phrase(tokens: list[_Token]) -> str:
    """Give a display name's text: words with one blank between, quotes and encoding removed."""
    words = (_unquote(token.text) if token.kind == "quoted" else token.text for token in tokens)
    return decode_words(" ".join(words)).strip()


def _unquote(quoted: str) -> str:
    return unescape(quoted[1:-1] if _is_closed(quoted) else quoted[1:])
