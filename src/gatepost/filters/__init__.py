# SPDX-License-Identifier: Apache-2.0
"""One file for each filter; what they promise stands in `contracts.filter`, a page for each in `docs/reference/filters`."""
