-- SPDX-License-Identifier: Apache-2.0
-- What flowed, hour by hour (hours since 1970, UTC), counted where tracks are written: docs/decisions/0025-traffic-and-events.md.

CREATE TABLE traffic_hour (
    tenant_id INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    direction INTEGER NOT NULL,
    status INTEGER NOT NULL,
    mails INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, hour, direction, status)
) STRICT;

-- Refused mails by what gave points: a mail counts for each filter that spoke against it; `filter` '' holds those that no filter refused.
CREATE TABLE refusal_hour (
    tenant_id INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    filter TEXT NOT NULL,
    mails INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, hour, filter)
) STRICT;

-- Days (since 1970, UTC) whose tracks are not all counted yet, because they are older than these tables: those up to this tenant and track
-- are, those beyond are counted by the upkeep.
CREATE TABLE traffic_uncounted (
    day INTEGER NOT NULL PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    track BLOB NOT NULL
) STRICT;

INSERT INTO traffic_uncounted (day, tenant_id, track) SELECT day, -1, X'' FROM message_track_day;

-- `level`: 1 info, 2 warning, 3 error. `fields` is JSON.
CREATE TABLE event_entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id INTEGER NOT NULL,
    at REAL NOT NULL,
    gateway TEXT NOT NULL,
    process TEXT NOT NULL,
    name TEXT NOT NULL,
    level INTEGER NOT NULL,
    fields TEXT NOT NULL
) STRICT;

CREATE INDEX event_entry_at ON event_entry (tenant_id, at);

CREATE INDEX event_entry_name ON event_entry (tenant_id, name, at);
