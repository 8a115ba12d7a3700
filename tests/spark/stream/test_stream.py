"""Streams: the same rows at any rate and in any batches, to a sink that has each of them once."""

import importlib
import json
import os
import time
from collections import Counter
from dataclasses import astuple, replace
from datetime import date
from itertools import pairwise

import pytest
from pyspark.sql import functions as F

from jobs import cli
from jobs.gold.readings_5min import build_readings_5min
from jobs.results import UsageError
from jobs.settings import FIRST_NIGHT
from jobs.stream import volume
from jobs.stream.batches import SECOND, Batch, Checkpoint, counts, cut, rows_of
from jobs.stream_options import DAY, MOST_ROWS_PER_SECOND, Stream
from jobs.tables import STREAMED, selection

NIGHT = date(2024, 3, 5)
STREAM = Stream("live_sensors", 10, None, 60, "delta", 100)
MINUTES = volume.minutes("transactions", 42, (NIGHT - FIRST_NIGHT).days)
QUIET, BUSY = 0, 8 * 3600  # the first seconds of the night and of business hours
BURST = 60 * MINUTES.index(volume.BURST)


@pytest.fixture
def stream(run, lake):
    """Run the stage with some options other than those of STREAM; give its one result."""

    def send(night: date = NIGHT, seed: int = 42, **options):
        (result,) = run("stream", night=night, seed=seed, stream=replace(STREAM, **options))
        return result

    return send


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


def ids(frame) -> list[int]:
    return sorted(row.reading_id for row in frame.select("reading_id").collect())


def shares(frame, column: str) -> dict[str, float]:
    counted = {row[column]: row["count"] for row in frame.groupBy(column).count().collect()}
    return {value: count / sum(counted.values()) for value, count in counted.items()}


@pytest.mark.parametrize(
    ("source", "start"),
    [*((source, QUIET) for source in STREAMED), ("transactions", BUSY - 3), ("transactions", BURST - 3)],
)
def test_a_row_is_the_same_at_any_rate_and_in_any_batches(rows, source, start):
    def texts(first, last, rate, but=(), **seed):
        found = rows(source, start + first, start + last, rate, **seed)
        return set(found.drop(*but).select(F.to_json(F.struct("*"))).collect())

    slow, fast = (texts(0, 6, rate, but=["timestamp"]) for rate in (5, 20))
    assert len(slow) == count(source, start, start + 6, 5) > 15
    assert len(fast) == count(source, start, start + 6, 20) > 60 and slow < fast
    whole = texts(0, 6, 20)
    assert texts(0, 1, 20) | texts(1, 6, 20) == texts(0, 3, 20) | texts(3, 6, 20) == whole
    assert whole.isdisjoint(texts(0, 6, 20, seed=7))


def test_a_second_never_has_fewer_rows_at_a_higher_rate_nor_more_than_there_are_numbers():
    rates = (1, 2, 3, 10, 99, 100, MOST_ROWS_PER_SECOND - 1, MOST_ROWS_PER_SECOND)
    slowest, *faster = ([volume.rows_in(second, rate, MINUTES) for second in range(DAY)] for rate in rates)
    assert min(map(sum, pairwise(slowest))) == 1, "of two seconds one has a row"
    for counted in faster:
        assert min(counted) >= 1
        assert all(few <= many for few, many in zip(slowest, counted, strict=True))
        slowest = counted
    assert max(slowest) == SECOND


@pytest.mark.parametrize("source", ["transactions", "live_sensors"])
def test_a_batch_is_made_on_every_core(rows, spark, source):
    def partitions(frame) -> int:
        return frame.selectExpr("spark_partition_id()").distinct().count()

    assert partitions(rows(source, 0, 10, 100)) == partitions(spark.range(1000)) == os.cpu_count()


