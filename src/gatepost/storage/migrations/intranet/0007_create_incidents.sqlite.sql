-- SPDX-License-Identifier: Apache-2.0
-- Incidents: docs/decisions/0026-incidents.md. One that is open has no `healed_at`; of a kind and a subject one is open at a time.

CREATE TABLE incident (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    level INTEGER NOT NULL,
    details TEXT NOT NULL,
    opened_at REAL NOT NULL,
    changed_at REAL NOT NULL,
    healed_at REAL
) STRICT;

CREATE UNIQUE INDEX incident_open ON incident (tenant_id, kind, subject) WHERE healed_at IS NULL;

CREATE INDEX incident_opened ON incident (tenant_id, opened_at);

-- What must still be told: by mail to an administrative address, or to a webhook. `target` is the address, or the webhook's id.
-- `batch` is the mail's command id from when it is handed to a gateway until it is known that none has it; '' is free to be gathered.
CREATE TABLE incident_notice (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant_id INTEGER NOT NULL,
    incident_id INTEGER NOT NULL,
    channel TEXT NOT NULL,
    target TEXT NOT NULL,
    content TEXT NOT NULL,
    made_at REAL NOT NULL,
    due_at REAL NOT NULL,
    tries INTEGER NOT NULL,
    told_at REAL,
    batch TEXT NOT NULL,
    trouble TEXT NOT NULL
) STRICT;

CREATE INDEX incident_notice_due ON incident_notice (due_at) WHERE told_at IS NULL;

CREATE INDEX incident_notice_incident ON incident_notice (tenant_id, incident_id);

CREATE INDEX incident_notice_told ON incident_notice (tenant_id, channel, target, told_at);

CREATE TABLE webhook (
    tenant_id INTEGER NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    secret BLOB NOT NULL,
    enabled INTEGER NOT NULL,
    created_at REAL NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;
