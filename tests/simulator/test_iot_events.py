"""Events with an object of changing keys, from the generator to silver."""

import json

from catalog.tables import Table
from jobs.delta.digests import hash_of
from tests.simulator.reconciled import EVENTS, simulated_event


def test_variants_count_as_their_content_whatever_the_order_of_their_keys(spark):
    table = Table("t", "id BIGINT, v VARIANT, _night DATE", "One row.", "silver")
    texts = [(1, '{"a":1,"b":{"d":2,"c":[1,2]}}'), (1, '{"b":{"c":[1,2],"d":2},"a":1}'), (1, '{"a":2}')]
    rows = spark.createDataFrame(texts, "id BIGINT, text STRING").selectExpr("id", "parse_json(text) AS v")
    one, other, different = [row[0] for row in rows.select(hash_of(table, ["id", "v"])).collect()]
    assert one == other != different


def test_a_night_of_events_reaches_silver_with_its_payload(reconciled):
    assert [file.name for file in reconciled.landed("iot_events")] == ["iot_events_20240305_235959.json"]
    assert reconciled.account("iot_events")["is_balanced"]
    clean = {row["event_id"]: row for row in map(simulated_event, range(EVENTS))}
    silver = reconciled.table("silver.iot_events").selectExpr("event_id", "to_json(payload) AS payload")
    rows = {row.event_id: json.loads(row.payload) for row in silver.collect()}
    assert len(rows.keys() & clean.keys()) > 85 and rows["as-text"] == {"as": "text"}
    for key in rows.keys() & clean.keys():
        assert rows[key] == clean[key]["json_column"]
    refused = reconciled.refused("iot_events", by_hand=True)
    assert [(row.key, row.reasons) for row in refused] == [("no-object", ["the payload is no JSON object"])]
    assert reconciled.table("bronze.iot_events").where("_rescued IS NOT NULL").count() == 0
    assert len(reconciled.verified) > 4 and all(result.detail["holds"] for result in reconciled.verified)
