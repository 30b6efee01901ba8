# SPDX-License-Identifier: Apache-2.0
"""Whether a host name contains the host's address, as the names do that providers make for their customers' lines.

192-0-2-17.dsl.example.net   17.2.0.192.example.net   host192000002017.example.net   c0000211.example.net
2001-db8--17.example.net     the 32 hexadecimal digits, forwards or backwards, with or without marks between
"""

import re
from ipaddress import IPv6Address, ip_address

_NUMBERS = re.compile(r"\d+")
_MARKS = str.maketrans("", "", ".-_")


def contains_address(name: str, address: str) -> bool:
    """Whether a host name shows an IP address in text form; both as the resolver gives them."""
    parsed = ip_address(address)
    if isinstance(parsed, IPv6Address):
        digits = parsed.exploded.replace(":", "")
        plain = name.translate(_MARKS)
        return digits in plain or digits[::-1] in plain or parsed.compressed.replace(":", "-") in name
    octets = str(parsed).split(".")
    numbers = _NUMBERS.findall(name)
    shown = [number.lstrip("0") or "0" for number in numbers]
    if any(shown[at : at + 4] in (octets, octets[::-1]) for at in range(len(shown) - 3)):
        return True
    padded = [octet.zfill(3) for octet in octets]
    return any(whole in numbers for whole in ("".join(padded), "".join(reversed(padded)))) or f"{int(parsed):08x}" in name
