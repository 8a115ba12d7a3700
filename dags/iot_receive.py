"""The DAG that receives what others send to Kafka."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import DAG, CronTriggerTimetable
from chain import declare, receive_jobs
from deadlines import goes_on
from form import DEFAULTS, source
from job import parent_of, slug_of
from notify import StreamFailureNotifier

with DAG(
    dag_id="iot_receive",
    description="Every quarter of an hour what came to a topic of Kafka or Event Hubs: files for the next night",
    doc_md=Path(__file__).with_suffix(".md").read_text(),
    tags=["iot", "lakehouse", "stream"],
    schedule=CronTriggerTimetable("*/15 * * * *", timezone="UTC"),
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    on_failure_callback=StreamFailureNotifier(),
    deadline=goes_on(receive_jobs),
    params={
        "source": source(),
    },
    user_defined_macros={"parent_of": parent_of, "slug_of": slug_of},
):
    declare(receive_jobs)
