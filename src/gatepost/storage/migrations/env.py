# SPDX-License-Identifier: Apache-2.0
"""How Alembic runs our steps: on a connection that is given to it, each step in a transaction of its own."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    on_version_apply=context.config.attributes["on_version_apply"],
    transaction_per_migration=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
