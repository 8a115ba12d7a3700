"""The schedule of the nightly DAG: the first run of all is the next one, not the one before."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pendulum
from airflow.plugins_manager import AirflowPlugin
from airflow.timetables.base import TimeRestriction
from airflow.timetables.interval import CronDataIntervalTimetable

if TYPE_CHECKING:
    from airflow.timetables.base import DagRunInfo, DataInterval

# Until a run that fell due is started, it must stay the next one, whoever asks: Airflow may just be restarted.
STARTED_WITHIN = timedelta(hours=1)
# A DAG whose last scheduled run is older was switched off, or only had nights of long ago filled in.
IS_PAST = timedelta(days=7)


class FromNextTime(CronDataIntervalTimetable):
    """As Airflow's own, but a DAG that is switched on starts with the interval that is going on.

    Airflow's own starts the one before at once. Where a scheduled run was within a week, a time that was missed since,
    while Airflow was down, is made up for as usual. Of the first night that is so only for an hour: a timetable does
    not know when its DAG was switched on.
    """

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        """Return the next run. Airflow calls it for schedules and, with `catchup`, for the range of a backfill."""
        last, now = last_automated_data_interval, pendulum.now("UTC")
        if not restriction.catchup and (last is None or last.end < now - IS_PAST):
            last, going_on = None, self._align_to_prev(now - STARTED_WITHIN)
            earliest = max(going_on, restriction.earliest or going_on)
            restriction = TimeRestriction(earliest, restriction.latest, catchup=True)
        return super().next_dagrun_info(last_automated_data_interval=last, restriction=restriction)


class NightlySchedulePlugin(AirflowPlugin):
    """Makes the schedule known to whoever reads the DAGs."""

    name = "nightly_schedule"
    timetables = [FromNextTime]
