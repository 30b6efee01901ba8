# SPDX-License-Identifier: Apache-2.0
"""What needs care, who is told of it, what happened, how full the stores are."""
