"""The DAG for weekly maintenance of tables and pages."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import DAG, CronTriggerTimetable, Param
from chain import declare, maintenance_jobs
from form import DEFAULTS
from job import parent_of, slug_of
from notify import FailureNotifier

with DAG(
    dag_id="iot_maintenance",
    description="Once a week: compact small files, vacuum unneeded ones, remove old runs' pages",
    doc_md=Path(__file__).with_suffix(".md").read_text(),
    tags=["iot", "lakehouse", "maintenance"],
    schedule=CronTriggerTimetable("0 12 * * 6", timezone="UTC"),
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    on_failure_callback=FailureNotifier(),
    params={
        "vacuum_days": Param(
            7,
            type="integer",
            minimum=7,
            maximum=36500,
            title="Keep old versions of tables",
            description="Days for which a table can be read, and put back, as it was. 7 at least.",
        ),
        "docs_days": Param(
            30,
            type="integer",
            minimum=1,
            maximum=36500,
            title="Keep pages of runs",
            description="Days. The pages of each night's own run stay in any case.",
        ),
    },
    user_defined_macros={"parent_of": parent_of, "slug_of": slug_of},
):
    declare(maintenance_jobs)
