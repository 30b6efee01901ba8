# SPDX-License-Identifier: Apache-2.0
"""The REST API: what the console can do, for programs, with a token (docs/decisions/0028-rest-api.md).

    request ── door ── application ── answering ─┬─ reading ── a function of a room's file ── the house's service
               401, 429  404, 405     the right  └─ problem, where it is not done

    tracks gateways watching users partners configuration drafts trials administration sessions    one function for each operation
    operation   what a function's decorator and annotations say of it            table      all of them
    people      outcomes of changes on people                                    values     bounds of what may be said
    document    the OpenAPI document, read off the table: `python -m gatepost.web.api.document`

To add an operation, write its function, renew docs/reference/openapi.json, and add its line to `roles/remote.WAYS`; tests name what is
missing.
"""
