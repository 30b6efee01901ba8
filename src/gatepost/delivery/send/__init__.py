# SPDX-License-Identifier: Apache-2.0
"""Send claimed mail to a route's next hops and tell what became of each recipient."""
