# SPDX-License-Identifier: Apache-2.0
"""The door, one's own account, who else administers, and the audit of it all."""
