"""Streams: the same rows at any rate and in any batches, to a sink that has each of them once."""

import importlib
import json
import os
import time
from collections import Counter
from dataclasses import replace
from datetime import date

import pandas as pd
import pytest
from pyspark.sql import functions as F

from catalog.tables import STREAMED
from jobs import runner
from jobs.delta.frames import union
from jobs.delta.lake import Lake
from jobs.errors import UsageError
from jobs.generate.arguments import FIRST_NIGHT
from jobs.gold.tables.readings_5min import build_readings_5min, stream_readings_5min
from jobs.stream import volume
from jobs.stream.arguments import DAY, Options
from jobs.stream.batches import Batch, Checkpoint, counts, rows_of

NIGHT = date(2024, 3, 5)
STREAM = Options("live_sensors", 10, None, 60, "delta", 100)
MINUTES = volume.minutes("transactions", 42, (NIGHT - FIRST_NIGHT).days)
QUIET, BUSY = 0, 8 * 3600  # the first seconds of the night and of business hours
BURST = 60 * MINUTES.index(volume.BURST)


def sending(run):
    """The stage with some options other than those of STREAM; it gives its one result."""

    def send(night: date = NIGHT, seed: int = 42, **options):
        (result,) = run("stream", night=night, options=replace(STREAM, seed=seed, **options))
        return result

    return send


@pytest.fixture
def stream(run):
    """Options in a lake of the test's own: files cost little there, tables much."""
    return sending(run)


@pytest.fixture(scope="module")
def shared_run(spark, module_lake):
    """Run a stage in the lake of the module, in which each test has nights or sources of its own."""
    return lambda name, **overrides: runner.stage(name)(Lake(spark, module_lake(name, **overrides)))


@pytest.fixture(scope="module")
def shared_stream(shared_run):
    return sending(shared_run)


@pytest.fixture
def table(spark, module_lake):
    """A table of the lake of the module."""
    return lambda name: spark.table(module_lake("verify").table(name))


@pytest.fixture
def rows(spark):
    """Rows of seconds `start` to `end` of the night."""
    return lambda source, start, end, rate, seed=42: rows_of(
        spark, source, NIGHT, Batch(start, end, rate), seed
    )


def count(source: str, *piece: int) -> int:
    """How many rows seconds `start` to `end` of the night have at a rate."""
    return sum(counts(source, NIGHT, Batch(*piece), 42))


def checkpoint(lake, sink: str) -> Checkpoint:
    """The checkpoint of STREAM's source."""
    file = lake("stream").home / f"checkpoints/stream/live_sensors/{sink}/{NIGHT}.json"
    return Checkpoint.read(file, 42)


def of_night(rows, night: date = NIGHT):
    return rows.where(f"_night = DATE'{night}'")


def ids(frame) -> list[int]:
    return sorted(row.reading_id for row in of_night(frame).select("reading_id").collect())


def shares(frame: pd.DataFrame, *columns: str) -> dict[str, float]:
    return {" ".join(key): share for key, share in frame.value_counts(list(columns), normalize=True).items()}


@pytest.mark.parametrize(
    ("source", "start"),
    [*((source, QUIET) for source in STREAMED), ("transactions", BUSY - 3), ("transactions", BURST - 3)],
)
def test_a_row_is_the_same_at_any_rate_and_in_any_batches(rows, source, start):
    def texts(first, last, rate, **seed):
        found = rows(source, start + first, start + last, rate, **seed)
        return {row[0] for row in found.select(F.to_json(F.struct("*"))).collect()}

    def without_time(found):
        """At another rate a row comes at another part of its second."""
        fields = [json.loads(text) for text in found]
        return {json.dumps({name: row[name] for name in row if name != "timestamp"}) for row in fields}

    slow, whole = texts(0, 6, 5), texts(0, 6, 20)
    assert len(without_time(slow)) == count(source, start, start + 6, 5) > 15
    assert len(without_time(whole)) == count(source, start, start + 6, 20) > 60
    assert without_time(slow) < without_time(whole)
    assert texts(0, 1, 20) | texts(1, 3, 20) | texts(3, 6, 20) == whole
    assert whole.isdisjoint(texts(0, 6, 20, seed=7))


