"""What only the database of Airflow knows, where this machine has its address."""

from __future__ import annotations

import os
from pathlib import Path

from airflow.configuration import conf
from airflow.models.pool import Pool
from airflow.utils.session import create_session
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

# Airflow's own default is a file in the user's home, which may be another project's.
NAMES_IT = ("AIRFLOW_HOME", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_CMD")


def slots_of(pool: str) -> int | None:
    """Return how many slots a pool has, -1 for no end of them, 0 for a pool that is not there.

    None where no database of an Airflow answers, or nobody says which Airflow is meant.
    """
    if os.environ.keys().isdisjoint(NAMES_IT):
        return None
    url = make_url(conf.get("database", "sql_alchemy_conn"))
    # To ask SQLite is to make the file.
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        return None
    try:
        with create_session() as session:
            found = Pool.get_pool(pool, session=session)
            return found.slots if found else 0
    except SQLAlchemyError:
        return None
