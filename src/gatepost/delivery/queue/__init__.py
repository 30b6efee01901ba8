# SPDX-License-Identifier: Apache-2.0
"""The durable queue: what was answered with 250 and is not yet settled (docs/internals/queue.md)."""
