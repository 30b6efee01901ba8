-- SPDX-License-Identifier: Apache-2.0
-- People: docs/decisions/0024-people.md. `revision` counts the changes of a row, so that two who change it at once see each other.
-- JSON objects: `attributes` are what certificates ask for, `fields` the values of additional fields.
-- `sort_name` and `found_by` are the name, and name and addresses, folded: what lists are ordered and searched by.

CREATE TABLE corporate_user (
    tenant_id INTEGER NOT NULL,
    id TEXT NOT NULL,
    display_name TEXT NOT NULL,
    sort_name TEXT NOT NULL,
    found_by TEXT NOT NULL,
    source TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    attributes TEXT NOT NULL,
    fields TEXT NOT NULL,
    revision INTEGER NOT NULL,
    changed_at REAL NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;

CREATE INDEX corporate_user_name ON corporate_user (tenant_id, sort_name, id);

-- `address` is folded: small letters, A-labels.
CREATE TABLE corporate_address (
    tenant_id INTEGER NOT NULL,
    address TEXT NOT NULL,
    user_id TEXT NOT NULL,
    written TEXT NOT NULL,
    is_default INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, address)
) STRICT;

CREATE INDEX corporate_address_user ON corporate_address (tenant_id, user_id);

-- `domain` '' holds the default settings of all partners.
CREATE TABLE partner (
    tenant_id INTEGER NOT NULL,
    domain TEXT NOT NULL,
    comment TEXT NOT NULL,
    settings TEXT NOT NULL,
    fields TEXT NOT NULL,
    revision INTEGER NOT NULL,
    changed_at REAL NOT NULL,
    PRIMARY KEY (tenant_id, domain)
) STRICT;

CREATE TABLE partner_address (
    tenant_id INTEGER NOT NULL,
    domain TEXT NOT NULL,
    local_part TEXT NOT NULL,
    display_name TEXT NOT NULL,
    comment TEXT NOT NULL,
    settings TEXT NOT NULL,
    fields TEXT NOT NULL,
    revision INTEGER NOT NULL,
    changed_at REAL NOT NULL,
    PRIMARY KEY (tenant_id, domain, local_part)
) STRICT;

CREATE TABLE additional_field (
    tenant_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    label TEXT NOT NULL,
    default_value TEXT NOT NULL,
    place INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, name)
) STRICT;
