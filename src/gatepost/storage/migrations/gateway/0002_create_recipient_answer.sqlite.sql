-- SPDX-License-Identifier: Apache-2.0
-- What next hops said of recipients: docs/internals/verification.md. The empty local part is the domain itself, known = 1: its next
-- hop takes anything. "No answer" is not stored.

CREATE TABLE recipient_answer (
    tenant_id INTEGER NOT NULL,
    domain TEXT NOT NULL,
    local TEXT NOT NULL,
    known INTEGER NOT NULL CHECK (known IN (0, 1)),
    expires_at REAL NOT NULL,
    PRIMARY KEY (tenant_id, domain, local)
) STRICT, WITHOUT ROWID;

CREATE INDEX recipient_answer_expiry ON recipient_answer (expires_at, tenant_id);
