-- SPDX-License-Identifier: Apache-2.0
-- The durable queue: mail, variant, recipient. States and transitions: docs/internals/queue.md.

CREATE TABLE id_block (
    name TEXT PRIMARY KEY,
    next INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO id_block VALUES ('queue', 1);

CREATE TABLE holder (
    id INTEGER PRIMARY KEY,
    expires_at REAL NOT NULL
) STRICT;

CREATE TABLE queue_setting (
    tenant_id INTEGER NOT NULL,
    domain TEXT NOT NULL,
    enabled INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    PRIMARY KEY (tenant_id, domain)
) STRICT, WITHOUT ROWID;

-- The body stands last: whoever asks for the other columns of a large row does not read its overflow pages.
CREATE TABLE mail (
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
    body BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX mail_track ON mail (track, tenant_id);
CREATE INDEX mail_blob ON mail (blob, tenant_id) WHERE blob <> '';

CREATE TABLE variant (
    mail_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    tenant_id INTEGER NOT NULL,
    PRIMARY KEY (mail_id, id)
) STRICT, WITHOUT ROWID;

-- state: 0 waiting, 1 sending, 2 disabled. received_at is the mail's: a list of queues need not read the mails, and so their bodies.
CREATE TABLE recipient (
    mail_id INTEGER NOT NULL,
    id INTEGER NOT NULL,
    tenant_id INTEGER NOT NULL,
    variant_id INTEGER NOT NULL,
    state INTEGER NOT NULL CHECK (state IN (0, 1, 2)),
    holder INTEGER NOT NULL,
    fence INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    received_at REAL NOT NULL,
    due_at REAL NOT NULL,
    first_failure_at REAL NOT NULL,
    local TEXT NOT NULL,
    domain TEXT NOT NULL,
    notify TEXT NOT NULL,
    orcpt TEXT NOT NULL,
    last_reply TEXT NOT NULL,
    last_host TEXT NOT NULL,
    PRIMARY KEY (mail_id, id)
) STRICT, WITHOUT ROWID;

-- Only waiting recipients are indexed: mail that is delivered at once never touches these two.
CREATE INDEX recipient_due ON recipient (due_at, tenant_id, domain) WHERE state = 0;
CREATE INDEX recipient_queue ON recipient (tenant_id, domain, due_at) WHERE state = 0;
CREATE INDEX recipient_disabled ON recipient (tenant_id, domain) WHERE state = 2;
