# SPDX-License-Identifier: Apache-2.0
"""The REST API: what the console can do, for programs, with a token."""
