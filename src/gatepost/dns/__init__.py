# SPDX-License-Identifier: Apache-2.0
"""The resolver, its cache and its twin in memory, and what mail delivery asks of them."""