@pytest.mark.parametrize(("seed", "rate"), [(42, 1), (42, 10), (7, 33), (8, MOST_ROWS_PER_SECOND)])
def test_transactions_are_more_in_business_hours_and_bursts_and_on_average_as_many_as_asked_for(seed, rate):
    counted = counts("transactions", NIGHT, Batch(0, DAY, rate), seed)
    assert sum(counted) / DAY == pytest.approx(rate, rel=0.02)
    # Ten hours of an even rate would have 42 % of it, and minutes no more than their share.
    assert sum(counted[8 * 3600 : 18 * 3600]) / sum(counted) == pytest.approx(0.625, abs=0.01)
    of_minutes = [sum(counted[second : second + 60]) / rate for second in range(0, DAY, 60)]
    assert set(of_minutes) == {37, 90, 120}
    bursts = of_minutes.count(120)
    assert 10 < bursts < 35 and 120 * bursts / sum(of_minutes) == pytest.approx(2 * bursts / 1440, rel=0.02)


def test_bursts_follow_from_the_seed_and_the_night():
    def bursts(*of: int) -> set[int]:
        return {minute for minute, rows in enumerate(volume.minutes("transactions", *of)) if rows == 120}

    assert bursts(42, 64) == bursts(42, 64)
    for other in (bursts(7, 64), bursts(42, 65)):
        assert len(other) > 10 and len(other & bursts(42, 64)) < 5


def test_each_second_of_a_night_has_as_many_transactions_as_are_counted(rows):
    sent = rows("transactions", 0, DAY, 2).groupBy(F.unix_seconds("timestamp").alias("second")).count()
    found = {row["second"] % DAY: row["count"] for row in sent.collect()}
    counted = dict(enumerate(counts("transactions", NIGHT, Batch(0, DAY, 2), 42)))
    assert found == counted
    assert {counted[second] for second in (QUIET, BUSY, BURST)} == {1, 3, 4}


def test_seconds_without_rows_drop_no_file(stream, lake):
    sent = stream(source="transactions", sink="json", rows_per_second=1, trigger=1, duration=3)
    files = list((lake("stream").landing / "transactions").glob("*.json"))
    assert sent.rows == len(files) == sum(len(file.read_text().splitlines()) for file in files) == 2


def test_transactions_come_twice_a_second_and_sensors_every_second(rows):
    def at(source: str, start: int) -> dict[str, int]:
        found = rows(source, start, start + 2, 5).selectExpr("date_format(timestamp, 'HH:mm:ss.S')").collect()
        return Counter(row[0] for row in found)

    assert at("transactions", QUIET + 1) == {
        **{"00:00:01.0": 2, "00:00:01.5": 1, "00:00:02.0": 2, "00:00:02.5": 1},
    }
    assert at("transactions", BUSY) == {
        **{"08:00:00.0": 4, "08:00:00.5": 3, "08:00:01.0": 4, "08:00:01.5": 3},
    }
    assert set(at("transactions", BURST).values()) == {5}
    assert at("live_sensors", 1) == {"00:00:01.0": 5, "00:00:02.0": 5}


def test_transactions_are_distributed_as_claimed(rows):
    sent = rows("transactions", 0, 180, 2000)
    claimed = {
        "txn_type": {"purchase": 0.7, "refund": 0.1, "transfer": 0.12, "withdrawal": 0.08},
        "currency": {"USD": 0.7, "EUR": 0.2, "GBP": 0.1},
        "channel": {"online": 0.35, "in_store": 0.25, "mobile": 0.3, "atm": 0.1},
    }
    for column, weights in claimed.items():
        assert shares(sent, column) == pytest.approx(weights, abs=0.005), column
    found = sent.selectExpr(
        "count(DISTINCT txn_id) AS ids",
        "avg(account_id - 100000) AS account",
        "min(account_id) AS low",
        "max(account_id) AS high",
        "avg(amount) AS amount",
        "stddev(amount) AS spread",
        "min(amount) AS least",
        "max(amount) AS most",
        "min(merchant_id) AS m0",
        "max(merchant_id) AS m1",
        "avg(INT(is_fraud)) AS fraud",
        "corr(account_id, amount) AS moves",
    ).first()
    assert found.ids == 3 * 37 * 2000
    # An exponential's spread is its mean; here a tenth of the range.
    assert found.account == pytest.approx(9_955, rel=0.01)
    assert float(found.amount) == pytest.approx(996, rel=0.01)
    assert found.spread == pytest.approx(996, rel=0.02)
    assert 100_000 <= found.low < 100_010 and 185_000 < found.high <= 199_999
    assert 1 <= found.least < 1.5 and 8_500 < found.most <= 10_000
    assert (found.m0, found.m1) == (50_000, 59_999)
    assert found.fraud == pytest.approx(0.015, rel=0.08)
    assert abs(found.moves) < 0.01
    risk = {
        row.is_fraud: (row.low, row.mean, row.high)
        for row in sent.groupBy("is_fraud")
        .agg(
            F.min("risk_score").alias("low"),
            F.avg("risk_score").alias("mean"),
            F.max("risk_score").alias("high"),
        )
        .collect()
    }
    assert risk[True] == pytest.approx((0.7, 0.85, 1), abs=0.01)
    assert risk[False] == pytest.approx((0, 0.2, 0.4), abs=0.01)


