-- SPDX-License-Identifier: Apache-2.0
-- What a gateway must know of people: rows of the intranet's store, replicated one by one (docs/decisions/0024-people.md).
-- Keys have COLLATE "C", the order of bytes, as at the intranet, whatever its engine: pages of rows are told by their ends.

CREATE TABLE corporate_address (
    tenant_id BIGINT NOT NULL,
    address TEXT COLLATE "C" NOT NULL,
    user_id TEXT COLLATE "C" NOT NULL,
    enabled SMALLINT NOT NULL,
    PRIMARY KEY (tenant_id, address)
);

CREATE INDEX corporate_address_user ON corporate_address (tenant_id, user_id);

-- `domain` '' holds the default settings of all partners; `settings` is JSON.
CREATE TABLE partner (
    tenant_id BIGINT NOT NULL,
    domain TEXT COLLATE "C" NOT NULL,
    settings TEXT NOT NULL,
    PRIMARY KEY (tenant_id, domain)
);

-- The latest changes of the two tables above, for every `deliver` that has them in memory; the older ones are dropped.
-- Kind '*': so much changed that all is to be read. `state` is '' for what is gone; for an address '1' enabled or '0' disabled; for a partner the settings.
CREATE TABLE people_change (
    number BIGINT NOT NULL PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL
);
