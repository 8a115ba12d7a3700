"""Fields that nobody has announced: kept, reported, and no reason to stop the night."""

import json
from datetime import date
from pathlib import Path

import pytest

from jobs.silver.drift import strange_fields

NIGHT = date(2024, 3, 5)
LOCATIONS = frozenset({"locations"})


# What bronze rows of three sources hold in `_rescued`, a source for each test.
RESCUED = {
    "telemetry": ['{"km": 1, "oil": "low"}', '{"km": 20.5}', '{"km": 1.25}', '{"km": null}', None],
    "readings": ['{"x": {"a": 1}}', '{"x": {"b": "c"}}', '{"x": [1]}', '{"x": ["a", {}]}'],
    "events": [None, None],
}


@pytest.fixture(scope="module")
def drift(spark):
    """Source -> (field and type -> rows)."""
    rows = spark.createDataFrame(
        [(source, NIGHT, text) for source, texts in RESCUED.items() for text in texts],
        "source STRING, _night DATE, text STRING",
    ).selectExpr("source", "_night", "parse_json(text) AS _rescued")
    found = {source: {} for source in RESCUED}
    for row in strange_fields(rows).collect():
        assert row.night == NIGHT
        found[row.source][row.field, row.type] = row.rows
    return found


def test_each_field_is_counted_by_the_types_it_came_in(drift):
    assert drift["telemetry"] == {
        ("km", "BIGINT"): 1,
        ("km", "DECIMAL"): 2,
        ("km", "VOID"): 1,
        ("oil", "STRING"): 1,
    }


def test_objects_and_lists_are_of_one_type_each_whatever_they_hold(drift):
    assert drift["readings"] == {("x", "OBJECT"): 2, ("x", "ARRAY"): 2}


def test_rows_without_anything_strange_have_no_drift(drift):
    assert drift["events"] == {}


def site(location_id: object, **more: object) -> str:
    fields = {"name": "Site", "region": "New York", "latitude": 40.7, "longitude": -74.0}
    return json.dumps({"location_id": location_id, **fields, **more})


@pytest.fixture
def night(run, deliver):
    """Take a night of the sites through the stages; give what the check of bronze says about it."""

    def through(*lines: str, name: str = "sites.json"):
        deliver("locations", name, "\n".join(lines) + "\n", NIGHT)
        run("bronze", tables=LOCATIONS)
        (verdict,) = run("check", layer="bronze", tables=LOCATIONS)
        run("silver", tables=LOCATIONS)
        return verdict

    return through


def test_a_new_field_warns_is_kept_and_reported_and_its_rows_are_in_silver(night, table, run, lake, accounts):
    verdict = night(*(site(number, floors=number, lift="yes") for number in range(1, 31)))

    # Raises ContractBroken, were it more than a warning.
    assert [failure["action"] for failure in verdict.detail["failures"]] == ["flag"]
    assert "fields that no column takes as they are" in verdict.detail["failures"][0]["reason"]
    assert table("silver.locations").count() == 30 and table("ops.quarantine").count() == 0
    kept = table("bronze.locations").selectExpr("sum(variant_get(_rescued, '$.floors', 'int'))").first()[0]
    assert kept == sum(range(1, 31))
    rows = {tuple(row) for row in table("ops.schema_drift").collect()}
    assert rows == {("locations", NIGHT, "floors", "BIGINT", 30), ("locations", NIGHT, "lift", "STRING", 30)}

    other_case = site(41).replace("region", "REGION")
    night(site(40, floors=1.5), site("none", floors=1), other_case, name="more.json")
    rows = {(row.field, row.type): row.rows for row in table("ops.schema_drift").collect()}
    assert rows == {
        ("floors", "BIGINT"): 31,
        ("floors", "DECIMAL"): 1,
        ("lift", "STRING"): 30,
        ("location_id", "STRING"): 1,
        ("REGION", "STRING"): 1,
    }
    assert table("ops.quarantine").count() == 2, (
        "a known field of another type, or in another case, is another matter"
    )
    account = accounts("locations")[NIGHT]
    assert account["is_balanced"] and (account["landed"], account["silver"]) == (33, 31)

    run("report", tables=LOCATIONS)
    page = " ".join(Path(lake("report").docs / f"nights/{NIGHT}.html").read_text().split())
    assert "Schema drift" in page and page.count("a new field: the rows are in silver") == 3
    assert "its column is BIGINT: the rows are in quarantine" in page
    assert "a column in another case: rows without its value are in quarantine" in page
