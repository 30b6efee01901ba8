-- SPDX-License-Identifier: Apache-2.0
-- Message tracks: docs/internals/tracks-store.md. The tables of a day (message_track_20251125, message_address_20251125,
-- message_domain_20251125, message_track_details_20251125) are made with its first track: tracking/store_sqlite.

-- The days that have tables, as days since 1970 (UTC); `has_details` 0 once the details of a day were dropped.
CREATE TABLE message_track_day (
    day INTEGER NOT NULL PRIMARY KEY,
    has_details INTEGER NOT NULL
) STRICT;

-- Outcomes that came before their track's head.
CREATE TABLE message_track_waiting (
    tenant_id INTEGER NOT NULL,
    track BLOB NOT NULL,
    part INTEGER NOT NULL,
    payload BLOB NOT NULL,
    PRIMARY KEY (tenant_id, track, part)
) STRICT, WITHOUT ROWID;

-- Tracks of an older form, until they are converted. `refused` says why one cannot be.
CREATE TABLE message_tracking_legacy_entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id INTEGER NOT NULL,
    form INTEGER NOT NULL,
    payload BLOB NOT NULL,
    refused TEXT NOT NULL DEFAULT ''
) STRICT;

-- How many were converted since the store was made.
CREATE TABLE message_tracking_legacy_progress (
    converted INTEGER NOT NULL
) STRICT;

INSERT INTO message_tracking_legacy_progress VALUES (0);
