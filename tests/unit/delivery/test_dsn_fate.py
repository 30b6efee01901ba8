# SPDX-License-Identifier: Apache-2.0
"""Who is owed a report, with which action and status."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatepost.delivery.dsn.fate import Action, Fate, action_owed, asked_for
from gatepost.message.addresses import Address
from gatepost.smtp.envelope import Recipient


def fate(action: Action = "failed", reply: str = "", notify: str = "", expired: bool = False) -> Fate:
    return Fate(Recipient(Address("a", "example.com"), notify=notify), action, reply, expired=expired)


# NOTIFY x outcome; each with and without DSN at the next hop: (delivered without, delivered with, deferred, bounced)
TABLE: dict[str, tuple[Action | None, Action | None, Action | None, Action | None]] = {
    "": (None, None, "delayed", "failed"),
    "NEVER": (None, None, None, None),
    "SUCCESS": ("relayed", None, None, None),
    "FAILURE": (None, None, None, "failed"),
    "DELAY": (None, None, "delayed", None),
    "SUCCESS,FAILURE": ("relayed", None, None, "failed"),
    "SUCCESS,DELAY": ("relayed", None, "delayed", None),
    "FAILURE,DELAY": (None, None, "delayed", "failed"),
    "SUCCESS,FAILURE,DELAY": ("relayed", None, "delayed", "failed"),
}


@pytest.mark.parametrize("notify", TABLE)
def test_notify_outcome_and_next_hop(notify: str) -> None:
    """Each combination of NOTIFY, outcome and DSN support of the next hop has exactly the action of RFC 3461."""
    without, with_dsn, deferred, bounced = TABLE[notify]
    assert action_owed(notify, "delivered", False) == without
    assert action_owed(notify, "delivered", True) == with_dsn
    for next_hop_has_dsn in (False, True):
        assert action_owed(notify, "deferred", next_hop_has_dsn) == deferred
        assert action_owed(notify, "bounced", next_hop_has_dsn) == bounced


@pytest.mark.parametrize("notify", TABLE)
def test_only_what_was_asked_for_is_told(notify: str) -> None:
    """A fate is told when NOTIFY names its kind, or, without NOTIFY, when it is bad news."""
    without, _, deferred, bounced = TABLE[notify]
    assert asked_for(fate("failed", notify=notify)) is (bounced is not None)
    assert asked_for(fate("delayed", notify=notify)) is (deferred is not None)
    assert asked_for(fate("relayed", notify=notify)) is (without is not None)
    assert asked_for(fate("delivered", notify=notify)) is (without is not None)


@pytest.mark.parametrize(
    ("action", "reply", "status"),
    [
        ("failed", "550 5.1.1 User unknown", "5.1.1"),
        ("failed", "550-5.7.1 Go away\n550 5.7.1 now", "5.7.1"),
        ("failed", "550 User unknown", "5.0.0"),
        ("failed", "554 4.7.1 class disagrees", "5.0.0"),
        ("failed", "550 5.1.1.1 too long", "5.0.0"),
        ("failed", "550 5.1234.1 too long", "5.0.0"),
        ("failed", "421 4.3.2 Closing", "4.3.2"),
        ("failed", "250 2.1.5 Fine", "5.0.0"),
        ("failed", "", "5.0.0"),
        ("failed", "nonsense", "5.0.0"),
        ("delayed", "451 4.3.0 Later", "4.3.0"),
        ("delayed", "550 5.1.1 No", "4.0.0"),
        ("relayed", "250 2.1.5 Fine", "2.1.5"),
        ("relayed", "250 Ok", "2.0.0"),
        ("delivered", "", "2.0.0"),
    ],
)
def test_status_agrees_with_the_action(action: Action, reply: str, status: str) -> None:
    """The status is the reply's enhanced code where that fits the reply and the action, else the class's general one."""
    assert fate(action, reply).status == status


def test_expiry_has_a_status_of_its_own() -> None:
    """Mail that was given up because its time was over says 4.4.7, whatever the last reply was."""
    assert fate("failed", "421 4.3.2 Closing", expired=True).status == "4.4.7"
    assert fate("delayed", "421 4.3.2 Closing", expired=True).status == "4.3.2"


@given(st.sampled_from(["failed", "delayed", "relayed", "delivered"]), st.text())
def test_no_reply_breaks_the_status(action: Action, reply: str) -> None:
    """Whatever a next hop says, the status is well formed and of a class that the action allows."""
    classes = {"failed": "45", "delayed": "4", "relayed": "2", "delivered": "2"}
    parts = fate(action, reply).status.split(".")
    assert len(parts) == 3
    assert parts[0] in classes[action]
    assert all(part.isascii() and part.isdigit() and len(part) <= 3 for part in parts)
