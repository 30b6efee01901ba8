# SPDX-License-Identifier: Apache-2.0
"""The Authenticated Received Chain: what those who passed a mail on found, each sealing all before (RFC 8617)."""
