"""Events with an object of changing keys, from the generator to silver."""

import json
from datetime import date

from jobs.generate import catalogs
from jobs.generate.iot_events import event
from jobs.store import hash_of
from jobs.tables import Table

NIGHT = date(2024, 3, 5)
ONLY = frozenset({"devices", "device_changes", "iot_events"})


def test_variants_count_as_their_content_whatever_the_order_of_their_keys(spark):
    table = Table("t", "id BIGINT, v VARIANT, _night DATE", "One row.", "silver")
    texts = [(1, '{"a":1,"b":{"d":2,"c":[1,2]}}'), (1, '{"b":{"c":[1,2],"d":2},"a":1}'), (1, '{"a":2}')]
    rows = spark.createDataFrame(texts, "id BIGINT, text STRING").selectExpr("id", "parse_json(text) AS v")
    one, other, different = [row[0] for row in rows.select(hash_of(table, ["id", "v"])).collect()]
    assert one == other != different


def test_a_night_of_events_reaches_silver_with_its_payload(run, lake, table, accounts, drop):
    odd = {**event(42, 64, 0, catalogs.load()), "event_id": "as-text", "json_column": '{"as": "text"}'}
    none = {**event(42, 64, 0, catalogs.load()), "event_id": "no-object", "json_column": [1, 2]}
    drop("iot_events", "by-hand.json", "\n".join(map(json.dumps, (odd, none))) + "\n")
    # Without the registry's first load, of 10,000 devices: it does not know these sensors.
    run("generate", tables=frozenset({"iot_events"}))
    for stage in ("bronze", "silver"):
        run(stage, tables=ONLY)
    landed = lake("generate").landing / "iot_events" / f"arrived={NIGHT}"
    assert (landed / "iot_events_20240305_235959.json").exists()

    assert accounts("iot_events")[NIGHT]["is_balanced"]
    clean = {row["event_id"]: row for row in (event(42, 64, row, catalogs.load()) for row in range(100))}
    silver = table("silver.iot_events").selectExpr("event_id", "to_json(payload) AS payload", "temperature")
    rows = {row.event_id: row for row in silver.collect()}
    assert len(rows.keys() & clean.keys()) > 85 and json.loads(rows["as-text"].payload) == {"as": "text"}
    for key in rows.keys() & clean.keys():
        assert json.loads(rows[key].payload) == clean[key]["json_column"]
    refused = table("ops.quarantine").where("key = 'no-object'").collect()
    assert [row.reasons for row in refused] == [["the payload is no JSON object"]]
    assert table("bronze.iot_events").where("_rescued IS NOT NULL").count() == 0
    # The written table holds its own contract, and its digest, anew.
    assert all(result.detail["holds"] for result in run("verify", tables=ONLY))
    run("check", tables=ONLY, layer="silver")
