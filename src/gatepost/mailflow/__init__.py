# SPDX-License-Identifier: Apache-2.0
"""A mail's way through the gateway; `journey` is the page to read first."""
