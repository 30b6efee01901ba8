# SPDX-License-Identifier: Apache-2.0
"""What a listener offers its clients: fixed once, shared by all its sessions."""

from dataclasses import dataclass, field

from gatepost.config.limits import ReceiveLimits


@dataclass(frozen=True, slots=True)
class Terms:
    """A listener's offers and limits, with the greeting and the EHLO answers made in advance."""

    hostname: str
    limits: ReceiveLimits
    starttls: bool = False
    tls_required: bool = False
    submission: bool = False
    greeting: bytes = field(init=False)
    helo_answer: bytes = field(init=False)
    ehlo_plain: bytes = field(init=False)
    ehlo_encrypted: bytes = field(init=False)

    def __post_init__(self) -> None:
        put = object.__setattr__
        put(self, "greeting", f"220 {self.hostname} ESMTP Gatepost\r\n".encode())
        put(self, "helo_answer", f"250 {self.hostname}\r\n".encode())
        put(self, "ehlo_plain", self._ehlo(encrypted=False))
        put(self, "ehlo_encrypted", self._ehlo(encrypted=True))

    def _ehlo(self, *, encrypted: bool) -> bytes:
        lines = [self.hostname, "PIPELINING", f"SIZE {self.limits.size_bytes}", "8BITMIME", "SMTPUTF8", "DSN"]
        lines += ["ENHANCEDSTATUSCODES", "CHUNKING"]
        if self.starttls and not encrypted:
            lines.append("STARTTLS")
        if self.submission and encrypted:
            lines.append("AUTH PLAIN LOGIN")
        *first, last = lines
        return "".join([*(f"250-{line}\r\n" for line in first), f"250 {last}\r\n"]).encode()
