# SPDX-License-Identifier: Apache-2.0
"""What every web application of Gatepost stands in: headers, sessions, forms, words, templates, files, the server.

A page is an async function that gets a `Visit` and gives a response; `Desk.route` puts it behind the door. The frame knows no page.
"""
