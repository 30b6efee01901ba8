# SPDX-License-Identifier: Apache-2.0
"""DomainKeys Identified Mail: check the signatures of a mail and make our own (RFC 6376, RFC 8301, RFC 8463).

Read `verify.py` first; a signature's way through it is: field -> key -> body hash -> header hash -> result.
"""
