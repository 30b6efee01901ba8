# SPDX-License-Identifier: Apache-2.0
"""What becomes of mail that the next hop does not take: tried again, or given up with a report to the sender."""

import asyncio
import email
import email.policy
from email.message import EmailMessage
from pathlib import Path

from gatepost.config.limits import DeliveryLimits
from gatepost.testing.gateway import Gateway, relay_all_to
from gatepost.testing.sink import Sink
from gatepost.testing.syntax import Offer
from waiting import until
from wire_client import WireClient

MAIL = b"From: a@outside.example\r\nMessage-ID: <one@outside.example>\r\nSubject: hello\r\n\r\ntext\r\n"


def _send(port: int, sender: str, recipients: list[str], options: str = "") -> str:
    with WireClient(port) as client:
        client.say("EHLO outside.example")
        return client.send(sender, recipients, MAIL, options=options)


def _parsed(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


async def test_a_refused_recipient_is_reported_and_the_other_delivered(tmp_path: Path) -> None:
    """A 550 to one RCPT makes one RFC 3464 report to the sender, from the null sender, and harms nobody else."""
    async with Sink() as sink:
        sink.fail("rcpt", reply="550 5.1.1 No such user here", match="gone@example.com")
        async with Gateway(tmp_path, relay_all_to(sink.port)) as gateway:
            recipients = ["gone@example.com", "here@example.com"]
            reply = await asyncio.to_thread(_send, gateway.port, "a@outside.example", recipients, " RET=HDRS ENVID=abc123")
            assert reply.startswith("250")
            mails = await sink.wait(2)
    by_recipient = {mail.recipients: mail for mail in mails}
    assert set(by_recipient) == {("here@example.com",), ("a@outside.example",)}
    report = by_recipient[("a@outside.example",)]
    assert report.sender == ""
    parsed = _parsed(report.content)
    assert parsed.get_content_type() == "multipart/report"
    assert parsed["Auto-Submitted"] == "auto-replied"
    status = parsed.get_payload()[1].get_payload()
    assert status[0]["Original-Envelope-Id"] == "abc123"
    assert status[0]["Reporting-MTA"] == "dns; gateway.example"
    assert status[1]["Final-Recipient"] == "rfc822; gone@example.com"
    assert status[1]["Action"] == "failed"
    assert status[1]["Status"] == "5.1.1"
    assert "No such user here" in status[1]["Diagnostic-Code"]
    assert parsed.get_payload()[2].get_content_type() == "text/rfc822-headers"
    assert "one@outside.example" in parsed.get_payload()[2].as_string()


async def test_a_temporary_refusal_waits_on_the_queue_and_goes_when_asked(tmp_path: Path) -> None:
    """A 451 defers; `queue list` and `show` tell why; `queue retry` delivers once the next hop takes it."""
    async with Sink() as sink:
        sink.fail("mail", reply="451 4.3.0 Not now", times=1)
        async with Gateway(tmp_path, relay_all_to(sink.port)) as gateway:
            await asyncio.to_thread(_send, gateway.port, "a@outside.example", ["user@example.com"])
            await asyncio.to_thread(gateway.wait_for, "delivery.done")
            await until(lambda: [one["last_reply"] for one in gateway.answer("queue", "show")] == ["451 4.3.0 Not now"], "why it waits")
            retried = await asyncio.to_thread(gateway.command, "queue", "retry", "example.com")
            assert retried.returncode == 0
            (mail,) = await sink.wait(1)
    assert mail.recipients == ("user@example.com",)


async def test_mail_that_is_too_old_is_given_up_with_a_report(tmp_path: Path) -> None:
    """After its expiry a deferred mail is reported as 4.4.7; the report is not reported in its turn."""
    limits = DeliveryLimits(expire_inbound_h=1e-6)
    async with Sink() as sink:
        sink.fail("rcpt", reply="451 4.2.1 Mailbox busy", match="busy@example.com")
        async with Gateway(tmp_path, relay_all_to(sink.port, delivery=limits)) as gateway:
            await asyncio.to_thread(_send, gateway.port, "a@outside.example", ["busy@example.com"])
            (report,) = await sink.wait(1)
            await asyncio.to_thread(_send, gateway.port, "", ["busy@example.com"])
            await asyncio.to_thread(gateway.wait_for, "delivery.done", 3)
            await until(lambda: gateway.answer("queue", "list") == [], "nothing waits any more")
            assert len(gateway.events("delivery.report")) == 1
    status = _parsed(report.content).get_payload()[1].get_payload()
    assert status[1]["Status"] == "4.4.7"


async def test_notify_never_and_success_are_honoured(tmp_path: Path) -> None:
    """NOTIFY=NEVER gets no report; NOTIFY=SUCCESS gets a relay notice where the next hop knows no DSN."""
    async with Sink() as sink:
        sink.offer = Offer(dsn=False)
        sink.fail("rcpt", reply="550 5.1.1 No", match="gone@example.com")
        async with Gateway(tmp_path, relay_all_to(sink.port)) as gateway:

            def send() -> None:
                with WireClient(gateway.port) as client:
                    client.say("EHLO outside.example")
                    client.say("MAIL FROM:<a@outside.example>")
                    client.say("RCPT TO:<gone@example.com> NOTIFY=NEVER")
                    client.say("RCPT TO:<here@example.com> NOTIFY=SUCCESS")
                    client.say("DATA")
                    client.raw(MAIL + b".\r\n")
                    assert client.reply().startswith("250")

            await asyncio.to_thread(send)
            mails = await sink.wait(2)
    report = next(mail for mail in mails if mail.sender == "")
    status = _parsed(report.content).get_payload()[1].get_payload()
    assert [(part["Final-Recipient"], part["Action"]) for part in status[1:]] == [("rfc822; here@example.com", "relayed")]
