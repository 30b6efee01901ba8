-- SPDX-License-Identifier: Apache-2.0
-- What a store says of itself: docs/decisions/0013-migrations.md. `migrating` is the schema that a migration has begun to make; 0: none has.

CREATE TABLE IF NOT EXISTS schema_version (
    database TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    compat INTEGER NOT NULL,
    migrating INTEGER NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS schema_migration (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at REAL NOT NULL
) STRICT;

-- Alembic's own, in its own words.
CREATE TABLE IF NOT EXISTS alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
