"""dbldatagen's own telematics: an optional source, which a night takes in when it is named."""

import json
from datetime import date
from functools import partial

from jobs.generate.feeds.telematics import FEED, positions
from tests.simulator.nights import parquet

NIGHT = date(2024, 3, 5)


def test_a_whole_night_has_a_position_every_second_and_each_device_keeps_to_its_place(spark, kept):
    rows = parquet(kept("telematics", lambda: positions(spark, NIGHT, FEED.rows, 42)))
    found = rows.aggregate(
        "count(*), count(DISTINCT timestamp), count(DISTINCT device_id), "
        "min(timestamp)::VARCHAR, max(timestamp)::VARCHAR, count(DISTINCT heading)"
    )
    first, last = f"{NIGHT} 00:00:00", f"{NIGHT} 23:59:59"
    assert found.fetchall()[0] == (86_400, 86_400, 1000, first, last, 360)
    widths = rows.aggregate("device_id, stddev(latitude) AS lat, stddev(longitude) AS lon", "device_id")
    north, east, widest = widths.aggregate("avg(lat), avg(lon), max(greatest(lat, lon))").fetchall()[0]
    # Uniform over 0.001 degrees, but where the map ends.
    assert all(0.00026 < value < 0.0003 for value in (north, east)) and widest < 0.0004


def test_the_same_night_and_seed_are_the_same_rows_and_others_are_not(spark):
    lines = partial(positions, spark, rows=500)
    kept = sorted(lines(night=NIGHT, seed=42).collect())
    assert sorted(lines(night=NIGHT, seed=42).repartition(5).collect()) == kept
    for other in (lines(night=NIGHT, seed=7), lines(night=date(2024, 3, 6), seed=42)):
        assert not {(row.latitude, row.longitude) for row in other.collect()} & {
            (row.latitude, row.longitude) for row in kept
        }


def test_a_night_that_names_it_brings_it_to_silver(reconciled):
    account = reconciled.account("telematics")
    assert account["is_balanced"] and account["silver"] == account["landed"] == 864
    files = reconciled.landed("telematics")
    landed = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    columns = ("device_id", "timestamp", "latitude", "longitude", "heading")
    sent = {tuple(record[name] for name in columns) for record in landed}
    silver = reconciled.table("silver.telematics").selectExpr(
        "device_id", "string(timestamp)", "latitude", "longitude", "heading"
    )
    assert len(sent) == 864 and {tuple(row) for row in silver.collect()} == sent
