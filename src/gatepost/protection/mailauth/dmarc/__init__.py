# SPDX-License-Identifier: Apache-2.0
"""DMARC for a received mail: whether the domain in From is the one that SPF or DKIM vouches for (RFC 9989)."""
