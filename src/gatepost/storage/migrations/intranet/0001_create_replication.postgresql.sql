-- SPDX-License-Identifier: Apache-2.0
-- What this store tells other roles and what it has applied of theirs: docs/internals/replication.md.

CREATE TABLE replication_store (
    id text NOT NULL PRIMARY KEY
);

INSERT INTO replication_store VALUES (replace(gen_random_uuid()::text, '-', ''));

-- A number is its transaction's id times 2^20 plus a place (replication/outbox_postgres). `peer` is the link that it is for.
CREATE TABLE replication_artefact (
    sequence bigint PRIMARY KEY,
    peer text NOT NULL,
    kind text NOT NULL,
    version integer NOT NULL,
    tenant_id bigint NOT NULL,
    created_at double precision NOT NULL,
    payload bytea NOT NULL
);

CREATE INDEX replication_artefact_peer ON replication_artefact (peer, sequence);

-- How far each reader has been shown the outbox, and how far it has applied it.
CREATE TABLE replication_reader (
    peer text NOT NULL PRIMARY KEY,
    shown_to bigint NOT NULL,
    acknowledged_to bigint NOT NULL
);

-- How far the artefacts of each other store have been applied here.
CREATE TABLE replication_applied (
    store text NOT NULL PRIMARY KEY,
    applied_to bigint NOT NULL
);

-- Commands of the last 24 hours: none is carried out twice. No answer: it was begun.
CREATE TABLE replication_command (
    id text NOT NULL PRIMARY KEY,
    peer text NOT NULL,
    operation text NOT NULL,
    begun_at double precision NOT NULL,
    answer bytea
);

CREATE INDEX replication_command_age ON replication_command (begun_at);

-- The roles that this one dials. `address` is HOST:PORT; '' is this machine's own gateway, asked over its unix socket.
-- `store` is the identity of the store at the other end, '' until it has answered.
CREATE TABLE replication_link (
    name text NOT NULL PRIMARY KEY,
    address text NOT NULL,
    fingerprint text NOT NULL,
    certificate text NOT NULL,
    store text NOT NULL,
    joined_at double precision NOT NULL
);
