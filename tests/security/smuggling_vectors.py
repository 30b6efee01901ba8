# SPDX-License-Identifier: Apache-2.0
"""What a client may try to make one mail be two, and what must come of it.

Each row: a name, how the content travels, its bytes (for DATA all that follows the 354, its end included; for
BDAT the chunks in order, the last one LAST), and the content as it must be taken, or None: `550 5.6.11` after
the true end, and the connection closes. Whatever `SMUGGLED` says is never obeyed.
"""

from typing import Literal, NamedTuple

END = b"\r\n.\r\n"
HEAD = b"Subject: first\r\n\r\nbody"
SMUGGLED = b"MAIL FROM:<smuggled@example.net>\r\nRCPT TO:<victim@example.com>\r\nDATA\r\nSubject: second\r\n\r\nsmuggled"

# Not one of these ends DATA, and each holds a CR or an LF that stands alone.
FAKE_ENDS = {
    "LF.LF": b"\n.\n",
    "LF.CR": b"\n.\r",
    "LF.CRLF": b"\n.\r\n",
    "CR.LF": b"\r.\n",
    "CR.CR": b"\r.\r",
    "CR.CRLF": b"\r.\r\n",
    "CRLF.LF": b"\r\n.\n",
    "CRLF.CR": b"\r\n.\r",
    "CRLF.CRCRLF": b"\r\n.\r\r\n",
    "CRCRLF.CRCRLF": b"\r\r\n.\r\r\n",
    "LFCR.LFCR": b"\n\r.\n\r",
    "CRLF.NUL-LF": b"\r\n.\0\n",
    "CR-NUL-LF.CRLF": b"\r\0\n.\r\n",
}

# These do not end DATA either, but are plain lines: content.
PLAIN_LINES = {
    "CRLF-NUL.CRLF": b"\r\n\0.\r\n",
    "CRLF.NUL-CRLF": b"\r\n.\0\r\n",
    "CRLF-SP.CRLF": b"\r\n .\r\n",
    "CRLF.SP-CRLF": b"\r\n. \r\n",
    "CRLF..CRLF": b"\r\n..\r\n",
    "CRLF.TAB-CRLF": b"\r\n.\t\r\n",
    "CRLF.VT-CRLF": b"\r\n.\x0b\r\n",
    "CRLF.NEL-CRLF": b"\r\n.\xc2\x85\r\n",
    "CRLF-U2028.CRLF": b"\r\n\xe2\x80\xa8.\r\n",
}

# A line end gone wrong anywhere, not only near a dot.
BARE = {
    "LF": b"a\nb",
    "CR": b"a\rb",
    "LFLF": b"a\n\nb",
    "CRCR": b"a\r\rb",
    "LFCR": b"a\n\rb",
    "CRCRLF": b"a\r\r\nb",
    "CRLFLF": b"a\r\n\nb",
    "CRLFCR": b"a\r\n\rb",
    "CR-x-LF": b"a\rx\nb",
    "CR-NUL-LF": b"a\r\0\nb",
    "LF-x-CR": b"a\nx\rb",
}


class Vector(NamedTuple):
    """One attempt."""

    name: str
    way: Literal["DATA", "BDAT"]
    pieces: tuple[bytes, ...]
    taken: bytes | None


def _data(name: str, wire: bytes, taken: bytes | None) -> Vector:
    return Vector(f"DATA {name}", "DATA", (wire,), taken)


def _bdat(name: str, *pieces: bytes, taken: bytes | None) -> Vector:
    return Vector(f"BDAT {name}", "BDAT", pieces, taken)


def _unstuffed(content: bytes) -> bytes:
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n")[2:]


# Dots: the end, transparency, and the very first byte.
DOTS = [
    _data("nothing at all", b".\r\n", b""),
    _data("one empty line", b"\r\n.\r\n", b"\r\n"),
    _data("two empty lines", b"\r\n\r\n.\r\n", b"\r\n\r\n"),
    _data("a stuffed dot as the first byte", b"..\r\n.\r\n", b".\r\n"),
    _data("a dot and text as the first line", b".x\r\n.\r\n", b"x\r\n"),
    _data("two stuffed dots as the first bytes", b"...\r\n.\r\n", b"..\r\n"),
    _data("a stuffed dot at the end", HEAD + b"\r\n..\r\n.\r\n", HEAD + b"\r\n.\r\n"),
    _data("each line a stuffed dot", b"..\r\n..\r\n..\r\n.\r\n", b".\r\n.\r\n.\r\n"),
    _data("a lone dot after a stuffed one", b"..\r\n.\r\n", b".\r\n"),
    _data("a dot that was not stuffed", HEAD + b"\r\n.hidden\r\n.\r\n", HEAD + b"\r\nhidden\r\n"),
    _data("dots inside a line", b"a.b..c.\r\n.\r\n", b"a.b..c.\r\n"),
    _data("a first line dot CR", b".\rx\r\n.\r\n", None),
    _data("a first line dot LF", b".\n" + SMUGGLED + END, None),
    _data("a first line dot CR CR LF", b".\r\r\n" + SMUGGLED + END, None),
    _data("CR first", b"\r" + HEAD + END, None),
    _data("LF first", b"\n" + HEAD + END, None),
    _data("LF dot CRLF first", b"\n.\r\n" + SMUGGLED + END, None),
    _data("CR dot CRLF first", b"\r.\r\n" + SMUGGLED + END, None),
    _data("CR before a true end", b"\r\r\n.\r\n", None),
    _data("CR before the end", HEAD + b"\r\r\n.\r\n", None),
    _data("LF before the end", HEAD + b"\n\r\n.\r\n", None),
    _data("NUL first", b"\0" + HEAD + END, b"\0" + HEAD + b"\r\n"),
    _data("NUL in the middle", HEAD + b"\0\0x" + END, HEAD + b"\0\0x\r\n"),
    _data("NUL last", HEAD + b"\0" + END, HEAD + b"\0\r\n"),
    _data("NUL NUL dot CRLF", HEAD + b"\r\n\0\0.\r\n" + SMUGGLED + END, HEAD + b"\r\n\0\0.\r\n" + SMUGGLED + b"\r\n"),
    _data("eight bits", b"\xff\xfe\x80\r\n.\r\n", b"\xff\xfe\x80\r\n"),
    _data("a very long line", b"x" * 5000 + END, b"x" * 5000 + b"\r\n"),
]

