# SPDX-License-Identifier: Apache-2.0
"""A DMARC policy record as a value (RFC 9989 §4.7, §4.8).

    v=DMARC1; p=reject; sp=quarantine; np=reject; psd=u; t=n; adkim=r; aspf=r; rua=mailto:reports@example.com

Promises: never raises. What begins otherwise is no policy record; behind `v=` each tag that cannot be read counts as not
written (§4.8). But a tag written twice makes it none at all (RFC 6376 §3.2), and without a `p`, or with a `p`, `sp` or `np`
that is wrong, a record asks for nothing: with an address for reports it counts as `p=none`, without one it is unusable
(§4.10.1). `pct`, `rf` and `ri` are unknown tags here, as in §4.7.
"""

import re
from functools import lru_cache
from typing import Literal, NamedTuple, TypeVar

from gatepost.contracts.authentication import DmarcPolicy

_VERSION = re.compile(rb"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)").match
_URI = re.compile(r"([a-z][a-z0-9+.-]*:[^\s,!;]+)(?:![0-9]+[kmgt]?)?", re.IGNORECASE).fullmatch
_PSD: dict[str, Literal["y", "n", "u"]] = {"y": "y", "n": "n", "u": "u"}
_POLICIES: dict[str, DmarcPolicy] = {"none": "none", "quarantine": "quarantine", "reject": "reject"}
_KEPT = 1024
"""Bytes of the longest record that is remembered, so that no stranger's long one fills the memory."""

_T = TypeVar("_T")


class Record(NamedTuple):
    """What a domain asks for."""

    policy: DmarcPolicy = "none"
    """p=: for the domain itself."""
    subdomain: DmarcPolicy = "none"
    """sp=, or p=: for a subdomain that exists."""
    nonexistent: DmarcPolicy = "none"
    """np=, or sp=, or p=: for a subdomain that does not exist."""
    psd: Literal["y", "n", "u"] = "u"
    strict_spf: bool = False
    strict_dkim: bool = False
    testing: bool = False
    """t=y."""
    rua: tuple[str, ...] = ()
    """Where aggregate reports are asked for, without the obsolete size limit."""
    usable: bool = True
    """False: DMARC does not apply to the mail (§4.10.1)."""
    faults: tuple[str, ...] = ()
    """The tags that were passed over, in lower case."""


def is_policy_record(untrusted: bytes) -> bool:
    """Whether a TXT record is a DMARC policy record, usable or not (§4.10 steps 2 and 6)."""
    return _VERSION(untrusted) is not None


def parse_record(untrusted: bytes) -> Record | None:
    """Read a TXT record; None when it is no policy record."""
    return _remembered(untrusted) if len(untrusted) <= _KEPT else _parse(untrusted)


def _parse(untrusted: bytes) -> Record | None:
    version = _VERSION(untrusted)
    if version is None:
        return None
    tags: dict[str, str] = {"v": "DMARC1"}
    faults: list[str] = []
    for piece in untrusted[version.end() :].decode("latin-1").split(";"):
        name, equals, value = piece.partition("=")
        name = name.strip(" \t").lower()
        if not equals or not (name.isascii() and name.isalpha()):
            if name:
                faults.append(name[:32])
        elif name in tags:
            return None
        else:
            tags[name] = value.strip(" \t")
    return _record(tags, faults)


_remembered = lru_cache(maxsize=4096)(_parse)


def _record(tags: dict[str, str], faults: list[str]) -> Record:
    rua = _uris(tags.get("rua", ""))
    if "rua" in tags and not rua:
        faults.append("rua")
    asked = {name: _POLICIES.get(tags[name].lower()) for name in ("p", "sp", "np") if name in tags}
    wrong = [name for name, policy in asked.items() if policy is None]
    faults += wrong
    if wrong:
        asked = {}
    elif "p" not in tags:
        wrong = ["p"]
        faults += wrong
    policy = asked.get("p") or "none"
    subdomain = asked.get("sp") or policy
    return Record(
        policy,
        subdomain,
        asked.get("np") or subdomain,
        _choice(tags, "psd", _PSD, "u", faults),
        _choice(tags, "aspf", {"s": True, "r": False}, False, faults),
        _choice(tags, "adkim", {"s": True, "r": False}, False, faults),
        _choice(tags, "t", {"y": True, "n": False}, False, faults),
        rua,
        usable=not wrong or bool(rua),
        faults=tuple(faults),
    )


def _choice(tags: dict[str, str], name: str, choices: dict[str, _T], default: _T, faults: list[str]) -> _T:
    if name not in tags:
        return default
    value = choices.get(tags[name].lower())
    if value is None:
        faults.append(name)
        return default
    return value


def _uris(value: str) -> tuple[str, ...]:
    matches = (_URI(one.strip(" \t")) for one in value.split(",")) if value else ()
    return tuple(match[1] for match in matches if match)
