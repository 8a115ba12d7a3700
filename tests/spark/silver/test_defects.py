"""From machine readings and inspections to defect rates and predictions: what is found is what was planted."""

import math
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from pyspark.sql import functions as F

from catalog.tables import GOLD, SILVER, SOURCES, TABLES, selection
from jobs.day_spans import following, preceding
from jobs.delta.lake import Lake
from jobs.generate.feeds import inspections, machine_sensors
from jobs.gold.failure_features import MEASURED
from jobs.gold.failure_features import features as known_features
from jobs.gold.publish import sources_done
from jobs.gold.stage import idle_tables
from jobs.gold.tables.defect_rates import build_defect_rates
from jobs.gold.tables.failure_predictions import build_failure_predictions
from jobs.report import model as reported
from jobs.silver.clean import clean
from jobs.silver.tables.inspection_features import derive_inspection_features
from jobs.silver.tables.machine_anomalies import derive_machine_anomalies
from jobs.state import accounts, surveys
from jobs.state.accounts import Account
from tests.support.simulated import drawn
from tests.support.stages import compiling

NIGHT = date(2024, 3, 5)


@pytest.fixture
def frame(spark):
    def of(table: str, *rows: dict):
        names = SILVER[table].column_names
        defaults = {"_flags": [], "_night": NIGHT, "device_id": 1, "trip_id": 1, "factory_id": "A06",
                    "model_id": "SkyBolt1"}  # fmt: skip
        dated = [{**row, "event_date": row["timestamp"].date()} for row in rows]
        values = [tuple({**defaults, **row}.get(name) for name in names) for row in dated]
        return spark.createDataFrame(values, SILVER[table].columns)

    return of


def reading(hour: float, temperature: float | None = 60.0, **more) -> dict:
    """`hour` counts from the beginning of the night."""
    return {
        "timestamp": datetime(2024, 3, 5) + timedelta(hours=hour), "temperature": temperature,
        "rotation_speed": 600.0, "delay": 20.0, "density": 2.0, "air_pressure": 950.0, **more,
    }  # fmt: skip


def inspection(hour: float, defect: int = 0, **more) -> dict:
    return {"timestamp": datetime(2024, 3, 5) + timedelta(hours=hour), "defect": defect, **more}


@pytest.fixture
def features(frame):
    def of(readings: list[dict], inspected: list[dict]) -> list:
        found = derive_inspection_features(
            frame("machine_sensors", *readings), frame("inspections", *inspected)
        )
        return found.orderBy("timestamp").collect()

    return of


def test_each_rule_makes_an_anomaly_and_a_value_on_the_bound_or_a_missing_one_does_not(frame):
    readings = [
        reading(1, delay=155.1, rotation_speed=800.1),
        reading(2, delay=155.0, rotation_speed=900.0),
        reading(3, delay=200.0, rotation_speed=800.0),
        reading(4, 101.1),
        reading(5, 101.0),
        reading(6, density=4.7, air_pressure=839.0),
        reading(7, density=4.7, air_pressure=840.0),
        reading(8, density=4.6, air_pressure=700.0),
        reading(9, None),
        reading(10, 120.0, density=5.0, air_pressure=800.0),
    ]
    found = derive_machine_anomalies(frame("machine_sensors", *readings)).orderBy("timestamp").collect()
    assert [(row.timestamp.hour, row.rules) for row in found] == [
        (1, ["slow response at high speed"]),
        (4, ["too hot"]),
        (6, ["dense at low pressure"]),
        (10, ["too hot", "dense at low pressure"]),
    ]


def test_an_inspection_knows_the_last_hour_of_its_machine_that_had_ended(features):
    readings = [reading(8.5, 50.0), reading(9.5, 60.0), reading(10.5, 99.0), reading(9.9, 80.0, device_id=2)]
    (row,) = features(readings, [inspection(10.75)])
    assert (row.sensor_hour_end, row.sensor_temperature) == (datetime(2024, 3, 5, 10), 60.0)
    assert (row.sensor_temperature_average, row.factory_id, row.defect) == (50.0, "A06", 0)


