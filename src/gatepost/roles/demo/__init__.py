# SPDX-License-Identifier: Apache-2.0
"""The demo: a whole gateway on loopback, mails for it, a next hop behind it, and a table of what became of them.

    course.py     from the start to the end, step by step: the page to read first
    settings.py   the gateway that is shown: ports, domains, connectors, a login
    mails.py      the mails: real ones where a folder of them is at hand, else our own (own_mails/)
    attempts.py   what is tried with them, and what shall become of each
    client.py     the sending side of one attempt, PROXY header, TLS, login and chunks included
    outcome.py    what became of each, as the gateway and the next hop tell it
    display.py    progress bar and table

No name and no address of a mail is looked up anywhere: all ways lead to the next hop on loopback.
"""

from gatepost.roles.demo.course import main

__all__ = ["main"]
