# SPDX-License-Identifier: Apache-2.0
"""How `receive` hands mail to the process that owns the store, over a unix socket.

`receive` writes frames (a mail, or the withdrawal of one) and gets, after each group's commit, one
write with the answers of that group. A mail without an answer when the socket breaks is in doubt, and
in doubt the client is told 451: it keeps the mail.

The same socket carries questions about recipients: `receive` reaches no next hop, the other process does.
"""