# The same for chunks: no dot means anything, and only a chunk's count ends it.
CHUNKS = [
    _bdat("nothing at all", b"", taken=b""),
    _bdat("nothing in three chunks", b"", b"", b"", taken=b""),
    _bdat("the end of DATA as content", HEAD + END + SMUGGLED + END, taken=HEAD + END + SMUGGLED + END),
    _bdat("a lone dot", b".\r\n", taken=b".\r\n"),
    _bdat("a stuffed dot stays", b"..\r\n", taken=b"..\r\n"),
    _bdat("no line end at the end", b"abc", taken=b"abc"),
    _bdat("NUL", b"\0\r\n\0", taken=b"\0\r\n\0"),
    _bdat("CRLF over a border", b"a\r", b"\nb\r\n", taken=b"a\r\nb\r\n"),
    _bdat("CRLF over a border and an empty chunk", b"a\r", b"", b"\nb", taken=b"a\r\nb"),
    _bdat("CRLF in two chunks of one byte", b"\r", b"\n", taken=b"\r\n"),
    _bdat("the end of DATA byte by byte", *(bytes([byte]) for byte in END), taken=END),
    _bdat("CR before a border, none after", b"a\r", b"b\r\n", taken=None),
    _bdat("LF after a border, none before", b"a", b"\nb\r\n", taken=None),
    _bdat("CR before a border, CRLF after", b"a\r", b"\r\n", taken=None),
    _bdat("CRLF before a border, LF after", b"a\r\n", b"\n", taken=None),
    _bdat("CR last", b"a\r", taken=None),
    _bdat("CR last before an empty chunk", b"a\r", b"", taken=None),
    _bdat("LF first", b"\na\r\n", taken=None),
    _bdat("CR alone", b"\r", taken=None),
    _bdat("LF alone", b"\n", taken=None),
    _bdat("LF then CR in two chunks", b"\n", b"\r", taken=None),
    _bdat("bare in the first of three chunks", b"a\nb", b"c\r\n", b"d\r\n", taken=None),
    _bdat("commands as a chunk", SMUGGLED + b"\r\n", b"RSET\r\n", taken=SMUGGLED + b"\r\nRSET\r\n"),
]


def _around(name: str, sequence: bytes) -> list[Vector]:
    """Put a sequence that is no end at the start, in the middle and at the end of both kinds of content."""
    return [
        _data(f"{name} at the start", sequence + SMUGGLED + END, None),
        _data(f"{name} in the middle", HEAD + sequence + SMUGGLED + END, None),
        _data(f"{name} at the end", HEAD + sequence + b"x" + END, None),
        _bdat(f"{name} in the middle", HEAD + sequence + SMUGGLED + b"\r\n", taken=None),
        _bdat(f"{name} at the end", HEAD + sequence, taken=None),
    ]


def _over_borders(name: str, sequence: bytes, *, taken: bool) -> list[Vector]:
    """Let a border between two chunks fall on each place of a sequence."""
    whole = HEAD + sequence + SMUGGLED
    return [
        _bdat(f"{name}, border at {at}", whole[: len(HEAD) + at], whole[len(HEAD) + at :], taken=whole if taken else None)
        for at in range(len(sequence) + 1)
    ]


VECTORS: list[Vector] = [
    *DOTS,
    *CHUNKS,
    *(vector for name, sequence in FAKE_ENDS.items() for vector in _around(name, sequence)),
    *(vector for name, sequence in FAKE_ENDS.items() for vector in _over_borders(name, sequence, taken=False)),
    *(
        _data(f"{name} as a line", HEAD + line + SMUGGLED + END, _unstuffed(HEAD + line + SMUGGLED + b"\r\n"))
        for name, line in PLAIN_LINES.items()
    ),
    *(vector for name, line in PLAIN_LINES.items() for vector in _over_borders(name, line, taken=True)),
    *(_data(f"{name} inside a line", HEAD + bare + END, None) for name, bare in BARE.items()),
    *(_data(f"{name} in a header", b"Subject: " + bare + b"\r\n\r\nbody" + END, None) for name, bare in BARE.items()),
    *(_bdat(f"{name} inside a line", HEAD + bare + b"\r\n", taken=None) for name, bare in BARE.items()),
]
"""All rows."""


def wire_of(vector: Vector) -> bytes:
    """Give all that a client sends for a vector once its recipient was accepted; DATA's own line is left out."""
    if vector.way == "DATA":
        return vector.pieces[0]
    *first, last = vector.pieces
    return b"".join(b"BDAT %d\r\n%s" % (len(piece), piece) for piece in first) + b"BDAT %d LAST\r\n%s" % (len(last), last)
