"""Late rows change gold that was published already: which slices count as restated, and because of what."""

from datetime import date, datetime

from catalog.run_result import DONE, REFUSED, TableEntry
from catalog.tables import GOLD
from jobs.delta.digests import Digest
from jobs.gold.arrivals import late_hours, late_rows
from jobs.gold.restatements import find
from jobs.gold.unchecked import checked, left_out
from jobs.pages.render import hours
from jobs.report import stage as report
from jobs.settings import Settings
from jobs.state.staged_slices import StagedSlice
from tests.support.run_results import leave, result

D3, D4, D5, D6 = (date(2024, 3, day) for day in (3, 4, 5, 6))
CLIMATE = frozenset({"sensor_logs", "climate_hourly"})


def recorded(night: date, rows: int, digest: str) -> Digest:
    return Digest("gold.climate_hourly", night, rows, digest)


def staged(slice_: date, rows: int, digest: str | None) -> StagedSlice:
    return StagedSlice(slice_, rows, digest, {}, [])


def found(before: list[Digest], *now: StagedSlice) -> list[tuple]:
    return [(each.before, each.after) for each in find(before, {"gold.climate_hourly": now}, own=[D6])]


def test_a_slice_of_another_night_that_is_different_now_is_restated():
    was, now = recorded(D5, 24, "1"), staged(D5, 24, "2")
    assert found([was], now) == [(was, now)]


def test_a_slice_without_rows_left_is_restated_too():
    was, now = recorded(D5, 24, "1"), staged(D5, 0, None)
    assert found([was], now) == [(was, now)]


def test_the_run_s_own_night_a_new_slice_and_an_equal_one_are_not_restated():
    before = [recorded(D6, 1, "1"), recorded(D5, 1, "1")]
    assert found(before, staged(D6, 2, "2"), staged(D5, 1, "1"), staged(D4, 1, "1")) == []


def test_a_slice_that_was_not_published_is_not_restated():
    assert found([recorded(D3, 24, "1")], staged(D5, 0, None)) == []


def test_the_hours_of_a_day_are_restated_by_late_rows_of_that_day():
    late = {"readings": {(D6, D5): 3, (D6, D4): 4, (D6, D6): 100}, "events": {(D6, D5): 9}}
    assert late_rows(GOLD["sensor_hourly"], D5, late) == {"readings": 3}


def test_a_restated_day_of_hours_names_those_that_late_rows_belong_to():
    arrived = {"readings": {D5: {9, 8}, D4: {7}}, "sensor_logs": {D5: {3}}}
    assert late_hours(GOLD["sensor_hourly"], D5, arrived) == [8, 9]
    assert late_hours(GOLD["climate_hourly"], D5, arrived) == [3]
    assert late_hours(GOLD["device_anomalies"], D5, arrived) == [], "it has no hours"


def test_a_night_is_left_to_another_run_once_unchecked_rows_had_arrived_by_then():
    slices = {GOLD["device_health"]: [D4, D5, D6], GOLD["fleet_last_seen"]: [D5]}
    # Sources without event dates: no table is read.
    assert left_out(None, slices, {"devices": {D5: ()}}) == {GOLD["device_health"]: [D5, D6]}


def test_a_run_that_was_not_checked_takes_all_and_one_that_was_what_its_check_saw(tmp_path):
    settings = Settings("gold", D5, "test", tmp_path, "spark_catalog", "", CLIMATE)
    assert checked(settings) is None
    for status, detail in ((REFUSED, {"until": "2024-03-06 01:02:03.4"}), (DONE, {})):
        seen = TableEntry("silver.sensor_logs", 1, detail)
        leave(settings.docs, result("check_silver", seen, status=status))
        assert checked(settings) is None, (
            "gold looks at the marks of refusal; an earlier version left no moment"
        )
    seen = [
        TableEntry(f"silver.{name}", 1, {"until": "2024-03-06 01:02:03.4"})
        for name in ("device_registry", "devices")
    ]
    leave(settings.docs, result("check_silver", *seen))
    assert checked(settings) == {"devices": "2024-03-06 01:02:03.4"}, "of sources, not of derived tables"


def test_few_hours_are_listed_and_many_are_counted():
    assert hours([8]) == "08:00" and hours([0, 8, 9, 23]) == "00:00, 08:00, 09:00, 23:00"
    assert hours([0, 8, 9, 22, 23]) == "5 hours, 00:00 to 23:00"


def test_a_night_that_looks_back_is_restated_by_what_had_arrived_by_then_within_its_days():
    late = {"readings": {(D4, D4): 1, (D5, D4): 2, (D6, D4): 4, (D4, date(2024, 2, 27)): 8}}
    # 2024-02-27 is the eighth day back from the 5th of March.
    assert late_rows(GOLD["device_anomalies"], D5, late) == {"readings": 3}


def test_the_registry_has_no_dates_and_counts_by_its_arrival():
    late = {"device_changes": {(D4, None): 5, (D6, None): 7}}
    assert late_rows(GOLD["device_health"], D5, late) == {"device_changes": 5}


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