def test_nothing_after_an_inspection_changes_what_it_knows(features):
    past, later = (
        [reading(8.5, 50.0), reading(9.5, 60.0), reading(10.2, None)],
        [reading(10.9, 1.0), reading(13, 2.0)],
    )
    asked = [inspection(10.75), inspection(11.5)]
    assert features(past, asked)[0] == features([*past, *later], asked)[0]
    assert features([*past, *later], asked)[1].sensor_temperature == 1.0


def test_an_inspection_after_midnight_knows_the_evening_before_but_not_more_than_a_day(features):
    rows = features(
        [reading(22.5, 50.0), reading(23.5, 70.0)], [inspection(27), inspection(48), inspection(48.1)]
    )
    assert [(row.event_date.day, row.sensor_temperature) for row in rows] == [(6, 70.0), (7, 70.0), (7, None)]
    assert (rows[0].sensor_temperature_average, rows[2].factory_id) == (50.0, None)


def test_a_gap_counts_in_the_average_as_if_it_had_been_measured(features):
    readings = [reading(8, 40.0), reading(9, None), reading(11, 70.0), reading(12, 100.0)]
    (row,) = features(readings, [inspection(14)])
    assert row.sensor_temperature == 100.0 and row.sensor_temperature_average == 60.0  # of 50, 60 and 70


def test_the_speed_of_an_hour_comes_with_its_smoothed_one(features):
    readings = [reading(8 + minute / 60, rotation_speed=speed) for minute, speed in enumerate((500.0, 590.0))]
    (row,) = features(readings, [inspection(10)])
    assert (row.sensor_rotation_speed, row.sensor_rotation_speed_ema) == (545.0, 525.0)  # 500 and 550


def test_a_machine_has_a_defect_rate_and_counts_of_its_hot_inspections(frame):
    def inspected(hour: int, defect: int, temperature: float | None, **more) -> dict:
        return {**inspection(hour, defect), "sensor_temperature": temperature,
                "sensor_temperature_average": 60.0, **more}  # fmt: skip

    rows = [inspected(1, 1, 90.0), inspected(2, 0, 70.0), inspected(3, 0, 60.0), inspected(4, 1, 50.0),
            inspected(5, 0, None, device_id=2, factory_id=None, model_id=None)]  # fmt: skip
    one, other = build_defect_rates(frame("inspection_features", *rows)).orderBy("device_id").collect()
    assert (one.inspection_count, one.defect_count, one.defect_rate) == (4, 2, 0.5)
    assert (one.hot_inspection_count, one.hot_defect_count, one.avg_temperature) == (2, 1, 67.5)
    assert (other.factory_id, other.model_id, other.defect_rate, other.hot_inspection_count) == (
        "unknown", "unknown", 0.0, 0,
    )  # fmt: skip


def test_a_reading_of_the_calendars_last_day_does_not_stop_a_night():
    assert following({date.max}, 2) == {date.max}
    assert preceding({date.min, date(2024, 3, 1)}, 1) == {date.min, date(2024, 2, 29), date(2024, 3, 1)}


@pytest.fixture(scope="module")
def silver_of(spark):
    """Silver rows of clean nights of a feed, not written to any table."""

    def of(feed, *nights: date):
        source = SOURCES[feed.source]
        rows = drawn(spark, feed, dict.fromkeys(nights, 2.0))
        night = F.expr("date_add(DATE'2024-01-01', CAST(night_index AS INT))")
        nothing = {name: F.lit(None).cast("string") for name in ("_file", "_malformed")}
        line = F.struct(*dict.fromkeys([*source.key, "timestamp"]))
        cleaned = clean(rows.withColumns({"_night": night, "_line": line, **nothing}), None, source)
        return cleaned.withColumn("_flags", F.array().cast("array<string>"))

    return of


@pytest.fixture(scope="module")
def measured(spark, silver_of, tmp_path_factory):
    """What machines measured on a night and the one before it: kept, since it is as much work as all the rest."""
    folder = str(tmp_path_factory.mktemp("measured") / "machine_sensors")
    with compiling(spark):
        silver_of(machine_sensors.FEED, NIGHT - timedelta(1), NIGHT).write.parquet(folder)
    return spark.read.parquet(folder)


