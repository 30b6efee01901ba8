-- SPDX-License-Identifier: Apache-2.0
-- Versions of the configuration that reached this gateway: docs/decisions/0018-configuration-as-versions.md. The highest number holds.

CREATE TABLE configuration (
    tenant_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    document TEXT NOT NULL,
    received_at REAL NOT NULL,
    PRIMARY KEY (tenant_id, number)
) STRICT;
