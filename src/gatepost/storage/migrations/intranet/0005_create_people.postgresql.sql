-- SPDX-License-Identifier: Apache-2.0
-- People: docs/decisions/0024-people.md. `revision` counts the changes of a row, so that two who change it at once see each other.
-- What is a key or ordered by has COLLATE "C", the order of bytes, as SQLite has it: lists and pages go the same way on both.
-- JSON objects: `attributes` are what certificates ask for, `fields` the values of additional fields.
-- `sort_name` and `found_by` are the name, and name and addresses, folded: what lists are ordered and searched by.

CREATE TABLE corporate_user (
    tenant_id BIGINT NOT NULL,
    id TEXT COLLATE "C" NOT NULL,
    display_name TEXT NOT NULL,
    sort_name TEXT COLLATE "C" NOT NULL,
    found_by TEXT NOT NULL,
    source TEXT NOT NULL,
    enabled SMALLINT NOT NULL,
    attributes TEXT NOT NULL,
    fields TEXT NOT NULL,
    revision BIGINT NOT NULL,
    changed_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE INDEX corporate_user_name ON corporate_user (tenant_id, sort_name, id);

-- `address` is folded: small letters, A-labels.
CREATE TABLE corporate_address (
    tenant_id BIGINT NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    written TEXT NOT NULL,
    is_default SMALLINT NOT NULL,
    enabled SMALLINT NOT NULL,
    PRIMARY KEY (tenant_id, address)
);

CREATE INDEX corporate_address_user ON corporate_address (tenant_id, user_id);

-- `domain` '' holds the default settings of all partners.
CREATE TABLE partner (
    tenant_id BIGINT NOT NULL,
    domain TEXT COLLATE "C" NOT NULL,
    comment TEXT NOT NULL,
    settings TEXT NOT NULL,
    fields TEXT NOT NULL,
    revision BIGINT NOT NULL,
    changed_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (tenant_id, domain)
);

CREATE TABLE partner_address (
    tenant_id BIGINT NOT NULL,
    domain TEXT COLLATE "C" NOT NULL,
    local_part TEXT COLLATE "C" NOT NULL,
    display_name TEXT NOT NULL,
    comment TEXT NOT NULL,
    settings TEXT NOT NULL,
    fields TEXT NOT NULL,
    revision BIGINT NOT NULL,
    changed_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (tenant_id, domain, local_part)
);

CREATE TABLE additional_field (
    tenant_id BIGINT NOT NULL,
    name TEXT COLLATE "C" NOT NULL,
    label TEXT NOT NULL,
    default_value TEXT NOT NULL,
    place BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);
