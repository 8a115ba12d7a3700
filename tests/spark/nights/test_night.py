"""A night through bronze, silver and gold: every row has a fate, and the numbers are always the same."""

import importlib
import json
from dataclasses import replace
from datetime import date

import pytest
from pyspark.sql import functions as F

from jobs import store
from jobs.results import ContractBroken, JobError
from jobs.tables import GOLD, SOURCES, selection
from tests.conftest import new_lake

D5, D6 = date(2024, 3, 5), date(2024, 3, 6)
ALL = selection(())
FEW_TABLES = frozenset(
    {
        *("devices", "device_changes", "events", "sensor_logs"),
        *("device_health", "site_events", "climate_hourly"),
    }
)


@pytest.fixture(scope="module")
def nights(spark, module_lake):
    """Two whole nights in the order of the calendar, the second run twice."""
    for night in (D5, D6, D6):
        for stage in ("generate", "bronze", "silver", "gold", "publish"):
            settings = module_lake(stage, night=night, run_id=f"night-{night}")
            importlib.import_module(f"jobs.{stage}").run(spark, settings)
        if night == D5:
            first = _digests(spark, module_lake), _files(spark, module_lake)
    return module_lake, *first


@pytest.fixture
def read(spark, nights):
    return lambda name: spark.table(nights[0]("verify").table(name))


def _digests(spark, lake) -> dict:
    rows = spark.table(lake("verify").table("ops.digests")).collect()
    return {(row.table, row.night): (row.rows, row.digest) for row in rows}


def _files(spark, lake) -> dict:
    """The data files of each slice of gold, in which a partition that is written anew has others."""
    frames = [
        spark.table(lake("verify").table(table.full_name)).select(
            F.lit(name).alias("table"), F.col(table.slice).alias("slice"), "_metadata.file_path"
        )
        for name, table in GOLD.items()
        if name in ALL
    ]
    files: dict = {}
    for row in store.union(frames).distinct().collect():
        files.setdefault((row.table, row.slice), set()).add(row.file_path)
    return files


def test_every_landed_line_has_exactly_one_fate(read):
    rows = read("ops.row_accounts").collect()
    assert {row.source for row in rows} == ALL & SOURCES.keys()
    for row in rows:
        assert row.is_balanced and row.landed == row.bronze == row.silver + row.quarantined + row.duplicates
    assert sum(row.landed for row in rows if row.night == D5) > 2500
    assert sum(row.duplicates for row in rows) > 0 and sum(row.quarantined for row in rows) > 0


def test_every_gold_table_has_rows(read):
    # Too few readings at this scale for a device to have more than ten anomalies.
    assert all(read(f"gold.{name}").count() for name in ALL & GOLD.keys() - {"device_anomalies"})


def test_silver_holds_each_key_once(read):
    for source in map(SOURCES.get, ALL & SOURCES.keys()):
        silver = read(f"silver.{source.silver}")
        assert silver.count() == silver.select(*source.key).distinct().count()


def test_gold_counts_what_silver_holds(read):
    counted = read("gold.sensor_hourly").selectExpr("sum(reading_count)").first()[0]
    assert counted == read("silver.readings").count()


def test_a_settled_night_is_not_settled_again(spark, nights, read):
    results = importlib.import_module("jobs.silver").run(spark, nights[0]("silver", night=D6, run_id="again"))
    assert {row.run_id for row in read("ops.row_accounts").where(f"night = '{D6}'").collect()} == {
        "night-2024-03-06"
    }
    assert len(results) == len(ALL & SOURCES.keys())


def test_the_next_night_leaves_the_night_before_as_it_was(spark, nights):
    lake, first, _ = nights
    now = _digests(spark, lake)
    restated = {table for (table, night), digest in first.items() if now.get((table, night)) != digest}
    # Late rows add to the hours and days they belong to; the registry's present state moves on.
    assert restated <= {
        "gold.sensor_hourly",
        "gold.climate_hourly",
        "gold.defect_rates",
        "silver.machine_anomalies",
        "silver.inspection_features",
        "silver.devices",
        "silver.devices_history",
    }


def test_the_next_night_replaces_the_partitions_that_its_rows_belong_to_and_no_others(spark, nights, read):
    lake, _, before = nights
    now = _files(spark, lake)

    def came(silver: str) -> set[date]:
        rows = read(f"silver.{silver}").where(f"_night = '{D6}'")
        return {row.event_date for row in rows.select("event_date").distinct().collect()}

    # A night by itself, of the two that there are; a day by rows of it, some of which come late.
    replaced = {
        **{name: {D6} for name in ALL & GOLD.keys() if GOLD[name].slice == "night"},
        "sensor_hourly": came("readings"),
        "climate_hourly": came("sensor_logs"),
        "alerts": came("readings") | came("events"),
    }
    for name, days in replaced.items():
        of_table = {day for table, day in before if table == name}
        kept = {day for day in of_table if before[name, day] == now[name, day]}
        assert kept == of_table - days, name
        assert kept or name in ("alerts", "device_anomalies"), "those two have few rows at this scale"


