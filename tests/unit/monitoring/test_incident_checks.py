# SPDX-License-Identifier: Apache-2.0
"""What each kind of incident is found by."""

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import pytest

from gatepost.monitoring.checks import LinkState, Owner, QueueState, RouteState, Sources, checks, fill_level
from gatepost.monitoring.checks_certificates import Certificates, expiry_level
from gatepost.monitoring.checks_processes import AskEnds, End, Ends
from gatepost.monitoring.kinds import KINDS, kind_of
from gatepost.monitoring.record import Address, Addressees, Look
from gatepost.smtp.certificate import CertificateState
from gatepost.storage.usage import Usage

NOW = 1_000_000.0
HOUR = 3600.0


def given(value: Any) -> Any:
    """Give a source that answers so."""

    async def answer() -> Any:
        return value

    return answer


def told_ends(told: Ends) -> AskEnds:
    """Give those of the ends that are younger than asked for."""

    async def answer(since: float) -> Ends:
        return told._replace(ends=[one for one in told.ends if one.at >= since])

    return answer


def sources(
    *,
    links: Sequence[LinkState] = (),
    queues: Mapping[str, Sequence[QueueState] | None] | None = None,
    routes: Mapping[str, Sequence[RouteState] | None] | None = None,
    usages: Mapping[str, Usage | None] | None = None,
    refused: int = 0,
    addressees: Addressees = Addressees(),  # noqa: B008  # a value
    ends: Ends = Ends(()),  # noqa: B008  # a value
    certificates: Certificates = Certificates(()),  # noqa: B008  # a value
) -> Sources:
    """Give sources of which a test names what it looks at."""

    def owner(domain: str) -> Owner | None:
        return Owner(3, domain) if domain == "ours.example" else None

    return Sources(
        given(links),
        given(queues or {}),
        given(routes or {}),
        given(usages or {}),
        given(refused),
        given(addressees),
        owner,
        told_ends(ends),
        given(certificates),
        lambda: NOW,
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


def ended(*ages_s: float, process: str = "receive-1", status: int = -9, machine: str = "berlin.example") -> list[End]:
    """Give ends of a process, by their age."""
    return [End(NOW - age_s, machine, process, status) for age_s in ages_s]


async def test_a_process_that_ends_three_times_in_ten_minutes_keeps_ending() -> None:
    """Each process of each machine by itself; how it ended last is told."""
    ends = [*ended(5.0, status=-11), *ended(300.0, 599.0), *ended(1.0, 2.0, process="deliver"), *ended(1.0, 2.0, 601.0, process="console")]
    seen = await look("process.ending", ends=Ends(ends, frozenset({"berlin.example"})))
    assert told(seen) == [("berlin.example/receive-1", "error", 0)] and seen.unseen == ()
    assert seen.findings[0].details == {"ends": 3, "ended_by": "SIGSEGV"}


@pytest.mark.parametrize(("status", "shown"), [(3, "exit code 3"), (0, "exit code 0"), (-9, "SIGKILL"), (-99, "signal 99")])
async def test_how_a_process_ended_is_told_in_words(status: int, shown: str) -> None:
    """An exit code, a signal by its name, or by its number where it has none."""
    seen = await look("process.ending", ends=Ends(ended(1.0, 2.0, 3.0, status=status)))
    assert seen.findings[0].details["ended_by"] == shown


async def test_it_is_over_when_the_process_has_run_for_ten_minutes() -> None:
    """One end keeps it open, none closes it: a process that falls every five minutes is one incident, not many."""
    standing = {(0, "berlin.example/receive-1"): "error"}
    still = await look("process.ending", standing, ends=Ends(ended(599.0)))
    assert told(still) == [("berlin.example/receive-1", "error", 0)] and still.findings[0].details["ends"] == 1
    assert await look("process.ending", standing, ends=Ends(ended(601.0), frozenset({"berlin.example"}))) == Look()


async def test_a_machine_that_is_silent_heals_nothing() -> None:
    """Its events cannot come; of those that answer all is known, and with none silent of every machine that was."""
    standing = {(0, "berlin.example/receive-1"): "error", (0, "rome.example/deliver"): "error"}
    silent = await look("process.ending", standing, ends=Ends((), frozenset({"rome.example"}), silent=True))
    assert silent == Look((), ("berlin.example",)) and not silent.covers("berlin.example/receive-1")
    gone = await look("process.ending", standing, ends=Ends((), frozenset({"rome.example"})))
    assert gone == Look(), "a machine that was parted from says nothing any more"


def shown(days_left: float, kept: str = "", life_days: float = 90.0) -> CertificateState:
    """Give how a certificate does that has so many days left."""
    ends_at = NOW + days_left * 24 * HOUR
    return CertificateState("/tls/cert.pem", ends_at - life_days * 24 * HOUR, ends_at, kept)


@pytest.mark.parametrize(
    ("days_left", "life_days", "level"),
    [
        (14.01, 90.0, None),
        (13.99, 90.0, "warning"),
        (3.01, 90.0, "warning"),
        (2.99, 90.0, "error"),
        (-1.0, 90.0, "error"),
        (13.99, 45.0, "warning"),
        (2.01, 6.0, None),
        (1.99, 6.0, "warning"),
        (0.61, 6.0, "warning"),
        (0.59, 6.0, "error"),
    ],
)
def test_a_certificate_is_told_of_before_it_runs_out(days_left: float, life_days: float, level: Any) -> None:
    """14 days and 3 days before; one of six days only when it should have been renewed."""
    assert expiry_level(shown(days_left, life_days=life_days), NOW) == level


def test_a_certificate_whose_end_is_unknown_is_not_told_of() -> None:
    """Nothing is said of what nobody could read; without a beginning the usual days hold."""
    assert expiry_level(CertificateState("/tls/cert.pem", 0.0, 0.0), NOW) is None
    assert expiry_level(CertificateState("/tls/cert.pem", 0.0, NOW + 24 * HOUR), NOW) == "error"


async def test_the_first_certificate_to_run_out_is_told_for_each_process() -> None:
    """Several processes of one name are one incident; a gateway that is silent heals nothing."""
    told_of = [
        ("berlin/receive", shown(60.0)),
        ("berlin/receive", shown(2.0)),
        ("berlin/receive", shown(9.0)),
        ("intranet/console", shown(9.0)),
    ]
    seen = await look("certificate.expiring", certificates=Certificates(told_of, ("rome",)))
    assert told(seen) == [("berlin/receive", "error", 0), ("intranet/console", "warning", 0)] and seen.unseen == ("rome",)
    assert seen.findings[0].details == {"ends_at": NOW + 48 * HOUR, "certificate": "/tls/cert.pem"}
    assert await look("certificate.expiring", certificates=Certificates(told_of[:1])) == Look()


async def test_a_renewed_certificate_that_cannot_be_used_is_told_with_its_reason() -> None:
    """Once for a process's name, however long the one that is shown still holds."""
    told_of = [("berlin/receive", shown(60.0)), ("berlin/receive", shown(60.0, "they differ")), ("rome/receive", shown(60.0))]
    seen = await look("certificate.kept", certificates=Certificates(told_of, ("oslo",)))
    assert told(seen) == [("berlin/receive", "error", 0)] and seen.unseen == ("oslo",)
    assert seen.findings[0].details == {"certificate": "/tls/cert.pem", "reason": "they differ"}


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
