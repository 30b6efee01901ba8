-- SPDX-License-Identifier: Apache-2.0
-- What a store says of itself: docs/decisions/0013-migrations.md. `migrating` is the schema that a migration has begun to make; 0: none has.

CREATE TABLE IF NOT EXISTS schema_version (
    database TEXT COLLATE "C" PRIMARY KEY,
    version BIGINT NOT NULL,
    compat BIGINT NOT NULL,
    migrating BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS schema_migration (
    version BIGINT PRIMARY KEY,
    name TEXT COLLATE "C" NOT NULL,
    checksum TEXT COLLATE "C" NOT NULL,
    applied_at DOUBLE PRECISION NOT NULL
);

-- Alembic's own, in its own words.
CREATE TABLE IF NOT EXISTS alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
