# SPDX-License-Identifier: Apache-2.0
"""The SQL of the counters; but for the tables of a day it is the same on both engines."""

from typing import Any, Final, NamedTuple

from gatepost.replication.sql import spoken
from gatepost.storage.contract import Engine
from gatepost.tracking.partitions import first_of, suffix
from gatepost.tracking.record import Status
from gatepost.tracking.traffic_count import Counts, Mark

DROPPED_HOURS: Final = 24 * 30
"""Of one transaction; some thousand rows."""


class OldTrack(NamedTuple):
    """A track that is to be counted, with its details where it was refused and they are left."""

    tenant_id: int
    track: bytes
    sent_at: float
    direction: int
    status: int
    mails: int
    size: int
    details: bytes | None


class TrafficStatements:
    """The counters' statements on one engine; those named as questions also run on the reading connection."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def marks(self, connection: Any) -> list[Mark]:
        """Question: give the days that are not counted to their end, newest first."""
        return [Mark(*row) for row in connection.execute(_MARKS).fetchall()]

    def add(self, connection: Any, counts: Counts) -> None:
        """Change the counters."""
        traffic = [(*place, mails, volume) for place, (mails, volume) in sorted(counts.traffic.items()) if mails or volume]
        refusals = [(*place, mails) for place, mails in sorted(counts.refusals.items())]
        for text, arrays, rows in ((_ADD_TRAFFIC, _TRAFFIC_ARRAYS, traffic), (_ADD_REFUSALS, _REFUSALS_ARRAYS, refusals)):
            if not rows:
                continue
            if self.engine == "postgresql":  # one round trip
                connection.execute(text.format(rows=arrays), [list(column) for column in zip(*rows, strict=True)])
            else:
                connection.executemany(text.format(rows=f"VALUES ({', '.join('?' * len(rows[0]))})"), rows)

    def beyond(self, connection: Any, mark: Mark, limit: int, *, details: bool) -> list[OldTrack]:
        """Give the next tracks of a day; `details` says whether the day still has them."""
        end, low, high = "", first_of(mark.day), first_of(mark.day + 1)
        if self.engine == "sqlite":
            end = f"_{suffix(mark.day)}"
        columns, joined, values = "NULL", "", [mark.tenant_id, mark.track, low, high, limit]
        if details:
            columns, joined, values = "d.content", _DETAILS.format(end=end), [low, high, *values]
        text = _BEYOND.format(columns=columns, end=end, joined=joined)
        # Planned for these values, so that PostgreSQL leaves out other days' partitions at once.
        options = {"prepare": False} if self.engine == "postgresql" else {}
        return [OldTrack(*row) for row in connection.execute(spoken(text, self.engine), values, **options).fetchall()]

    def move(self, connection: Any, mark: Mark) -> None:
        """Say how far a day is counted now."""
        connection.execute(spoken(_MOVE, self.engine), (mark.tenant_id, mark.track, mark.day))

    def unmark(self, connection: Any, day: int) -> None:
        """Say that a day is counted to its end."""
        connection.execute(spoken("DELETE FROM traffic_uncounted WHERE day = ?", self.engine), (day,))

    def series(self, connection: Any, tenant_id: int, hours: range) -> list[tuple[int, ...]]:
        """Question: give step, direction, the mails of each status by its number, and bytes, of the steps of these hours."""
        values = (hours.start, hours.step, tenant_id, hours.start, hours.stop)
        rows = connection.execute(spoken(_SERIES, self.engine), values).fetchall()
        return [tuple(map(int, row)) for row in rows]

    def refusals(self, connection: Any, tenant_id: int, hours: range) -> list[tuple[str, int]]:
        """Question: give filters and how many refused mails each gave points to."""
        values = (tenant_id, hours.start, hours.stop)
        return [(row[0], int(row[1])) for row in connection.execute(spoken(_REFUSALS, self.engine), values).fetchall()]

    def tenants(self, connection: Any) -> list[int]:
        """Question: give the tenants that have counters, one look into the index for each."""
        found: list[int] = []
        while (row := connection.execute(spoken(_NEXT_TENANT, self.engine), (found[-1] if found else -1,)).fetchone())[0] is not None:
            found.append(int(row[0]))
        return found

    def drop_before(self, connection: Any, tenant_id: int, hour: int) -> int:
        """Drop a tenant's counters of the hours before this one, up to `DROPPED_HOURS` from the oldest on; gives the number of rows."""
        (oldest,) = connection.execute(spoken(_OLDEST, self.engine), (tenant_id,)).fetchone()
        if oldest is None or oldest >= hour:  # a refused mail stands in both tables
            return 0
        values = (tenant_id, min(oldest + DROPPED_HOURS, hour))
        return sum(int(connection.execute(spoken(text, self.engine), values).rowcount) for text in _DROP)


_NEXT_TENANT: Final = "SELECT min(tenant_id) FROM traffic_hour WHERE tenant_id > ?"
_OLDEST: Final = "SELECT min(hour) FROM traffic_hour WHERE tenant_id = ?"
_DROP: Final = ("DELETE FROM traffic_hour WHERE tenant_id = ? AND hour < ?", "DELETE FROM refusal_hour WHERE tenant_id = ? AND hour < ?")
_MARKS: Final = "SELECT day, tenant_id, track FROM traffic_uncounted ORDER BY day DESC"
_ADD_TRAFFIC: Final = """INSERT INTO traffic_hour (tenant_id, hour, direction, status, mails, bytes) {rows}
    ON CONFLICT (tenant_id, hour, direction, status)
    DO UPDATE SET mails = traffic_hour.mails + excluded.mails, bytes = traffic_hour.bytes + excluded.bytes"""
_ADD_REFUSALS: Final = """INSERT INTO refusal_hour (tenant_id, hour, filter, mails) {rows}
    ON CONFLICT (tenant_id, hour, filter) DO UPDATE SET mails = refusal_hour.mails + excluded.mails"""
_TRAFFIC_ARRAYS: Final = "SELECT * FROM unnest(%b::int8[], %b::int8[], %b::int2[], %b::int2[], %b::int8[], %b::int8[])"
_REFUSALS_ARRAYS: Final = "SELECT * FROM unnest(%b::int8[], %b::int8[], %b::text[], %b::int8[])"
_BEYOND: Final = """SELECT s.tenant_id, s.track, s.sent_at, s.direction, s.status, s.mails, s.size, {columns}
    FROM message_track{end} s{joined}
    WHERE (s.tenant_id, s.track) > (?, ?) AND s.track >= ? AND s.track < ? ORDER BY s.tenant_id, s.track LIMIT ?"""
_DETAILS: Final = """ LEFT JOIN message_track_details{end} d
    ON d.tenant_id = s.tenant_id AND d.track = s.track AND d.part = 0 AND s.status IN (3, 4) AND d.track >= ? AND d.track < ?"""
_MOVE: Final = "UPDATE traffic_uncounted SET tenant_id = ?, track = ? WHERE day = ?"
_BY_STATUS: Final = ", ".join(f"sum(CASE status WHEN {status:d} THEN mails ELSE 0 END)" for status in Status)
_SERIES: Final = f"""SELECT (hour - ?) / ? AS step, direction, {_BY_STATUS}, sum(bytes) FROM traffic_hour
    WHERE tenant_id = ? AND hour >= ? AND hour < ? GROUP BY step, direction"""  # noqa: S608 -- constants of this file
_REFUSALS: Final = """SELECT filter, sum(mails) FROM refusal_hour WHERE tenant_id = ? AND hour >= ? AND hour < ?
    GROUP BY filter ORDER BY 2 DESC, 1"""
