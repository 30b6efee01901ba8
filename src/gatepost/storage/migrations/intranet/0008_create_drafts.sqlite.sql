-- SPDX-License-Identifier: Apache-2.0
-- What somebody has changed and not applied: docs/decisions/0027-drafts.md. One draft for each administrator.

CREATE TABLE configuration_draft (
    tenant_id INTEGER NOT NULL,
    author TEXT NOT NULL,
    based_on INTEGER NOT NULL,
    document TEXT NOT NULL,
    revision INTEGER NOT NULL,
    changed_at REAL NOT NULL,
    PRIMARY KEY (tenant_id, author)
) STRICT;