def test_live_sensors_are_distributed_as_claimed(rows):
    sent = rows("live_sensors", 0, 40, 5000)
    # Shares of 501 devices, and the devices are drawn evenly.
    types = {"temperature": 0.3, "pressure": 0.25, "humidity": 0.25, "vibration": 0.2}
    places = {"building_a": 0.3, "building_b": 0.3, "building_c": 0.2, "warehouse": 0.2}
    assert shares(sent, "device_type") == pytest.approx(types, abs=0.006)
    assert shares(sent, "location") == pytest.approx(places, abs=0.006)
    both = shares(sent.withColumn("both", F.concat_ws(" ", "device_type", "location")), "both")
    assert both == pytest.approx({f"{t} {p}": types[t] * places[p] for t in types for p in places}, abs=0.006)
    devices = sent.groupBy("device_id").agg(
        F.count_distinct("device_type", "location").alias("kinds"), F.count("*").alias("rows")
    )
    found = devices.selectExpr(
        "count(*)", "min(device_id)", "max(device_id)", "max(kinds)", "min(rows)"
    ).first()
    assert tuple(found)[:4] == (501, 1000, 1500, 1) and found[4] > 300
    found = sent.selectExpr(
        "avg(INT(is_anomaly)) AS anomalies",
        "avg(reading) FILTER (WHERE NOT is_anomaly) AS mean",
        "stddev(reading) FILTER (WHERE NOT is_anomaly) AS spread",
        "avg(reading) FILTER (WHERE is_anomaly) AS spiked",
        "min(reading) AS low",
        "max(reading) AS high",
        "min(battery_pct) AS b0",
        "max(battery_pct) AS b1",
        "min(signal_strength) AS s0",
        "max(signal_strength) AS s1",
    ).first()
    assert found.anomalies == pytest.approx(0.03, rel=0.05)
    assert (found.mean, found.spiked) == pytest.approx((50, 95), abs=0.6)
    assert found.spread == pytest.approx((100 + 16 / 12) ** 0.5, rel=0.02)  # of the base, and of the noise
    assert found.low >= 18 and found.high <= 152
    assert (found.b0, found.b1, found.s0, found.s1) == (5, 100, -90, -30)


def test_a_run_goes_on_where_the_last_one_ended_and_the_night_ends_it():
    batches = list(cut(replace(STREAM, trigger=10, duration=25), 5))
    assert [batch.name for batch in batches] == ["00005-00015", "00015-00025", "00025-00030"]
    assert [batch.name for batch in cut(STREAM, DAY - 20)] == ["86380-86400"]
    assert list(cut(STREAM, DAY)) == []
    at_once = list(cut(replace(STREAM, rows_per_second=50_000), 0))
    assert [count("live_sensors", *astuple(batch)) for batch in at_once] == [1_000_000] * 3


def test_delta_has_every_row_once_however_a_run_ended(stream, table, lake):
    assert stream(duration=30).rows == 300
    sent = "bronze.stream_live_sensors"
    first = ids(table(sent))
    assert stream(duration=30, rows_per_second=5).rows == 150
    assert len(first) == 300 and len(ids(table(sent))) == len(set(ids(table(sent)))) == 450
    # A crash after the commit and before the checkpoint heard of it.
    heard = checkpoint(lake, "delta")
    heard.position = 30
    heard.plan(Batch(30, 60, 5))
    again = stream(duration=10)
    assert again.rows == 150 + 100 and again.detail["second_of_night"] == 70
    assert len(ids(table(sent))) == len(set(ids(table(sent)))) == 550


