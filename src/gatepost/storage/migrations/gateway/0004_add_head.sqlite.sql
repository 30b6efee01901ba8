-- SPDX-License-Identifier: Apache-2.0
-- head is what the track tells of the mail (empty: nothing), head_shipped whether an artefact holds it; a 1 takes the 0's room in the
-- row, so setting it writes one page. The table is made anew because the body must stand last (step 1).

CREATE TABLE mail_with_head (
    id INTEGER PRIMARY KEY,
    tenant_id INTEGER NOT NULL,
    track TEXT NOT NULL,
    direction TEXT NOT NULL,
    received_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    client TEXT NOT NULL,
    helo TEXT NOT NULL,
    envelope BLOB NOT NULL,
    defects BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    eight_bit INTEGER NOT NULL,
    blob TEXT NOT NULL,
    trace BLOB NOT NULL,
    head_shipped INTEGER NOT NULL,
    head BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT;

INSERT INTO mail_with_head SELECT id, tenant_id, track, direction, received_at, expires_at, client, helo, envelope, defects,
    size_bytes, eight_bit, blob, trace, 0, x'', body FROM mail;

DROP TABLE mail;
ALTER TABLE mail_with_head RENAME TO mail;

CREATE UNIQUE INDEX mail_track ON mail (track, tenant_id);
CREATE INDEX mail_blob ON mail (blob, tenant_id) WHERE blob <> '';
