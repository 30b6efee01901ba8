# SPDX-License-Identifier: Apache-2.0
"""People and identities: owned domains, corporate users, partners, additional fields."""
