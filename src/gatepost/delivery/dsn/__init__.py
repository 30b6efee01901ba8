# SPDX-License-Identifier: Apache-2.0
"""Reports to the sender about what became of a mail (RFC 3461, 3464, 6522, 6533); pure builders.

`report.report_for` is the way in. `fate` says which recipients are owed a report, `policy` which senders
may get one, `fields`, `texts` and `original` write its three parts.
"""
