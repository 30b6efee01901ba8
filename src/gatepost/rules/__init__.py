# SPDX-License-Identifier: Apache-2.0
"""Rules choose: the first that matches owns a mail, and its points, threshold and mode decide. Pure; no I/O.

Filters judge, actions change, rules choose. Start with `default`, the rules as one readable table.
"""