def test_what_was_streamed_to_delta_is_checked_with_bronze_and_a_row_that_came_twice_is_told(
    stream, run, table, spark, lake
):
    stream(duration=30)
    stream(duration=10, night=date(2024, 3, 6))
    few = frozenset({"locations"})
    run("bronze", tables=few)

    def checked():
        results = {result.table: result for result in run("check", tables=few, layer="bronze")}
        assert results.keys() == {"bronze.locations", "bronze.stream_live_sensors"}, (
            "no stream of transactions"
        )
        return results["bronze.stream_live_sensors"]

    assert (checked().rows, checked().detail["failures"]) == (300, []), "the rows of that night"
    name = lake("check").table("bronze.stream_live_sensors")
    spark.sql(
        f"INSERT INTO {name} SELECT * FROM {name} WHERE reading_id = {ids(table('bronze.stream_live_sensors'))[0]}"
    )
    (failure,) = checked().detail["failures"]
    assert failure["reason"] == "a row stands there twice" and failure["observed"].startswith("2 of 301 rows")


def test_files_are_dropped_with_so_many_rows_at_most_and_bronze_takes_each_in_once(
    stream, run, lake, accounts, table
):
    few = selection(["live_sensors", "transactions"])
    assert stream(sink="json", duration=50).rows == 500
    folder = lake("stream").landing / "live_sensors"
    sizes = [len(file.read_text().splitlines()) for file in folder.glob("*.json")]
    assert sum(sizes) == 500 and max(sizes) <= 100 and len(sizes) >= 5
    for stage in ("bronze", "silver"):
        run(stage, tables=few)
    stream(sink="json", duration=10)
    assert stream(sink="json", duration=10, source="transactions").rows == 61
    for stage in ("bronze", "check bronze", "silver", "check silver", "gold", "check gold", "publish"):
        name, _, layer = stage.partition(" ")
        run(name, tables=few, layer=layer or None)
    account = accounts("live_sensors")[NIGHT]
    assert account["is_balanced"] and account["silver"] == account["landed"] == 600
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
    folder, drafts = landing / "live_sensors", landing / f"_drafts/live_sensors/stream-{NIGHT}/00000-00050"
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
    stream, run, accounts, table
):
    few = selection(["iot_events"])
    run("generate", tables=few, scale=0.001)
    assert stream(source="iot_events", sink="json", duration=30, rows_per_second=2).rows == 60
    for stage in ("bronze", "check bronze", "silver", "check silver"):
        name, _, layer = stage.partition(" ")
        run(name, tables=few, layer=layer or None)
    account = accounts("iot_events")[NIGHT]
    assert account["is_balanced"] and account["landed"] >= 60 + 9
    silver = table("silver.iot_events")
    streamed = silver.where("second(timestamp) < 30 AND minute(timestamp) = 0 AND hour(timestamp) = 0")
    assert streamed.where("schema_of_variant(payload) LIKE 'OBJECT<%'").count() >= 60
    assert stream(source="iot_events", sink="delta", duration=30, rows_per_second=2).rows == 60
    sent = table("bronze.stream_iot_events")
    assert {row.event_id for row in sent.collect()} <= {row.event_id for row in silver.collect()}
    checked = {result.table: result for result in run("check", tables=few, layer="bronze")}
    assert checked["bronze.stream_iot_events"].detail["failures"] == []


def test_a_trigger_of_a_second_sends_a_batch_each_second(stream):
    started = time.monotonic()
    result = stream(trigger=1, duration=4)
    assert time.monotonic() - started >= 3
    assert (result.rows, result.detail["batches"]) == (40, 4)


def test_another_seed_is_refused_where_the_night_has_been_streamed(stream):
    stream(duration=1)
    with pytest.raises(UsageError, match="seed 42, not 7"):
        stream(duration=1, seed=7)


