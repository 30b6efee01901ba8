-- SPDX-License-Identifier: Apache-2.0
-- What this store tells other roles and what it has applied of theirs: docs/internals/replication.md.

CREATE TABLE replication_store (
    id text NOT NULL PRIMARY KEY
);

INSERT INTO replication_store VALUES (replace(gen_random_uuid()::text, '-', ''));

-- A number is its transaction's id times 2^20 plus a place (replication/outbox_postgres). `peer` is for whom: '' where whoever fetches is meant.
CREATE TABLE replication_artefact (
    sequence bigint PRIMARY KEY,
    peer text NOT NULL,
    kind text NOT NULL,
    version integer NOT NULL,
    tenant_id bigint NOT NULL,
    created_at double precision NOT NULL,
    payload bytea NOT NULL
);

-- How far each reader has been shown the outbox, and how far it has applied it.
CREATE TABLE replication_reader (
    peer text NOT NULL PRIMARY KEY,
    shown_to bigint NOT NULL,
    acknowledged_to bigint NOT NULL
);

INSERT INTO replication_reader VALUES ('', 0, 0);

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

-- Roles that may call this one over the network: the SHA-256 of their certificate, and the operations.
CREATE TABLE replication_peer (
    name text NOT NULL PRIMARY KEY,
    fingerprint text NOT NULL UNIQUE,
    certificate text NOT NULL,
    may text NOT NULL,
    joined_at double precision NOT NULL
);

-- SHA-256 of each one-time token that has not been used.
CREATE TABLE replication_invitation (
    digest text NOT NULL PRIMARY KEY,
    expires_at double precision NOT NULL
);
