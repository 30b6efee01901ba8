# SPDX-License-Identifier: Apache-2.0
"""What may be searched for, and how its words are read.

    user@example.com     this address, as sender, author or recipient
    example.com          any address of this domain; also @example.com
    *part*               any address with these characters
    <>                   the null sender

Two addresses find the mails between them. Capitals never count.
"""

import ipaddress
import time
from typing import Any, Literal, NamedTuple

import msgspec

from gatepost.errors import UsageError
from gatepost.message.domains import a_label, address_literal
from gatepost.tracking.bounds import message_id
from gatepost.tracking.partitions import first_key, key_of
from gatepost.tracking.record import Status
from gatepost.tracking.store_rows import DIRECTIONS

MOST_ROWS = 1000
PART_S = 86_400.0
"""How far back a part of a text is looked for unless the period says otherwise: each track has to be read."""
_LONGEST_WORD = 1000
_REFUSED = (int(Status.TEMPORARILY_BLOCKED), int(Status.PERMANENTLY_BLOCKED))
STATUSES = {status.name.lower(): int(status) for status in Status}


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A search as it is asked; what is not given does not narrow it. Times are Unix time."""

    tenant_id: int = 0
    track: str = ""
    message_id: str = ""
    between: tuple[str, ...] = ()
    """At most two: an address, a domain, `*part*`, or `<>`."""
    subject: str = ""
    """A part of it."""
    after: float | None = None
    before: float | None = None
    statuses: tuple[str, ...] = ()
    direction: str = ""
    rule: str = ""
    client: str = ""
    min_scl: float | None = None
    max_scl: float | None = None
    filter: str = ""
    """Refused mails that this filter gave points to; `-`: those that no filter spoke against."""
    limit: int = 100
    cursor: str = ""
    """`next` of the answer whose next page this is."""


class Term(NamedTuple):
    """One side of a mail."""

    kind: Literal["address", "domain", "part", "null"]
    text: str


class Search(NamedTuple):
    """A question that was understood: `low` is the first key that may be found, `high` the first that may not."""

    tenant_id: int
    low: bytes
    high: bytes
    limit: int
    track: bytes = b""
    message_id: str = ""
    terms: tuple[Term, ...] = ()
    subject: str = ""
    statuses: tuple[int, ...] = ()
    direction: int | None = None
    rule: str = ""
    client: str = ""
    min_scl: float | None = None
    max_scl: float | None = None
    filter: str = ""


def read(untrusted: dict[str, Any], now: float | None = None) -> Search:
    """Understand a question. Raises: UsageError, which names the word."""
    try:
        question = msgspec.convert(untrusted, Question)
    except msgspec.ValidationError as error:
        raise UsageError(f"this search cannot be understood: {error}") from None
    if not 1 <= question.limit <= MOST_ROWS:
        raise UsageError(f"limit: is 1 to {MOST_ROWS}")
    if len(question.between) > 2:
        raise UsageError("between: names at most two sides of a mail")
    for word in (question.message_id, question.subject, question.rule, question.client, question.filter, *question.between):
        if len(word) > _LONGEST_WORD or "\0" in word:
            raise UsageError(f"{word[:40]!r}: is no text that a track could hold")
    if question.min_scl is not None and question.max_scl is not None and question.min_scl > question.max_scl:
        raise UsageError("max_scl: is below `min_scl`")
    terms = tuple(read_term(one) for one in question.between)
    low, high = _period(question, bool(question.filter) or any(term.kind == "part" for term in terms), time.time() if now is None else now)
    return Search(
        question.tenant_id,
        low,
        high,
        question.limit,
        _key("track", question.track) if question.track else b"",
        _message_id(question.message_id) if question.message_id else "",
        terms,
        question.subject.lower(),
        tuple(sorted({_status(one) for one in question.statuses})) or (_REFUSED if question.filter else ()),
        _direction(question.direction),
        question.rule,
        _client(question.client.strip()),
        question.min_scl,
        question.max_scl,
        question.filter,
    )


def read_term(word: str) -> Term:
    """Understand one side of a mail. Raises: UsageError."""
    word = word.strip()
    if word == "<>":
        return Term("null", "")
    if "*" in word:
        part = word.strip("*")
        if not part or "*" in part:
            raise UsageError(f"{word!r}: write a part of an address between two asterisks, *example*")
        return Term("part", part.lower())
    local, at, domain = word.rpartition("@")
    named = a_label(domain) or (address_literal(domain) or "").lower()
    if not named or (not at and "." not in domain):
        raise UsageError(f"{word!r}: is neither an address nor a domain; a part of an address is written *part*")
    return Term("address", f"{local}@{named}".lower()) if local else Term("domain", named)


def _period(question: Question, has_part: bool, now: float) -> tuple[bytes, bytes]:
    after, before = question.after, question.before
    if after is not None and before is not None and after >= before:
        raise UsageError("after: is not before `before`")
    if after is None and (has_part or question.subject) and not (question.track or question.message_id):
        after = (now if before is None else before) - PART_S
    high = first_key(before) if before is not None else first_key(float("9e11"))
    if question.cursor:
        high = min(high, _key("cursor", question.cursor))
    return first_key(after or 0.0), high


def _key(what: str, name: str) -> bytes:
    try:
        return key_of(name)
    except ValueError as error:
        raise UsageError(f"{what}: {name[:40]!r}: {error}") from None


def _message_id(word: str) -> str:
    word = word.strip()
    return message_id(word if word.startswith("<") else f"<{word}>")


def _client(word: str) -> str:
    """Write an address as tracks do."""
    try:
        return str(ipaddress.ip_address(word)) if word else ""
    except ValueError:
        raise UsageError(f"client: {word!r} is no IP address") from None


def _status(word: str) -> int:
    if word not in STATUSES:
        raise UsageError(f"status: {word!r} is none of {', '.join(STATUSES)}")
    return STATUSES[word]


def _direction(word: str) -> int | None:
    if word and word not in DIRECTIONS:
        raise UsageError(f"direction: {word!r} is none of {', '.join(DIRECTIONS)}")
    return DIRECTIONS.index(word) if word else None
