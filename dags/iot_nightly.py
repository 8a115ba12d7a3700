"""The nightly DAG."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import DAG
from chain import declare, night_jobs
from deadlines import published_in_time
from form import DEFAULTS, fault_rates, night, scale, seed, simulate, tables
from job import night_of, parent_of, slug_of
from nightly_schedule import FromNextTime
from notify import FailureNotifier

with DAG(
    dag_id="iot_nightly",
    description="One night of IoT data: landing > bronze > silver > gold, proved and published",
    doc_md=Path(__file__).with_suffix(".md").read_text(),
    tags=["iot", "lakehouse", "nightly"],
    schedule=FromNextTime("0 1 * * *", timezone="UTC"),
    start_date=datetime(1970, 1, 1, tzinfo=UTC),
    catchup=False,
    # What somebody triggers need not wait for a scheduled night: overlapping runs end in the same tables.
    max_active_runs=2,
    default_args=DEFAULTS,
    on_failure_callback=FailureNotifier(),
    deadline=published_in_time(),
    params={
        "night": night("A UTC day that has ended, 1970-01-01 or later. Empty: the run's, else yesterday."),
        "simulate": simulate(),
        "scale": scale(),
        "seed": seed(),
        "fault_rates": fault_rates(),
        "tables": tables(),
    },
    user_defined_macros={"night_of": night_of, "parent_of": parent_of, "slug_of": slug_of},
):
    declare(night_jobs)
