# SPDX-License-Identifier: Apache-2.0
"""What people meet in a browser or by HTTP: `console` (pages), `api` (REST), and the `frame` that they share."""
