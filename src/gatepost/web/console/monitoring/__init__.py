# SPDX-License-Identifier: Apache-2.0
"""The start page and Monitoring: what flows, what became of each mail, what waits, what happened, what needs care."""