@pytest.mark.parametrize("source", ["transactions", "live_sensors"])
def test_a_batch_is_made_on_every_core(rows, spark, source):
    cores = "spark.sql.leafNodeDefaultParallelism"
    before = spark.conf.get(cores)
    spark.conf.set(cores, "3")
    try:
        assert rows(source, 0, 10, 100).selectExpr("spark_partition_id()").distinct().count() == 3
    finally:
        spark.conf.set(cores, before)


def test_each_second_of_a_night_has_as_many_transactions_as_are_counted(rows, compiled):
    sent = rows("transactions", 0, DAY, 2).groupBy(F.unix_seconds("timestamp").alias("second")).count()
    found = {row["second"] % DAY: row["count"] for row in sent.collect()}
    counted = dict(enumerate(counts("transactions", NIGHT, Batch(0, DAY, 2), 42)))
    assert found == counted
    assert {counted[second] for second in (QUIET, BUSY, BURST)} == {1, 3, 4}


def test_seconds_without_rows_drop_no_file(stream, lake):
    sent = stream(source="transactions", sink="json", rows_per_second=1, trigger=1, duration=3)
    files = list((lake("stream").landing / "transactions").rglob("*.json"))
    assert sent.rows == len(files) == sum(len(file.read_text().splitlines()) for file in files) == 2


def test_transactions_come_twice_a_second_and_sensors_every_second(rows):
    asked = {
        "quiet": ("transactions", QUIET + 1),
        "busy": ("transactions", BUSY),
        "burst": ("transactions", BURST),
        "sensors": ("live_sensors", 1),
    }
    sent = union(
        rows(source, start, start + 2, 5).selectExpr(f"'{name}' AS name", "timestamp")
        for name, (source, start) in asked.items()
    )
    at = {name: Counter() for name in asked}
    for row in sent.selectExpr("name", "date_format(timestamp, 'HH:mm:ss.S') AS at").collect():
        at[row.name][row["at"]] += 1
    assert at["quiet"] == {
        **{"00:00:01.0": 2, "00:00:01.5": 1, "00:00:02.0": 2, "00:00:02.5": 1},
    }
    assert at["busy"] == {
        **{"08:00:00.0": 4, "08:00:00.5": 3, "08:00:01.0": 4, "08:00:01.5": 3},
    }
    assert set(at["burst"].values()) == {5}
    assert at["sensors"] == {"00:00:01.0": 5, "00:00:02.0": 5}


def test_transactions_are_distributed_as_claimed(rows, compiled):
    sent = rows("transactions", 0, 180, 2000).withColumn("amount", F.col("amount").cast("double"))
    found = sent.drop("timestamp").toPandas()
    claimed = {
        "txn_type": {"purchase": 0.7, "refund": 0.1, "transfer": 0.12, "withdrawal": 0.08},
        "currency": {"USD": 0.7, "EUR": 0.2, "GBP": 0.1},
        "channel": {"online": 0.35, "in_store": 0.25, "mobile": 0.3, "atm": 0.1},
    }
    for column, weights in claimed.items():
        assert shares(found, column) == pytest.approx(weights, abs=0.005), column
    assert not found.isna().any(axis=None)
    assert found.txn_id.nunique() == len(found) == 3 * 37 * 2000
    # An exponential's spread is its mean; here a tenth of the range.
    account, amount, merchant = found.account_id, found.amount, found.merchant_id
    assert (account - 100_000).mean() == pytest.approx(9_955, rel=0.01)
    assert amount.mean() == pytest.approx(996, rel=0.01)
    assert amount.std() == pytest.approx(996, rel=0.02)
    assert 100_000 <= account.min() < 100_010 and 185_000 < account.max() <= 199_999
    assert 1 <= amount.min() < 1.5 and 8_500 < amount.max() <= 10_000
    assert (merchant.min(), merchant.max()) == (50_000, 59_999)
    assert found.is_fraud.mean() == pytest.approx(0.015, rel=0.08)
    assert abs(account.corr(amount)) < 0.01
    risk = found.groupby("is_fraud").risk_score.agg(["min", "mean", "max"])
    assert tuple(risk.loc[True]) == pytest.approx((0.7, 0.85, 1), abs=0.01)
    assert tuple(risk.loc[False]) == pytest.approx((0, 0.2, 0.4), abs=0.01)


