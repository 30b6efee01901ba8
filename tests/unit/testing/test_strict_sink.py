# SPDX-License-Identifier: Apache-2.0
"""The strict session: it takes what is right and blames what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.testing.faults import Fault, Faults
from gatepost.testing.strict import SinkMail, StrictSession
from gatepost.testing.syntax import Offer

GREETED = b"EHLO client.example\r\n"
OPENED = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.com>\r\n"


class Peer:
    """A session and what came of it."""

    def __init__(self, offer: Offer | None = None, *, tls: bool = False) -> None:
        self.mails: list[SinkMail] = []
        self.errors: list[str] = []
        self.faults = Faults()
        self.session = StrictSession(
            1,
            offer or Offer(),
            self.faults,
            record=self.mails.append,
            complain=self.errors.append,
            offers_tls=tls,
            keeps_content=True,
        )

    def say(self, *chunks: bytes) -> bytes:
        return b"".join(self.session.receive(chunk) for chunk in chunks)


def test_a_clean_mail_is_recorded_with_all_that_was_said() -> None:
    """Sender, recipients, their parameters, content, id and hash of a clean mail are recorded, and nothing is blamed."""
    peer = Peer()
    peer.say(GREETED)
    peer.say(b"MAIL FROM:<a@example.org> SIZE=20 BODY=8BITMIME RET=HDRS ENVID=x+2B1\r\n")
    peer.say(b'RCPT TO:<"b c"@example.com> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b@example.com\r\n', b"DATA\r\n")
    assert peer.say(b"Received: by x\r\nX-Load-Id: 7\r\n\r\n..dot\r\n.\r\n") == b"250 2.0.0 Taken\r\n"
    assert peer.say(b"QUIT\r\n").startswith(b"221")
    (mail,) = peer.mails
    assert (mail.sender, mail.recipients, mail.id, mail.hello) == ("a@example.org", ('"b c"@example.com',), "7", "client.example")
    assert mail.sender_parameters == ("SIZE=20", "BODY=8BITMIME", "RET=HDRS", "ENVID=x+2B1")
    assert mail.recipient_parameters == (("NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;b@example.com"),)
    assert mail.content == b"Received: by x\r\nX-Load-Id: 7\r\n\r\n.dot\r\n"
    assert (peer.errors, peer.session.closing) == ([], True)


@given(st.lists(st.integers(1, 40), min_size=1), st.booleans())
def test_segmentation_changes_nothing(sizes: list[int], empty: bool) -> None:
    """However a pipelined conversation is cut into segments, the same mail arrives and nothing is blamed."""
    peer = Peer()
    content = b"" if empty else b"Subject: x\r\n\r\n...\r\n..\r\nend\r\n"
    for part in (GREETED, OPENED + b"DATA\r\n", content + b".\r\n" + OPENED + b"RSET\r\nQUIT\r\n"):
        left, turn = part, 0
        while left:
            size = sizes[turn % len(sizes)]
            peer.say(left[:size])
            left, turn = left[size:], turn + 1
    assert peer.errors == []
    assert [mail.content for mail in peer.mails] == [content.replace(b"\r\n..", b"\r\n.")]


WRONG = {
    "double bracket": (GREETED, b"MAIL FROM:<<a@example.org>>\r\n"),
    "no brackets": (GREETED, b"MAIL FROM:a@example.org\r\n"),
    "space after colon": (GREETED, b"MAIL FROM: <a@example.org>\r\n"),
    "trailing space": (GREETED, b"MAIL FROM:<a@example.org> \r\n"),
    "no mailbox": (GREETED, b"MAIL FROM:<a>\r\n"),
    "source route": (GREETED, b"MAIL FROM:<@x.example:a@example.org>\r\n"),
    "bare LF": (GREETED, b"NOOP\n"),
    "bare CR": (GREETED, b"NOOP\rNOOP\r\n"),
    "MAIL before EHLO": (OPENED,),
    "MAIL in a mail": (GREETED, OPENED, b"MAIL FROM:<c@example.org>\r\n"),
    "unknown command": (GREETED, b"XFOO\r\n"),
    "bad name": (b"EHLO bad_name!\r\n",),
    "no name": (b"EHLO\r\n",),
    "unknown parameter": (GREETED, b"MAIL FROM:<a@example.org> FOO=1\r\n"),
    "parameter twice": (GREETED, b"MAIL FROM:<a@example.org> SIZE=1 SIZE=2\r\n"),
    "bad parameter": (GREETED, b"MAIL FROM:<a@example.org> SIZE=1k\r\n"),
    "parameter after HELO": (b"HELO client.example\r\n", b"MAIL FROM:<a@example.org> SIZE=1\r\n"),
    "utf8 unsaid": (GREETED, "MAIL FROM:<ü@example.org>\r\n".encode()),
    "latin-1": (GREETED, b"MAIL FROM:<\xfc@example.org>\r\n"),
    "line too long": (GREETED, b"NOOP " + b"x" * 600 + b"\r\n"),
    "never ending line": (GREETED, b"NOOP " + b"x" * 600),
    "DATA with argument": (GREETED, OPENED, b"DATA now\r\n"),
    "content before 354": (GREETED, OPENED + b"DATA\r\nSubject: x\r\n"),
    "EHLO not last": (GREETED + OPENED,),
    "STARTTLS unoffered": (GREETED, b"STARTTLS\r\n"),
    "content bare LF": (GREETED, OPENED, b"DATA\r\n", b"a\nb\r\n.\r\n"),
    "content bare CR": (GREETED, OPENED, b"DATA\r\n", b"a\rb\r\n.\r\n"),
    "not stuffed": (GREETED, OPENED, b"DATA\r\n", b"a\r\n.b\r\n.\r\n"),
    "not stuffed at start": (GREETED, OPENED, b"DATA\r\n", b".b\r\n.\r\n"),
    "8 bit undeclared": (GREETED, OPENED, b"DATA\r\n", b"\xc3\xbc\r\n.\r\n"),
}


@pytest.mark.parametrize("chunks", WRONG.values(), ids=WRONG.keys())
def test_each_sloppiness_is_blamed_once(chunks: tuple[bytes, ...]) -> None:
    """Each of these conversations is blamed exactly once."""
    peer = Peer()
    peer.say(*chunks)
    assert len(peer.errors) == 1, peer.errors


@pytest.mark.parametrize(
    ("offer", "line"),
    [
        (Offer(size_bytes=0), b"MAIL FROM:<a@example.org> SIZE=1\r\n"),
        (Offer(eight_bit=False), b"MAIL FROM:<a@example.org> BODY=8BITMIME\r\n"),
        (Offer(smtputf8=False), b"MAIL FROM:<a@example.org> SMTPUTF8\r\n"),
        (Offer(dsn=False), b"MAIL FROM:<a@example.org> RET=FULL\r\n"),
        (Offer(pipelining=False), OPENED),
    ],
)
def test_what_was_not_offered_is_blamed(offer: Offer, line: bytes) -> None:
    """An extension that is used without having been offered is blamed; with the offer it is not."""
    for given_offer, errors in ((offer, 1), (Offer(), 0)):
        peer = Peer(given_offer)
        peer.say(GREETED, line)
        assert len(peer.errors) == errors


def test_a_pipelining_client_is_not_blamed_for_a_refusal_it_could_not_foresee() -> None:
    """RCPT and DATA after a refused MAIL are refused, and blamed only where PIPELINING was not offered."""
    for pipelining, errors in ((True, 0), (False, 2)):
        peer = Peer(Offer(pipelining=pipelining))
        peer.faults.add(Fault(stage="mail", reply="550 5.1.0 No"))
        peer.say(GREETED)
        answer = peer.say(b"MAIL FROM:<a@example.org>\r\n", b"RCPT TO:<b@example.com>\r\n", b"DATA\r\n")
        assert [line[:3] for line in answer.splitlines()] == ([b"550", b"503", b"554"] if pipelining else [b"550", b"503", b"503"])
        assert len(peer.errors) == errors


def test_injection_before_tls_is_blamed() -> None:
    """A command sent together with STARTTLS is blamed and ends the session."""
    peer = Peer(tls=True)
    peer.say(GREETED, b"STARTTLS\r\nNOOP\r\n")
    assert (len(peer.errors), peer.session.closing, peer.session.wants_tls) == (1, True, False)


def test_a_client_that_vanishes_inside_a_command_is_blamed() -> None:
    """A connection that ends inside a command is blamed; one that ends between commands is not."""
    for tail, errors in ((b"RCPT TO:<b@ex", 1), (b"", 0)):
        peer = Peer()
        peer.say(GREETED, tail)
        peer.session.lost()
        assert len(peer.errors) == errors


def test_faults_hit_whom_they_name_as_often_as_they_say() -> None:
    """A fault for an address hits that address so many times, a fault for a domain hits all its addresses."""
    peer = Peer()
    peer.faults.add(Fault(stage="rcpt", reply="450 4.2.0 Later", match="b@example.com", times=2))
    peer.faults.add(Fault(stage="rcpt", reply="550 5.1.1 No", match="@example.net"))
    recipients = ("b@example.com", "c@example.com", "d@EXAMPLE.net", "b@example.com", "b@example.com", "e@example.net")
    answer = peer.say(GREETED, b"MAIL FROM:<a@example.org>\r\n", *(b"RCPT TO:<%b>\r\n" % one.encode() for one in recipients))
    assert [line[:3] for line in answer.splitlines()[-6:]] == [b"450", b"250", b"550", b"450", b"250", b"550"]


@pytest.mark.parametrize(("action", "recorded"), [("drop", 0), ("take_and_drop", 1), ("stall", 0)])
def test_a_mail_may_be_dropped_before_or_after_it_is_taken(action: str, recorded: int) -> None:
    """At the final dot the sink may go away without the mail, or with it, which is how duplicates arise."""
    peer = Peer()
    peer.faults.add(Fault(stage="dot", action=action, times=1))  # type: ignore[arg-type]
    peer.say(GREETED, OPENED, b"DATA\r\n")
    assert peer.say(b"x\r\n.\r\n") == b""
    assert (len(peer.mails), peer.session.closing, peer.session.stalled) == (recorded, action != "stall", action == "stall")


def test_content_can_be_cut_short() -> None:
    """A fault while content arrives answers before its end and closes the session."""
    peer = Peer()
    peer.faults.add(Fault(stage="content", reply="552 5.3.4 Too big", match="b@example.com"))
    peer.say(GREETED, OPENED, b"DATA\r\n")
    assert peer.say(b"half of a li") == b"552 5.3.4 Too big\r\n"
    assert (peer.session.closing, peer.mails, peer.errors) == (True, [], [])
