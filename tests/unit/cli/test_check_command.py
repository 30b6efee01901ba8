# SPDX-License-Identifier: Apache-2.0
"""`gatepost check`: a mail file's structure, its defects, and whether the gateway would refuse it."""

import io
import json

import pytest

from gatepost.cli import main

MAIL = (
    b"From: a@example.com\nTo: b@example.com\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= \x1b[2J\nMIME-Version: 1.0\n"
    b'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nHello\n'
    b'--b\nContent-Type: application/pdf; name="a.pdf"\nContent-Transfer-Encoding: base64\n\nAAAA\n--b--\n'
)


@pytest.fixture
def check(tmp_path, capfd):
    """Check bytes as a mail file; gives the exit code and what was printed."""

    def checked(raw: bytes, *options: str):
        (tmp_path / "mail.eml").write_bytes(raw)
        code = main(["check", str(tmp_path / "mail.eml"), *options])
        out, err = capfd.readouterr()
        assert err == ""
        return code, out

    return checked


def test_the_structure_is_shown(check):
    """Each part is a line; the subject is decoded and cannot write to the terminal."""
    code, out = check(MAIL)
    assert code == 0
    assert "Subject:    Grüße ·[2J" in out
    assert "\x1b" not in out
    assert [word for word in ("multipart/mixed", "└ text/plain", "└ application/pdf", "a.pdf", "base64") if word not in out] == []


def test_the_structure_in_json(check):
    """Offsets count in the wire form, so that they find the part's bytes."""
    code, out = check(MAIL, "--json")
    answer = json.loads(out)
    wire = MAIL.replace(b"\n", b"\r\n")
    assert code == 0
    assert answer["accepted"] is True
    assert answer["size_bytes"] == len(wire)
    assert [(part["level"], part["content_type"]) for part in answer["structure"]] == [
        (0, "multipart/mixed"),
        (1, "text/plain"),
        (1, "application/pdf"),
    ]
    text = answer["structure"][1]
    assert wire[text["body_start"] : text["end"]] == b"Hello"


def test_an_mbox_line_and_lf_are_made_wire_form(check):
    """A file from a mailbox is judged as the mail that it was."""
    assert check(b"From a@example.com Mon Jan  1 00:00:00 2024\n" + MAIL, "--json")[0] == 0


@pytest.mark.parametrize(
    "raw", [MAIL.replace(b"\n", b"\r\n") + b"bare\n", MAIL.replace(b"\n", b"\r\n") + b"bare\rx\r\n", MAIL + b"bare\rx\n"]
)
def test_bare_line_ends_are_a_negative_answer(check, raw):
    """What the wire refuses, the check refuses."""
    code, out = check(raw)
    assert code == 1
    assert "Refused: It holds a bare CR or LF" in out


def test_a_loop_is_a_negative_answer(check):
    """More Received fields than the limit is refused as a loop."""
    code, out = check(b"Received: x\n" * 101 + MAIL, "--json")
    assert code == 1
    assert "looks like a loop" in json.loads(out)["refusals"][0]


def test_a_limit_that_is_exceeded_is_a_negative_answer(check):
    """The limit is called by its setting's name."""
    code, out = check(b"X: y\n" * 10_001 + MAIL, "--json")
    assert code == 1
    assert "message.headers" in json.loads(out)["refusals"][0]


def test_defects_are_named_with_their_sentence(check):
    """A defect alone is no refusal."""
    code, out = check(MAIL.replace(b"Hello", b"Hel\0lo"))
    assert code == 0
    assert "Defect nul-byte: The mail holds a NUL byte" in out


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path, capfd):
    """A folder or a missing file is exit code 2, as a wrong word is."""
    assert main(["check", str(tmp_path)]) == 2
    assert main(["check", str(tmp_path / "absent")]) == 2
    assert capfd.readouterr().err.count("; name a file that is there") == 2


def test_a_hyphen_is_standard_input(monkeypatch, capfd):
    """Wherever it stands; and when that is closed, a sentence says so."""
    for words in (["-"], ["-", "--json"], ["--json", "-"]):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(MAIL)))
        assert main(["check", *words]) == 0
    monkeypatch.setattr("sys.stdin", None)
    capfd.readouterr()
    assert main(["check", "-"]) == 2
    assert "standard input cannot be read (it is closed); " in capfd.readouterr().err
