# SPDX-License-Identifier: Apache-2.0
"""Troubleshooting: which rule would own a mail, and how a mail would be judged."""
