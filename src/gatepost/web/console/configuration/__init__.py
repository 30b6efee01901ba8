# SPDX-License-Identifier: Apache-2.0
"""Configuration: rules, filters, email routing, connected systems, advanced settings."""
