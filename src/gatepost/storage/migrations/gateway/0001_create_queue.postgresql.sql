-- SPDX-License-Identifier: Apache-2.0
-- The durable queue: mail, variant, recipient. States and transitions: docs/internals/queue.md.
-- Text is compared byte by byte, as on SQLite. Queue rows come and go: they leave room for updates and are vacuumed early.

-- Each value is the first number of a block; a sequence is never rolled back, so no two gateways get one block.
CREATE SEQUENCE queue_number INCREMENT BY 1048576 MINVALUE 1 START WITH 1;

CREATE TABLE holder (
    id BIGINT PRIMARY KEY,
    expires_at DOUBLE PRECISION NOT NULL
);

CREATE TABLE queue_setting (
    tenant_id BIGINT NOT NULL,
    domain TEXT COLLATE "C" NOT NULL,
    enabled BOOLEAN NOT NULL,
    PRIMARY KEY (tenant_id, domain)
);

CREATE TABLE mail (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    track TEXT COLLATE "C" NOT NULL,
    direction TEXT COLLATE "C" NOT NULL,
    received_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    client TEXT COLLATE "C" NOT NULL,
    helo TEXT COLLATE "C" NOT NULL,
    envelope BYTEA NOT NULL,
    defects BYTEA NOT NULL,
    size_bytes BIGINT NOT NULL,
    eight_bit SMALLINT NOT NULL CHECK (eight_bit IN (0, 1)),
    blob TEXT COLLATE "C" NOT NULL,
    trace BYTEA NOT NULL,
    body BYTEA NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);

-- Mails are compressed already or live for a second: compressing them costs more than it saves.
ALTER TABLE mail ALTER COLUMN body SET STORAGE EXTERNAL;
ALTER TABLE mail ALTER COLUMN trace SET STORAGE EXTERNAL;

CREATE UNIQUE INDEX mail_track ON mail (track, tenant_id);
CREATE INDEX mail_blob ON mail (blob, tenant_id) WHERE blob <> '';

CREATE TABLE variant (
    mail_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    tenant_id BIGINT NOT NULL,
    PRIMARY KEY (mail_id, id)
) WITH (autovacuum_vacuum_scale_factor = 0.02);

-- state: 0 waiting, 1 sending, 2 disabled. received_at is the mail's: a list of queues need not read the mails, and so their bodies.
CREATE TABLE recipient (
    mail_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    tenant_id BIGINT NOT NULL,
    variant_id BIGINT NOT NULL,
    state SMALLINT NOT NULL CHECK (state IN (0, 1, 2)),
    holder BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    attempts INTEGER NOT NULL,
    received_at DOUBLE PRECISION NOT NULL,
    due_at DOUBLE PRECISION NOT NULL,
    first_failure_at DOUBLE PRECISION NOT NULL,
    local TEXT COLLATE "C" NOT NULL,
    domain TEXT COLLATE "C" NOT NULL,
    notify TEXT COLLATE "C" NOT NULL,
    orcpt TEXT COLLATE "C" NOT NULL,
    last_reply TEXT COLLATE "C" NOT NULL,
    last_host TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (mail_id, id)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.02);

-- Only waiting recipients are indexed: mail that is delivered at once never touches these two.
CREATE INDEX recipient_due ON recipient (due_at, tenant_id, domain) WHERE state = 0;
CREATE INDEX recipient_queue ON recipient (tenant_id, domain, due_at) WHERE state = 0;
CREATE INDEX recipient_disabled ON recipient (tenant_id, domain) WHERE state = 2;
