# SPDX-License-Identifier: Apache-2.0
"""Gatepost, an open secure mail gateway. Start reading at `gatepost.mailflow.journey`."""

__version__ = "0.1.0"
