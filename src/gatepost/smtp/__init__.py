# SPDX-License-Identifier: Apache-2.0
"""SMTP on both sides (RFC 5321): replies, the server's session, the client's dialogue, each apart from its transport."""
