"""A night through bronze, silver and gold: every row has an outcome, and the numbers are always the same."""

import importlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date

import pytest
from pyspark.sql import functions as F

from catalog import progress
from catalog.pipeline import STEPS
from catalog.tables import GOLD, SOURCES, TABLES, selection
from jobs.backfill import stage as backfill
from jobs.delta.frames import union
from jobs.delta.lake import Lake
from jobs.errors import ContractBroken, JobError
from jobs.outcome import TableResult
from jobs.settings import Settings
from jobs.silver import validation
from tests.conftest import new_lake
from tests.support import sides
from tests.support.copied import folder_of
from tests.support.lineage import by_the_catalog, edges, name_of, read_events
from tests.support.nights import (
    D5,
    D6,
    FEW,
    IDLE,
    MOST,
    Digests,
    SettingsOf,
    bring,
    digests,
    due,
    files,
    run_stage,
)
from tests.support.pipeline import pipeline_of
from tests.support.simulated import file_like_a_stream


@pytest.fixture
def read(spark, nights):
    return lambda name: spark.table(nights.lake("verify").table(name))


def test_every_landed_line_has_exactly_one_outcome(read):
    rows = read("ops.row_accounts").where(f"night <= '{D6}'").collect()
    assert {row.source for row in rows} == MOST & SOURCES.keys()
    for row in rows:
        assert row.is_balanced and row.landed == row.bronze == row.silver + row.quarantined + row.duplicates
    assert sum(row.landed for row in rows if row.night == D5) > 2500
    assert sum(row.duplicates for row in rows) > 0 and sum(row.quarantined for row in rows) > 0


def test_every_gold_table_has_rows(read):
    # Too few readings at this scale for a device to have more than ten anomalies.
    wanted = MOST & GOLD.keys() - {"device_anomalies"} - IDLE
    some = union(read(f"gold.{name}").select(F.lit(name).alias("name")).limit(1) for name in wanted)
    assert {row.name for row in some.collect()} == wanted


def test_each_stage_said_how_far_it_had_come(nights, read):
    """Read here when all is done: what ends a job takes it away, and these stages were called without one."""
    accounts = read("ops.row_accounts").where(f"night = '{D6}' AND landed > 0").collect()
    arrived, lines = len(accounts), sum(row.landed for row in accounts)
    docs, run_id = nights.lake("verify").docs, f"night-{D6}"
    come = {
        stage: progress.read(docs, run_id, stage)
        for stage in ("generate", "bronze", "silver", "gold", "publish")
    }
    assert come["generate"] == progress.Progress(arrived, arrived, lines)
    sources, gold = len(MOST & SOURCES.keys()), len(MOST & GOLD.keys() - IDLE)
    assert come["bronze"] == progress.Progress(sources, sources, lines)
    assert come["gold"] == progress.Progress(gold, gold)
    # Some of what arrived reopens nights, which come in again; and there are derived tables.
    assert come["silver"].done == come["silver"].tables > arrived and come["silver"].rows >= lines
    assert come["publish"].done == come["publish"].tables == gold and come["publish"].rows > 0


def test_silver_holds_each_key_once(read):
    counted = union(
        read(f"silver.{source.silver}").agg(
            F.lit(name).alias("source"),
            F.count("*").alias("rows"),
            F.count_distinct(*source.key).alias("keys"),
        )
        for name, source in SOURCES.items()
        if name in MOST
    ).collect()
    assert {row.source for row in counted} == MOST & SOURCES.keys()
    assert [row for row in counted if row.rows != row["keys"]] == []


def test_gold_counts_what_silver_holds(read):
    counted = read("gold.sensor_hourly").selectExpr("sum(reading_count)").first()[0]
    assert counted == read("silver.readings").count()


def test_a_reconciled_night_is_not_reconciled_again(nights, read):
    assert {row.run_id for row in read("ops.row_accounts").where(f"night = '{D6}'").collect()} == {
        "night-2024-03-06"
    }
    assert len(nights.again["silver"]) == len(MOST & SOURCES.keys())
    assert not any(result.rows for result in nights.again["bronze"])
    # That of gold is written anew, and comes out the same.
    assert sum(result.rows for result in nights.again["publish"]) > 0
    assert nights.digests_again == nights.digests