def test_a_stream_gives_the_windows_of_gold_once_they_are_closed(stream, spark, lake, table):
    """19 minutes of readings, in two runs; a window closes ten minutes after its end."""
    kept = f"{lake('gold').schema('gold')}.windows"

    def close_windows() -> None:
        readings = spark.readStream.table(lake("gold").table("bronze.stream_live_sensors"))
        windows = build_readings_5min(readings.withColumn("event_date", F.to_date("timestamp")))
        query = windows.writeStream.outputMode("append").trigger(availableNow=True)
        where = str(lake("gold").home / "checkpoints/windows")
        query.option("checkpointLocation", where).toTable(kept).awaitTermination()

    spark.sql(f"CREATE SCHEMA IF NOT EXISTS {lake('gold').schema('gold')}")
    stream(duration=14 * 60, rows_per_second=2)
    close_windows()
    assert spark.table(kept).count() == 0
    stream(duration=5 * 60, rows_per_second=2)
    close_windows()
    closed = spark.table(kept)
    silver = table("bronze.stream_live_sensors").withColumn("event_date", F.to_date("timestamp"))
    batch = build_readings_5min(silver)
    assert batch.select("window_end").distinct().count() == 4
    assert {str(row[0])[11:] for row in closed.select("window_end").distinct().collect()} == {"00:05:00"}
    assert sorted(closed.collect()) == sorted(batch.where("minute(window_end) = 5").collect())


def test_what_a_stream_says_it_sent_stands_in_its_note(lake, spark, monkeypatch):
    main = importlib.import_module("jobs.main")
    settings = lake("stream")
    where = [f"--home={settings.home}", f"--prefix={settings.prefix}", "--run-id=noted"]
    argv = ["stream", "--source=transactions", "--rows-per-second=7", "--for=3s", "--sink=json", *where]
    assert main.main(argv) == 0
    note = json.loads((settings.docs / "runs/noted/stream_transactions.json").read_text())
    assert note["tables"][0]["table"] == "landing.transactions" and note["tables"][0]["rows"] == 13
    assert (note["exit"], note["night"]) == (0, "2024-01-01")
    (row,) = spark.table(settings.table("ops.job_runs")).collect()
    assert (row.run_id, row.stage, row.table, row.rows) == (
        *("noted", "stream_transactions", "landing.transactions", 13),
    )
    landed = (settings.landing / "transactions").glob("*.json")
    assert sum(len(file.read_text().splitlines()) for file in landed) == 13


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("--source=readings", "choose from 'iot_events', 'transactions', 'live_sensors'"),
        ("--source=", "--source"),
        ("--rows-per-second=0", "from 1 to 50000"),
        ("--rows-per-second=50001", "from 1 to 50000"),
        ("--rows-per-second=1e3", "from 1 to 50000"),
        ("--trigger=0s", "neither available-now nor"),
        ("--trigger=10", "neither available-now nor"),
        ("--trigger=2h", "at most 1h"),
        ("--trigger=once", "neither available-now nor"),
        ("--for=0s", "at most a day"),
        ("--for=25h", "at most a day"),
        ("--for=-1s", "--for"),
        ("--sink=console", "choose from 'delta', 'json'"),
        ("--max-records-per-file=0", "from 1 to 10000000"),
        ("--tables=readings", "--tables"),
    ],
)
def test_a_stream_that_makes_no_sense_is_refused_in_one_line(capsys, argument, says):
    with pytest.raises(SystemExit) as exit_:
        cli.parse(["stream", "--source=transactions", argument])
    error = capsys.readouterr().err
    assert exit_.value.code == 2 and error.count("\n") == 1 and says in error


def test_a_batch_that_is_made_in_memory_has_a_limit(capsys):
    argv = ["stream", "--source=iot_events", "--rows-per-second=5000"]
    assert cli.parse([*argv, "--trigger=10s"]).stream.trigger == 10
    assert {count("iot_events", *astuple(batch)) for batch in cut(cli.parse(argv).stream, 0)} == {50_000}
    with pytest.raises(SystemExit) as exit_:
        cli.parse([*argv, "--trigger=11s"])
    assert exit_.value.code == 2 and "at most 50000 rows" in capsys.readouterr().err


def test_the_rates_and_triggers_of_the_documents_are_taken():
    for rate in (100, 5_000, 50_000):
        settings = cli.parse(
            ["stream", "--source=live_sensors", f"--rows-per-second={rate}", "--trigger=10s", "--for=1m"]
        )
        assert settings.stream == Stream("live_sensors", rate, 10, 60, "json", 10_000)
    assert settings.step == "stream_live_sensors" and settings.tables >= {"live_sensors", "readings_5min"}
