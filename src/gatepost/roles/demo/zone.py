# SPDX-License-Identifier: Apache-2.0
"""Write the zone file that is the demo's whole DNS, made for the mails that are sent and for nothing else.

Of every mail alike, whatever its label: the name of its client is the one that its own trace field tells, and the
domain of its sender takes mail and lets this client send. What else there is (lists, policies, keys) is of our own mails.
"""

from collections.abc import Iterable, Iterator

from gatepost.dns.reverse import reverse_name
from gatepost.roles.demo.attempt import Attempt
from gatepost.roles.demo.settings import DOMAIN, HOSTNAME

_HEAD = f"""\
; The DNS of the demo. Its gateway asks this file and nothing else: `zone_file` below [dns] of its configuration.
; Made from the mails themselves. Nothing in it was ever looked up, and nothing in it is true outside the demo.

{DOMAIN}.   MX  10 {HOSTNAME}.
{DOMAIN}.   TXT "v=spf1 -all"
{HOSTNAME}.   A   192.0.2.1
"""


def zone_of(attempts: Iterable[Attempt], records: Iterable[str]) -> str:
    """Give the zone file for these attempts, with more records below."""
    known = [attempt for attempt in attempts if attempt.client and attempt.in_dns]
    parts = (
        ("clients: the name of an address, and the address of a name", _clients(known)),
        ("senders' domains: they take mail, and say who may send it (SPF)", _senders(known)),
        ("clients that are on a realtime blocklist", _listed(known)),
        ("policies and keys", records),
    )
    return _HEAD + "".join(f"\n; {title}\n{_lines(lines)}" for title, lines in parts)


def _lines(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in dict.fromkeys(lines))


def _clients(attempts: Iterable[Attempt]) -> Iterator[str]:
    for attempt in attempts:
        if attempt.host:
            yield f"{reverse_name(attempt.client)}. PTR {attempt.host}."
            if attempt.leads_back:
                yield f"{attempt.host}. {_address(attempt.client)}"


def _senders(attempts: Iterable[Attempt]) -> Iterator[str]:
    clients: dict[str, dict[str, None]] = {}
    for attempt in attempts:
        domain = attempt.sender.rpartition("@")[2].lower()
        if domain and domain != DOMAIN:
            clients.setdefault(domain, {})[attempt.client] = None
    for domain, allowed in clients.items():
        yield f"{domain}. MX 10 {domain}."
        yield f"{domain}. {_address(next(iter(allowed)))}"
        yield f'{domain}. TXT "v=spf1 {" ".join(map(_mechanism, allowed))} -all"'


def _listed(attempts: Iterable[Attempt]) -> Iterator[str]:
    for attempt in attempts:
        for blocklist in attempt.listed:
            reverse = (reverse_name(attempt.client) or "").removesuffix(".in-addr.arpa").removesuffix(".ip6.arpa")
            yield f"{reverse}.{blocklist}. A 127.0.0.2"


def _address(client: str) -> str:
    return f"AAAA {client}" if ":" in client else f"A {client}"


def _mechanism(client: str) -> str:
    return f"ip6:{client}" if ":" in client else f"ip4:{client}"
