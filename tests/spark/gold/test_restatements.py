"""Late rows change gold that was published already: what was restated, and because of what."""

from datetime import date, datetime
from pathlib import Path

import pytest

from jobs import report
from jobs.pages import hours
from jobs.restatements import Restatement, find
from jobs.store import Digest
from jobs.tables import GOLD

D3, D4, D5, D6 = (date(2024, 3, day) for day in (3, 4, 5, 6))
CLIMATE = frozenset({"sensor_logs", "climate_hourly"})
HEADER = "sensor_id,timestamp,temperature,humidity,location\n"


def digest(night: date, rows: int, value: str, table: str = "gold.climate_hourly") -> Digest:
    return Digest(table, night, rows, value)


def found(recorded: list[Digest], published: list[Digest], *slices: date, own=(D6,)) -> list[tuple]:
    all_slices = {"gold.climate_hourly": list(slices)}
    return [(each.slice, each.before, each.after) for each in find(recorded, published, all_slices, own)]


def test_a_slice_of_another_night_that_is_different_now_is_restated():
    was, now = digest(D5, 24, "1"), digest(D5, 24, "2")
    assert found([was], [now], D5) == [(D5, was, now)]


def test_a_slice_without_rows_left_is_restated_too():
    was = digest(D5, 24, "1")
    assert found([was], [], D5) == [(D5, was, None)]


def test_the_run_s_own_night_a_new_slice_and_an_equal_one_are_not_restated():
    own, same, new = digest(D6, 1, "1"), digest(D5, 1, "1"), digest(D4, 1, "1")
    assert found([own, same], [digest(D6, 2, "2"), same, new], D4, D5, D6) == []


def test_a_slice_that_was_not_published_is_not_restated():
    assert found([digest(D3, 24, "1")], [], D5) == []


def restated(table: str, slice_: date) -> Restatement:
    return Restatement(GOLD[table], slice_, digest(slice_, 1, "1"), None)


def test_the_hours_of_a_day_are_restated_by_late_rows_of_that_day():
    arrived = {"readings": {(D6, D5): 3, (D6, D4): 4, (D6, D6): 100}, "events": {(D6, D5): 9}}
    assert restated("sensor_hourly", D5).late_rows(arrived) == {"readings": 3}


def test_a_restated_day_of_hours_names_those_that_late_rows_belong_to():
    arrived = {"readings": {D5: {9, 8}, D4: {7}}, "sensor_logs": {D5: {3}}}
    assert restated("sensor_hourly", D5).hours(arrived) == [8, 9]
    assert restated("climate_hourly", D5).hours(arrived) == [3]
    assert restated("device_anomalies", D5).hours(arrived) == [], "it has no hours"


def test_few_hours_are_listed_and_many_are_counted():
    assert hours([8]) == "08:00" and hours([0, 8, 9, 23]) == "00:00, 08:00, 09:00, 23:00"
    assert hours([0, 8, 9, 22, 23]) == "5 hours, 00:00 to 23:00"


def test_a_night_that_looks_back_is_restated_by_what_had_arrived_by_then_within_its_days():
    arrived = {"readings": {(D4, D4): 1, (D5, D4): 2, (D6, D4): 4, (D4, date(2024, 2, 27)): 8}}
    # 2024-02-27 is the eighth day back from the 5th of March.
    assert restated("device_anomalies", D5).late_rows(arrived) == {"readings": 3}


def test_the_registry_has_no_dates_and_counts_by_its_arrival():
    arrived = {"device_changes": {(D4, None): 5, (D6, None): 7}}
    assert restated("device_health", D5).late_rows(arrived) == {"device_changes": 5}


@pytest.fixture
def night(run, drop):
    """Take one night through the stages, with these lines dropped by hand."""

    def through(night: date, *lines: str) -> None:
        drop("sensor_logs", f"{night}.csv", HEADER + "\n".join(lines) + "\n")
        for stage in ("bronze", "silver", "gold", "publish"):
            run(stage, night=night, run_id=f"night-{night}", tables=CLIMATE)

    return through


def test_a_late_row_restates_its_hour_and_the_report_says_which_and_why(spark, lake, run, table, night):
    night(D5, "1001,2024-03-05 08:00:00,70,40,Room_A", "1001,2024-03-05 09:00:00,72,40,Room_A")
    assert table("ops.restatements").count() == 0

    night(D6, "1001,2024-03-06 08:00:00,70,40,Room_A", "1001,2024-03-05 08:30:00,74,40,Room_A")

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
        report.run(spark, settings)
        page = " ".join(Path(settings.docs / f"nights/{each}.html").read_text().split())
        assert "Restated" in page and "1 late row of sensor_logs" in page and by in page
        assert '2024-03-05 <span class="soft">08:00</span>' in page and "09:00</span>" not in page


def test_a_night_that_restated_nothing_has_no_such_section(tmp_path):
    settings = report.Settings("report", D5, "test", tmp_path, "spark_catalog", "", CLIMATE)
    assert "Restated" not in report.render_page(settings, report.Night([], [], [], [], []), [])


def test_what_was_restated_without_new_rows_says_so(tmp_path):
    settings = report.Settings("report", D6, "test", tmp_path, "spark_catalog", "", CLIMATE)
    row = report.Row(
        night=D6, table="gold.alerts", slice=D5, rows_before=1, rows_after=2, late_rows={}, hours=[],
        restated_at=datetime(2024, 3, 7),
    )  # fmt: skip
    assert "no new rows" in report.render_page(settings, report.Night([], [], [], [], [], restated=[row]), [])
