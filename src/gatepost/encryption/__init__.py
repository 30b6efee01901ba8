# SPDX-License-Identifier: Apache-2.0
"""Signing and encrypting mail. `cms` is the syntax that S/MIME is made of."""