def test_the_next_night_leaves_the_night_before_as_it_was(nights):
    now = nights.digests
    restated = {table for (table, night), digest in nights.first.items() if now.get((table, night)) != digest}
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
    before, now = nights.first_files, files(spark, nights.lake)

    def came(silver: str) -> set[date]:
        rows = read(f"silver.{silver}").where(f"_night = '{D6}'")
        return {row.event_date for row in rows.select("event_date").distinct().collect()}

    # A night by itself, of the two that there are; a day by rows of it, some of which come late.
    replaced = {
        **{name: {D6} for name in MOST & GOLD.keys() if GOLD[name].slice == "night"},
        "sensor_hourly": came("readings"),
        "climate_hourly": came("sensor_logs"),
        "alerts": came("readings") | came("events"),
    }
    for name, days in replaced.items():
        of_table = {day for table, day in before if table == name}
        kept = {day for day in of_table if before[name, day] == now[name, day]}
        # Of a day that is made anew in part, the parts may have had no row, and have none.
        assert kept == of_table - days or (GOLD[name].part and kept > of_table - days), name
        assert kept or name in ("alerts", "device_anomalies"), "those two have few rows at this scale"


def test_a_table_is_published_in_one_commit(spark, nights):
    # Too few readings at this scale for a device to have more than ten anomalies: then there is nothing to commit.
    for name in sorted(MOST & GOLD.keys() - {"device_anomalies"} - IDLE):
        history = spark.sql(f"DESCRIBE HISTORY {nights.lake('verify').table(f'gold.{name}')}")
        creating = "CREATE TABLE AS SELECT"
        written = history.where(f"operation IN ('WRITE', '{creating}')").collect()
        # What creates the table is signed in sessions of `jobs.main` alone; another's may have left its own signature.
        first = {"run_id": f"night-{D5}", "stage": "publish", "night": str(D5)}
        commits = Counter(
            said["run_id"]
            for said in (
                first if row.operation == creating else json.loads(row.userMetadata) for row in written
            )
            # Of the nights that this lake is made of; other tests work on others.
            if said["stage"] == "publish" and said["night"] in (str(D5), str(D6))
        )
        assert commits.keys() >= {f"night-{D5}", f"night-{D6}"} and {*commits.values()} == {1}, name


def test_the_declarative_pipeline_comes_to_the_same_digests_of_all_that_landed(spark, nights, lake):
    """Of sources and gold tables of each kind; a derived table that looks back is among them."""
    made = ("sensor_hourly", "device_health", "site_events", "defect_rates")
    for night in (D5, D6):
        bring(nights, lake, night, selection(made))
    with pipeline_of(spark, lake, made) as run:
        declared = run()
        names = {f"gold.{name}" for name in made} | {"silver.inspection_features", "silver.machine_sensors"}
        found = sides.digests({name: declared.read(name) for name in names})
    kept = {slice_: (rows, int(digest)) for slice_, (rows, digest) in nights.digests.items()}
    assert found == {slice_: digest for slice_, digest in kept.items() if slice_[0] in names}
    assert {table for table, _ in found} == names


def test_verify_confirms_a_night_and_names_what_was_tampered_with(spark, nights, caplog):
    verify = importlib.import_module("jobs.quality.verify")
    with caplog.at_level("INFO", "jobs"):
        results = verify.run(Lake(spark, nights.lake("verify", night=D5, tables=MOST)))
    assert all(result.detail["holds"] for result in results)
    accounts = len(MOST & SOURCES.keys())
    found = sum(result.table in TABLES for result in results)
    assert sum(result.table.startswith("files of ") for result in results) > 5
    assert found > 14 and f"{D5}: {accounts} accounts balance and {found} digests hold" in caplog.messages
    readings = nights.lake("verify", night=D5, tables=selection(["readings"]))
    with (
        tampered(spark, readings.table("silver.readings"), f"_night = '{D5}'"),
        pytest.raises(ContractBroken, match=r"1 of \d+ do not hold: silver\.readings"),
    ):
        verify.run(Lake(spark, readings))


@contextmanager
def tampered(spark, readings: str, where: str) -> Iterator[None]:
    """Readings of which one has another unit; afterwards they are as they were, for other tests."""
    version = spark.sql(f"DESCRIBE HISTORY {readings} LIMIT 1").first().version
    first = spark.sql(f"SELECT min(reading_id) FROM {readings} WHERE {where}").first()[0]
    spark.sql(f"UPDATE {readings} SET unit = 'K' WHERE reading_id = {first}")
    try:
        yield
    finally:
        spark.sql(f"RESTORE TABLE {readings} TO VERSION AS OF {version}")


