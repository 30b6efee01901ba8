-- SPDX-License-Identifier: Apache-2.0
-- Who may administer: docs/decisions/0023-administrators.md. A password is an argon2id hash; what proves a session or a token is kept
-- as its SHA-256; a TOTP secret is sealed with a key that is not in the store.

CREATE TABLE administrator (
    tenant_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    password TEXT NOT NULL,
    one_time_until DOUBLE PRECISION,
    totp BYTEA NOT NULL,
    totp_step BIGINT NOT NULL,
    roles TEXT NOT NULL,
    language TEXT NOT NULL,
    enabled SMALLINT NOT NULL,
    failures BIGINT NOT NULL,
    locked_until DOUBLE PRECISION,
    created_at DOUBLE PRECISION NOT NULL,
    signed_in_at DOUBLE PRECISION,
    PRIMARY KEY (tenant_id, name)
);

CREATE TABLE administrator_session (
    tenant_id BIGINT NOT NULL,
    proof BYTEA NOT NULL,
    name TEXT NOT NULL,
    form_token TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    seen_at DOUBLE PRECISION NOT NULL,
    client TEXT NOT NULL,
    agent TEXT NOT NULL,
    PRIMARY KEY (tenant_id, proof)
);

CREATE TABLE access_token (
    tenant_id BIGINT NOT NULL,
    id TEXT NOT NULL,
    proof BYTEA NOT NULL,
    name TEXT NOT NULL,
    owner TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    used_at DOUBLE PRECISION,
    revoked_at DOUBLE PRECISION,
    PRIMARY KEY (tenant_id, id)
);

-- What somebody changed: rows are only ever added, and go when their time is over. `before` and `after` are JSON, secrets left out.
CREATE TABLE audit_entry (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    at DOUBLE PRECISION NOT NULL,
    author TEXT NOT NULL,
    via TEXT NOT NULL,
    client TEXT NOT NULL,
    operation TEXT NOT NULL,
    subject TEXT NOT NULL,
    before TEXT NOT NULL,
    after TEXT NOT NULL
);

CREATE INDEX audit_entry_subject ON audit_entry (tenant_id, subject, id);

CREATE INDEX audit_entry_at ON audit_entry (tenant_id, at);
