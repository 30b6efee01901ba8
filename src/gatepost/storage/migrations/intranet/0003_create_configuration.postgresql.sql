-- SPDX-License-Identifier: Apache-2.0
-- Every version of the configuration: docs/decisions/0018-configuration-as-versions.md. Rows are only ever added; the highest number holds.

CREATE TABLE configuration_version (
    tenant_id BIGINT NOT NULL,
    number BIGINT NOT NULL,
    author TEXT NOT NULL,
    made_at DOUBLE PRECISION NOT NULL,
    reason TEXT NOT NULL,
    checksum TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (tenant_id, number)
);
