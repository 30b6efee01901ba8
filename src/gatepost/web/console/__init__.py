# SPDX-License-Identifier: Apache-2.0
"""The administrators' pages: a folder for each area of the navigation, a file for each page, its templates in `template/`.

`pages` gives all routes, `places` the navigation. A page asks the services of the `House`, shows what they answer, decides nothing itself.
"""