def test_live_sensors_are_distributed_as_claimed(rows, compiled):
    found = rows("live_sensors", 0, 40, 5000).drop("timestamp").toPandas()
    # Shares of 501 devices, and the devices are drawn evenly.
    types = {"temperature": 0.3, "pressure": 0.25, "humidity": 0.25, "vibration": 0.2}
    places = {"building_a": 0.3, "building_b": 0.3, "building_c": 0.2, "warehouse": 0.2}
    both = {f"{t} {p}": types[t] * places[p] for t in types for p in places}
    assert shares(found, "device_type") == pytest.approx(types, abs=0.006)
    assert shares(found, "location") == pytest.approx(places, abs=0.006)
    assert shares(found, "device_type", "location") == pytest.approx(both, abs=0.006)
    assert not found.isna().any(axis=None)
    kinds = found.drop_duplicates(["device_id", "device_type", "location"]).device_id
    assert (len(kinds), kinds.nunique(), kinds.min(), kinds.max()) == (501, 501, 1000, 1500)
    assert found.device_id.value_counts().min() > 300
    assert found.is_anomaly.mean() == pytest.approx(0.03, rel=0.05)
    normal, spiked = found.reading[~found.is_anomaly], found.reading[found.is_anomaly]
    assert (normal.mean(), spiked.mean()) == pytest.approx((50, 95), abs=0.6)
    assert normal.std() == pytest.approx((100 + 16 / 12) ** 0.5, rel=0.02)  # of the base, and of the noise
    assert found.reading.min() >= 18 and found.reading.max() <= 152
    battery, signal = found.battery_pct, found.signal_strength
    assert (battery.min(), battery.max(), signal.min(), signal.max()) == (5, 100, -90, -30)


def test_delta_has_every_row_once_however_a_run_ended(shared_stream, table, module_lake):
    assert shared_stream(duration=30).rows == 300
    first = ids(table("bronze.stream_live_sensors"))
    assert shared_stream(duration=30, rows_per_second=5).rows == 150
    found = ids(table("bronze.stream_live_sensors"))
    assert len(first) == 300 and len(found) == len(set(found)) == 450
    # A crash after the commit and before the checkpoint heard of it.
    heard = checkpoint(module_lake, "delta")
    heard.position = 30
    heard.plan(Batch(30, 60, 5))
    again = shared_stream(duration=10)
    assert again.rows == 150 + 100 and again.detail["second_of_night"] == 70
    found = ids(table("bronze.stream_live_sensors"))
    assert len(found) == len(set(found)) == 550


def test_what_was_streamed_to_delta_is_checked_with_bronze_and_a_row_that_came_twice_is_reported(
    shared_stream, shared_run, spark, module_lake
):
    night, few = date(2024, 3, 6), frozenset({"locations"})
    shared_stream(duration=30, night=night)
    shared_stream(duration=10, night=date(2024, 3, 7))
    shared_run("bronze", tables=few, night=night)

    def checked():
        results = {
            result.table: result
            for result in shared_run("check", tables=few, layer="bronze", night=night)
            if result.table != "bronze.stream_iot_events"  # of another test
        }
        assert results.keys() == {"bronze.locations", "bronze.stream_live_sensors"}, (
            "no stream of transactions"
        )
        return results["bronze.stream_live_sensors"]

    assert (checked().rows, checked().detail["failures"]) == (300, []), "the rows of that night"
    name = module_lake("check").table("bronze.stream_live_sensors")
    first = of_night(spark.table(name), night).selectExpr("min(reading_id)").first()[0]
    spark.sql(f"INSERT INTO {name} SELECT * FROM {name} WHERE reading_id = {first}")
    (failure,) = checked().detail["failures"]
    assert failure["reason"] == "a row stands there twice" and failure["observed"].startswith("2 of 301 rows")