def test_verify_confirms_a_night_and_names_what_was_tampered_with(spark, nights, caplog):
    lake, *_ = nights
    verify = importlib.import_module("jobs.verify")
    with caplog.at_level("INFO", "jobs"):
        results = verify.run(spark, lake("verify", night=D5))
    assert all(result.detail["holds"] for result in results)
    accounts = len(ALL & SOURCES.keys())
    digests = len(results) - accounts
    assert digests > 15 and f"{D5}: {accounts} accounts balance and {digests} digests hold" in caplog.messages
    readings = lake("verify").table("silver.readings")
    first = spark.sql(f"SELECT min(reading_id) FROM {readings} WHERE _night = '{D5}'").first()[0]
    spark.sql(f"UPDATE {readings} SET unit = 'K' WHERE reading_id = {first}")
    with pytest.raises(ContractBroken, match=r"1 of \d+ do not hold: silver\.readings"):
        verify.run(spark, lake("verify", night=D5))


def test_publish_refuses_a_run_that_has_staged_nothing(spark, nights):
    lake, *_ = nights
    with pytest.raises(JobError, match="run another has staged nothing"):
        importlib.import_module("jobs.publish").run(spark, lake("publish", run_id="another"))


def test_nights_give_the_same_digests_in_any_order_and_when_their_stages_mix(spark, nights, tmp_path):
    """Backfills and schedules may overlap: Airflow lets one stage run at a time, of whichever night."""
    load5, load6 = [[(stage, night) for stage in ("generate", "bronze", "silver")] for night in (D5, D6)]
    gold5, gold6, publish5, publish6 = [(stage, night) for stage in ("gold", "publish") for night in (D5, D6)]
    orders = [
        # Night 5 is published last, though night 6 has staged the same slices after it.
        [*load6, *load5, gold5, gold6, publish6, publish5],
        # What night 6 settles between the staging and the publishing of night 5 stays due.
        [*load5, gold5, *load6, publish5, gold6, publish6],
    ]
    one_by_one = _digests(spark, nights[0])
    for number, order in enumerate(orders):
        with new_lake(spark, tmp_path / str(number)) as lake:
            for stage, night in order:
                settings = lake(stage, night=night, run_id=f"night-{night}", tables=FEW_TABLES)
                importlib.import_module(f"jobs.{stage}").run(spark, settings)
            found = _digests(spark, lake)
            assert found == {slice_: one_by_one[slice_] for slice_ in found} and len(found) > 12
            # Alerts, which read events too, are not among the few.
            due = spark.table(settings.table("ops.row_accounts")).where("NOT is_published")
            assert {row.source for row in due.collect()} == {"events"}


def test_an_earlier_arrival_that_comes_late_takes_its_row_back(run, drop, lake, accounts, table):
    """Night 6 is loaded first; then night 5 turns out to have had the same reading already."""
    line = json.dumps(
        {"location_id": 1, "name": "Site", "region": "New York", "latitude": 40.7, "longitude": -74.0}
    )
    only = frozenset({"devices", "device_changes", "locations"})
    for night in (D6, D5):
        drop("locations", f"{night}.json", line + "\n")
        for stage in ("bronze", "silver"):
            run(stage, night=night, tables=only)
    assert [row._night for row in table("silver.locations").collect()] == [D5]
    assert (accounts("locations")[D5]["silver"], accounts("locations")[D6]["duplicates"]) == (1, 1)
    assert all(account["is_balanced"] for account in accounts("locations").values())


def test_nights_in_bulk_end_in_the_same_tables_as_night_by_night(spark, nights, tmp_path):
    """One of the two is there already, so far as silver: a range may overlap what has been run."""
    tables = FEW_TABLES - {"events", "site_events"}
    with new_lake(spark, tmp_path) as lake:
        for stage in ("generate", "bronze", "silver"):
            settings = lake(stage, night=D6, run_id="night-6", tables=tables)
            importlib.import_module(f"jobs.{stage}").run(spark, settings)
        history = importlib.import_module("jobs.history")
        asked = lake("history", first=D5, night=D6, run_id="bulk", tables=tables)
        assert not history.is_published(spark, asked)
        (month,) = history.run(spark, asked)
        one_by_one, found = _digests(spark, nights[0]), _digests(spark, lake)
        assert found == {slice_: one_by_one[slice_] for slice_ in found} and len(found) > 9
        assert {night for _, night in found} >= {D5, D6}
        columns = (
            "source",
            "night",
            "landed",
            "bronze",
            "silver",
            "quarantined",
            "duplicates",
            "is_balanced",
        )
        accounts = spark.table(asked.table("ops.row_accounts")).select(*columns).collect()
        kept = spark.table(nights[0]("verify").table("ops.row_accounts")).select(*columns).collect()
        assert sorted(accounts) == sorted(row for row in kept if row.source in tables)
        assert month.rows == sum(row.landed for row in accounts if row.night in (D5, D6))
        assert f"nights/{D6}.html" in month.pages
        # All that is made of sensor logs was asked for, so nothing of them is due any more.
        whole = replace(asked, tables=frozenset({"sensor_logs", "climate_hourly"}))
        assert history.is_published(spark, whole)
        assert history.run(spark, whole) == [replace(month, pages=())]
