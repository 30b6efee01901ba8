# SPDX-License-Identifier: Apache-2.0
"""What the administrator has written: the bootstrap file, the configuration, and the limits, checked before use."""
