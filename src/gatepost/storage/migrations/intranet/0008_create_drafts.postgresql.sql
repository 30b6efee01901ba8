-- SPDX-License-Identifier: Apache-2.0
-- What somebody has changed and not applied: docs/decisions/0027-drafts.md. One draft for each administrator.

CREATE TABLE configuration_draft (
    tenant_id BIGINT NOT NULL,
    author TEXT NOT NULL,
    based_on BIGINT NOT NULL,
    document TEXT NOT NULL,
    revision BIGINT NOT NULL,
    changed_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (tenant_id, author)
);
