# SPDX-License-Identifier: Apache-2.0
"""Second proofs and the key that seals them."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyotp
import pytest

from gatepost.access import totp
from gatepost.access.sealing import KeyFile, SealBroken
from gatepost.errors import GatepostError

RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
"""RFC 6238 appendix B, `12345678901234567890` in base32."""


@pytest.mark.parametrize(
    ("now", "code"), [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
)
def test_codes_are_those_of_the_standard(now: int, code: str):
    """The test vectors of RFC 6238 appendix B, their last six digits."""
    assert totp.step_of(RFC_SECRET, code, now) == now // 30


def test_a_code_is_good_a_step_before_and_after():
    """The step is the code's own, not the clock's; two steps away it is wrong."""
    code = pyotp.TOTP(RFC_SECRET).at(3000)
    assert [totp.step_of(RFC_SECRET, code, now) for now in (2939, 2970, 3000, 3029, 3059, 3060)] == [None, 100, 100, 100, 100, None]


@pytest.mark.parametrize("code", ["", "28708", "2870822", "28708x", "٢٨٧٠٨٢", "287 08", "-87082", "287082" * 1000, "\ud800" * 6])
def test_what_is_no_code_is_none(code: str):
    """Digits of other scripts too; spaces between the six are allowed."""
    assert totp.step_of(RFC_SECRET, code, 59) is None
    assert totp.step_of(RFC_SECRET, " 287 082\t", 59) == 1


def test_an_enrolment_says_whose_and_what():
    """A secret of 160 bits, and the address that authenticators read."""
    secret = totp.new_secret()
    assert len(secret) == 32 and secret != totp.new_secret()
    uri = totp.enrolment(secret, "anna@a.example").uri
    assert uri == f"otpauth://totp/Gatepost:anna%40a.example?secret={secret}&issuer=Gatepost"


def test_the_key_is_made_once_for_this_user_alone(tmp_path: Path):
    """At its first use; a second process reads the same."""
    path = tmp_path / "keys" / "console.key"
    first = KeyFile(path)
    assert not path.exists()
    sealed = first.seal(b"secret", "anna")
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert [one.name for one in path.parent.iterdir()] == ["console.key"]
    assert KeyFile(path).open(sealed, "anna") == b"secret"
    assert sealed != first.seal(b"secret", "anna") and b"secret" not in sealed


def test_a_mark_knows_a_content_again_for_one_purpose_and_by_one_key(tmp_path: Path):
    """Another content, purpose or key: another mark; the same after a restart. It is no hash that needs no key."""
    key = KeyFile(tmp_path / "a.key")
    mark = key.mark(b"content", "webhook")
    assert mark == KeyFile(tmp_path / "a.key").mark(b"content", "webhook") and len(mark) == 32
    others = [key.mark(b"contents", "webhook"), key.mark(b"content", "other"), KeyFile(tmp_path / "b.key").mark(b"content", "webhook")]
    assert len({mark, *others, hashlib.sha256(b"content").digest()}) == 5


def test_threads_that_need_the_key_first_make_one(tmp_path: Path):
    """Whatever any of them sealed can be read by the file that is left."""
    path = tmp_path / "keys" / "console.key"
    key = KeyFile(path)
    with ThreadPoolExecutor(8) as pool:
        sealed = list(pool.map(lambda number: key.seal(b"%d" % number, "anna"), range(8)))
        marks = set(pool.map(lambda _: key.mark(b"content", "webhook"), range(8)))
    assert [KeyFile(path).open(one, "anna") for one in sealed] == [b"%d" % number for number in range(8)]
    assert marks == {KeyFile(path).mark(b"content", "webhook")}


def test_a_seal_holds_for_what_it_was_made_for_alone(tmp_path: Path):
    """Another name, another key, a changed or cut byte: it cannot be read, and the sentence says how to go on."""
    key = KeyFile(tmp_path / "a.key")
    sealed = key.seal(b"secret", "the secret of anna")
    flipped = bytes([*sealed[:-1], sealed[-1] ^ 1])
    for wrong_key, wrong, bound in (
        (key, sealed, "the secret of bert"),
        (KeyFile(tmp_path / "b.key"), sealed, "the secret of anna"),
        (key, flipped, "the secret of anna"),
        (key, sealed[:20], "the secret of anna"),
        (key, b"\x02" + sealed[1:], "the secret of anna"),
        (key, b"", "the secret of anna"),
    ):
        with pytest.raises(SealBroken, match=r"the secret of \w+: cannot be read with the key in .*; restore that file"):
            wrong_key.open(wrong, bound)


def test_a_key_file_that_cannot_be_used_is_named(tmp_path: Path):
    """Readable by others, damaged, or no file: one sentence each, and it is not replaced."""
    path = tmp_path / "console.key"
    path.write_text("00" * 32)
    os.chmod(path, 0o640)
    with pytest.raises(GatepostError, match="others may read this key; `chmod 600` it"):
        KeyFile(path).seal(b"", "x")
    os.chmod(path, 0o600)
    for damaged in ("", "00" * 31, "no hex at all", "00" * 33):
        path.write_text(damaged)
        with pytest.raises(GatepostError, match="is no key of 32 bytes in hex; restore it"):
            KeyFile(path).seal(b"", "x")
        assert path.read_text() == damaged
    path.unlink()
    path.mkdir(mode=0o700)
    with pytest.raises(GatepostError, match="the key cannot be used"):
        KeyFile(path).seal(b"", "x")
