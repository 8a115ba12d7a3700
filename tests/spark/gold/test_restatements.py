"""Late rows change gold that was published already: what was restated, and because of what."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from catalog.tables import GOLD, SILVER, SOURCES, CatalogError
from jobs.delta.lake import Lake
from jobs.errors import ContractBroken, JobError
from jobs.gold import partial
from jobs.gold import stage as gold
from jobs.outcome import Outcome, TableResult
from jobs.report import stage as report
from jobs.state import accounts, begun_batches, run_results, staged_slices, surveys
from jobs.state.accounts import Account
from jobs.table_functions import table_function

D4, D5, D6 = (date(2024, 3, day) for day in (4, 5, 6))
CLIMATE = frozenset({"sensor_logs", "climate_hourly"})
LOGS, READINGS = SILVER["sensor_logs"], SILVER["live_sensors"]
WINDOWS = frozenset({"live_sensors", "readings_5min"})


@pytest.fixture
def arrive(spark, lake):
    """Reconcile one night, with these rows in silver: when, and how warm it was in Room_A."""

    def reconcile(night: date, *logs: tuple[datetime, float], is_killed: bool = False) -> None:
        silver = Lake(spark, lake("silver", night=night))
        silver.ensure([LOGS.full_name])
        accounts.ensure(silver)
        rows = [(1001, at, at.date(), temperature, 40.0, "Room_A", [], night) for at, temperature in logs]
        begun_batches.begin(silver.settings, {SOURCES["sensor_logs"]: {night: ()}})
        silver.append(LOGS.full_name, spark.createDataFrame(rows, LOGS.columns))
        if not is_killed:
            accounts.reconcile(silver, [Account("sensor_logs", night, *(3 * [len(rows)]), 0, 0)])
            begun_batches.end(silver.settings, [("sensor_logs", night)])

    return reconcile


@pytest.fixture
def night(run, arrive):
    """Publish one night, with these rows in silver: when, and how warm it was in Room_A."""

    def through(night: date, *logs: tuple[datetime, float]) -> None:
        arrive(night, *logs)
        for stage in ("gold", "publish"):
            run(stage, night=night, run_id=f"night-{night}", tables=CLIMATE)

    return through


def test_a_column_that_would_cut_what_its_function_returns_is_refused_before_it_is_staged(
    run, arrive, monkeypatch
):
    arrive(D5, (datetime(2024, 3, 5, 8), 70.0))

    def halved(verb, table):
        return lambda *rows: table_function(verb, table)(*rows).withColumn(
            "log_count", F.col("log_count") / 2
        )

    monkeypatch.setattr(gold, "table_function", halved)
    said = "gold.climate_hourly: log_count is BIGINT, which would cut the DOUBLE that its function in jobs/gold/tables/"
    with pytest.raises(CatalogError, match=said):
        run("gold", night=D5, run_id="cut", tables=CLIMATE)


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


def test_a_run_that_is_published_is_not_published_again_from_what_another_has_cleared_away(
    run, table, night, lake
):
    night(D5, (datetime(2024, 3, 5, 8), 70.0))
    (rows,) = (lake("gold").home / "staging").glob("*/climate_hourly")
    shutil.rmtree(rows)
    (result,) = run("publish", night=D5, run_id=f"night-{D5}", tables=CLIMATE)
    assert (result.rows, table("gold.climate_hourly").count()) == (1, 1)


def test_what_was_not_staged_is_not_called_published(run, night):
    night(D5, (datetime(2024, 3, 5, 8), 70.0))
    run("gold", night=D5, run_id="few", tables=CLIMATE)
    with pytest.raises(
        JobError, match="run few has not staged readings_5min; run `gold` with the same tables"
    ):
        run("publish", night=D5, run_id="few", tables=CLIMATE | WINDOWS)


def test_what_a_check_refused_is_published_by_no_other_run(spark, lake, run, night):
    night(D5, (datetime(2024, 3, 5, 8), 70.0))
    silver = Lake(spark, lake("silver", night=D6))
    accounts.reconcile(silver, [Account("sensor_logs", D6, 1, 1, 1, 0, 0)])
    accounts.refuse(silver, {"sensor_logs": True, "live_sensors": False})
    with pytest.raises(ContractBroken, match=rf"did not pass its check \(sensor_logs of {D6}\)"):
        run("gold", night=D5, run_id="again", tables=CLIMATE)
    accounts.refuse(silver, {"sensor_logs": False})
    run("gold", night=D5, run_id="again", tables=CLIMATE)


def test_what_another_run_reconciled_after_the_check_is_left_to_that_run(spark, lake, run, table, arrive):
    def check_silver(night: date) -> None:
        """Leave what a check that passes leaves for the gold of its run."""
        settings = lake("check", layer="silver", night=night, run_id=f"night-{night}", tables=CLIMATE)
        until = surveys.of(Lake(spark, settings), ["sensor_logs"]).until
        outcome = Outcome([TableResult(LOGS.full_name, 0, {"until": until})])
        run_results.write(settings, outcome, datetime.now(UTC))

    def publish(night: date) -> list[dict]:
        of_run = {"night": night, "run_id": f"night-{night}", "tables": CLIMATE}
        (staged,) = run("gold", **of_run)
        run("publish", **of_run)
        return staged.detail

    def held() -> set[tuple[date, float]]:
        rows = table("gold.climate_hourly").collect()
        return {(row.event_date, row.avg_temperature_f) for row in rows}

    def due() -> set[date]:
        return {row.night for row in table("ops.row_accounts").where("NOT is_published").collect()}

    arrive(D5, (datetime(2024, 3, 4, 8), 60.0), (datetime(2024, 3, 5, 8), 70.0))
    check_silver(D5)
    arrive(D6, (datetime(2024, 3, 6, 8), 80.0), (datetime(2024, 3, 5, 8), 74.0))
    assert publish(D5) == {"slices": 1, "left_out": [str(D5)]}
    assert (held(), due()) == ({(D4, 60.0)}, {D5, D6})
    check_silver(D6)
    assert publish(D6) == {"slices": 3}
    assert (held(), due()) == ({(D4, 60.0), (D5, 72.0), (D6, 80.0)}, set())

    # What loses values once they are staged is not published with them.
    run("gold", night=D6, run_id="again", tables=CLIMATE)
    accounts.restate(Lake(spark, lake("silver")), {SOURCES["sensor_logs"]: {D5: {D5}}})
    run("publish", night=D6, run_id="again", tables=CLIMATE)
    assert due() == {D5}


def test_what_a_killed_run_has_merged_and_not_accounted_for_is_left_until_some_run_has(
    spark, lake, run, table, arrive
):
    arrive(D5, (datetime(2024, 3, 4, 8), 60.0), (datetime(2024, 3, 5, 8), 70.0))
    arrive(D6, (datetime(2024, 3, 5, 8), 99.0), is_killed=True)
    of_run = {"night": D5, "run_id": f"night-{D5}", "tables": CLIMATE}
    (staged,) = run("gold", **of_run)
    run("publish", **of_run)
    assert staged.detail == {"slices": 1, "left_out": [str(D5)]}
    assert {row.avg_temperature_f for row in table("gold.climate_hourly").collect()} == {60.0}
    # So the night is not published, and whichever run accounts for the other has both to stage.
    arrive(D6)
    gold = Lake(spark, lake("gold", night=D6, tables=CLIMATE))
    survey = surveys.of(gold, ["sensor_logs"], begun=begun_batches.read(gold.settings))
    assert (survey.unpublished, survey.unchecked) == ({"sensor_logs": {D5: (), D6: ()}}, {})


def test_what_another_source_has_not_published_makes_no_slice_anew(spark, lake, run, night):
    silver = Lake(spark, lake("silver", night=D5))
    accounts.ensure(silver)
    accounts.reconcile(silver, [Account("devices", D5, 0, 0, 0, 0, 0)])
    night(D5, (datetime(2024, 3, 5, 8), 70.0))
    night(D6, (datetime(2024, 3, 6, 8), 70.0))
    (result,) = run("gold", night=D6, run_id="again", tables=CLIMATE)
    assert result.detail == {"slices": 1}


@pytest.fixture
def windows(spark, lake, run, table):
    """Publish one night, with these readings in silver: device, when, and what; the parts staged of each slice."""
    numbers = iter(range(1, 100))

    def through(night: date, *readings: tuple[int, datetime, float], is_newest: bool = True) -> dict:
        silver = Lake(spark, lake("silver", night=night))
        silver.ensure([READINGS.full_name, "ops.digests"])
        accounts.ensure(silver)
        rows = [
            (next(numbers), device, "humidity", "hall", False, value, 90, -50, at, at.date(), [], night)
            for device, at, value in readings
        ]
        silver.append(READINGS.full_name, spark.createDataFrame(rows, READINGS.columns))
        account = Account("live_sensors", night, *(3 * [len(rows)]), 0, 0, is_newest=is_newest)
        accounts.reconcile(silver, [account])
        run_id = f"night-{night}"
        run("gold", night=night, run_id=run_id, tables=WINDOWS)
        of_run = staged_slices.staged(Lake(spark, lake("publish", run_id=run_id, tables=WINDOWS)))
        staged = {each.slice: each.parts for slices in of_run.slices.values() for each in slices}
        run("publish", night=night, run_id=run_id, tables=WINDOWS)
        return staged

    return through


def test_of_a_large_slice_only_the_parts_that_late_rows_touch_are_made_anew(
    spark, lake, table, windows, monkeypatch
):
    monkeypatch.setattr(partial, "LEAST", 0)
    eight, nine = datetime(2024, 3, 5, 8), datetime(2024, 3, 5, 9)
    later = [date(2024, 3, day) for day in (6, 7)]
    first = [(1, eight, 1.0), (1, nine, 5.0), (2, eight, 3.0), (2, nine, 7.0)]
    assert windows(D5, *first) == {D5: None}

    # Whatever becomes of the others in silver, they stay as they were published.
    silver = lake("silver").table("silver.live_sensors")
    spark.sql(f"UPDATE {silver} SET reading = 4 WHERE device_id = 2 AND reading = 3")
    assert windows(later[0], (1, eight, 3.0), (3, eight, 9.0)) == {D5: ["1", "3"]}
    assert hours(table) == {(1, 8): 2.0, (1, 9): 5.0, (2, 8): 3.0, (2, 9): 7.0, (3, 8): 9.0}
    assert_recorded(spark, lake, table)
    restated = table("ops.restatements").where("slice = '2024-03-05'").first()
    assert (restated.rows_before, restated.rows_after, restated.late_rows) == (4, 5, {"live_sensors": 2})

    # Where silver has lost or changed rows, nobody knows which.
    assert windows(later[1], (1, eight, 2.0), is_newest=False) == {D5: None}
    assert hours(table)[2, 8] == 4.0
    assert_recorded(spark, lake, table)

    # Another late row would be made in part again; but not where other code may make other rows of the same readings,
    # nor of a slice that is not what was recorded, to which nothing can be added.
    late, gold = {GOLD["readings_5min"]: {D5: 1}}, Lake(spark, lake("gold", night=later[1]))
    in_part = partial.find(gold, late)[GOLD["readings_5min"]]
    assert [(day, found.parts) for day, found in in_part.items()] == [(D5, ["1"])]
    with monkeypatch.context() as patched:
        patched.setattr(partial, "code", lambda: "other")
        assert partial.find(gold, late) == {}
    spark.sql(f"DELETE FROM {gold.settings.table('gold.readings_5min')} WHERE device_id = 3")
    assert partial.find(gold, late) == {GOLD["readings_5min"]: {}}


def hours(table) -> dict[tuple[int, int], float]:
    """Device and hour of night 5 -> average."""
    return {
        (row.device_id, row.window_start.hour): row.avg_reading
        for row in table("gold.readings_5min").where("event_date = '2024-03-05'").collect()
    }


def assert_recorded(spark, lake, table) -> None:
    """The digests that were worked out are those of what gold has."""
    recorded = {
        (row.night, row.rows, row.digest)
        for row in table("ops.digests").where("`table` = 'gold.readings_5min'").collect()
    }
    found = Lake(spark, lake("verify")).digests({"gold.readings_5min": None})
    assert {(each.night, each.rows, each.digest) for each in found} == recorded


def test_a_gold_table_that_is_new_in_an_old_lake_has_its_past(spark, lake, run, table, night, monkeypatch):
    night(D5, (datetime(2024, 3, 5, 8), 70.0))
    night(D6, (datetime(2024, 3, 6, 8), 71.0))
    spark.sql(f"DROP TABLE {lake('gold').table('gold.climate_hourly')}")
    later = date(2024, 3, 7)
    of_night = Lake(spark, lake("publish", night=later))

    # Neither a run that ends before it has published the table, nor a report leaves it without its past.
    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    run("gold", night=later, run_id="first", tables=CLIMATE)
    with monkeypatch.context() as patched:
        patched.setattr(Lake, "create_with", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run("publish", night=later, run_id="first", tables=CLIMATE)
    report.run(Lake(spark, lake("report", night=D6, tables=CLIMATE)))
    assert "climate_hourly" not in of_night.names("gold")

    night(later, (datetime(2024, 3, 7, 8), 72.0))
    rows = table("gold.climate_hourly").collect()
    assert {(row.event_date, row.avg_temperature_f) for row in rows} == {
        (D5, 70.0),
        (D6, 71.0),
        (later, 72.0),
    }
    recorded = table("ops.digests").where("`table` = 'gold.climate_hourly'").collect()
    found = of_night.digests({"gold.climate_hourly": None})
    assert {(row.night, row.digest) for row in recorded} == {(each.night, each.digest) for each in found}
    assert all(row.is_published for row in table("ops.row_accounts").collect())
    assert table("ops.restatements").count() == 0
    (detail,) = spark.sql(f"DESCRIBE DETAIL {lake('gold').table('gold.climate_hourly')}").collect()
    climate = GOLD["climate_hourly"]
    assert (detail.partitionColumns, detail.description) == ([*climate.partition_by], climate.grain)
    assert table("gold.climate_hourly").columns == [*climate.column_names]


def test_what_an_attempt_that_was_given_up_stages_late_is_not_published_twice(lake, run, table, night, spark):
    night(D5, (datetime(2024, 3, 5, 8), 70.0))
    run("gold", night=D5, run_id="again", tables=CLIMATE)
    *_, kept = sorted((lake("gold").home / "staging").glob("*/_slices.json"))
    earlier = "20240101T000000-an-earlier-attempt"
    late = kept.parents[1] / earlier / kept.name
    late.parent.mkdir()
    late.write_text(kept.read_text().replace(kept.parent.name, earlier))
    (result,) = run("publish", night=D5, run_id="again", tables=CLIMATE)
    assert (result.rows, table("gold.climate_hourly").count()) == (1, 1)