def test_publish_refuses_a_run_that_has_staged_nothing(spark, nights):
    with pytest.raises(JobError, match="run another has staged nothing"):
        run_stage(spark, nights.lake, "publish", D5, run_id="another", tables=MOST)


@dataclass(frozen=True)
class Bulk:
    """A lake in which both nights were run in bulk, after night 6 had been staged by itself."""

    lake: SettingsOf
    asked: Settings
    was_published: bool
    months: list[TableResult]
    digests: Digests
    counted: dict[str, set[str]]  # step -> tables of which it has counted all rows


@pytest.fixture(scope="module")
def bulk(spark, nights, tmp_path_factory) -> Iterator[Bulk]:
    with new_lake(spark, tmp_path_factory.mktemp("bulk")) as lake, pytest.MonkeyPatch.context() as patched:
        # Large batches come to the same in another way.
        patched.setattr(validation, "LARGE", range(1, 1 << 31))
        bring(nights, lake, D6, FEW)
        for stage in ("bronze", "silver", "gold"):
            run_stage(spark, lake, stage, D6, tables=FEW)
        asked = lake("backfill", first=D5, night=D6, run_id="bulk", tables=FEW)
        was_published = backfill.is_published(Lake(spark, asked))
        count, counted = Lake.counts, defaultdict(set)

        def counts(self: Lake, names: Iterable[str]) -> dict[str, int]:
            found = count(self, names)
            counted[self.settings.step] |= found.keys()
            return found

        patched.setattr(Lake, "counts", counts)
        months = backfill.run(Lake(spark, asked))
        yield Bulk(lake, asked, was_published, months, digests(spark, lake), dict(counted))


def test_nights_give_the_same_digests_in_any_order_and_when_their_stages_mix(spark, nights, bulk):
    """Backfills and schedules may overlap: Airflow lets one stage run at a time, of whichever night."""
    # What night 6 reconciled between the staging and the publishing of night 5 stayed due, and nothing else.
    assert nights.due == {(source, D6) for source in MOST & SOURCES.keys()}
    assert nights.due_at_last == set()
    # What was staged before night 5 came, and before the nights were published in bulk, is not published any more.
    run_stage(spark, bulk.lake, "publish", D6, tables=FEW)
    assert digests(spark, bulk.lake) == bulk.digests
    # Night 5 is published last, though night 6 has staged the same slices after it; of both nothing is there.
    of_both = ", ".join(f"DATE'{night}'" for night in (D5, D6))
    for name in GOLD.keys() & FEW:
        table = bulk.asked.table(f"gold.{name}")
        spark.sql(f"DELETE FROM {table} WHERE {GOLD[name].slice} IN ({of_both})")
    kept = bulk.asked.table("ops.digests")
    spark.sql(f"DELETE FROM {kept} WHERE `table` LIKE 'gold.%' AND night IN ({of_both})")
    for stage, night in (("gold", D5), ("gold", D6), ("publish", D6), ("publish", D5)):
        run_stage(spark, bulk.lake, stage, night, tables=FEW)
    assert digests(spark, bulk.lake) == bulk.digests
    # Site events, which read the registry too, are not among the few.
    assert {source for source, _ in due(spark, bulk.lake)} == {"devices", "device_changes"}


def test_an_earlier_arrival_that_comes_late_takes_its_row_back(spark, nights, read):
    """Night 8 is loaded first; then night 7 turns out to have had the same row already."""
    site = 999_001
    line = json.dumps(
        {"location_id": site, "name": "Site", "region": "New York", "latitude": 40.7, "longitude": -74.0}
    )
    night7, night8 = date(2024, 3, 7), date(2024, 3, 8)
    for night in (night8, night7):
        folder = nights.lake("bronze").landing / f"locations/arrived={night}"
        folder.mkdir(parents=True)
        (folder / file_like_a_stream("locations", "json")).write_text(line + "\n")
        for stage in ("bronze", "silver"):
            run_stage(spark, nights.lake, stage, night, tables=frozenset({"locations"}))
    assert [row._night for row in read("silver.locations").where(f"location_id = {site}").collect()] == [
        night7
    ]
    accounts = {row.night: row for row in read("ops.row_accounts").where("source = 'locations'").collect()}
    assert (accounts[night7].silver, accounts[night8].duplicates) == (1, 1)
    assert all(account.is_balanced for account in accounts.values())


