# SPDX-License-Identifier: Apache-2.0
"""The receiving end on the wire: sockets, clocks, TLS and PROXY headers around `smtp.session`.

`Connection` carries bytes between a socket and a session and asks a `Service` what the session cannot
know. It never looks into a mail.
"""
