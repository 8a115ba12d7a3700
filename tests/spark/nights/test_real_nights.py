"""Five nights of a logger's own files, run in random order: all layers hold what Python counts, in whatever order."""

import gzip
import json
import random
import statistics
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import pytest

from catalog import tables
from jobs.delta.lake import Lake
from jobs.errors import ContractBroken
from tests.support.nights import run_stage
from tests.support.pipeline import pipeline_of
from tests.support.sides import digests
from tests.support.stages import stand_still

NIGHTS = [date(2024, 3, day) for day in range(1, 6)]
TABLES = frozenset({"sensor_logs", "climate_hourly"})
COLUMNS = ("sensor_id", "timestamp", "temperature", "humidity", "location")
ROOMS = ("Room_A", "Room_B")
TOO_HOT = 150.0


@dataclass(frozen=True)
class Log:
    """A row of a logger."""

    sensor_id: int
    timestamp: datetime
    temperature: float
    humidity: float
    location: str

    @property
    def key(self) -> tuple[int, datetime]:
        """What it is known by."""
        return self.sensor_id, self.timestamp


def logs_of(night: date, earlier: list[Log], draw: random.Random) -> list[Log]:
    """What arrives on a night: its own rows, late ones, copies and other values of earlier rows, and one too hot."""
    days = [night] * 3 + [day for day in NIGHTS if day < night]
    found: dict[tuple[int, datetime], Log] = {}
    for sensor in range(40):
        at = datetime.combine(draw.choice(days), datetime.min.time()) + timedelta(
            minutes=draw.randrange(1440)
        )
        values = draw.uniform(40, 90), draw.uniform(20, 60)
        log = Log(sensor, at, *(round(value, 1) for value in values), draw.choice(ROOMS))
        found[log.key] = log
    for log in draw.sample(earlier, min(len(earlier), 10)):
        hotter = draw.choice((0.0, 0.5))
        found[log.key] = Log(*log.key, round(log.temperature + hotter, 1), log.humidity, log.location)
    hot = Log(99, datetime.combine(night, datetime.min.time()), TOO_HOT, 40.0, ROOMS[0])
    return [*found.values(), hot]


def as_csv(logs: list[Log], columns: tuple[str, ...]) -> str:
    rows = [[str(getattr(log, column)) for column in columns] for log in logs]
    return "".join(f"{','.join(row)}\n" for row in (columns, *rows))


@pytest.fixture(scope="module")
def landed() -> dict[date, list[Log]]:
    """Night -> the rows that arrive on it."""
    draw, found = random.Random(14), {}
    for night in NIGHTS:
        found[night] = logs_of(night, [log for logs in found.values() for log in logs[:-1]], draw)
    return found


@pytest.fixture(scope="module")
def lake(spark, module_lake, landed):
    """The lake after its nights, each of which had two files; gold was published after three of them and at the end."""
    order = random.Random(15).sample(NIGHTS, len(NIGHTS))
    assert order != sorted(order)
    for night in order:
        logs, folder = landed[night], module_lake("bronze").landing / f"sensor_logs/arrived={night}"
        folder.mkdir(parents=True)
        (folder / "a.csv").write_text(as_csv(logs[::2], COLUMNS))
        (folder / "b.csv.gz").write_bytes(gzip.compress(as_csv(logs[1::2], COLUMNS[::-1]).encode()))
        for file in folder.iterdir():
            stand_still(file)
        is_published = night in (order[2], order[-1])
        for stage in ("bronze", "silver", *(("gold", "publish") if is_published else ())):
            run_stage(spark, module_lake, stage, night, tables=TABLES)
    return module_lake


@pytest.fixture(scope="module")
def kept(landed) -> dict[tuple[int, datetime], tuple[date, Log]]:
    """Key -> the earliest night that has it in range, and its row."""
    found: dict[tuple[int, datetime], tuple[date, Log]] = {}
    for night in NIGHTS:
        for log in landed[night]:
            if log.temperature != TOO_HOT:
                found.setdefault(log.key, (night, log))
    return found


def test_silver_has_the_row_of_each_key_that_arrived_first(spark, lake, kept):
    rows = spark.table(lake("verify").table("silver.sensor_logs")).collect()
    assert len(rows) == len(kept)
    assert {(row._night, Log(*(row[column] for column in COLUMNS))) for row in rows} == {*kept.values()}


def test_every_account_counts_what_landed_and_balances(spark, lake, landed, kept):
    silver = Counter(night for night, _ in kept.values())
    # Of the rows that come again, those with the values of the first.
    copies = {
        night: sum(kept.get(log.key) in [(first, log) for first in NIGHTS if first < night] for log in logs)
        for night, logs in landed.items()
    }
    found = {row.night: row for row in spark.table(lake("verify").table("ops.row_accounts")).collect()}
    assert {*found} == {*NIGHTS}
    for night, row in found.items():
        assert row.is_balanced and row.is_published
        assert row.landed == row.bronze == len(landed[night])
        assert (row.silver, row.duplicates) == (silver[night], copies[night])
        assert row.quarantined == len(landed[night]) - silver[night] - copies[night] > 0
    assert min(copies[night] for night in NIGHTS[1:]) > 1


