# SPDX-License-Identifier: Apache-2.0
"""A patient map finds what an ordinary one finds, wherever its windows end."""

import mmap
import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from gatepost.message.parse import parse
from gatepost.storage import mapped
from gatepost.storage.mapped import PatientMap


def _open(path: Path, content: bytes, kind: type[mmap.mmap]) -> mmap.mmap:
    path.write_bytes(content)
    with path.open("rb") as file:
        return kind(file.fileno(), 0, access=mmap.ACCESS_READ)


@given(
    content=st.text("ab", min_size=1, max_size=60),
    sub=st.text("ab", min_size=1, max_size=5),
    start=st.integers(0, 70),
    end=st.none() | st.integers(0, 70),
    window=st.integers(5, 20),
)
def test_it_finds_the_same(content: str, sub: str, start: int, end: int | None, window: int) -> None:
    """For every window size, start and end."""
    original, mapped._WINDOW_BYTES = mapped._WINDOW_BYTES, window
    try:
        with tempfile.TemporaryDirectory() as folder:
            found = _open(Path(folder) / "mail", content.encode(), PatientMap)
        assert found.find(sub.encode(), start, end) == content.find(sub, start, len(content) if end is None else end)
    finally:
        mapped._WINDOW_BYTES = original


def test_a_large_mail_has_the_same_tree(tmp_path: Path) -> None:
    """Over several windows the parser sees what it sees in memory."""
    part = b"--b\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + b"QUJD" * 19 * 3000 + b"\r\n"
    raw = b'From: a@example.org\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n' + part * 3 + b"--b--\r\n"
    large = parse(_open(tmp_path / "mail", raw, PatientMap))
    small = parse(raw)
    assert [(one.header_start, one.body_start, one.end) for one in large.walk()] == [
        (one.header_start, one.body_start, one.end) for one in small.walk()
    ]
    assert large.defects == small.defects