@pytest.fixture(scope="module")
def delivered(shared_stream, shared_run, module_lake):
    """A night with files of three streams, some of which come after bronze has run; rows of each of the first files."""
    few = frozenset({"live_sensors", "transactions", "iot_events", "readings_5min", "transactions_daily"})
    assert shared_stream(sink="json", duration=50).rows == 500
    folder = module_lake("stream").landing / f"live_sensors/arrived={NIGHT}"
    sizes = [len(file.read_text().splitlines()) for file in folder.glob("*.json")]
    shared_run("generate", tables=frozenset({"iot_events"}), scale=0.001)
    shared_run("bronze", tables=few)
    shared_stream(sink="json", duration=10)
    assert shared_stream(sink="json", duration=10, source="transactions").rows == 61
    assert shared_stream(source="iot_events", sink="json", duration=30, rows_per_second=2).rows == 60
    for stage in ("bronze", "silver", "gold", "publish"):
        shared_run(stage, tables=few)
    return sizes


def test_files_are_delivered_with_so_many_rows_at_most_and_bronze_reads_each_once(delivered, table):
    assert sum(delivered) == 500 and max(delivered) <= 100 and len(delivered) >= 5
    (account,) = table("ops.row_accounts").where("source = 'live_sensors'").collect()
    assert account.is_balanced and account.silver == account.landed == 600
    silver = table("silver.live_sensors")
    assert silver.drop("event_date", "_flags", "_night").exceptAll(table_of(silver, 60)).count() == 0
    assert table("gold.readings_5min").selectExpr("sum(reading_count)").first()[0] == 600
    assert table("gold.transactions_daily").selectExpr("sum(txn_count)").first()[0] == 61


def table_of(silver, seconds: int):
    sent = rows_of(silver.sparkSession, "live_sensors", NIGHT, Batch(0, seconds, 10), 42)
    return sent.select([name for name in silver.columns if name in sent.columns])


def test_files_of_a_batch_that_was_cut_off_while_they_were_dropped_are_not_dropped_twice(stream, lake):
    stream(sink="json", duration=50)
    landing = lake("stream").landing
    folder = landing / f"live_sensors/arrived={NIGHT}"
    drafts = landing / f"_drafts/live_sensors/stream-{NIGHT}/00000-00050"
    files = sorted(folder.glob("*.json"))
    before = {file.name: file.read_text() for file in files}
    # Bronze has taken in the first, the last is still a draft.
    drafts.mkdir(parents=True)
    (drafts / "_SUCCESS").touch()
    number = files[-1].stem.split("-")
    files[-1].rename(drafts / f"part-{number[-2]}-some-id-c{number[-1]}.json")
    files[0].unlink()
    cut_off = checkpoint(lake, "json")
    cut_off.position = 0
    cut_off.plan(Batch(0, 50, 10))
    stream(sink="json", duration=1)
    now = {file.name: file.read_text() for file in folder.glob("*00000-00050*.json")}
    assert now == {name: text for name, text in before.items() if name != files[0].name}
    assert not drafts.exists()


def test_events_are_streamed_beside_those_of_the_night_and_reach_silver_with_their_payload(
    delivered, shared_stream, shared_run, table
):
    (account,) = table("ops.row_accounts").where("source = 'iot_events'").collect()
    assert account.is_balanced and account.landed >= 60 + 9
    silver = table("silver.iot_events")
    streamed = silver.where("second(timestamp) < 30 AND minute(timestamp) = 0 AND hour(timestamp) = 0")
    assert streamed.where("schema_of_variant(payload) LIKE 'OBJECT<%'").count() >= 60
    assert shared_stream(source="iot_events", sink="delta", duration=30, rows_per_second=2).rows == 60
    sent = table("bronze.stream_iot_events")
    assert {row.event_id for row in sent.collect()} <= {row.event_id for row in silver.collect()}
    checked = {
        result.table: result
        for result in shared_run("check", tables=frozenset({"iot_events"}), layer="bronze")
    }
    assert checked["bronze.stream_iot_events"].detail["failures"] == []


def test_a_trigger_of_a_second_sends_a_batch_each_second(stream):
    started = time.monotonic()
    result = stream(trigger=1, duration=4, sink="json")
    assert time.monotonic() - started >= 3
    assert (result.rows, result.detail["batches"]) == (40, 4)


