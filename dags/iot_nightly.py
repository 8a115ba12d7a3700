"""The nightly DAG."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.sdk import DAG, CronDataIntervalTimetable, Param
from chain import GOLD, SOURCES, nightly
from job import night_of, slug_of

with DAG(
    dag_id="iot_nightly",
    description="One night of IoT data: landing > bronze > silver > gold, proved and published",
    doc_md=Path(__file__).with_suffix(".md").read_text(),
    tags=["iot", "lakehouse", "nightly"],
    schedule=CronDataIntervalTimetable("0 1 * * *", timezone="UTC"),
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args={
        "owner": "data-platform",
        "pool": "spark",
        "retries": 2,
        "retry_delay": timedelta(seconds=20),
        "retry_exponential_backoff": 3,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(hours=2),
    },
    params={
        "night": Param(
            None,
            type=["null", "string"],
            format="date",
            title="Night",
            description="A UTC day that is over, 2024-01-01 or later. Empty: the run's day, else yesterday.",
        ),
        "scale": Param(
            1.0,
            type="number",
            minimum=0.001,
            maximum=10,
            title="Scale",
            description="How much data: 1 is about 190,000 rows a night. From 0.001 to 10.",
        ),
        "seed": Param(
            42,
            type="integer",
            minimum=0,
            maximum=2**31 - 1,
            title="Seed",
            description="The same seed and night give the same rows.",
        ),
        "tables": Param(
            [],
            type=["null", "array"],
            items={"type": "string", "enum": [*SOURCES, *GOLD]},
            uniqueItems=True,
            examples=[*SOURCES, *GOLD],
            title="Tables",
            description="Only these sources and gold tables. Empty: all.",
        ),
    },
    user_defined_macros={"night_of": night_of, "slug_of": slug_of},
):
    nightly()
