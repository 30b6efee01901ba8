# SPDX-License-Identifier: Apache-2.0
"""What each kind of incident is found by."""

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import pytest

from gatepost.monitoring.checks import LinkState, Owner, QueueState, RouteState, Sources, checks, fill_level
from gatepost.monitoring.kinds import KINDS, kind_of
from gatepost.monitoring.record import Address, Addressees, Look
from gatepost.storage.usage import Usage

NOW = 1_000_000.0
HOUR = 3600.0


def given(value: Any) -> Any:
    """Give a source that answers so."""

    async def answer() -> Any:
        return value

    return answer


def sources(
    *,
    links: Sequence[LinkState] = (),
    queues: Mapping[str, Sequence[QueueState] | None] | None = None,
    routes: Mapping[str, Sequence[RouteState] | None] | None = None,
    usages: Mapping[str, Usage | None] | None = None,
    refused: int = 0,
    addressees: Addressees = Addressees(),  # noqa: B008  # a value
) -> Sources:
    """Give sources of which a test names what it looks at."""

    def owner(domain: str) -> Owner | None:
        return Owner(3, domain) if domain == "ours.example" else None

    return Sources(
        given(links), given(queues or {}), given(routes or {}), given(usages or {}), given(refused), given(addressees), owner, lambda: NOW
    )


async def look(kind: str, standing: Any = None, **told: Any) -> Look:
    """Look once."""
    return await checks(sources(**told))[kind](standing or {})


def told(seen: Look) -> list[tuple[str, str, int]]:
    """Give subject, level and tenant of what was found."""
    return [(one.subject, one.level, one.tenant_id) for one in seen.findings]


async def test_a_gateway_that_does_not_answer_is_away() -> None:
    """Its reason is told; one whose store is away is another kind, and of that nothing is known while it is silent."""
    links = (LinkState("berlin", "no answer"), LinkState("lisbon"), LinkState("rome", store_trouble="the server is down"))
    away = await look("link.away", links=links)
    assert told(away) == [("berlin", "error", 0)] and away.findings[0].details == {"reason": "no answer"}
    stores = await look("store.away", links=links)
    assert told(stores) == [("rome", "error", 0)] and stores.unseen == ("berlin",)


@pytest.mark.parametrize(("to_fetch_s", "to_send_s", "lags"), [(301.0, 0.0, True), (0.0, 301.0, True), (300.0, 300.0, False)])
async def test_a_link_lags_after_five_minutes_either_way(to_fetch_s: float, to_send_s: float, lags: bool) -> None:
    """What waits on either side counts, on a link that works; of one that does not nothing is known."""
    one = LinkState("berlin", to_fetch=2, to_fetch_age_s=to_fetch_s, to_send=1, to_send_age_s=to_send_s)
    assert bool((await look("link.lagging", links=[one])).findings) is lags
    silent = await look("link.lagging", links=[one._replace(trouble="away")])
    assert silent == Look((), ("berlin",))


async def test_a_process_that_keeps_an_older_version_is_told_with_its_reason() -> None:
    """Several processes of one kind are one incident; one that is merely on its way is none."""
    processes = [
        {"process": "receive", "version": 3, "error": "a word list is away"},
        {"process": "receive", "version": 3, "error": "a word list is away"},
        {"process": "deliver", "version": 4, "error": ""},
    ]
    seen = await look("version.kept", links=[LinkState("berlin", processes=processes)])
    assert told(seen) == [("berlin/receive", "error", 0)]
    assert seen.findings[0].details == {"version": 3, "reason": "a word list is away"}


async def test_a_queue_is_stuck_after_an_hour() -> None:
    """Mail to an owned domain is its tenant's and graver after four; a gateway that is silent is unseen, an empty queue is well."""
    queues = {
        "berlin": [
            QueueState("ours.example", 2, NOW - 5 * HOUR),
            QueueState("world.example", 1, NOW - 5 * HOUR),
            QueueState("young.example", 9, NOW - HOUR),
            QueueState("sending.example", 0, NOW - 5 * HOUR),
        ],
        "lisbon": None,
    }
    seen = await look("queue.stuck", queues=queues)
    assert told(seen) == [("berlin/ours.example", "error", 3), ("berlin/world.example", "warning", 0)]
    assert [one.domain for one in seen.findings] == ["ours.example", ""]
    assert seen.unseen == ("lisbon",)