def test_another_seed_is_refused_where_the_night_has_been_streamed(stream):
    stream(duration=1, sink="json")
    with pytest.raises(UsageError, match="seed 42, not 7"):
        stream(duration=1, sink="json", seed=7)


def test_a_stream_gives_the_windows_of_gold_once_they_are_closed(shared_stream, spark, module_lake, table):
    """19 minutes of readings, in two runs; a window closes ten minutes after its end."""
    lake, night = module_lake, date(2024, 3, 8)
    kept = f"{lake('gold').schema('gold')}.windows"

    def close_windows() -> None:
        readings = of_night(spark.readStream.table(lake("gold").table("bronze.stream_live_sensors")), night)
        windows = stream_readings_5min(readings.withColumn("event_date", F.to_date("timestamp")))
        query = windows.writeStream.outputMode("append").trigger(availableNow=True)
        where = str(lake("gold").home / "checkpoints/windows")
        query.option("checkpointLocation", where).toTable(kept).awaitTermination()

    spark.sql(f"CREATE SCHEMA IF NOT EXISTS {lake('gold').schema('gold')}")
    shared_stream(duration=14 * 60, rows_per_second=2, night=night)
    close_windows()
    assert spark.table(kept).count() == 0
    shared_stream(duration=5 * 60, rows_per_second=2, night=night)
    close_windows()
    closed = spark.table(kept)
    sent = of_night(table("bronze.stream_live_sensors"), night)
    batch = build_readings_5min(sent.withColumn("event_date", F.to_date("timestamp")))
    assert batch.select("window_end").distinct().count() == 4
    assert {str(row[0])[11:] for row in closed.select("window_end").distinct().collect()} == {"00:05:00"}
    assert sorted(closed.collect()) == sorted(batch.where("minute(window_end) = 5").collect())


def test_a_late_reading_counts_in_the_micro_batch_that_closes_its_window_and_no_more_after_it(
    spark, tmp_path
):
    """A file and a micro-batch for each of these times; all are of the window of 10:00 but the second."""
    for number, time_of_day in enumerate(["10:00", "10:30", "10:04", "10:03"]):
        file = tmp_path / f"in/{number}.json"
        file.parent.mkdir(exist_ok=True)
        reading = {"timestamp": f"2024-03-08 {time_of_day}:00", "device_id": 1, "reading": 20 + number}
        file.write_text(json.dumps(reading))
        os.utime(file, (number, number))
    schema = "timestamp timestamp, device_id bigint, reading double, device_type string, is_anomaly boolean"
    readings = spark.readStream.schema(schema).option("maxFilesPerTrigger", 1).json(str(tmp_path / "in"))
    windows = stream_readings_5min(readings.withColumn("event_date", F.to_date("timestamp")))
    query = windows.writeStream.format("memory").queryName("closed_windows").trigger(availableNow=True)
    query.option("checkpointLocation", str(tmp_path / "checkpoint")).start().awaitTermination()
    (closed,) = spark.table("closed_windows").where("window_start = '2024-03-08 10:00:00'").collect()
    assert (closed.reading_count, closed.max_reading) == (2, 22)


def test_what_a_stream_says_it_sent_stands_in_its_run_result(lake, spark, monkeypatch):
    main = importlib.import_module("jobs.main")
    settings = lake("stream")
    where = [f"--home={settings.home}", f"--prefix={settings.prefix}", "--run-id=saved"]
    argv = ["stream", "--source=transactions", "--rows-per-second=7", "--for=3s", "--sink=json", *where]
    assert main.main(argv) == 0
    run_result = json.loads((settings.docs / "runs/saved/stream_transactions.json").read_text())
    assert (
        run_result["tables"][0]["table"] == "landing.transactions" and run_result["tables"][0]["rows"] == 13
    )
    assert (run_result["exit"], run_result["night"]) == (0, "2024-01-01")
    (row,) = spark.table(settings.table("ops.job_runs")).collect()
    assert (row.run_id, row.stage, row.table, row.rows) == (
        *("saved", "stream_transactions", "landing.transactions", 13),
    )
    landed = (settings.landing / "transactions").rglob("*.json")
    assert sum(len(file.read_text().splitlines()) for file in landed) == 13
