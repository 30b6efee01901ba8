# SPDX-License-Identifier: Apache-2.0
"""Ask whether a domain lets a client send in its name (SPF, RFC 7208): `check.py` is the door to this room."""
