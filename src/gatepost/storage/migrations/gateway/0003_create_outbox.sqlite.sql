-- SPDX-License-Identifier: Apache-2.0
-- What this store tells other roles and what it has applied of theirs: docs/internals/replication.md.

CREATE TABLE replication_store (
    id TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

INSERT INTO replication_store VALUES (lower(hex(randomblob(16))));

-- A number is never given twice, though rows are deleted. `peer` is for whom: '' where whoever fetches is meant.
CREATE TABLE replication_artefact (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    peer TEXT NOT NULL,
    kind TEXT NOT NULL,
    version INTEGER NOT NULL,
    tenant_id INTEGER NOT NULL,
    created_at REAL NOT NULL,
    payload BLOB NOT NULL
) STRICT;

-- How far each reader has been shown the outbox, and how far it has applied it.
CREATE TABLE replication_reader (
    peer TEXT NOT NULL PRIMARY KEY,
    shown_to INTEGER NOT NULL,
    acknowledged_to INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO replication_reader VALUES ('', 0, 0);

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

-- Roles that may call this one over the network: the SHA-256 of their certificate, and the operations.
CREATE TABLE replication_peer (
    name TEXT NOT NULL PRIMARY KEY,
    fingerprint TEXT NOT NULL UNIQUE,
    certificate TEXT NOT NULL,
    may TEXT NOT NULL,
    joined_at REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- SHA-256 of each one-time token that has not been used.
CREATE TABLE replication_invitation (
    digest TEXT NOT NULL PRIMARY KEY,
    expires_at REAL NOT NULL
) STRICT, WITHOUT ROWID;
