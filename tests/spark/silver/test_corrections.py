"""Rows of one key with other values through the real stages, as far as they make more of it than the ranking does.

The night in the middle is worked on first, then the one before it and the one after it at once.
"""

import json
import random
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date

import pytest
from great_expectations import ExpectationSuite
from great_expectations.expectations import ExpectColumnValuesToBeBetween
from pyspark.sql import functions as F

import expectations
from catalog import tables
from catalog.repeated import DISAGREES
from catalog.tables import SILVER, SOURCES, Table
from expectations import suite
from expectations.actions import quarantine
from jobs import runner
from jobs.delta.lake import Lake
from jobs.silver import stage as silver_stage
from jobs.silver import validation
from jobs.silver.ranking import content
from jobs.state import accounts
from tests.spark.silver.test_ranking import Row, reckoned
from tests.support.stages import stand_still

KEYS = 200
NIGHTS = [date(2024, 3, day) for day in (4, 5, 6)]
WORKED_ON = [[NIGHTS[1]], [NIGHTS[0], NIGHTS[2]]]
# Two whose key has no time, so that another row of it may be of another day, and one whose rows may be in conflict.
POLICIES = {"live_sensors": "last", "transactions": "first", "telematics": "conflict"}


@pytest.fixture(scope="module")
def policies():
    """The catalog with other policies."""
    with pytest.MonkeyPatch.context() as patched:
        for name, policy in POLICIES.items():
            source = replace(SOURCES[name], repeated=policy)
            silver = SILVER[name]
            silver = Table(**{**vars(silver), "columns": silver.columns + source.silver_provenance})
            patched.setitem(SOURCES, name, source)
            patched.setitem(SILVER, name, silver)
            patched.setitem(tables._SOURCE_OF, name, source)
            patched.setitem(tables.TABLES, silver.full_name, silver)
        yield


def line(name: str, key: int, day: int, value: float) -> str:
    row = {"device_id": key, "timestamp": f"2024-03-0{day} 08:00:00"}
    if name == "telematics":
        return json.dumps(row | {"latitude": value, "longitude": 1.0, "heading": 2})
    if name == "transactions":
        paid = {"amount": value, "currency": "EUR", "channel": "online", "txn_type": "purchase"}
        return json.dumps({"txn_id": key, "account_id": 1, "timestamp": row["timestamp"], **paid})
    of_device = {"reading_id": key, "device_type": "humidity", "location": "warehouse", "reading": value}
    return json.dumps(row | of_device)


@pytest.fixture(scope="module")
def worked_on(spark, module_lake, policies):
    """The lake in which all nights have been worked on, the last two as if they were large."""
    draw = random.Random(5)
    landed = defaultdict(list)
    for key in range(KEYS):
        # A key with a time in it has one day; and every key has a night or two.
        days = dict.fromkeys(POLICIES, (1, 2, 3)) | {"telematics": (draw.choice((1, 2, 3)),)}
        for night in draw.choices(NIGHTS, k=draw.choice((1, 2, 3, 4))):
            for name in POLICIES:
                landed[name, night].append(
                    line(name, key, draw.choice(days[name]), draw.choice((20.5, 20.5, 21.5)))
                )
    for nights in WORKED_ON:
        for night in nights:
            for name in POLICIES:
                folder = module_lake("bronze").landing / name / f"arrived={night}"
                folder.mkdir(parents=True)
                (folder / "a.json").write_text("\n".join(landed[name, night]) + "\n")
                stand_still(folder / "a.json")
        with pytest.MonkeyPatch.context() as patched:
            if nights == WORKED_ON[-1]:
                patched.setattr(validation, "LARGE", range(1, 1 << 31))
            for stage in ("bronze", "silver"):
                settings = module_lake(stage, night=nights[-1], tables=frozenset(POLICIES))
                runner.stage(stage)(Lake(spark, settings))
    verified = Lake(spark, module_lake("verify", night=NIGHTS[1], tables=frozenset(POLICIES)))
    runner.stage("verify")(verified)
    return verified


@pytest.mark.parametrize("name", POLICIES)
def test_rows_of_a_key_come_to_the_same_in_any_order_of_nights(worked_on, name):
    counted = compared(worked_on, name)
    outcomes = ("correction", "duplicate") if SOURCES[name].is_corrected else ("quarantined", "duplicate")
    assert all(counted[night, outcome] for night in NIGHTS[1:] for outcome in outcomes)


def test_what_came_at_once_and_disagrees_takes_back_what_silver_has_of_it(spark, module_lake, worked_on):
    """Of a night, a second file comes into its folder; other nights know better values of some of its keys."""
    night, rows = NIGHTS[1], worked_on.read("silver.live_sensors")
    of_night = rows.where(F.col("_values_night") == F.lit(night))
    held = {row.reading_id: row._night for row in of_night.select("reading_id", "_night").collect()}
    assert {*held.values()} == {NIGHTS[0], night}
    file = module_lake("bronze").landing / "live_sensors" / f"arrived={night}" / "b.json"
    file.write_text("".join(f"{line('live_sensors', key, 5, 30.5)}\n" for key in held))
    stand_still(file)
    for stage in ("bronze", "silver"):
        settings = module_lake(stage, night=night, run_id="again", tables=frozenset({"live_sensors"}))
        runner.stage(stage)(Lake(spark, settings))
    compared(worked_on, "live_sensors")
    left = {row.reading_id: row._values_night for row in rows.where(rows.reading_id.isin(*held)).collect()}
    assert {*left.values()} == {NIGHTS[0]} and len(left) < len(held)
    refused = worked_on.read("ops.quarantine").where("source = 'live_sensors'").collect()
    assert {*held} <= {int(row.key) for row in refused if row.reasons == [DISAGREES["last"]]}


