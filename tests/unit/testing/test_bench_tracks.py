# SPDX-License-Identifier: Apache-2.0
"""The books of tracks: what is missing, wrong, doubled or unknown is told apart; and the reader of both engines' stores."""

import sys
import time
from pathlib import Path

import msgspec
import pytest

from gatepost.config.bootstrap import Bootstrap, Stores
from gatepost.storage.opening import open_store
from gatepost.testing.ledger import LedgerLine
from gatepost.tracking.record import Attempt, Status
from postgres_server import postgres_server

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "bench"))

from measure import search_fill
from measure.track_accounts import TrackAccounts, compare_tracks
from measure.tracks import Reader, Track

DELIVERED = Attempt(1.0, (0,), "delivered", "250 ok", "host")
DEFERRED = Attempt(0.5, (0,), "deferred", "451 later", "host")


def line(name: str, *, sender: str = "a@example.org", track: str = "") -> LedgerLine:
    reply = f"250 2.0.0 Ok: queued as {track}" if track else "451 4.3.0 Local error"
    return LedgerLine(id=name, sha256="x", size=1, sender=sender, recipients=("b",), at=1.0, accepted=bool(track), reply=reply)


def books(*tracks: Track, queued: tuple[str, ...] = ()) -> TrackAccounts:
    """Compare these tracks with three mails that were taken, T1 and T2 delivered and T3 given up, and one that was not taken."""
    sent = [line("one", track="T1"), line("two", track="T2"), line("three", track="T3"), line("refused")]
    arrived = [line("one"), line("two"), line("three", sender="")]
    return compare_tracks(sent, arrived, set(queued), tracks)


ONE = Track("T1", Status.SUCCESS, (DELIVERED,))
TWO = Track("T2", Status.SUCCESS, (DEFERRED, DELIVERED))
THREE = Track("T3", Status.DISPATCHER_ERROR, (msgspec.structs.replace(DELIVERED, state="bounced"),))


def faults(found: TrackAccounts) -> tuple[int, int, int, int]:
    return found.tracks_missing, found.tracks_wrong, found.tracks_doubled, found.tracks_unknown


def test_sound_books_have_no_fault() -> None:
    """One track a mail, with its end; a mail whose 250 was lost, and a report of ours, may each have one more."""
    found = books(ONE, TWO, THREE, Track("T4", Status.SUCCESS, ()), Track("T5", Status.SUCCESS, ()))
    assert faults(found) == (0, 0, 0, 0)
    assert (found.tracks, found.tracks_of_unanswered, found.track_troubles) == (5, 2, [])


@pytest.mark.parametrize(
    ("tracks", "expected"),
    [
        ((ONE, TWO), (1, 0, 0, 0)),
        ((ONE._replace(status=Status.DELIVERY_PENDING), TWO, THREE), (0, 1, 0, 0)),
        ((ONE, ONE, TWO, THREE), (0, 0, 1, 0)),
        ((ONE._replace(attempts=(DELIVERED, DELIVERED)), TWO, THREE), (0, 0, 1, 0)),
        ((ONE._replace(attempts=(DELIVERED, msgspec.structs.replace(DELIVERED, at=2.0))), TWO, THREE), (0, 0, 1, 0)),
        ((ONE, TWO, THREE, *(Track(f"X{number}", Status.SUCCESS, ()) for number in range(3))), (0, 0, 0, 1)),
    ],
)
def test_each_fault_has_its_own_account(tracks: tuple[Track, ...], expected: tuple[int, int, int, int]) -> None:
    """A track that is missing, says something wrong, is told twice, or is of no mail, is counted there and nowhere else."""
    found = books(*tracks)
    assert faults(found) == expected
    assert bool(found.track_troubles) == (expected[3] == 0)


def test_a_mail_on_the_queue_is_pending() -> None:
    """As long as the queue holds a mail its track must say so."""
    assert faults(books(ONE, TWO, THREE._replace(status=Status.DELIVERY_PENDING), queued=("T3",))) == (0, 0, 0, 0)
    assert faults(books(ONE, TWO, THREE, queued=("T3",))) == (0, 1, 0, 0)


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_what_is_filled_in_is_counted(tmp_path: Path, engine: str) -> None:
    """The reader counts what the filler wrote, all of it before the days that a console makes."""
    url = postgres_server().create_database() if engine == "postgresql" else "sqlite"
    bootstrap = Bootstrap(data=str(tmp_path), stores=Stores(intranet=url))
    await open_store(url, "intranet", tmp_path).close()
    search_fill.fill(bootstrap, 1200)
    reader = Reader(bootstrap)
    assert reader.count() == 1200
    assert reader.count(time.time() - 86_400) == 0
