# SPDX-License-Identifier: Apache-2.0
"""What filters lean on: mail authentication, and later scanners, content rules, trust and disarming."""
