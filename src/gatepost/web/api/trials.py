# SPDX-License-Identifier: Apache-2.0
"""What can be tried: which rule would own a mail, and what would become of one. Nothing is sent, nothing is kept."""

import ipaddress
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gatepost.config.configuration import Configuration
from gatepost.errors import UsageError
from gatepost.message.wire_form import wire_form
from gatepost.web.api.operation import Call, Operations
from gatepost.web.api.problem import MISSING, Invalid, Place, Stopped, invalid
from gatepost.web.api.values import Word
from gatepost.web.trying import Question

READ, DRAFTS = "monitoring:read", "configuration:read"
LARGEST_BYTES = 3_000_000
"""As base64 it still fits into a request."""
Written = Annotated[str, Meta(min_length=1, max_length=1000)]
Against = Annotated[
    Literal["newest", "draft"], Meta(description="The version that holds, or one's own draft; that needs `configuration:read` too.")
]
operations = Operations()


class Envelope(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Who brings a mail, and from whom; what it is tried against."""

    client: Annotated[str, Meta(min_length=1, max_length=100, description="IP address of the sending server.")]
    helo: Word = "localhost"
    mail_from: Annotated[Word, Meta(description="Empty, or <>: the null sender.")] = ""
    against: Against = "newest"


class RulesAsked(Envelope, kw_only=True, forbid_unknown_fields=True):
    """A mail to one recipient."""

    recipient: Written


class MailAsked(Envelope, kw_only=True, forbid_unknown_fields=True):
    """A mail as a file holds it, and whom it is for."""

    recipients: Annotated[tuple[Written, ...], Meta(min_length=1, max_length=100)]
    mail: Annotated[bytes, Meta(min_length=1, max_length=LARGEST_BYTES, description="The mail as a program saves it (.eml), in base64.")]


class RuleTried(msgspec.Struct):
    """One rule, and whether it would own the mail; null where the author in From decides."""

    rule: str
    matches: bool | None
    why: str


class FilterTried(msgspec.Struct):
    """What one filter had to do with a verdict."""

    name: str
    raw: float
    multiplier: int
    points: float
    message: str
    details: tuple[str, ...]
    failed: str
    """Why it could not find out; '' where it could."""
    ms: float


class MailTried(msgspec.Struct):
    """What would become of the mail."""

    verdict: Literal["accepted", "refused", "deferred", "discarded"]
    reply: str
    direction: str
    """inbound or outbound; '' where it was not known yet."""
    rule: str
    """'' where it was decided before any rule."""
    threshold: float
    scl: float
    filters: tuple[FilterTried, ...]
    stage: str
    """Where it was decided: mail, rcpt, data or content."""


@operations.post("trial.rules", "/trials/rules", READ)
async def rules(call: Call, body: RulesAsked) -> tuple[RuleTried, ...] | Invalid:
    """Tell which rule would own a mail, and why not those above it."""
    question = _question(body, (body.recipient,))
    try:
        told = await call.house.trials.explain(question, await _configuration(call, body))
    except UsageError as error:
        return _unreadable(error, {body.recipient: "#/recipient"})
    return tuple(RuleTried(*one) for one in told)


@operations.post("trial.mail", "/trials/mail", READ)
async def mail(call: Call, body: MailAsked) -> MailTried | Invalid:
    """Tell what would become of a mail, with each filter's points and reasons."""
    question = _question(body, body.recipients)
    configuration = await _configuration(call, body)
    try:
        verdict = await call.house.trials.judge(wire_form(body.mail), question, configuration, call.tenant_id)
    except UsageError as error:
        return _unreadable(error, {one: f"#/recipients/{place}" for place, one in enumerate(body.recipients)})
    return msgspec.convert(verdict, MailTried, from_attributes=True)


def _question(asked: Envelope, recipients: tuple[str, ...]) -> Question:
    try:
        ipaddress.ip_address(asked.client)
    except ValueError:
        said = "is no IP address; write the address that the mail comes from, as 192.0.2.1"
        raise Stopped(invalid(f"client: {said}", (Place(said, "#/client"),))) from None
    return Question(asked.client, asked.helo.strip() or "localhost", asked.mail_from.strip() or "<>", recipients)


async def _configuration(call: Call, asked: Envelope) -> Configuration:
    """Give what the mail is tried against. Raises: Stopped for a draft that the token may not see."""
    if asked.against == "newest":
        return await call.house.configuration()
    if call.tenant_id or not call.use.may(DRAFTS):
        raise Stopped(MISSING)
    return (await call.house.drafts.view(call.actor)).configuration


def _unreadable(error: UsageError, places: Mapping[str, str]) -> Invalid:
    """Say which address cannot be read; the sentence names it as it was written."""
    said = str(error)
    where = next((place for written, place in places.items() if repr(written) in said), "#/mail_from")
    return invalid(said, (Place(said, where),))
