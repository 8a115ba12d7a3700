"""Switching the nightly DAG on starts its schedule with the next 01:00; what is missed after that is made up for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pendulum
import pytest
from airflow.serialization.encoders import coerce_to_core_timetable
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import DataInterval, TimeRestriction

LONG_AGO = pendulum.datetime(1970, 1, 1)


def next_run(timetable: Any, last: DataInterval | None = None) -> tuple[str, str]:
    """The day of the next scheduled run, and when it starts."""
    restriction = TimeRestriction(earliest=LONG_AGO, latest=None, catchup=False)
    info = coerce_to_core_timetable(timetable).next_dagrun_info(
        last_automated_data_interval=last, restriction=restriction
    )
    assert info and info.logical_date
    return f"{info.logical_date:%Y-%m-%d}", f"{info.run_after:%Y-%m-%d %H:%M}"


def night(day: int) -> DataInterval:
    """Of March 2024, or so many days before."""
    start = pendulum.datetime(2024, 3, 1, 1).add(days=day - 1)
    return DataInterval(start, start.add(days=1))


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the clock."""

    def set_clock(*moment: int) -> None:
        now = datetime(*moment, tzinfo=UTC)  # type: ignore[misc]
        monkeypatch.setattr(pendulum, "now", lambda _: pendulum.instance(now))
        monkeypatch.setattr("airflow.timetables.interval.utcnow", lambda: now)

    return set_clock


# Nothing ran by schedule; a backfill of long ago; the DAG was off for more than a week.
LONG_OFF = [None, DataInterval(LONG_AGO, LONG_AGO.add(days=1)), night(-8)]


@pytest.mark.parametrize("last", LONG_OFF, ids=str)
@pytest.mark.parametrize("hour", [2, 12, 23])
def test_a_dag_that_was_just_switched_on_starts_at_the_next_0100(
    nightly: Any, at: Any, hour: int, last: DataInterval | None
) -> None:
    at(2024, 3, 6, hour, 30)
    assert next_run(nightly.timetable, last) == ("2024-03-06", "2024-03-07 01:00")


@pytest.mark.parametrize("last", LONG_OFF, ids=str)
def test_the_first_run_stays_the_next_one_until_the_scheduler_has_started_it(
    nightly: Any, at: Any, last: DataInterval | None
) -> None:
    at(2024, 3, 7, 1, 50)
    assert next_run(nightly.timetable, last) == ("2024-03-06", "2024-03-07 01:00")


def test_a_night_that_was_missed_while_airflow_was_down_is_made_up_for(nightly: Any, at: Any) -> None:
    at(2024, 3, 9, 8)
    for last in (night(2), night(6)):
        assert next_run(nightly.timetable, last) == ("2024-03-08", "2024-03-09 01:00")
    assert next_run(nightly.timetable, night(8)) == ("2024-03-09", "2024-03-10 01:00")


def test_the_scheduler_reads_the_same_schedule_from_the_database(nightly: Any, at: Any) -> None:
    at(2024, 3, 6, 12)
    stored = DagSerialization.from_dict(DagSerialization.to_dict(nightly))
    assert next_run(stored.timetable) == ("2024-03-06", "2024-03-07 01:00")
    assert stored.timetable.summary == "0 1 * * *"
