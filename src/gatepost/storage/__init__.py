# SPDX-License-Identifier: Apache-2.0
"""Stores: the SQLite engine, its schema, the group-committing writer, and blobs. Knows nothing of mail."""
