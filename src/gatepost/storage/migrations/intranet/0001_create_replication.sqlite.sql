-- SPDX-License-Identifier: Apache-2.0
-- What this store tells other roles and what it has applied of theirs: docs/internals/replication.md.

CREATE TABLE replication_store (
    id TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

INSERT INTO replication_store VALUES (lower(hex(randomblob(16))));

-- A number is never given twice, though rows are deleted. `peer` is the link that it is for.
CREATE TABLE replication_artefact (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    peer TEXT NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    tenant_id INTEGER NOT NULL,
    created_at REAL NOT NULL,
    payload BLOB NOT NULL
) STRICT;

CREATE INDEX replication_artefact_peer ON replication_artefact (peer, sequence);

-- How far each reader has been shown the outbox, and how far it has applied it.
CREATE TABLE replication_reader (
    peer TEXT NOT NULL PRIMARY KEY,
    shown_to INTEGER NOT NULL,
    acknowledged_to INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How far the artefacts of each other store have been applied here.
CREATE TABLE replication_applied (
    store TEXT NOT NULL PRIMARY KEY,
    applied_to INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Commands of the last 24 hours: none is carried out twice. No answer: it was begun.
CREATE TABLE replication_command (
    id TEXT NOT NULL PRIMARY KEY,
    peer TEXT NOT NULL,
    operation TEXT NOT NULL,
    begun_at REAL NOT NULL,
    answer BLOB
) STRICT;

CREATE INDEX replication_command_age ON replication_command (begun_at);

-- The roles that this one dials. `address` is HOST:PORT; '' is this machine's own gateway, asked over its unix socket.
-- `store` is the identity of the store at the other end, '' until it has answered.
CREATE TABLE replication_link (
    name TEXT NOT NULL PRIMARY KEY,
    address TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    certificate TEXT NOT NULL,
    store TEXT NOT NULL,
    joined_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