def test_gold_has_each_hour_as_if_all_had_come_at_once(spark, lake, kept):
    hours = defaultdict(list)
    for _, log in kept.values():
        hours[log.timestamp.replace(minute=0), log.location].append(log)
    rows = spark.table(lake("verify").table("gold.climate_hourly")).collect()
    found = {(row.hour, row.location): row for row in rows}
    assert len(rows) == len(found) and found.keys() == hours.keys()
    for slot, logs in hours.items():
        row = found[slot]
        assert row.log_count == len(logs) and row.event_date == slot[0].date()
        assert row.avg_temperature_f == pytest.approx(
            statistics.mean(log.temperature for log in logs), abs=1e-6
        )
        assert row.avg_humidity_percent == pytest.approx(
            statistics.mean(log.humidity for log in logs), abs=1e-6
        )


def deliver_live(lake, minutes: range) -> None:
    """A file of a live sensor's readings, one each minute, and one that no sensor can report."""
    usual = {"device_id": 1, "device_type": "pressure", "location": "warehouse", "is_anomaly": False}
    readings = [
        {
            **usual,
            "reading_id": minute,
            "timestamp": f"2024-03-05 10:{minute:02}:00",
            "reading": 20.0 + minute,
        }
        for minute in minutes
    ]
    lines = [*readings, {**readings[0], "reading_id": 1000 + minutes.start, "reading": 1e6}]
    file = lake("bronze").landing / f"live_sensors/arrived={NIGHTS[-1]}/{minutes.start}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def test_the_declarative_pipeline_comes_to_the_same_silver_quarantine_and_gold_of_the_five_nights(
    spark, lake
):
    """It is run twice and goes on where it was; a stream's table has a window once the watermark has passed it."""
    tables = ("silver.sensor_logs", "gold.climate_hourly")
    with pipeline_of(spark, lake, [*TABLES, "readings_5min"]) as run:
        deliver_live(lake, range(25))
        declared = run()
        deliver_live(lake, range(25, 31))
        run()
        live = spark.table(f"{declared.settings.schema('gold')}.readings_5min_live").collect()
        windows = declared.read("gold.readings_5min").collect()
        assert [row.reading_count for row in windows] == [5] * 6 + [1]
        # It has read what the first run brought, at least: ten minutes before 10:24 are closed, or before 10:30.
        closed = [row for row in windows if row.window_end.minute in range(1, 11)]
        assert len(closed) == 2 and {*closed} <= {*live} <= {*windows} and len({*live}) == len(live) <= 4
        own = Lake(spark, lake("verify"))
        theirs, ours = (digests({name: of.read(name) for name in tables}) for of in (own, declared))
        assert ours == theirs and len(ours) == len(tables) * len(NIGHTS)
        kept = own.read("ops.digests").collect()
        said = {(row.table, row.night): (row.rows, int(row.digest)) for row in kept if row.table in tables}
        assert ours == said
        theirs, ours = (
            sorted(of.read("ops.quarantine").where("source = 'sensor_logs'").collect(), key=str)
            for of in (own, declared)
        )
        assert ours == theirs and len(ours) > 3 * len(NIGHTS)
        # What has been lost since does not come back by itself, but when all begins anew.
        bronze = declared.settings.table("bronze.live_sensors")
        spark.sql(f"DELETE FROM {bronze}")
        run("--tables=readings_5min", "--full-refresh")
        assert spark.table(bronze).count() == 33
        assert {*declared.read("gold.readings_5min").collect()} == {*windows}
        anew = spark.table(f"{declared.settings.schema('gold')}.readings_5min_live").collect()
        assert {*anew} <= {*windows} and len({*anew}) == len(anew)


def test_verify_confirms_a_night(spark, lake):
    results = run_stage(spark, lake, "verify", NIGHTS[1], tables=TABLES)
    assert results and all(result.detail["holds"] for result in results)


def test_verify_names_the_source_of_which_a_file_was_changed_after_it_was_read(
    spark, lake, monkeypatch, caplog
):
    """Also where the catalog has lost a table of that night, of which nothing can be said."""
    monkeypatch.delitem(tables.TABLES, "gold.climate_hourly")
    (file,) = (lake("bronze").landing / f"sensor_logs/arrived={NIGHTS[0]}").glob("a.csv")
    before = file.read_text()
    *others, (last, *values) = (line.split(",") for line in before.splitlines())
    assert last == "99"
    file.write_text("".join(f"{','.join(line)}\n" for line in (*others, ["98", *values])))
    try:
        with pytest.raises(ContractBroken, match=r"1 of \d+ do not hold: files of sensor_logs"):
            run_stage(spark, lake, "verify", NIGHTS[0], tables=TABLES)
    finally:
        file.write_text(before)
    assert "the catalog has no more, and nothing is said of: gold.climate_hourly" in caplog.text
