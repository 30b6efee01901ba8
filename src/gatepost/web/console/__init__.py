# SPDX-License-Identifier: Apache-2.0
"""The administrators' pages: one file for each place of the navigation, its templates and its words beside it.

`pages(desk, house)` gives all routes. A page asks the services of the `House`, shows what they answer, and decides nothing itself.
"""
