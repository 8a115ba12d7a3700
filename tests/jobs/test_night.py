"""A night through bronze, silver and gold: every row has a fate, and the numbers are always the same."""

import json
from datetime import date

import pytest

from jobs.results import ContractBroken, JobError

D4, D5, D6 = date(2024, 3, 4), date(2024, 3, 5), date(2024, 3, 6)
FACTS = frozenset({"devices", "device_changes", "events", "site_events"})


def test_every_landed_line_has_exactly_one_fate(run, run_night, lake, table):
    run_night(D5)
    rows = table("ops.row_accounts").collect()
    assert {row.source for row in rows} == {source.name for source in lake("verify").sources}
    for row in rows:
        assert row.is_balanced and row.landed == row.bronze == row.silver + row.quarantined + row.duplicates
    assert sum(row.landed for row in rows if row.night == D5) > 2500
    assert all(
        table(f"gold.{gold.name}").count() for gold in lake("gold").gold if gold.name != "device_anomalies"
    )
    assert run("verify", run_id="night-2024-03-05")


def test_silver_holds_each_key_once(run_night, table, lake):
    run_night(D5)
    run_night(D6)
    for source in lake("silver").sources:
        silver = table(f"silver.{source.silver}")
        assert silver.count() == silver.select(*source.key).distinct().count()


def test_a_night_that_runs_again_changes_nothing(run_night, digests, table):
    run_night(D5, tables=FACTS)
    before, rows = digests(), table("ops.quarantine").count()
    run_night(D5, tables=FACTS)
    assert digests() == before and table("ops.quarantine").count() == rows


def test_nights_give_the_same_digests_in_any_order(spark, run_night, digests, lake, tmp_path):
    for night in (D4, D5, D6):
        run_night(night, tables=FACTS)
    in_order = digests()
    for schema in ("bronze", "silver", "staging", "gold", "ops"):
        spark.sql(f"DROP SCHEMA IF EXISTS {lake('silver').schema(schema)} CASCADE")
    for night in (D6, D4, D5):
        run_night(night, tables=FACTS, home=tmp_path / "other")
    assert digests() == in_order


def test_gold_counts_what_silver_holds(run_night, table):
    run_night(
        D5, tables=frozenset({"devices", "device_changes", "readings", "sensor_hourly", "device_anomalies"})
    )
    counted = table("gold.sensor_hourly").selectExpr("sum(reading_count)").first()[0]
    assert counted == table("silver.readings").where("metric_value IS NOT NULL").count()


def test_verify_names_what_was_tampered_with(spark, run, run_night, lake):
    run_night(D5, tables=FACTS)
    spark.sql(
        f"UPDATE {lake('verify').table('silver.events')} SET severity = 'Info' WHERE severity = 'Critical'"
    )
    with pytest.raises(ContractBroken, match=r"silver\.events"):
        run("verify", tables=FACTS)


def test_publish_refuses_what_another_run_has_staged(run, run_night):
    run_night(D5, tables=FACTS)
    with pytest.raises(JobError, match="staging holds what run night-2024-03-05 staged"):
        run("publish", run_id="another", tables=FACTS)


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
