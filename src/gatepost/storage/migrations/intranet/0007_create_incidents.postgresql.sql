-- SPDX-License-Identifier: Apache-2.0
-- Incidents: docs/decisions/0026-incidents.md. One that is open has no `healed_at`; of a kind and a subject one is open at a time.

CREATE TABLE incident (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    level SMALLINT NOT NULL,
    details TEXT NOT NULL,
    opened_at DOUBLE PRECISION NOT NULL,
    changed_at DOUBLE PRECISION NOT NULL,
    healed_at DOUBLE PRECISION
);

CREATE UNIQUE INDEX incident_open ON incident (tenant_id, kind, subject) WHERE healed_at IS NULL;

CREATE INDEX incident_opened ON incident (tenant_id, opened_at);

-- What must still be told: by mail to an administrative address, or to a webhook. `target` is the address, or the webhook's id.
-- `batch` is the mail's command id from when it is handed to a gateway until it is known that none has it; '' is free to be gathered.
CREATE TABLE incident_notice (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    incident_id BIGINT NOT NULL,
    channel TEXT NOT NULL,
    target TEXT NOT NULL,
    content TEXT NOT NULL,
    made_at DOUBLE PRECISION NOT NULL,
    due_at DOUBLE PRECISION NOT NULL,
    tries BIGINT NOT NULL,
    told_at DOUBLE PRECISION,
    batch TEXT NOT NULL,
    trouble TEXT NOT NULL
);

CREATE INDEX incident_notice_due ON incident_notice (due_at) WHERE told_at IS NULL;

CREATE INDEX incident_notice_incident ON incident_notice (tenant_id, incident_id);

CREATE INDEX incident_notice_told ON incident_notice (tenant_id, channel, target, told_at);

CREATE TABLE webhook (
    tenant_id BIGINT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    secret BYTEA NOT NULL,
    enabled SMALLINT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
