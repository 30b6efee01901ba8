# SPDX-License-Identifier: Apache-2.0
"""The queue's SQL on PostgreSQL, gathered. Several gateways of one site use one store.

What keeps them apart, beside leases and fences:

* A claim passes over what another transaction has locked.
* Whoever settles a mail that others may have a part in locks its row first, in the order of the numbers, so that its
  last recipient takes it along whoever settles last.
* Setting a queue waits for all transactions that have read the settings, so that none goes on with an old one.

A deadlock that is left (two gateways' groups in each other's way) ends one of the two groups, which is done again.
"""

from gatepost.delivery.queue import store_postgres_claim as claim
from gatepost.delivery.queue import store_postgres_holder as holder
from gatepost.delivery.queue import store_postgres_insert as insert
from gatepost.delivery.queue import store_postgres_inspect as inspect
from gatepost.delivery.queue import store_postgres_settle as settle
from gatepost.delivery.queue import store_postgres_track as track
from gatepost.delivery.queue.statements import Statements
from gatepost.replication import outbox_postgres as outbox

STATEMENTS = Statements(insert, claim, settle, track, holder, inspect, outbox)