def compared(lake: Lake, name: str) -> Counter:
    """Hold silver and the accounts against a reckoning from all that arrived; return rows by night and outcome."""
    source = SOURCES[name]
    arrived = lake.read(f"bronze.{name}").selectExpr("*", "to_date(timestamp) AS event_date")
    by_key = defaultdict(list)
    for row in arrived.select(*source.key, "_night", content(name).alias("content")).collect():
        by_key[tuple(row)[: len(source.key)]].append(Row(row._night, 1, None, row.content))
    expected, counted = {}, Counter()
    for key, rows in by_key.items():
        kept, outcomes = reckoned(source.policy, rows)
        counted.update((row.night, outcome) for row, outcome in outcomes)
        if kept:
            expected[key] = (
                kept.night,
                kept.row.night if source.is_corrected else kept.night,
                kept.row.content,
            )
    values_night = "_values_night" if source.is_corrected else "_night"
    silver = lake.read(f"silver.{name}").select(*source.key, "_night", values_night, content(name)).collect()
    assert {tuple(row)[:-3]: tuple(row)[-3:] for row in silver} == expected and len(silver) == len(expected)
    assert len(expected) > KEYS / 4
    found = [accounts.Account.of(row) for row in accounts.of_source(lake, name).collect()]
    names = ("silver", "quarantined", "duplicate", "correction")
    assert {
        each.night: (each.silver, each.quarantined, each.duplicates, each.corrections) for each in found
    } == {night: tuple(counted[night, outcome] for outcome in names) for night in NIGHTS}
    assert all(each.is_balanced for each in found)
    return counted


def test_gold_learns_of_the_days_that_lost_rows(worked_on):
    lost = accounts.unpublished(worked_on)
    for name in POLICIES:
        assert any(days for days in lost[name].values()), name


def test_a_correction_a_night_costs_no_more_with_each_night_that_there_was(
    spark, lake, policies, monkeypatch
):
    """Each night brings a new key, and corrects that of the night before."""
    nights = [date(2024, 3, day) for day in range(1, 6)]
    reconcile, calls = silver_stage.reconcile, []
    monkeypatch.setattr(silver_stage, "reconcile", lambda *given: calls.append(night) or reconcile(*given))
    for number, night in enumerate(nights):
        folder = lake("bronze").landing / "live_sensors" / f"arrived={night}"
        folder.mkdir(parents=True)
        rows = [line("live_sensors", number, night.day, 20.5)]
        rows += [line("live_sensors", number - 1, night.day - 1, 21.5)] if number else []
        (folder / "a.json").write_text("\n".join(rows) + "\n")
        stand_still(folder / "a.json")
        for stage in ("bronze", "silver"):
            settings = lake(stage, night=night, tables=frozenset({"live_sensors"}))
            runner.stage(stage)(Lake(spark, settings))
    assert calls == nights
    verified = Lake(spark, lake("verify", night=nights[2], tables=frozenset({"live_sensors"})))
    runner.stage("verify")(verified)
    values = {row.reading_id: row.reading for row in verified.read("silver.live_sensors").collect()}
    assert values == dict.fromkeys(range(4), 21.5) | {4: 20.5}
    assert {night: {*days} for night, days in accounts.unpublished(verified)["live_sensors"].items()} == {
        night: {night} if night < nights[-1] else set() for night in nights
    }


def test_a_row_that_a_new_rule_refuses_leaves_silver_when_its_night_is_reconciled_again(
    run, deliver, table, accounts, monkeypatch
):
    night, header = date(2024, 3, 5), "sensor_id,timestamp,temperature,humidity,location\n"
    tables = frozenset({"sensor_logs"})

    def work(name: str, *temperatures: float) -> dict:
        lines = (f"{value:.0f},2024-03-05 08:00:00,{value},40.0,Room_A\n" for value in temperatures)
        deliver("sensor_logs", name, header + "".join(lines), night)
        for stage in ("bronze", "silver"):
            run(stage, night=night, tables=tables)
        return accounts("sensor_logs")[night]

    assert work("a.csv", 70.0, 120.0)["silver"] == 2
    rule = ExpectColumnValuesToBeBetween(column="temperature", max_value=100, meta=quarantine("too hot"))

    def stricter(layer: str, name: str) -> ExpectationSuite:
        found = suite(layer, name)
        return ExpectationSuite(name=found.name, expectations=[*found.expectations, rule])

    monkeypatch.setattr(expectations, "suite", stricter)
    account = work("b.csv", 80.0)
    assert account["is_balanced"] and (account["silver"], account["quarantined"]) == (2, 1)
    assert {row.temperature for row in table("silver.sensor_logs").collect()} == {70.0, 80.0}
    assert account["lost_dates"] == [night]
