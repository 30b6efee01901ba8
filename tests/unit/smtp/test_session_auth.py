# SPDX-License-Identifier: Apache-2.0
"""AUTH with PLAIN and LOGIN (RFC 4954, RFC 4616): only where it is offered, only under TLS, once."""

from base64 import b64encode

import pytest

from gatepost.smtp.session.events import Authenticate
from unit.smtp.dialogue import Dialogue, codes

PLAIN = b64encode(b"\0user\0good")


def talk(**terms) -> Dialogue:
    dialogue = Dialogue(**{"submission": True, "is_encrypted": True, **terms})
    dialogue.say(b"EHLO c")
    return dialogue


@pytest.mark.parametrize("cut", [0, 1])
@pytest.mark.parametrize("lines", [
    [b"AUTH PLAIN " + PLAIN],
    [b"auth plain", PLAIN],
    [b"AUTH PLAIN " + b64encode(b"user\0user\0good")],
    [b"AUTH LOGIN", b64encode(b"user"), b64encode(b"good")],
    [b"AUTH LOGIN " + b64encode(b"user"), b64encode(b"good")],
])  # fmt: skip
def test_good_credentials_open_the_session(lines, cut):
    """In each form; then mail is taken, and a second AUTH is not."""
    dialogue = talk(cut=cut)
    assert codes(dialogue.say(b"MAIL FROM:<a@example.org>")) == ["530 5.7.0"]
    said = [code for line in lines for code in codes(dialogue.say(line))]
    assert said == ["334"] * (len(lines) - 1) + ["235 2.7.0"]
    assert dialogue.events == [Authenticate("user", "good")]
    assert codes(dialogue.say(b"AUTH PLAIN " + PLAIN, b"MAIL FROM:<a@example.org>")) == ["503 5.5.1", "250 2.1.0"]


def test_the_challenges_are_those_that_clients_wait_for():
    """PLAIN's is empty, LOGIN's say `Username:` and `Password:` in base64."""
    dialogue = talk()
    assert dialogue.say(b"AUTH PLAIN", b"*") == ["334 ", "501 5.7.0 Authentication cancelled"]
    assert dialogue.say(b"AUTH LOGIN", b64encode(b"u"), b"*") == [
        "334 VXNlcm5hbWU6",
        "334 UGFzc3dvcmQ6",
        "501 5.7.0 Authentication cancelled",
    ]


@pytest.mark.parametrize(("lines", "code"), [
    ([b"AUTH PLAIN " + b64encode(b"\0user\0bad")], "535 5.7.8"),
    ([b"AUTH PLAIN " + b64encode(b"other\0user\0good")], "535 5.7.8"),
    ([b"AUTH PLAIN " + b64encode(b"\0\0good")], "535 5.7.8"),
    ([b"AUTH PLAIN " + b64encode(b"\0user\0")], "535 5.7.8"),
    ([b"AUTH PLAIN " + b64encode(b"\0" + b"u" * 256 + b"\0good")], "535 5.7.8"),
    ([b"AUTH PLAIN " + b64encode(b"user\0good")], "501 5.5.2"),
    ([b"AUTH PLAIN " + b64encode(b"\0user\0good\0")], "501 5.5.2"),
    ([b"AUTH PLAIN " + b64encode(b"\0\xff\0good")], "501 5.5.2"),
    ([b"AUTH PLAIN ===="], "501 5.5.2"),
    ([b"AUTH PLAIN ="], "501 5.5.2"),
    ([b"AUTH PLAIN  " + PLAIN], "501 5.5.2"),
    ([b"AUTH PLAIN", PLAIN + b"!"], "501 5.5.2"),
    ([b"AUTH PLAIN", b""], "501 5.5.2"),
    ([b"AUTH LOGIN", b"not base64"], "501 5.5.2"),
    ([b"AUTH LOGIN", b"=", b"="], "535 5.7.8"),
    ([b"AUTH"], "504 5.5.4"),
    ([b"AUTH CRAM-MD5"], "504 5.5.4"),
    ([b"AUTH XOAUTH2 abc"], "504 5.5.4"),
])  # fmt: skip
def test_what_is_wrong_is_refused_and_leaves_the_session_shut(lines, code):
    """Malformed, cancelled and wrong are told apart; what follows is a command again."""
    dialogue = talk()
    said = [one for line in lines for one in codes(dialogue.say(line))]
    assert said[-1] == code
    assert codes(dialogue.say(b"NOOP", b"MAIL FROM:<a@example.org>")) == ["250 2.0.0", "530 5.7.0"]


def test_no_password_goes_over_a_plain_connection():
    """AUTH is neither offered nor obeyed before TLS."""
    dialogue = talk(is_encrypted=False, starttls=True)
    assert codes(dialogue.say(b"AUTH PLAIN " + PLAIN)) == ["538 5.7.11"]
    assert dialogue.events == []


def test_auth_has_its_place():
    """After EHLO, outside of a transaction; on another listener it is not known."""
    dialogue = Dialogue(submission=True, is_encrypted=True)
    assert codes(dialogue.say(b"AUTH PLAIN", b"HELO c", b"AUTH PLAIN")) == ["503 5.5.1", "250", "503 5.5.1"]
    assert codes(talk(submission=False).say(b"AUTH PLAIN")) == ["502 5.5.1"]
    dialogue = talk()
    dialogue.say(b"AUTH PLAIN " + PLAIN, b"MAIL FROM:<a@example.org>")
    dialogue.session.authenticated = False
    assert codes(dialogue.say(b"AUTH PLAIN")) == ["503 5.5.1"]


def test_an_answer_to_a_challenge_is_a_line_like_any_other():
    """A bare line end or NUL in it ends the session; one that is too long is refused."""
    for wire in (PLAIN + b"\n", b"\0\r\n", b"a\rb\r\n"):
        dialogue = talk()
        dialogue.say(b"AUTH PLAIN")
        assert codes(dialogue.send(wire)) == ["500 5.5.2"]
        assert dialogue.session.ended
    dialogue = talk(line_bytes=600)
    dialogue.say(b"AUTH PLAIN")
    assert codes(dialogue.say(b"A" * 1000, b"NOOP")) == ["500 5.5.6", "250 2.0.0"]
