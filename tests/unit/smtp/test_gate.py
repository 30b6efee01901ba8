# SPDX-License-Identifier: Apache-2.0
"""The gate alone: counts that always add up, and blocks that end and do not grow without bound."""

from hypothesis import given
from hypothesis import strategies as st

from gatepost.config.limits import ReceiveLimits
from gatepost.smtp import replies
from gatepost.smtp.server import gate as gate_module
from gatepost.smtp.server.gate import Gate

ADDRESSES = ["192.0.2.1", "192.0.2.2", "2001:db8::1"]


@given(st.lists(st.tuples(st.sampled_from(ADDRESSES), st.booleans()), max_size=60))
def test_who_enters_and_leaves_is_counted(steps):
    """Never more than the limits inside, in total and of one client, and nobody is refused below them."""
    gate = Gate(ReceiveLimits(connections=4, connections_per_client=2))
    inside = dict.fromkeys(ADDRESSES, 0)
    for address, enters in steps:
        if enters:
            fits = inside[address] < 2 and sum(inside.values()) < 4
            assert gate.enter(address) == (None if fits else replies.TOO_MANY_CONNECTIONS)
            inside[address] += fits
        elif inside[address]:
            gate.leave(address)
            inside[address] -= 1


def test_the_oldest_blocks_fall_out_first(monkeypatch):
    """Memory is bounded; a client that offends again counts as new."""
    monkeypatch.setattr(gate_module, "_BLOCKED_KEPT", 3)
    gate = Gate(ReceiveLimits(), lambda: 0.0)
    for address in ("a", "b", "c", "a", "d"):
        gate.block(address)
    assert [address for address in "abcd" if gate.is_blocked(address)] == ["a", "c", "d"]
    assert gate.enter("a") == replies.CLIENT_BLOCKED
    assert gate.clear_blocked() == 3
    assert gate.enter("a") is None


def test_a_new_offence_begins_the_time_anew():
    """The block ends so long after the last one."""
    now = [0.0]
    gate = Gate(ReceiveLimits(block_minutes=5), lambda: now[0])
    gate.block("a")
    now[0] = 200.0
    gate.block("a")
    now[0] = 499.0
    assert gate.is_blocked("a")
    now[0] = 501.0
    assert not gate.is_blocked("a")
    assert gate.clear_blocked() == 0
