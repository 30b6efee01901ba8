# SPDX-License-Identifier: Apache-2.0
"""Our side of an SMTP dialogue with a next hop: a state machine without I/O, and a thin transport for it."""
