"""The DAG for the streams, a micro-batch at a time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import DAG, CronTriggerTimetable, Param
from chain import declare, stream_jobs
from deadlines import goes_on
from form import DEFAULTS, FROM_2024, night, seed, simulate
from job import night_of, parent_of, slug_of
from notify import StreamFailureNotifier

with DAG(
    dag_id="iot_stream",
    description="Every quarter of an hour the next piece of each simulated stream: to files, a Delta table or Kafka",
    doc_md=Path(__file__).with_suffix(".md").read_text(),
    tags=["iot", "lakehouse", "stream"],
    schedule=CronTriggerTimetable("*/15 * * * *", timezone="UTC"),
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    on_failure_callback=StreamFailureNotifier(),
    deadline=goes_on(stream_jobs),
    params={
        "night": night(
            "The UTC day of the events, 2024-01-01 or later; it must have ended. Empty: yesterday.",
            FROM_2024,
        ),
        "simulate": simulate(),
        "rows_per_second": Param(
            10,
            type="integer",
            minimum=1,
            maximum=50_000,
            title="Rows per second",
            description="In each second of the stream, of transactions on average over a day. From 1 to 50,000. "
            "Events with a payload are made some 5,000 a second, the others as fast as the cores allow.",
        ),
        "seconds": Param(
            900,
            type="integer",
            minimum=1,
            maximum=86_400,
            title="Seconds",
            description="How long a piece of the stream. 96 pieces of 900 seconds are a day.",
        ),
        "sink": Param(
            "json",
            type="string",
            enum=["json", "delta", "kafka"],
            title="Sink",
            description="Files in the landing zone, for nights that work on the source; a table; or Kafka.",
        ),
        "seed": seed(),
    },
    user_defined_macros={"night_of": night_of, "parent_of": parent_of, "slug_of": slug_of},
):
    declare(stream_jobs)
