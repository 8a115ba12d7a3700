"""Late rows change gold that was published already: what was restated, and because of what."""

from datetime import date, datetime
from pathlib import Path

import pytest

from catalog.tables import SILVER
from jobs.delta.lake import Lake
from jobs.report import stage as report
from jobs.state import accounts
from jobs.state.accounts import Account

D5, D6 = date(2024, 3, 5), date(2024, 3, 6)
CLIMATE = frozenset({"sensor_logs", "climate_hourly"})
LOGS = SILVER["sensor_logs"]


@pytest.fixture
def night(spark, lake, run):
    """Publish one night, with these rows in silver: when, and how warm it was in Room_A."""

    def through(night: date, *logs: tuple[datetime, float]) -> None:
        silver = Lake(spark, lake("silver", night=night))
        silver.ensure([LOGS.full_name])
        accounts.ensure(silver)
        rows = [(1001, at, at.date(), temperature, 40.0, "Room_A", [], night) for at, temperature in logs]
        silver.append(LOGS.full_name, spark.createDataFrame(rows, LOGS.columns))
        accounts.reconcile(silver, [Account("sensor_logs", night, *(3 * [len(rows)]), 0, 0)])
        for stage in ("gold", "publish"):
            run(stage, night=night, run_id=f"night-{night}", tables=CLIMATE)

    return through


def test_a_late_row_restates_its_hour_and_the_report_says_which_and_why(spark, lake, run, table, night):
    night(D5, (datetime(2024, 3, 5, 8), 70.0), (datetime(2024, 3, 5, 9), 72.0))
    assert table("ops.restatements").count() == 0

    night(D6, (datetime(2024, 3, 6, 8), 70.0), (datetime(2024, 3, 5, 8, 30), 74.0))

    hours = {
        row.hour: row for row in table("gold.climate_hourly").where("event_date = '2024-03-05'").collect()
    }
    assert {at.hour: (row.log_count, row.avg_temperature_f) for at, row in hours.items()} == {
        8: (2, 72.0),
        9: (1, 72.0),
    }
    (row,) = table("ops.restatements").collect()
    assert (row.run_id, row.night, row.table, row.slice) == (f"night-{D6}", D6, "gold.climate_hourly", D5)
    assert (row.rows_before, row.rows_after, row.late_rows) == (2, 2, {"sensor_logs": 1})
    assert row.hours == [8]
    recorded = table("ops.digests").where(f"`table` = '{row.table}' AND night = '{D5}'").first().digest
    assert row.digest_after == recorded != row.digest_before

    run("publish", night=D6, run_id=f"night-{D6}", tables=CLIMATE)
    assert table("ops.restatements").count() == 1, "publishing again restates nothing"

    # The page of the night that did it, and that of the night it was done to.
    for each, by in ((D6, "this night"), (D5, f"night {D6}")):
        settings = lake("report", night=each, tables=CLIMATE)
        report.run(Lake(spark, settings))
        page = " ".join(Path(settings.docs / f"nights/{each}.html").read_text().split())
        assert "Restated" in page and "1 late row of sensor_logs" in page and by in page
        assert '2024-03-05 <span class="soft">08:00</span>' in page and "09:00</span>" not in page
