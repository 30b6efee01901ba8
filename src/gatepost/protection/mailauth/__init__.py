# SPDX-License-Identifier: Apache-2.0
"""Is the mail from whom it says: SPF (RFC 7208), DKIM (RFC 6376, 8463), ARC (RFC 8617), DMARC (RFC 9989), and
how it is written down (RFC 8601). Results are the values of `contracts.authentication`; the DNS is a `dns.Resolver`.
"""
