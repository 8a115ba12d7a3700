"""However a run starts, it is about the right night."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from airflow.serialization.encoders import coerce_to_core_timetable
from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from job import night_of, refuse_unknown_fields, slug_of

NO_FORM = {"night": None}


def run(run_after: datetime, logical_date: datetime | None) -> Any:
    return SimpleNamespace(run_after=run_after, logical_date=logical_date)


def infos(nightly: Any, start: datetime, end: datetime) -> list[DagRunInfo]:
    """What a backfill, and the scheduler, make of a range of dates."""
    timetable = coerce_to_core_timetable(nightly.timetable)
    restriction = TimeRestriction(earliest=start, latest=end, catchup=True)  # type: ignore[arg-type]
    found: list[DagRunInfo] = []
    last: DataInterval | None = None
    while info := timetable.next_dagrun_info(last_automated_data_interval=last, restriction=restriction):
        found.append(info)
        last = info.data_interval
    return found


def test_scheduled_runs_and_backfills_take_the_day_that_just_ended(nightly: Any) -> None:
    runs = infos(nightly, datetime(2024, 3, 5, tzinfo=UTC), datetime(2024, 3, 7, 23, tzinfo=UTC))
    nights = [night_of(run(info.run_after, info.logical_date), NO_FORM) for info in runs]
    assert nights == ["2024-03-05", "2024-03-06", "2024-03-07"]
    assert runs[0].run_after.isoformat() == "2024-03-06T01:00:00+00:00"


def test_dags_test_with_a_date_takes_that_date() -> None:
    assert night_of(run(datetime.now(UTC), datetime(2024, 3, 5, tzinfo=UTC)), NO_FORM) == "2024-03-05"


def test_a_manual_run_without_a_logical_date_takes_yesterday() -> None:
    assert night_of(run(datetime(2024, 3, 6, 0, 30, tzinfo=UTC), None), NO_FORM) == "2024-03-05"


def test_a_manual_run_whose_logical_date_is_now_takes_yesterday() -> None:
    now = datetime(2024, 3, 6, 18, 0, tzinfo=UTC)
    assert night_of(run(now, now), NO_FORM) == "2024-03-05"


def test_the_night_of_the_form_comes_before_all() -> None:
    now = datetime(2024, 3, 6, 18, 0, tzinfo=UTC)
    assert night_of(run(now, now), {"night": "2024-01-31"}) == "2024-01-31"


def test_a_field_that_the_form_does_not_have_is_refused_by_name(nightly: Any) -> None:
    def context(**conf: object) -> Any:
        return {"dag": nightly, "dag_run": SimpleNamespace(conf=conf)}

    refuse_unknown_fields(context())
    refuse_unknown_fields(context(night="2024-03-05", tables=["readings"], scale=0.1))
    with pytest.raises(
        AirflowFailException, match=r"no field 'nigth', 'table'; its fields are fault_rates, night, "
    ):
        refuse_unknown_fields(context(nigth="2024-03-05", table=["readings"]))


def test_the_night_stays_when_midnight_passes_or_the_run_is_cleared_days_later() -> None:
    asked = run(datetime(2024, 3, 6, 23, 59, 50, tzinfo=UTC), datetime(2024, 3, 6, 23, 59, 50, tzinfo=UTC))
    assert night_of(asked, NO_FORM) == "2024-03-05"
    asked.start_date = asked.run_after + timedelta(days=3)
    assert night_of(asked, NO_FORM) == "2024-03-05"


@pytest.mark.parametrize(
    ("run_id", "slug"),
    [
        ("manual__2024-03-05T01:00:00+00:00_x~", "manual__2024-03-05T01_00_00_00_00_x_"),
        ("..", "_."),
        ("../../etc", "_._.._etc"),
        (".hidden", "_hidden"),
        ("a" * 250, "a" * 200),
        ("é b", "__b"),
    ],
)
def test_a_run_id_becomes_a_plain_folder_name(run_id: str, slug: str) -> None:
    assert slug_of(run_id) == slug
