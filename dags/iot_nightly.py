"""The nightly DAG."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable, Param

from chain import GOLD, SOURCES, nightly
from job import night_of, slug_of

DOC = """
### One night of the IoT fleet, from landed files to gold tables

**Purpose.** For one *night* (a UTC day that is over): generate and land the day's data, load it as it came
(bronze), type, deduplicate and clean it (silver), prove silver, build the gold tables aside (staging), prove
them, publish them in one atomic step per table, and write the night's report.

**Which night.** A scheduled run or a backfill takes the day of its logical date; a run started by hand takes
the form's night, else yesterday.

**Owner.** Data platform.

**See.** *Data docs* and *Night report* in the menu on the left; each `check_*` task has a *Validation results*
button, `report` a *Night report* button.

**When it fails**

| what you see | what it means | what to do |
|---|---|---|
| a `check_*` task is red, "did not pass its contract" | the data broke an expectation; gold keeps its old version | open *Validation results*, mend the source or the suite, clear the task |
| "refused its arguments" | the form's values cannot be run (a night in the future, an unknown table) | start a new run with other values |
| a task is up for retry | Spark was away or the task was killed | nothing: it retries twice, and a retry takes over what the attempt before left |
| red after its retries | it needs a person | read the end of the task's log, then clear the task; every stage may be run again |
"""

with DAG(
    dag_id="iot_nightly",
    description="One night of IoT data: landing > bronze > silver > gold, proved and published",
    doc_md=DOC,
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
            description="A UTC day that is over, from 2024-01-01 on. Empty: the run's own day, else yesterday.",
        ),
        "scale": Param(
            1.0,
            type="number",
            exclusiveMinimum=0,
            maximum=10,
            title="Scale",
            description="How much data: 1 is about 190,000 rows a night. Above 0, at most 10.",
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
            type="array",
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
