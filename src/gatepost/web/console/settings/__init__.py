# SPDX-License-Identifier: Apache-2.0
"""The form of a configuration entry, made from its model: labels, manuals, faults at their fields, the draft behind it."""
