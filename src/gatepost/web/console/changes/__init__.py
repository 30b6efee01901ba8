# SPDX-License-Identifier: Apache-2.0
"""Configuration › Changes: the draft, what it would do, applying it, the history and the way back."""
