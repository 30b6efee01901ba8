# SPDX-License-Identifier: Apache-2.0
"""Test peers, published: what an administrator or a plugin's author needs to try Gatepost out.

    sink.py      a strict receiving mail server that fails as asked
    load.py      a load generator with a ledger; load_processes.py runs it in several processes
    postfix.py   a real Postfix in a folder of its own, as client, next hop or yardstick
    gateway.py   a whole Gatepost as its processes, as an administrator starts it

Nothing here is imported by the product.
"""
