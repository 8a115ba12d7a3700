"""dbldatagen's own telematics: an optional source, which a night takes in when it is named."""

import json
from datetime import date
from functools import partial

from jobs.generate.telematics import FEED, positions
from jobs.tables import selection

NIGHT = date(2024, 3, 5)
ONLY = selection(["telematics"])


def test_it_is_left_out_of_a_night_that_does_not_name_it():
    assert "telematics" in ONLY and "telematics" not in selection(())


def test_a_whole_night_has_a_position_every_second_and_each_device_keeps_to_its_place(spark):
    rows = positions(spark, NIGHT, FEED.rows, 42)
    found = rows.selectExpr(
        "count(*) AS rows",
        "count(DISTINCT timestamp) AS seconds",
        "count(DISTINCT device_id) AS devices",
        "string(min(timestamp)) AS first",
        "string(max(timestamp)) AS last",
        "count(DISTINCT heading) AS headings",
    ).first()
    assert tuple(found) == (86_400, 86_400, 1000, "2024-03-05 00:00:00", "2024-03-05 23:59:59", 360)
    spread = rows.groupBy("device_id").agg({"latitude": "max"}).count()
    assert spread == 1000
    widths = (
        rows.groupBy("device_id").agg({"latitude": "std", "longitude": "std"}).toDF("device_id", "lat", "lon")
    )
    # Uniform over 0.001 degrees, but where the map ends.
    mean = widths.selectExpr("avg(lat)", "avg(lon)", "max(greatest(lat, lon))").first()
    assert all(0.00026 < value < 0.0003 for value in mean[:2]) and mean[2] < 0.0004


def test_the_same_night_and_seed_are_the_same_rows_and_others_are_not(spark):
    lines = partial(positions, spark, rows=500)
    kept = sorted(lines(night=NIGHT, seed=42).collect())
    assert sorted(lines(night=NIGHT, seed=42).repartition(5).collect()) == kept
    for other in (lines(night=NIGHT, seed=7), lines(night=date(2024, 3, 6), seed=42)):
        assert not {(row.latitude, row.longitude) for row in other.collect()} & {
            (row.latitude, row.longitude) for row in kept
        }


def test_a_night_that_names_it_brings_it_to_silver(run, lake, accounts, table):
    for stage, layer in (("generate", None), ("bronze", None), ("check", "bronze"), ("silver", None)):
        run(stage, tables=ONLY, layer=layer)
    run("check", tables=ONLY, layer="silver")
    account = accounts("telematics")[NIGHT]
    assert account["is_balanced"] and account["silver"] == account["landed"] == 864
    folder = lake("generate").landing / "telematics" / f"arrived={NIGHT}"
    landed = [
        json.loads(line)
        for file in folder.glob("telematics-*.json")
        for line in file.read_text().splitlines()
    ]
    columns = ("device_id", "timestamp", "latitude", "longitude", "heading")
    sent = {tuple(record[name] for name in columns) for record in landed}
    silver = table("silver.telematics").selectExpr(
        "device_id", "string(timestamp)", "latitude", "longitude", "heading"
    )
    assert len(sent) == 864 and {tuple(row) for row in silver.collect()} == sent
