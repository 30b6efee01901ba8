# SPDX-License-Identifier: Apache-2.0
"""One name server as dnspython asks it, with a bound on what is read: to parse 64 KiB of records takes it 140 ms.

Any domain that is looked up can have its answer truncated, and then send that much over TCP; within a mail gateway
all other mails would wait. What is longer than `LONGEST` is not read at all, and the question fails.
This module loads dnspython; it is imported at the first question only.
"""

import asyncio
from typing import TYPE_CHECKING

import dns.message
import dns.nameserver
import dns.query

if TYPE_CHECKING:
    from dns._asyncbackend import Backend

LONGEST = 16 * 1024
"""Octets of an answer over TCP (RFC 7766 §8). The largest TXT sets of real domains are about 5,000."""


class BoundedNameserver(dns.nameserver.Do53Nameserver):
    """Asks over UDP as dnspython does, and over TCP when the answer was truncated."""

    async def async_query(  # noqa: PLR0917  the signature is dnspython's
        self,
        request: dns.message.QueryMessage,
        timeout: float,  # noqa: ASYNC109
        source: str | None,
        source_port: int,
        max_size: bool,
        backend: "Backend",
        one_rr_per_rrset: bool = False,
        ignore_trailing: bool = False,
    ) -> dns.message.Message:
        """Give the answer; raises what dnspython's own raises."""
        if not max_size:
            return await super().async_query(request, timeout, source, source_port, max_size, backend, one_rr_per_rrset, ignore_trailing)
        async with asyncio.timeout(timeout):
            response = dns.message.from_wire(await self._over_tcp(request.to_wire()))
        if not request.is_response(response):
            raise dns.query.BadResponse
        return response

    async def _over_tcp(self, query: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self.address, self.port)
        try:
            writer.write(len(query).to_bytes(2, "big") + query)
            length = int.from_bytes(await reader.readexactly(2), "big")
            if length > LONGEST:
                raise OSError(f"an answer of {length} octets")
            return await reader.readexactly(length)
        finally:
            writer.close()
