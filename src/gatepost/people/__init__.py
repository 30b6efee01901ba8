# SPDX-License-Identifier: Apache-2.0
"""Who is ours and whom we write to: corporate users, partners, additional fields; rows of the intranet's store.

    service.People ── users ── user_form (what is wrong?) ── user_store ──┐
                   ├─ partners ─ partner_form ── partner_store ───────────┼── one transaction: row, audit entry,
                   └─ fields ── field_store ──────────────────────────────┘   artefact for each gateway (shipping)

    a gateway:  apply (into its tables) ── roster (in memory: who exists, who must get TLS)

Owned domains are part of the configuration; this room is told them by a callable. docs/decisions/0024-people.md.
"""