@pytest.fixture(scope="module")
def by_chance():
    """A generator whose defects are as many, but follow from nothing."""

    def columns(values):
        made = inspections.columns(values)
        return {**made, "defect": ("int", f"cast({values.chance('chance', 0.07)} as int)")}

    return replace(inspections.FEED, columns=columns)


@pytest.fixture
def times_likelier(compiled, measured, silver_of):
    """How many times likelier parts are defective if their machine ran above its moving average, from gold."""

    def of(feed) -> float:
        found = build_defect_rates(derive_inspection_features(measured, silver_of(feed, NIGHT))).collect()
        assert "unknown" not in {row.factory_id for row in found}
        inspected, defective, hot_inspected, hot_defective = (
            sum(row[name] for row in found)
            for name in ("inspection_count", "defect_count", "hot_inspection_count", "hot_defect_count")
        )
        hot, cool = (hot_defective, hot_inspected), (defective - hot_defective, inspected - hot_inspected)
        assert inspected == 2000 and min(hot[1], cool[1]) > 500
        return (hot[0] / hot[1]) / (max(cool[0], 1) / cool[1])

    return of


def test_parts_of_machines_above_their_moving_average_are_far_likelier_defective(times_likelier):
    assert times_likelier(inspections.FEED) > 5


def test_a_generator_whose_defects_follow_from_nothing_would_be_found_out(times_likelier, by_chance):
    assert 0.5 < times_likelier(by_chance) < 2


def known_of(hour: float, rise: float | None, defect: int = 0, **more) -> dict:
    """An inspection of a machine that ran so many degrees above its average of 60."""
    temperature = None if rise is None else 60.0 + rise
    return {
        **inspection(hour, defect),
        "sensor_temperature": temperature,
        "sensor_temperature_average": 60.0,
        **more,
    }


def trained(night: date, weights: dict[str, float], **more) -> tuple:
    """A model as `ops.models` has it, filed under the last night that it knew."""
    means = {name: 0.0 if "=" in name else 0.5 for name in weights}
    row = {"model_version": f"{night}-x", "night": night, "intercept": -1.0, "weights": weights,
           "means": means, "beats_rule": True, "trained_at": datetime(2024, 4, 1), **more}  # fmt: skip
    return tuple(row.get(name) for name in TABLES["ops.models"].column_names)


def test_who_predicts_is_the_newest_model_that_knew_no_outcome_of_the_day_and_beats_the_rule(spark, frame):
    rise = {"temperature_rise": 0.1, "factory_id=A06": 0.5}
    days = [date(2024, 3, day) for day in range(1, 6)]
    models = [
        trained(days[0], rise),
        trained(days[1], rise, model_version="a", trained_at=datetime(2024, 3, 31)),
        trained(days[1], {"is_hot": 1.0}, model_version="b"),  # made anew
        trained(days[2], rise, beats_rule=False),
        trained(days[2], {"temperature_rise": 0.1, "vibration": 1.0}),  # of a version that measured more
        trained(days[4], rise),
    ]
    rows = [
        known_of(-24 * ago, value, factory_id=factory, device_id=device)
        for ago, value, factory, device in (
            (4, 10.0, "A06", 1),  # 1 March, of which no model knows less
            (3, 10.0, "A06", 1),
            (3, None, "D18", 2),
            (2, 10.0, "A06", 1),
            (0, -10.0, "A06", 1),
        )
    ]
    predicted = build_failure_predictions(
        frame("inspection_features", *rows), spark.createDataFrame(models, TABLES["ops.models"].columns)
    )
    found = predicted.orderBy("timestamp", "device_id").collect()
    assert [(row.event_date.day, row.model_version, row.trained_until.day, row.is_hot) for row in found] == [
        (2, "2024-03-01-x", 1, True),
        (2, "2024-03-01-x", 1, False),
        (3, "b", 2, True),
        (5, "b", 2, False),
    ]
    # Of degrees that are not known, the mean of those that the model has learnt from; of another factory, nothing.
    logits = [-1 + 0.1 * 10 + 0.5, -1 + 0.1 * 0.5, -1 + 1, -1]
    assert [row.probability for row in found] == [round(1 / (1 + math.exp(-logit)), 6) for logit in logits]