def test_nights_in_bulk_end_in_the_same_tables_as_night_by_night(spark, nights, bulk):
    """One of the two was there already, so far as its staging: a range may overlap what has been run."""
    assert not bulk.was_published
    (month,) = bulk.months
    assert (
        bulk.digests == {slice_: nights.digests[slice_] for slice_ in bulk.digests} and len(bulk.digests) > 12
    )
    assert {night for _, night in bulk.digests} >= {D5, D6}
    columns = ("source", "night", "landed", "bronze", "silver", "quarantined", "duplicates", "is_balanced")
    accounts = spark.table(bulk.asked.table("ops.row_accounts")).select(*columns).collect()
    kept = spark.table(nights.lake("verify").table("ops.row_accounts")).select(*columns).collect()
    assert sorted(accounts) == sorted(row for row in kept if row.source in FEW)
    assert month.rows == sum(row.landed for row in accounts if row.night in (D5, D6))
    assert f"nights/{D6}.html" in month.pages
    # All that is made of sensor logs was asked for, so nothing of them is due any more.
    whole = replace(bulk.asked, tables=frozenset({"sensor_logs", "climate_hourly"}))
    assert backfill.is_published(Lake(spark, whole))
    assert backfill.run(Lake(spark, whole)) == [replace(month, pages=())]


def test_silver_does_not_count_again_what_the_check_of_its_run_has_counted(bulk):
    bronze = {f"bronze.{name}" for name in FEW & SOURCES.keys()}
    assert (bulk.counted["check_bronze"], bulk.counted["silver"]) == (bronze, set())


def committed(lake: SettingsOf, run_id: str) -> dict[str, set[str]]:
    """Step -> the tables whose rows it changed in a run, as Delta's log has it."""
    found: dict[str, set[str]] = {}
    for name in TABLES:
        for commit in sorted((folder_of(lake, name) / "_delta_log").glob("*.json")):
            said = next(
                json.loads(line) for line in commit.read_text().splitlines() if '"commitInfo"' in line
            )
            by = json.loads(said["commitInfo"].get("userMetadata") or "{}")
            if by.get("run_id") == run_id and said["commitInfo"]["operation"] != "CREATE TABLE":
                found.setdefault(by["stage"], set()).add(name)
    return found


def test_the_lineage_of_a_run_is_what_the_catalog_says_and_what_was_written(bulk):
    prefix, docs = bulk.asked.prefix, bulk.asked.docs
    events = read_events(docs / "runs/bulk.2024-03")
    assert set(events) == {step.name for step in STEPS}
    # Nothing is simulated of what lies there; else each step has worked on all tables of the run.
    done = [event for step in events for event in events[step] if step != "report"]
    assert edges(done, prefix) == by_the_catalog(FEW)
    assert ("gold.climate_hourly", "pages.nights") in edges(events["report"], prefix)
    of_log = committed(bulk.lake, "bulk.2024-03")
    for step in ("bronze", "silver", "publish"):
        rows: Counter[str] = Counter()
        for event in events[step]:
            for written in event["outputs"]:
                statistics = written["outputFacets"].get("outputStatistics", {"rowCount": 0})
                rows[name_of(written, prefix)] += statistics["rowCount"]
        data = {name for name in of_log[step] if not name.startswith(("ops.", "staging."))}
        assert {name for name, count in rows.items() if count} <= of_log[step], step
        assert data <= rows.keys() and any(rows.values()), step
    checks = json.loads((docs / "runs/bulk.2024-03/check_silver.json").read_text())["tables"]
    asserted = {
        name_of(read, prefix): read["inputFacets"]["dataQualityAssertions"]["assertions"]
        for event in events["check_silver"]
        for read in event["inputs"]
    }
    assert {
        name: (len(found), sum(not each["success"] for each in found)) for name, found in asserted.items()
    } == {
        each["table"]: (each["detail"]["expectations"], each["detail"]["failed"] + each["detail"]["warned"])
        for each in checks
    }


def test_a_published_month_to_which_files_have_come_is_run_again(spark, bulk, monkeypatch):
    stages = []
    monkeypatch.setattr(backfill, "is_published", lambda _: True)
    monkeypatch.setattr(backfill, "_arrived_since", lambda _: {D5})
    monkeypatch.setattr(backfill, "_run_step", lambda _, step: stages.append(step) or [])
    backfill.run(Lake(spark, bulk.asked))
    assert stages == [*STEPS]
