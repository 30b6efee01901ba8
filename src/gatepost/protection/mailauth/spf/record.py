# SPDX-License-Identifier: Apache-2.0
"""An SPF record, read: directives in their order, and the two modifiers that mean something (RFC 7208 §4.6.1)."""

from typing import Literal, NamedTuple

from gatepost.contracts.authentication import SpfResult
from gatepost.protection.mailauth.spf.macros import MacroString

MechanismKind = Literal["all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"]


class Mechanism(NamedTuple):
    """One directive: what it asks, and the result when the answer is yes."""

    kind: MechanismKind
    result: SpfResult
    text: str
    """As the record has it; printable ASCII."""
    target: MacroString | None = None
    """The domain that it names; None is the current one."""
    network: int = 0
    """ip4 and ip6: the network as a number."""
    bits4: int = 32
    bits6: int = 128


class Record(NamedTuple):
    """All of a record that is well-formed."""

    mechanisms: tuple[Mechanism, ...] = ()
    redirect: MacroString | None = None
    explanation: MacroString | None = None


class Malformed(NamedTuple):
    """What is wrong with a record, in one line."""

    reason: str
