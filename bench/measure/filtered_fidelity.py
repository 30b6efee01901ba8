# SPDX-License-Identifier: Apache-2.0
"""Before judged mails are timed: the thousand of one size once through each gateway, into a sink that checks them.

None is to be refused, all are to arrive as they were sent, and what was found out about each is to be right: SPF passes
for all, DKIM for the signed half, DMARC for all. A gateway that skips its work would only look fast.
"""

import asyncio
import re
from typing import Any

from gatepost.testing.gateway import Gateway
from gatepost.testing.load import Plan, Result
from gatepost.testing.load_processes import LoadProcesses
from gatepost.testing.sink import Sink
from gatepost.testing.strict import SinkMail
from measure.fidelity import TRACE, Unfaithful
from measure.filtering_rivals import Filtering
from measure.isolation import GENERATOR, SINK, SINK_ADDRESS, inside, listening_socket
from measure.mailbag import MAILS, is_signed, mailbag, sender_of
from measure.rivals import Rival
from measure.rspamd import Scanned
from measure.senders import SELECTOR

_SESSIONS = 8
_EXAMPLE = 207
"""A mail that is signed, and whose client is on a blocklist."""
_FILTERS = {"realtime_blocklists", "reputation", "words", "character_sets"}
_MESSAGE_ID = re.compile(rb"^Message-ID: <([^>]*)>", re.MULTILINE)
_RESULTS = re.compile(rb"^Authentication-Results:(.*?)\r\n(?![ \t])", re.MULTILINE | re.DOTALL)
_TRACK = re.compile(r"queued as (\S+)")


def check(filtering: Filtering, hop: int, size_bytes: int) -> dict[str, Any]:
    """Send all mails through each gateway and compare; gives what each judge found of one of them.

    Raises:
        Unfaithful: Says what is wrong and shows one mail.
    """
    example: dict[str, Any] = {}
    for rival in filtering.rivals:
        sent, arrived = asyncio.run(_pass_through(rival, hop, size_bytes))
        _compare(rival, sent, arrived)
        if rival.name == "gatepost":
            example["gatepost"] = _check_verdicts(filtering.gatepost, sent, arrived)
        elif rival.name == "postfix+rspamd":
            example["rspamd"] = _check_symbols(filtering.rspamd.scanned(), arrived)
    return example


async def _pass_through(rival: Rival, hop: int, size_bytes: int) -> tuple[Result, dict[int, SinkMail]]:
    plan = Plan(
        host=rival.host, port=rival.port, sessions=_SESSIONS, mails=MAILS, parcels=str(mailbag(size_bytes)), run="faithful", give_up_s=30.0
    )
    async with Sink(listening=listening_socket(SINK, SINK_ADDRESS, hop)) as sink:
        with LoadProcesses(plan, prefix=inside(GENERATOR)) as load:
            load.go()
            sent = await asyncio.to_thread(load.result)
        if sent.accepted != MAILS:
            raise Unfaithful(f"{rival.name} accepted {sent.accepted} of {MAILS}: {sent.replies}")
        try:
            await sink.wait(MAILS, timeout_s=60)
        except TimeoutError as error:
            raise Unfaithful(f"{rival.name}: {error}") from None
        try:
            await sink.drained()
        except TimeoutError:
            raise Unfaithful(f"{rival.name} still talks to the sink long after the last mail, {sink.count} mails so far") from None
        if sink.errors:
            raise Unfaithful(f"{rival.name} speaks wrongly: {sink.errors[:3]}")
        if sink.count != MAILS:
            raise Unfaithful(f"{rival.name} delivered {sink.count} mails of {MAILS}")
        return sent, {_number(mail.id): mail for mail in sink.mails}


def _number(name: str) -> int:
    return int(name.rpartition("-")[2])


def _compare(rival: Rival, sent: Result, arrived: dict[int, SinkMail]) -> None:
    for line in sent.lines:
        mail = arrived.get(_number(line.id))
        if mail is None:
            raise Unfaithful(f"{rival.name} lost {line}")
        if (mail.id, mail.sha256, mail.sender, mail.recipients) != (line.id, line.sha256, line.sender, line.recipients):
            raise Unfaithful(f"{rival.name} changed a mail: {line} became {mail.id, mail.sender, mail.recipients}")
        before = _before(mail)
        results = _RESULTS.search(before)
        trace = before.replace(results[0], b"") if results and rival.name == "gatepost" else before
        if not TRACE.match(trace) or not trace:
            raise Unfaithful(f"{rival.name} put something else than trace headers before the mail: {trace!r}")


def _before(mail: SinkMail) -> bytes:
    return mail.content[: mail.content.find(b"X-Load-Id: ")]


def _check_verdicts(gatepost: Gateway, sent: Result, arrived: dict[int, SinkMail]) -> dict[str, Any]:
    events = {event["track"]: event for event in gatepost.events("mail.received")}
    example: dict[str, Any] = {}
    for line in sent.lines:
        number, track = _number(line.id), _TRACK.search(line.reply)
        event = events.get(track[1]) if track else None
        if event is None:
            raise Unfaithful(f"gatepost logged nothing about {line}")
        sender, results = sender_of(number), _results(arrived[number])
        wrong = [word for word in _expected(number) if word not in results]
        if wrong:
            raise Unfaithful(f"gatepost found {' '.join(results)} of {line}, but not {wrong}")
        points = event["points"]
        if set(points) != _FILTERS or event["failed"] or points["realtime_blocklists"] != 2.0 * sender.listed or points["reputation"]:
            raise Unfaithful(f"gatepost judged {line} wrongly: {event}")
        if number == _EXAMPLE:
            example = {name: event[name] for name in ("track", "client", "sender", "rule", "scl", "points", "failed")}
            example["authentication_results"] = " ".join(results)
    return example


def _results(mail: SinkMail) -> list[str]:
    found = _RESULTS.findall(_before(mail))
    if len(found) != 1:
        raise Unfaithful(f"gatepost wrote {len(found)} Authentication-Results on {mail.id}")
    return str(found[0].decode("ascii")).replace(";", " ").split()


def _expected(number: int) -> list[str]:
    sender = sender_of(number)
    words = [
        "spf=pass",
        f"smtp.helo={sender.host}",
        "arc=none",
        "dmarc=pass",
        f"header.from={sender.domain}",
        f"policy.dmarc={sender.policy}",
    ]
    return [*words, *(["dkim=pass", f"header.d={sender.domain}", f"header.s={SELECTOR}"] if is_signed(number) else ["dkim=none"])]


def _check_symbols(scanned: dict[str, Scanned], arrived: dict[int, SinkMail]) -> dict[str, Any]:
    example: dict[str, Any] = {}
    for number, mail in arrived.items():
        identity = _MESSAGE_ID.search(mail.content)
        found = scanned.get(identity[1].decode("ascii")) if identity else None
        if found is None:
            raise Unfaithful(f"rspamd logged nothing about {mail.id}")
        wanted = {"R_SPF_ALLOW", "DMARC_POLICY_ALLOW", "R_DKIM_ALLOW" if is_signed(number) else "R_DKIM_NA"}
        if found.action != "no action" or not wanted.issubset(found.symbols):
            raise Unfaithful(f"rspamd judged {mail.id} otherwise than {wanted}: {found}")
        if number == _EXAMPLE:
            example = {"action": found.action, "score": found.score, "symbols": found.symbols}
    return example
