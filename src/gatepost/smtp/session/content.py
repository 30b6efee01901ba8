# SPDX-License-Identifier: Apache-2.0
"""Read a mail's content: DATA up to its only end, `<CRLF>.<CRLF>`, and BDAT by count (RFC 5321 §4.5.2, RFC 3030).

A bare CR or LF never ends anything; it is remembered, the rest of the content is read to its true end
and thrown away, and the mail is refused. Beyond the size limit the rest is thrown away likewise. What
is kept, without transparency dots, whoever drives the session may `take` away at any time.
"""

_END = b"\r\n.\r\n"
_SMALL = 4096
_BEGINNINGS_OF_END = (b"\r\n.\r", b"\r\n.", b"\r\n", b"\r")

# Two tables that leave of a block only where its CRs and where its LFs are.
_CR = bytes(byte == 0x0D for byte in range(256))
_LF = bytes(byte == 0x0A for byte in range(256))


def has_bare_line_end(untrusted: bytes) -> bool:
    """Tell whether a CR or an LF stands alone.

    None does when the LFs stand where the CRs stand, one byte later. The cost is the same for all input, and
    half of that of counting line ends.
    """
    return b"\0" + untrusted.translate(_CR) != untrusted.translate(_LF) + b"\0"


class Content:
    """The content of one mail while it arrives."""

    __slots__ = ("_carry", "_kept", "_limit", "_taken", "bare_line_end", "chunks", "eight_bit", "size", "too_big")

    def __init__(self, limit_bytes: int) -> None:
        self._kept: list[bytes] = []  # blocks, for a growing bytearray would tear holes into the heap
        self._taken = 0
        self.size = 0
        """Bytes in all, kept or taken away; not counted on once `too_big` or `bare_line_end`."""
        self.chunks = 0
        self.bare_line_end = False
        self.too_big = False
        self.eight_bit = False
        self._limit = limit_bytes
        self._carry = b""

    def begin_data(self) -> None:
        """Get ready for DATA: its first line follows a virtual line end, so that a lone dot may end it."""
        self._carry = b"\r\n"
        self.size = -2

    def read_data(self, untrusted: bytes) -> bytes | None:
        """Take bytes of DATA; give what follows its end, or None while the end has not come."""
        block = self._carry + untrusted
        dot = block.find(b"\r\n.")  # before the first line that begins with a dot there is no end
        end = block.find(_END, dot) if dot >= 0 else -1
        if end >= 0:
            self._carry = b""
            self._keep(block[: end + 2], stuffed=dot < end)
            return block[end + 5 :]
        held = next((len(mark) for mark in _BEGINNINGS_OF_END if block.endswith(mark)), 0)
        cut = len(block) - held
        self._carry = block[cut:]
        if cut:
            self._keep(block[:cut], stuffed=dot >= 0)
        return None

    def read_chunk(self, untrusted: bytes) -> None:
        """Take bytes of a BDAT chunk. A CR at its end waits for the LF that may come with the next one."""
        block = self._carry + untrusted if self._carry else untrusted
        cut = len(block) - block.endswith(b"\r")
        self._carry = block[cut:]
        if cut:
            self._keep(block[:cut], stuffed=False)

    def end_chunks(self) -> None:
        """Close the last chunk: a CR that still waits is bare."""
        if self._carry:
            self._keep(self._carry, stuffed=False)
            self._carry = b""

    @property
    def waiting(self) -> int:
        """Tell how many bytes wait to be taken."""
        return self.size - self._taken

    def take(self) -> bytes:
        """Take away what was kept since the last time."""
        blocks = self.take_blocks()
        return blocks[0] if len(blocks) == 1 else b"".join(blocks)

    def take_blocks(self) -> list[bytes]:
        """Take away what was kept since the last time, as it lies in memory."""
        blocks = self._kept
        self._forget()
        return blocks

    def _forget(self) -> None:
        self._kept = []
        self._taken = self.size

    def _keep(self, block: bytes, *, stuffed: bool) -> None:
        if self.bare_line_end or self.too_big:
            return
        if has_bare_line_end(block):
            self.bare_line_end = True
            self._forget()
            return
        if stuffed:
            block = block.replace(b"\r\n.", b"\r\n")
        if self.size < 0:  # the virtual line end of begin_data is no content
            self.size = 0
            block = block[2:]
        self.size += len(block)
        if self.size > self._limit:
            self.too_big = True
            self._forget()
            return
        if not self.eight_bit and not block.isascii():
            self.eight_bit = True
        if len(block) < _SMALL and self._kept and len(self._kept[-1]) < _SMALL:
            self._kept[-1] += block  # a client that sends single bytes must not cost an object for each
        elif block:
            self._kept.append(block)
