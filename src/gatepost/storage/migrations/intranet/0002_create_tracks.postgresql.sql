-- SPDX-License-Identifier: Apache-2.0
-- Message tracks: docs/internals/tracks-store.md. A track's number begins with its time, so a range of numbers is a time.
-- Each day has partitions of its own (message_track_20251125 ...), made days ahead: tracking/store_postgres. What finds none goes
-- to the default partition, which raises an alarm and is emptied.

CREATE TABLE message_track (
    tenant_id BIGINT NOT NULL,
    track BYTEA NOT NULL,
    sent_at DOUBLE PRECISION NOT NULL,
    direction SMALLINT NOT NULL,
    status SMALLINT NOT NULL,
    size BIGINT NOT NULL,
    scl DOUBLE PRECISION NOT NULL,
    mails INTEGER NOT NULL,
    message_id TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    words TEXT COLLATE "C" NOT NULL,
    people TEXT COLLATE "C" NOT NULL,
    client TEXT COLLATE "C" NOT NULL,
    rule TEXT COLLATE "C" NOT NULL,
    reply TEXT COLLATE "C" NOT NULL,
    gateway TEXT COLLATE "C" NOT NULL,
    fates BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, track)
) PARTITION BY RANGE (track);

CREATE INDEX message_track_message_id ON message_track (tenant_id, message_id, track) WHERE message_id <> '';

CREATE INDEX message_track_status ON message_track (tenant_id, status, track);

CREATE TABLE message_track_default PARTITION OF message_track DEFAULT;

-- `roles`: 1 recipient, 2 sender, 4 author in the From field; added up.
CREATE TABLE message_address (
    tenant_id BIGINT NOT NULL,
    track BYTEA NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    domain TEXT COLLATE "C" NOT NULL,
    roles SMALLINT NOT NULL,
    PRIMARY KEY (tenant_id, address, track)
) PARTITION BY RANGE (track);

CREATE INDEX message_address_domain ON message_address (tenant_id, domain, track);

CREATE TABLE message_address_default PARTITION OF message_address DEFAULT;

-- `part` 0 holds the head; what came later has parts of its own.
CREATE TABLE message_track_details (
    tenant_id BIGINT NOT NULL,
    track BYTEA NOT NULL,
    part BIGINT NOT NULL,
    content BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, track, part)
) PARTITION BY RANGE (track);

-- It is compressed already.
ALTER TABLE message_track_details ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TABLE message_track_details_default PARTITION OF message_track_details DEFAULT;

-- The days that have partitions, as days since 1970 (UTC); `has_details` 0 once the details of a day were dropped.
CREATE TABLE message_track_day (
    day BIGINT NOT NULL PRIMARY KEY,
    has_details SMALLINT NOT NULL
);

-- Outcomes that came before their track's head.
CREATE TABLE message_track_waiting (
    tenant_id BIGINT NOT NULL,
    track BYTEA NOT NULL,
    part BIGINT NOT NULL,
    payload BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, track, part)
);

-- Tracks of an older form, until they are converted. `refused` says why one cannot be.
CREATE TABLE message_tracking_legacy_entry (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    form INTEGER NOT NULL,
    payload BYTEA NOT NULL,
    refused TEXT NOT NULL DEFAULT ''
);

-- How many were converted since the store was made.
CREATE TABLE message_tracking_legacy_progress (
    converted BIGINT NOT NULL
);

INSERT INTO message_tracking_legacy_progress VALUES (0);
