-- SPDX-License-Identifier: Apache-2.0
-- What next hops said of recipients: docs/internals/verification.md. The empty local part is the domain itself, known: its next
-- hop takes anything. "No answer" is not stored.

CREATE TABLE recipient_answer (
    tenant_id BIGINT NOT NULL,
    domain TEXT COLLATE "C" NOT NULL,
    local TEXT COLLATE "C" NOT NULL,
    known BOOLEAN NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (tenant_id, domain, local)
);

CREATE INDEX recipient_answer_expiry ON recipient_answer (expires_at, tenant_id);
