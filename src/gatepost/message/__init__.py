# SPDX-License-Identifier: Apache-2.0
"""Mails as bytes and as structure: addresses, domains, headers, MIME entities, splices. Pure: no I/O, no clock.

Read `tree.py` first: everything else looks at, or cuts into, the spans that it describes.
"""
