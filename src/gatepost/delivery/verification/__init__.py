# SPDX-License-Identifier: Apache-2.0
"""Whether a recipient exists: the next hop is asked once for each address, and its answer is remembered."""
