"""The DAG that trains the model that predicts failures, once a week."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import DAG, CronTriggerTimetable, Param
from chain import declare, model_jobs
from form import DEFAULTS, night
from job import night_of, parent_of, slug_of
from notify import FailureNotifier


def nights(default: int, title: str, description: str) -> Param:
    """So many nights on one side of the cut."""
    return Param(default, type="integer", minimum=1, maximum=3660, title=title, description=description)


with DAG(
    dag_id="iot_model",
    description="Once a week: train a model that predicts failures, and score it beside the rule",
    doc_md=Path(__file__).with_suffix(".md").read_text(),
    tags=["iot", "lakehouse", "model"],
    schedule=CronTriggerTimetable("0 12 * * 0", timezone="UTC"),
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULTS,
    on_failure_callback=FailureNotifier(),
    params={
        "night": night(
            "The last UTC day that the model is scored on; it predicts for those after. It must have ended. "
            "Empty: yesterday."
        ),
        "train_nights": nights(
            28, "Nights to learn from", "They end before those to score on: nothing of these is learnt."
        ),
        "test_nights": nights(7, "Nights to score on", "They end with the night."),
    },
    user_defined_macros={"night_of": night_of, "parent_of": parent_of, "slug_of": slug_of},
):
    declare(model_jobs)
