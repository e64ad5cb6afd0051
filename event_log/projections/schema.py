"""Bring the tables that are folded from the log to this version, in one transaction."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Text, column, inspect, select, table

VERSION_TABLE = "projections_version"
NEWEST = "0001"  # of migrations/versions/
_MIGRATIONS = Path(__file__).with_name("migrations")
_VERSION = table(VERSION_TABLE, column("version_num", Text))


def is_up_to_date(connection: Connection) -> bool:
    """Tell whether the tables are those of this version."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return False
    wanted = select(_VERSION.c.version_num)
    return connection.execute(wanted).scalar_one_or_none() == NEWEST


def bring_up_to_date(connection: Connection) -> None:
    """Run what migrations are missing, in the caller's transaction: killed half-way, nothing was done."""
    # takes a while to load, and is needed once
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, "head")
