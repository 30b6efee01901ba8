-- SPDX-License-Identifier: Apache-2.0
-- Who may administer: docs/decisions/0023-administrators.md. A password is an argon2id hash; what proves a session or a token is kept
-- as its SHA-256; a TOTP secret is sealed with a key that is not in the store.

CREATE TABLE administrator (
    tenant_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    password TEXT NOT NULL,
    one_time_until REAL,
    totp BLOB NOT NULL,
    totp_step INTEGER NOT NULL,
    roles TEXT NOT NULL,
    language TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    locked_until REAL,
    created_at REAL NOT NULL,
    signed_in_at REAL,
    PRIMARY KEY (tenant_id, name)
) STRICT;

CREATE TABLE administrator_session (
    tenant_id INTEGER NOT NULL,
    proof BLOB NOT NULL,
    name TEXT NOT NULL,
    form_token TEXT NOT NULL,
    created_at REAL NOT NULL,
    seen_at REAL NOT NULL,
    client TEXT NOT NULL,
    agent TEXT NOT NULL,
    PRIMARY KEY (tenant_id, proof)
) STRICT;

CREATE TABLE access_token (
    tenant_id INTEGER NOT NULL,
    id TEXT NOT NULL,
    proof BLOB NOT NULL,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    used_at REAL,
    revoked_at REAL,
    PRIMARY KEY (tenant_id, id)
) STRICT;

-- What somebody changed: rows are only ever added, and go when their time is over. `before` and `after` are JSON, secrets left out.
CREATE TABLE audit_entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id INTEGER NOT NULL,
    at REAL NOT NULL,
    author TEXT NOT NULL,
    via TEXT NOT NULL,
    client TEXT NOT NULL,
    operation TEXT NOT NULL,
    subject TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL
) STRICT;

CREATE INDEX audit_entry_subject ON audit_entry (tenant_id, subject, id);

CREATE INDEX audit_entry_at ON audit_entry (tenant_id, at);