async def test_only_next_hops_that_are_named_in_a_connector_are_ours_to_mend() -> None:
    """A domain's own mail exchanger that is down makes no incident at once."""
    named = RouteState("inwards", "inbound", "mail.example", True, "451 refused")
    world = RouteState("outwards", "outbound", "mx:far.example:25", False, "451 refused")
    seen = await look("connector.down", routes={"berlin": [named, world], "lisbon": None})
    assert told(seen) == [("berlin/inbound/inwards", "error", 0)] and seen.unseen == ("lisbon",)


@pytest.mark.parametrize(
    ("percent", "before", "level"),
    [
        (69.9, None, None),
        (70.0, None, "message"),
        (89.9, None, "message"),
        (90.0, None, "warning"),
        (90.0, "message", "warning"),
        (88.0, "warning", "warning"),
        (87.9, "warning", "message"),
        (68.0, "message", "message"),
        (67.9, "message", None),
        (67.9, "warning", None),
        (88.0, "message", "message"),
    ],
)
def test_a_fill_level_rises_at_its_mark_and_falls_two_points_below(percent: float, before: Any, level: Any) -> None:
    """70 % is a message, 90 % a warning; around a mark nobody is told twice."""
    assert fill_level(percent, before) == level


async def test_a_store_without_a_known_limit_is_never_full() -> None:
    """One that does not answer is unseen, one whose limit nobody knows has no finding."""

    def usage(percent: float | None, trouble: str = "") -> Usage:
        return Usage("here", "sqlite", 5, 6, percent, "disk", (), NOW, trouble)

    usages = {"intranet": usage(None), "berlin": usage(91.4), "lisbon": None, "rome": usage(None, "away")}
    seen = await look("store.filling", usages=usages)
    assert told(seen) == [("berlin", "warning", 0)]
    assert seen.findings[0].details == {"percent": 91, "used_bytes": 5, "free_bytes": 6, "where": "here"}
    assert seen.unseen == ("lisbon", "rome")
    assert told(await look("store.filling", {(0, "berlin"): "message"}, usages={"berlin": usage(68.5)})) == [("berlin", "message", 0)]


async def test_tracks_that_cannot_be_converted_and_notices_without_an_address_are_told() -> None:
    """Each is an incident of its own while it lasts."""
    assert told(await look("legacy.waiting", refused=2)) == [("intranet", "warning", 0)]
    assert told(await look("legacy.waiting")) == []
    assert told(await look("notices.nowhere")) == [("mail", "warning", 0)]
    assert told(await look("notices.nowhere", addressees=Addressees(Address("a@b.example", "")))) == []


def test_each_kind_is_checked_and_each_sentence_has_its_german() -> None:
    """No check is without its row, no row without its check, and no sentence is untranslated or left over."""
    assert set(checks(sources())) == set(KINDS)
    words = tomllib.loads((files("gatepost.monitoring") / "words" / "de.toml").read_text("utf-8"))
    said = {text for kind in KINDS.values() for text in (kind.title, kind.meaning, kind.what_to_do, *(one.title for one in kind.details))}
    unknown = kind_of("gone.away")
    assert said | {unknown.meaning, unknown.what_to_do} == set(words)
    assert all(kind.meaning.endswith(".") and kind.what_to_do.endswith(".") and kind.page.startswith("/") for kind in KINDS.values())
    assert unknown.title == "gone.away"


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("", Address("all@house.example", "gp@house.example")),
        ("own.example", Address("own@own.example", "gp@house.example")),
        ("sender.example", Address("all@house.example", "gp@sender.example")),
        ("other.example", Address("all@house.example", "gp@house.example")),
    ],
)
def test_a_domain_has_its_own_address_or_the_houses(domain: str, expected: Address) -> None:
    """What the domain does not say is said by the house."""
    domains = {"own.example": Address("own@own.example", ""), "sender.example": Address("", "gp@sender.example")}
    addressees = Addressees(Address("all@house.example", "gp@house.example"), domains)
    assert addressees.of(domain) == expected
