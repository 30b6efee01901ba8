# SPDX-License-Identifier: Apache-2.0
"""The plug-in points: what filters are given, what they give back, what they promise. One file each."""
