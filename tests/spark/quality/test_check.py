"""Stage `check`, on tables with one sort of row wrong at a time."""

import json
from datetime import date, datetime, timedelta

import pytest
from great_expectations.expectations import ExpectColumnValuesToNotBeNull

from expectations import suite
from expectations.actions import flag
from jobs import check, schema, store
from jobs.results import ContractBroken
from jobs.tables import TABLES

NIGHT = date(2024, 3, 5)
NOON = datetime(2024, 3, 5, 12)
LOGS = frozenset({"sensor_logs"})
CLIMATE = frozenset({"climate_hourly"})


@pytest.fixture
def write(spark):
    def to(settings, name, *rows):
        schema.ensure(spark, settings, [name])
        values = [tuple(row[column] for column in TABLES[name].column_names) for row in rows]
        if values:
            store.append(settings, name, spark.createDataFrame(values, TABLES[name].columns))

    return to


def log(second=0, **changed):
    """A good row of silver.sensor_logs."""
    row = {
        "sensor_id": 1001,
        "timestamp": NOON + timedelta(seconds=second),
        "event_date": NIGHT,
        "temperature": 70.5,
        "humidity": 40.0,
        "location": "Room_A",
        "_flags": [],
        "_night": NIGHT,
    }
    return row | changed


def hour(**changed):
    """A good row of staging.gold_climate_hourly."""
    row = {
        "run_id": "test",
        "event_date": NIGHT,
        "hour": NOON,
        "location": "Room_A",
        "log_count": 3,
        "avg_temperature_f": 70.5,
        "avg_humidity_percent": 40.0,
    }
    return row | changed


def silver(lake, **overrides):
    return lake("check", layer="silver", tables=LOGS, **overrides)


def test_rows_that_keep_the_contract_pass_and_the_page_links_to_the_proof(spark, lake, write):
    settings = silver(lake)
    write(
        settings, "silver.sensor_logs", log(0), log(5), log(10, temperature=None, _flags=["no temperature"])
    )

    (result,) = check.run(spark, settings)

    assert (result.table, result.rows) == ("silver.sensor_logs", 3)
    assert result.detail["success"] and result.detail["failed"] == 0
    assert result.detail["expectations"] == len(suite("silver", "sensor_logs").expectations)
    page = settings.run_folder / "check_silver.html"
    assert result.detail["page"] in page.read_text()
    proof = (settings.run_folder / result.detail["page"]).resolve()
    assert "values must belong to this set" in proof.read_text()
    assert (settings.docs / "expectations/expectations/silver/sensor_logs.html").exists()


def test_a_row_that_belongs_in_quarantine_breaks_the_contract_in_words(spark, lake, write):
    settings = silver(lake)
    write(settings, "silver.sensor_logs", log(0), log(5, temperature=705.0))

    with pytest.raises(
        ContractBroken, match=r"silver\.sensor_logs: temperature outside .*1 of 2 rows: 705"
    ) as broken:
        check.run(spark, settings)

    (result,) = broken.value.results
    assert (result.detail["success"], result.detail["failed"]) == (False, 1)
    assert result.detail["failures"][0]["columns"] == ["temperature"]
    assert "temperature outside" in (settings.run_folder / "check_silver.html").read_text()


def test_two_rows_of_one_key_break_the_contract(spark, lake, write):
    settings = silver(lake)
    write(settings, "silver.sensor_logs", log(0), log(0, temperature=71.0))

    with pytest.raises(ContractBroken, match="a sensor has two rows for one instant"):
        check.run(spark, settings)


def test_too_many_flagged_rows_are_only_a_warning(spark, lake, write):
    settings = silver(lake)
    write(settings, "silver.sensor_logs", log(0, temperature=None), log(5))

    (result,) = check.run(spark, settings)

    assert (result.detail["success"], result.detail["failed"], result.detail["warned"]) == (True, 0, 1)
    assert result.detail["failures"][0]["reason"] == "no temperature"


