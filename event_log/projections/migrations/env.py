"""Run migrations on the connection that `schema.py` hands in, inside its transaction."""

from alembic import context

from event_log.projections.schema import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