def test_nothing_that_a_model_knows_follows_from_what_came_of_an_inspection(frame):
    rows = [known_of(10, 5.0, defect) for defect in (0, 1)]
    one, other = (
        frame("inspection_features", row).select(known_features().alias("known")).first() for row in rows
    )
    assert one == other and one.known.keys() == {*MEASURED, "factory_id=A06", "model_id=SkyBolt1"}
    assert (one.known["is_hot"], one.known["temperature_rise"], one.known["delay"]) == (1.0, 5.0, None)


def inspected_for_days(nights: int) -> list[dict]:
    """Six parts of each of 16 trips a day; half of those of trips that rose by more than 12 degrees are defective."""
    rows = []
    for trip in range(16 * nights):
        ago, rise = nights - 1 - trip // 16, trip * 37 % 60 - 20.0
        for part in range(6):
            defect = int((rise > 12 and (trip + part) % 2 == 0) or (trip * 7 + part) % 97 == 0)
            hour = trip % 2 * 6 + part / 5 - 24 * ago
            more = {"device_id": trip % 16 // 2, "trip_id": trip, "_night": NIGHT - timedelta(ago)}
            rows.append(known_of(hour, rise, defect, **more))
    return rows


def test_a_model_is_trained_and_the_next_night_publishes_what_it_predicts(spark, frame, lake, run, table):
    night = {"night": NIGHT, "tables": frozenset({"failure_predictions", "inspections", "machine_sensors"})}
    before = {"night": NIGHT - timedelta(1), "train_nights": 5, "test_nights": 3}
    silver = Lake(spark, lake("silver"))
    silver.ensure([f"silver.{name}" for name in ("inspection_features", "inspections", "machine_sensors")])
    silver.ensure(["ops.row_accounts"])
    silver.append("silver.inspection_features", frame("inspection_features", *inspected_for_days(9)))
    silver.append("silver.inspections", frame("inspections", inspection(1)))
    gold = Lake(spark, lake("gold", **night))
    assert idle_tables(gold) == {GOLD["failure_predictions"]: ["models"]}
    made_from = {"inspections", "machine_sensors"}
    alone = Lake(spark, lake("publish", tables=selection(["defect_rates"])))
    assert made_from <= {*sources_done(alone)}, "nobody waits for predictions while there is no model"

    (result,) = run("train", **before)
    assert run("train", run_id="again", **before)[0].detail == result.detail
    (model,) = table("ops.models").collect()
    assert result.detail["summary"] == f"{model.model_version} {model.verdict}"
    assert model.verdict.startswith("beats the rule: ") and model.beats_rule
    assert (model.first_night, model.cut, model.night) == (
        date(2024, 2, 26),
        date(2024, 3, 2),
        date(2024, 3, 4),
    )
    assert (model.train_rows, model.test_rows, model.k, model.run_id) == (5 * 96, 3 * 96, 29, "again")
    assert model.data_version == 1 and model.library.startswith("scikit-learn ")
    assert model.log_loss["model"] < model.log_loss["rule"] < model.log_loss["base_rate"]

    assert idle_tables(gold) == {} and made_from.isdisjoint(sources_done(alone))
    accounts.reconcile(silver, [Account("inspections", NIGHT, 1, 1, 1, 0, 0)])
    run("gold", **night)
    run("check", layer="gold", **night)
    (published,) = run("publish", **night)
    # Without defect rates: the night stays due, to whichever run has both.
    assert surveys.of(gold, made_from).unpublished == {"inspections": {NIGHT: ()}}
    found = table("gold.failure_predictions").collect()
    assert published.rows == len(found) == 96
    assert {(row.event_date, row.trained_until, row.model_version) for row in found} == {
        (NIGHT, model.night, model.model_version)
    }
    lost = [row for row in found if row.defect]
    assert (
        lost
        and sum(row.probability for row in lost) / len(lost)
        > 0.3
        > sum(row.probability for row in found) / 96
    )
    report = Lake(spark, lake("report", **night))
    assert reported.sentence(report.settings, reported.newest(report)["models"].collect()).endswith(
        f"{model.verdict}."
    )