def test_a_night_without_rows_is_green_and_says_so(spark, lake, write):
    settings = silver(lake)
    write(settings, "silver.sensor_logs")

    (result,) = check.run(spark, settings)

    assert (result.rows, result.detail["success"]) == (0, True)
    assert "no sensor logs arrived" in (settings.run_folder / "check_silver.html").read_text()


def test_rows_of_other_nights_are_left_to_those_nights(spark, lake, write):
    settings = silver(lake)
    write(settings, "silver.sensor_logs", log(0), log(5, temperature=705.0, _night=date(2024, 3, 4)))

    (result,) = check.run(spark, settings)

    assert (result.rows, result.detail["success"]) == (1, True)


def test_an_expectation_that_cannot_be_tried_is_never_green_not_even_a_flag(spark, lake, write, monkeypatch):
    def with_a_missing_column(layer, table):
        rules = suite(layer, table)
        rules.expectations.append(ExpectColumnValuesToNotBeNull(column="colour", meta=flag("colourless")))
        return rules

    monkeypatch.setattr(check, "suite", with_a_missing_column)
    settings = silver(lake)
    write(settings, "silver.sensor_logs", log())

    with pytest.raises(ContractBroken, match=r"colourless.*could not be tried"):
        check.run(spark, settings)


def test_text_from_the_data_is_shown_as_text(spark, lake, write):
    settings = silver(lake)
    write(settings, "silver.sensor_logs", log(0, location="<script>alert(1)</script>"))

    with pytest.raises(ContractBroken, match="unknown location") as broken:
        check.run(spark, settings)

    proof = settings.run_folder / broken.value.results[0].detail["page"]
    for page in (settings.run_folder / "check_silver.html", proof.resolve()):
        assert "&lt;script&gt;" in page.read_text()
        assert "<script" not in page.read_text()


def test_pages_run_no_script_and_fetch_nothing_from_elsewhere(spark, lake, write):
    settings = silver(lake)
    write(settings, "silver.sensor_logs", log())
    check.run(spark, settings)

    pages = list(settings.docs.rglob("*.html"))
    assert len(pages) == 4  # the run's page, the validation, the suite, the site's index
    for page in pages:
        text = page.read_text()
        assert "<script" not in text and 'src="' not in text and 'href="http' not in text, page


def test_a_second_run_adds_its_pages_and_leaves_the_first_as_they_are(spark, lake, write):
    settings = silver(lake, run_id="first")
    write(settings, "silver.sensor_logs", log())
    (first,) = check.run(spark, settings)
    page = (settings.run_folder / first.detail["page"]).resolve()
    built = page.stat().st_mtime_ns

    check.run(spark, silver(lake, run_id="second"))

    assert page.stat().st_mtime_ns == built
    index = (settings.docs / "expectations/index.html").read_text()
    assert "/first/" in index and "/second/" in index


def lines(count, **changed):
    """Landed lines of events; a changed field that is None is left out."""
    event = {
        "device_id": 1000,
        "timestamp": "2024-03-05 10:00:00",
        "event_type": "Battery Low",
        "severity": "Info",
        "acknowledged": False,
        "resolved": False,
    } | changed
    fields = {name: value for name, value in event.items() if value is not None}
    return [json.dumps({"event_id": number, **fields}) + "\n" for number in range(1, count + 1)]


@pytest.fixture
def check_bronze(spark, lake, run, drop):
    """Land lines of events, take them in and check them."""

    def landed(*delivered):
        tables = frozenset({"events"})
        drop("events", f"{len(delivered)}.json", "".join(delivered))
        run("bronze", tables=tables)
        (result,) = check.run(spark, lake("check", layer="bronze", tables=tables))
        return result

    return landed


def test_a_feed_without_a_required_field_stops_the_night_until_it_is_delivered_again(check_bronze):
    with pytest.raises(
        ContractBroken,
        match=r"^1 expectation does not hold: bronze\.events: required field device_id is missing in nearly "
        r"every record \(30 of 30 rows",
    ):
        check_bronze(*lines(30, device_id=None, deviceId=1000))
    result = check_bronze(*lines(29))
    assert (result.rows, result.detail["failed"], result.detail["warned"]) == (59, 0, 1)


