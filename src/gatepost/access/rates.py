# SPDX-License-Identifier: Apache-2.0
"""How often a client may ask: a bucket of tokens for each, in memory that does not grow with the number of clients."""

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable

MOST_CLIENTS = 10_000
_IPV6_PREFIX = 64
"""Bits: one customer of a provider has all addresses below such a prefix."""


class Rates:
    """Buckets that hold `burst` and fill by `per_minute`; the client that was not seen longest is forgotten first."""

    def __init__(self, per_minute: float, burst: int, clock: Callable[[], float] = time.monotonic, most: int = MOST_CLIENTS) -> None:
        self._per_s = per_minute / 60.0
        self._burst = float(burst)
        self._clock = clock
        self._most = most
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    @property
    def clients(self) -> int:
        """How many are remembered."""
        return len(self._buckets)

    def take(self, client: str) -> float:
        """Take one; gives 0.0, or in how many seconds there will be one."""
        now, key = self._clock(), _key(client)
        left, seen_at = self._buckets.pop(key, (self._burst, now))
        left = min(self._burst, left + (now - seen_at) * self._per_s)
        wait = 0.0 if left >= 1.0 else (1.0 - left) / self._per_s
        self._buckets[key] = (left - 1.0 if left >= 1.0 else left, now)
        if len(self._buckets) > self._most:
            self._buckets.popitem(last=False)
        return wait

    def give_back(self, client: str) -> None:
        """Give one back that was taken, as for what needs no limit after all."""
        if (bucket := self._buckets.get(key := _key(client))) is not None:
            self._buckets[key] = (min(self._burst, bucket[0] + 1.0), bucket[1])


def _key(client: str) -> str:
    try:
        address = ipaddress.ip_address(client.partition("%")[0])
    except ValueError:
        return client[:100]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, _IPV6_PREFIX), strict=False))
