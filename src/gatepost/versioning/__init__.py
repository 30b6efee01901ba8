# SPDX-License-Identifier: Apache-2.0
"""Configuration as versions: who changed what, when and why; planned, applied, taken back; one snapshot for each gateway."""
