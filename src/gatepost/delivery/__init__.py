# SPDX-License-Identifier: Apache-2.0
"""From the queue to the next hop: the queue's promises, schedule, routing, sending and reports to the sender."""
