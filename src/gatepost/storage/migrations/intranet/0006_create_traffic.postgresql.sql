-- SPDX-License-Identifier: Apache-2.0
-- What flowed, hour by hour (hours since 1970, UTC), counted where tracks are written: docs/decisions/0025-traffic-and-events.md.

CREATE TABLE traffic_hour (
    tenant_id BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    direction SMALLINT NOT NULL,
    status SMALLINT NOT NULL,
    mails BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, hour, direction, status)
);

-- Refused mails by what gave points: a mail counts for each filter that spoke against it; `filter` '' holds those that no filter refused.
CREATE TABLE refusal_hour (
    tenant_id BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    filter TEXT NOT NULL,
    mails BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, hour, filter)
);

-- Days (since 1970, UTC) whose tracks are not all counted yet, because they are older than these tables: those up to this tenant and track
-- are, those beyond are counted by the upkeep.
CREATE TABLE traffic_uncounted (
    day BIGINT NOT NULL PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    track BYTEA NOT NULL
);

INSERT INTO traffic_uncounted (day, tenant_id, track) SELECT day, -1, ''::bytea FROM message_track_day;

INSERT INTO traffic_uncounted (day, tenant_id, track)
    SELECT DISTINCT ('x' || encode(substring(track FROM 1 FOR 6), 'hex'))::bit(48)::bigint / 86400000, -1, ''::bytea FROM message_track_default
    ON CONFLICT DO NOTHING;

-- `level`: 1 info, 2 warning, 3 error. `fields` is JSON.
CREATE TABLE event_entry (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    gateway TEXT NOT NULL,
    process TEXT NOT NULL,
    name TEXT NOT NULL,
    level SMALLINT NOT NULL,
    fields TEXT NOT NULL
);

CREATE INDEX event_entry_at ON event_entry (tenant_id, at);

CREATE INDEX event_entry_name ON event_entry (tenant_id, name, at);