def test_a_feed_that_is_no_record_at_all_stops_the_night(check_bronze):
    with pytest.raises(ContractBroken, match=r"bronze\.events: nearly no line is a record \(30 of 30 rows"):
        check_bronze(*["1;1000;2024-03-05 10:00:00;Battery Low\n"] * 30)


def test_odd_lines_are_flagged_in_bronze_and_stop_nothing(check_bronze):
    result = check_bronze(*lines(27), '{"event_id": \n', *lines(2, event_id="<b>x</b>"))

    assert (result.detail["success"], result.detail["failed"], result.detail["warned"]) == (True, 0, 2)
    observed = {failure["reason"]: failure["observed"] for failure in result.detail["failures"]}
    assert observed["lines that are no record"].startswith("1 of 30 rows")
    assert observed["fields that no column takes as they are"].startswith('2 of 30 rows: {"event_id"')


def test_a_handful_of_lines_is_too_little_to_call_a_feed_broken(check_bronze):
    result = check_bronze(*lines(3, device_id=None))
    assert (result.detail["failed"], result.detail["warned"]) == (0, 1)


def test_a_feed_without_lines_is_green(check_bronze):
    assert check_bronze().detail["success"]


def test_staged_gold_is_checked_where_it_was_built(spark, lake, write):
    settings = lake("check", layer="gold", tables=CLIMATE)
    write(settings, "staging.gold_climate_hourly", hour(), hour(location="Room_B"))

    (result,) = check.run(spark, settings)

    assert (result.table, result.rows, result.detail["success"]) == ("staging.gold_climate_hourly", 2, True)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"location": "Room_A"}, "an hour of a room stands there twice"),
        ({"location": "Room_B", "hour": NOON + timedelta(minutes=1)}, r"not an hour of its date \(1 rows\)"),
        ({"location": "Room_B", "hour": NOON + timedelta(days=1)}, "an hour is not an hour of its date"),
        ({"location": "Room_B", "avg_humidity_percent": float("nan")}, "average humidity outside"),
    ],
    ids=["twice", "half past", "next day", "not a number"],
)
def test_staged_gold_that_is_wrong_is_refused(spark, lake, write, wrong, reason):
    settings = lake("check", layer="gold", tables=CLIMATE)
    write(settings, "staging.gold_climate_hourly", hour(), hour(**wrong))

    with pytest.raises(ContractBroken, match=reason):
        check.run(spark, settings)


def sensor_hour(device: int, **changed):
    """A row of staging.gold_sensor_hourly: two readings with a value."""
    row = {
        "run_id": "test",
        "event_date": NIGHT,
        "hour": NOON.replace(minute=0, second=0),
        "device_id": device,
        "metric_name": "power",
        "reading_count": 2,
        "avg_value": 5.0,
        "min_value": 4.0,
        "max_value": 6.0,
        "stddev_value": 1.414214,
        "anomaly_count": 0,
    }
    return row | changed


def test_an_hour_whose_readings_have_no_value_is_right_and_one_that_lacks_only_its_maximum_is_not(
    spark, lake, write
):
    nothing = dict.fromkeys(("avg_value", "min_value", "max_value", "stddev_value"))
    settings = lake("check", layer="gold", tables=frozenset({"sensor_hourly"}))
    write(settings, "staging.gold_sensor_hourly", sensor_hour(1), sensor_hour(2, **nothing))
    (result,) = check.run(spark, settings)
    assert (result.rows, result.detail["failures"]) == (2, [])

    write(settings, "staging.gold_sensor_hourly", sensor_hour(3, max_value=None))
    with pytest.raises(ContractBroken, match=r"lacks one of average, minimum and maximum \(1 rows\)"):
        check.run(spark, settings)
