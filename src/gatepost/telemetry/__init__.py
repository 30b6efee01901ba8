# SPDX-License-Identifier: Apache-2.0
"""What happened, told once: the catalogue of events, and their writing as lines of JSON."""
