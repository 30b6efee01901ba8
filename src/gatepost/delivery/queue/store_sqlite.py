# SPDX-License-Identifier: Apache-2.0
"""The queue's SQL on SQLite, gathered."""

from gatepost.delivery.queue import store_sqlite_claim as claim
from gatepost.delivery.queue import store_sqlite_holder as holder
from gatepost.delivery.queue import store_sqlite_insert as insert
from gatepost.delivery.queue import store_sqlite_inspect as inspect
from gatepost.delivery.queue import store_sqlite_settle as settle
from gatepost.delivery.queue import store_sqlite_track as track
from gatepost.delivery.queue.statements import Statements
from gatepost.replication import outbox_sqlite as outbox

STATEMENTS = Statements(insert, claim, settle, track, holder, inspect, outbox)
