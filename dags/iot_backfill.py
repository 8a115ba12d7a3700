"""The DAG for a range of nights in bulk."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG, Param
from chain import backfill_jobs, declare
from form import DEFAULTS, FROM_1970, fault_rates, scale, seed, simulate, tables
from job import parent_of, slug_of
from notify import FailureNotifier

with DAG(
    dag_id="iot_backfill",
    description="A range of nights in bulk, to the same tables and digests as night by night",
    doc_md=Path(__file__).with_suffix(".md").read_text(),
    tags=["iot", "lakehouse", "backfill"],
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    on_failure_callback=FailureNotifier(),
    params={
        "first": Param(
            type="string",
            format="date",
            pattern=FROM_1970,
            title="First night",
            description="The first UTC day to work on, 1970-01-01 or later.",
        ),
        "last": Param(
            type="string",
            format="date",
            pattern=FROM_1970,
            title="Last night",
            description="The last UTC day to work on; it must have ended.",
        ),
        "simulate": simulate(),
        "scale": scale(),
        "seed": seed(),
        "fault_rates": fault_rates(),
        "tables": tables(),
    },
    user_defined_macros={"parent_of": parent_of, "slug_of": slug_of},
):
    declare(backfill_jobs)
