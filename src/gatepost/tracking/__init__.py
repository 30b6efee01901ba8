# SPDX-License-Identifier: Apache-2.0
"""Message tracks: what became of each mail and why; built on the gateway, kept and searched on the intranet."""
