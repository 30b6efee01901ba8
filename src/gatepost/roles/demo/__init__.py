# SPDX-License-Identifier: Apache-2.0
"""The demo: a whole gateway on loopback, mails for it, a next hop behind it, and a table of what became of them.

    course.py       from the start to the end, step by step: the page to read first
    settings.py     the gateway that is shown: ports, domains, connectors, a login, word groups and lists
    mails.py        the mails: real ones where a folder of them is at hand, else our own (own_mails/)
    origin.py       where a mail came from, as its own trace fields say
    attempt.py      one try: what is sent by whom, and what shall become of it
    attempts.py     what is tried with the mails; filtered.py: mails of our own that filters must tell apart
    zone.py         the demo's whole DNS, made for these tries
    foretelling.py  what `gatepost check` says of each mail before it is sent
    client.py       the sending side of one try, PROXY header, TLS, login and chunks included
    observation.py  what became of each, as the gateway and the next hop tell it; outcome.py: as one value
    display.py      progress bar, tables, and the way of one mail

No name and no address of a mail is looked up anywhere outside: the gateway's DNS is that zone file alone, and all
ways lead to the next hop on loopback.
"""

from gatepost.roles.demo.course import main

__all__ = ["main"]
