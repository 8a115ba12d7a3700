"""Stage `check`: one lake, a night or a run of its own for each sort of row that is wrong."""

import json
import re
import shutil
from datetime import UTC, date, datetime, timedelta

import pytest
from great_expectations.expectations import ExpectColumnValuesToNotBeNull

from catalog.tables import GOLD, SOURCES, TABLES
from expectations import suite
from expectations.actions import flag
from jobs.bronze import stage as bronze
from jobs.delta.lake import Lake
from jobs.delta.staging import Staging
from jobs.errors import ContractBroken, JobError
from jobs.gold import publish
from jobs.outcome import Outcome
from jobs.quality import check
from jobs.silver import stage as silver_stage
from jobs.state import accounts, refused_bronze, run_results, staged_slices
from jobs.state.accounts import Account
from jobs.state.staged_slices import StagedSlice
from tests.support.stages import stand_still

NIGHT = date(2024, 3, 5)
NOON = datetime(2024, 3, 5, 12)
LOGS = frozenset({"sensor_logs"})
BROKEN_NIGHT, EMPTY_NIGHT = date(2024, 3, 6), date(2024, 3, 7)


@pytest.fixture(scope="module")
def write(spark, module_lake):
    """Append rows to a table of the module's lake."""

    def to(name, *rows):
        settings = module_lake("check")
        Lake(spark, settings).ensure([name])
        values = [tuple(row[column] for column in TABLES[name].column_names) for row in rows]
        Lake(spark, settings).append(name, spark.createDataFrame(values, TABLES[name].columns))

    return to


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder for the pages and run results of one check."""
    return lambda: tmp_path_factory.mktemp("home")


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
    """A good row of gold.climate_hourly."""
    row = {
        "event_date": NIGHT,
        "hour": NOON,
        "location": "Room_A",
        "log_count": 3,
        "avg_temperature_f": 70.5,
        "avg_humidity_percent": 40.0,
    }
    return row | changed


@pytest.fixture(scope="module")
def logs(write):
    """A good night with two odd rows, one on which three are wrong, each in its own way, and none of a third."""
    never_set = {"timestamp": datetime(2004, 7, 20), "event_date": date(2004, 7, 20)}
    good = [
        *(log(0), log(5), log(10, temperature=None, _flags=["no temperature"])),
        log(**never_set, _flags=["dated long before it arrived"]),
    ]
    wrong = [
        log(0),
        log(5, temperature=705.0),
        *(log(10), log(10, temperature=71.0)),
        log(15, location="<script>alert(1)</script>"),
    ]
    write("silver.sensor_logs", *good, *(row | {"_night": BROKEN_NIGHT} for row in wrong))


@pytest.fixture(scope="module")
def silver(logs, module_lake, home):
    """Settings of a check of `silver.sensor_logs`, with a folder of its own for pages."""
    return lambda **overrides: module_lake(
        "check", **{"layer": "silver", "tables": LOGS, "home": home(), **overrides}
    )


@pytest.fixture(scope="module")
def good(spark, silver):
    """The check of the good night: its settings and its result."""
    settings = silver(run_id="first")
    (result,) = check.run(Lake(spark, settings))
    return settings, result


@pytest.fixture(scope="module")
def broken(spark, silver):
    """The check of the night with wrong rows: its settings and what it raised."""
    settings = silver(night=BROKEN_NIGHT)
    with pytest.raises(ContractBroken) as error:
        check.run(Lake(spark, settings))
    return settings, error.value


def test_rows_that_keep_the_contract_pass_and_the_page_links_to_the_proof(good):
    settings, result = good

    assert (result.table, result.rows) == ("silver.sensor_logs", 4)
    assert result.detail["success"] and result.detail["failed"] == 0
    assert result.detail["expectations"] == len(suite("silver", "sensor_logs").expectations)
    page = settings.run_folder / "check_silver.html"
    assert result.detail["page"] in page.read_text()
    proof = (settings.run_folder / result.detail["page"]).resolve()
    assert "values must belong to this set" in proof.read_text()
    assert (settings.docs / "expectations/expectations/silver/sensor_logs.html").exists()


def test_a_row_that_belongs_in_quarantine_breaks_the_contract_in_words(broken):
    settings, error = broken

    assert re.search(r"silver\.sensor_logs: temperature outside [^;]*1 of 5 rows: 705", str(error))
    (result,) = error.tables
    assert (result.detail["success"], result.detail["failed"], result.detail["warned"]) == (False, 3, 0)
    assert {failure["reason"]: failure["columns"] for failure in result.detail["failures"]} == {
        "temperature outside -40 to 140 °F": ["temperature"],
        "a sensor has two rows for one instant": ["sensor_id", "timestamp"],
        "unknown location": ["location"],
    }
    assert "temperature outside" in (settings.run_folder / "check_silver.html").read_text()


def test_two_rows_of_one_key_break_the_contract(broken):
    _, error = broken
    assert "a sensor has two rows for one instant (2 of 5 rows" in str(error)


def test_too_many_flagged_rows_are_only_a_warning(good):
    _, result = good

    assert (result.detail["success"], result.detail["failed"], result.detail["warned"]) == (True, 0, 2)
    assert "no temperature" in {failure["reason"] for failure in result.detail["failures"]}


def test_rows_of_a_clock_that_was_never_set_are_counted(good):
    settings, result = good

    (failure,) = [
        each for each in result.detail["failures"] if each["reason"] == "dated long before it arrived"
    ]
    assert failure["observed"].startswith("1 of ") and "2004-07-20" in failure["observed"]
    assert "dated long before it arrived" in (settings.run_folder / "check_silver.html").read_text()


def test_a_night_without_rows_is_green_and_says_so(spark, silver):
    settings = silver(night=EMPTY_NIGHT)

    (result,) = check.run(Lake(spark, settings))

    assert (result.rows, result.detail["success"]) == (0, True)
    assert "no sensor logs arrived" in (settings.run_folder / "check_silver.html").read_text()


def test_rows_of_other_nights_are_left_to_those_nights(spark, good):
    settings, result = good

    assert Lake(spark, settings).read("silver.sensor_logs").count() == 9
    assert (result.rows, result.detail["success"]) == (4, True)


def test_rows_of_another_night_that_gold_does_not_have_yet_are_validated_too(spark, logs, silver):
    """Another run has reconciled them, and this one would publish them."""
    lake = Lake(spark, silver(night=EMPTY_NIGHT))
    accounts.ensure(lake)
    accounts.reconcile(lake, [Account("sensor_logs", BROKEN_NIGHT, 5, 5, 5, 0, 0)])
    with pytest.raises(ContractBroken, match=r"temperature outside [^;]*1 of 5 rows"):
        check.run(lake)
    accounts.publish(lake, ["sensor_logs"], "2999-01-01 00:00:00")
    (result,) = check.run(lake)
    until = lake.read("ops.row_accounts").selectExpr("CAST(max(settled_at) AS STRING)").first()[0]
    assert (result.rows, result.detail["until"]) == (0, until), "gold takes in what the check knew of"


def test_a_derived_row_of_a_published_night_is_validated_when_what_arrived_since_has_changed_it(
    spark, module_lake, write, home
):
    def row(table: str, **given: object) -> dict:
        return dict.fromkeys(TABLES[table].column_names) | {"event_date": NIGHT, "timestamp": NOON} | given

    of = {"device_id": 1, "factory_id": "A06", "model_id": "M1", "trip_id": 1}
    late = {"is_pressure_flipped": False, "_flags": [], "_night": BROKEN_NIGHT}
    write("silver.machine_sensors", row("silver.machine_sensors", **of, **late))
    write("silver.inspection_features", row("silver.inspection_features", **of, defect=7, _night=NIGHT))
    tables = frozenset({"machine_sensors", "inspections", "defect_rates"})
    settings = module_lake("check", layer="silver", night=BROKEN_NIGHT, tables=tables, home=home())
    lake = Lake(spark, settings)
    lake.ensure(["silver.inspections", "silver.machine_anomalies"])
    accounts.ensure(lake)
    accounts.reconcile(lake, [Account("machine_sensors", BROKEN_NIGHT, 1, 1, 1, 0, 0)])
    with pytest.raises(ContractBroken, match=r"inspection_features: outcome is neither 0 nor 1"):
        check.run(lake)
    accounts.publish(lake, ["machine_sensors"], "2999-01-01 00:00:00")


def test_an_expectation_that_cannot_be_evaluated_is_never_green_not_even_a_flag(spark, silver, monkeypatch):
    def with_a_missing_column(layer, table):
        rules = suite(layer, table)
        rules.expectations.append(ExpectColumnValuesToNotBeNull(column="colour", meta=flag("colourless")))
        return rules

    monkeypatch.setattr(check, "suite", with_a_missing_column)

    with pytest.raises(
        ContractBroken, match=r"^1 expectation does not hold: .*colourless.*could not be evaluated"
    ):
        check.run(Lake(spark, silver()))


def test_a_failure_that_is_found_while_spark_goes_away_is_no_verdict(spark, silver, monkeypatch):
    validate = check._validate

    def gone(*_):
        raise ConnectionError

    def validated_at_last(*given):
        found = validate(*given)
        monkeypatch.setattr(type(spark), "sql", gone)
        return found

    monkeypatch.setattr(check, "_validate", validated_at_last)
    settings = silver(night=BROKEN_NIGHT)
    with pytest.raises(ConnectionError):
        check.run(Lake(spark, settings))
    assert not (settings.run_folder / "check_silver.html").exists()


def test_text_from_the_data_is_shown_as_text(broken):
    settings, error = broken

    assert "unknown location" in str(error)
    proof = settings.run_folder / error.tables[0].detail["page"]
    for page in (settings.run_folder / "check_silver.html", proof.resolve()):
        assert "&lt;script&gt;" in page.read_text()
        assert "<script" not in page.read_text()


def test_pages_run_no_script_and_fetch_nothing_from_elsewhere(good):
    settings, _ = good

    pages = list(settings.docs.rglob("*.html"))
    assert len(pages) == 4  # the run's page, the validation, the suite, the site's index
    for page in pages:
        text = page.read_text()
        assert "<script" not in text and 'src="' not in text and 'href="http' not in text, page


def test_a_second_run_adds_its_pages_and_leaves_the_first_as_they_are(spark, good, silver, tmp_path):
    first, result = good
    second = silver(run_id="second", home=tmp_path / "home")
    shutil.copytree(first.home, second.home)
    page = (second.docs / "runs/first" / result.detail["page"]).resolve()
    built = page.stat().st_mtime_ns

    check.run(Lake(spark, second))

    assert page.stat().st_mtime_ns == built
    index = (second.docs / "expectations/index.html").read_text()
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


FEEDS = frozenset({"events", "locations"})
BROKEN_FEEDS, ODD_LINES, NO_LINES, UNREADABLE = (date(2024, 3, day) for day in (4, 5, 6, 7))


@pytest.fixture(scope="module")
def deliver(spark, module_lake):
    """Land lines of some nights, and take them in."""

    def files(*deliveries, tables=FEEDS):
        for source, night, delivered in deliveries:
            folder = module_lake("bronze").landing / source / f"arrived={night}"
            folder.mkdir(parents=True, exist_ok=True)
            # Lines, whatever they are: nobody looks whether they are a document.
            file = folder / f"{len(delivered)}.jsonl"
            file.write_text("".join(delivered))
            stand_still(file)
        bronze.run(Lake(spark, module_lake("bronze", tables=tables)))

    return files


@pytest.fixture(scope="module")
def reconcile(spark, module_lake):
    """Write accounts for all that bronze has of the feeds in other nights than one."""

    def of_others(but):
        lake = Lake(spark, module_lake("silver", tables=FEEDS))
        rows = [
            Account(source, row._night, *(3 * [row["count"]]), 0, 0)
            for source in FEEDS
            for row in lake.read(f"bronze.{source}").groupBy("_night").count().collect()
            if row._night != but
        ]
        accounts.ensure(lake)
        accounts.reconcile(lake, rows)

    return of_others


@pytest.fixture(scope="module")
def check_bronze(spark, module_lake, reconcile):
    """Check a night of feeds, when silver has taken in the others: table -> result."""

    def of(night, tables=FEEDS, are_others_pending=False):
        if not are_others_pending:
            reconcile(but=night)
        results = check.run(Lake(spark, module_lake("check", layer="bronze", night=night, tables=tables)))
        return {result.table: result for result in results}

    return of


@pytest.fixture(scope="module")
def delivered(deliver):
    """A night of two feeds that are broken as a whole, and one of odd lines and of few."""
    deliver(
        ("events", BROKEN_FEEDS, lines(30, device_id=None, deviceId=1000)),
        ("locations", BROKEN_FEEDS, ["1;1000;2024-03-05 10:00:00;Battery Low\n"] * 30),
        ("events", ODD_LINES, [*lines(27), '{"event_id": \n', *lines(2, event_id="<b>x</b>")]),
        ("events", UNREADABLE, lines(30, timestamp="05.03.2024 10:00")),
        (
            "locations",
            ODD_LINES,
            [json.dumps({"name": "Rome", "latitude": 41.9, "longitude": 12.5}) + "\n"] * 3,
        ),
    )


@pytest.fixture(scope="module")
def broken_feeds(delivered, check_bronze):
    """What the check raised, before anything was delivered again."""
    with pytest.raises(ContractBroken) as error:
        check_bronze(BROKEN_FEEDS)
    return str(error.value)


@pytest.fixture(scope="module")
def odd_lines(delivered, check_bronze):
    return check_bronze(ODD_LINES)


def test_a_feed_without_a_required_field_stops_the_night_until_it_is_delivered_again(
    spark, module_lake, broken_feeds, deliver, check_bronze
):
    assert broken_feeds.startswith("1 expectation does not hold: ")
    assert re.search(
        r"bronze\.events: required field device_id is missing in nearly every line \(30 of 30 rows",
        broken_feeds,
    )
    events = frozenset({"events"})
    # Nor does another night's run take it in, whose own check may have been before.
    lake = Lake(spark, module_lake("silver", night=NO_LINES, tables=events))
    # For the check of another night, a test may have accounted for this one.
    accounts.reopen(lake, {SOURCES["events"]: {BROKEN_FEEDS: ()}})
    with pytest.raises(
        ContractBroken, match=rf"bronze of events did not pass its check in the run of {BROKEN_FEEDS}"
    ):
        silver_stage.run(lake)
    deliver(("events", BROKEN_FEEDS, lines(29)), tables=events)
    another = check_bronze(NO_LINES, events, are_others_pending=True)["bronze.events"]
    assert another.rows == 59, "the run of another night checks what it is about to reconcile"
    assert "events" not in refused_bronze.read(lake.settings)
    result = check_bronze(BROKEN_FEEDS, events)["bronze.events"]
    assert (result.rows, result.detail["failed"], result.detail["warned"]) == (59, 0, 1)


def test_a_feed_that_is_no_record_at_all_warns_and_stops_no_other(delivered, check_bronze):
    result = check_bronze(BROKEN_FEEDS, frozenset({"locations"}))["bronze.locations"]
    assert (result.rows, result.detail["failed"], result.detail["warned"]) == (30, 0, 2)
    assert "nearly every line is malformed" in {each["reason"] for each in result.detail["failures"]}


def test_times_that_nobody_can_read_are_flagged_in_bronze_and_stop_nothing(delivered, check_bronze):
    result = check_bronze(UNREADABLE, frozenset({"events"}))["bronze.events"]
    assert (result.rows, result.detail["failed"], result.detail["warned"]) == (30, 0, 1)


def test_odd_lines_are_flagged_in_bronze_and_stop_nothing(odd_lines):
    result = odd_lines["bronze.events"]

    assert (result.detail["success"], result.detail["failed"], result.detail["warned"]) == (True, 0, 2)
    observed = {failure["reason"]: failure["observed"] for failure in result.detail["failures"]}
    assert observed["malformed lines"].startswith("1 of 30 rows")
    assert observed["fields that no column takes as they are"].startswith('2 of 30 rows: {"event_id"')


def test_a_handful_of_lines_is_too_little_to_call_a_feed_broken(odd_lines):
    result = odd_lines["bronze.locations"]
    assert (result.rows, result.detail["failed"], result.detail["warned"]) == (3, 0, 1)


def test_a_feed_without_lines_is_green(delivered, check_bronze):
    results = check_bronze(NO_LINES)
    assert [(result.rows, result.detail["success"]) for result in results.values()] == [(0, True)] * 2


def sensor_hour(device: int, **changed):
    """A row of gold.sensor_hourly: two readings with a value."""
    row = {
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


GOLD_TABLES = frozenset({"climate_hourly", "sensor_hourly"})


@pytest.fixture(scope="module")
def stage(spark, module_lake):
    """Stage rows of gold tables as a run."""

    def to(run_id, **rows):
        lake = Lake(spark, module_lake("gold", run_id=run_id))
        beginning, staging = staged_slices.begin(lake), Staging(lake)
        slices = {name: [StagedSlice(NIGHT, len(of_table), "1", {}, [])] for name, of_table in rows.items()}
        for name, of_table in rows.items():
            values = [tuple(row[column] for column in GOLD[name].column_names) for row in of_table]
            staging.write(GOLD[name], spark.createDataFrame(values, GOLD[name].columns))
        staged_slices.stage(lake, slices, beginning, staging.name, {})

    return to


@pytest.fixture(scope="module")
def staged(stage):
    """What two runs have staged of two gold tables: one all right, one wrong in every way."""
    nothing = dict.fromkeys(("avg_value", "min_value", "max_value", "stddev_value"))
    right = [hour(), hour(location="Room_B")]
    wrong = [
        hour(),
        hour(location="Room_A"),
        hour(location="Room_B", hour=NOON + timedelta(minutes=1)),
        hour(location="Room_C", hour=NOON + timedelta(days=1)),
        hour(location="Room_D", avg_humidity_percent=float("nan")),
    ]
    stage("test", climate_hourly=right, sensor_hourly=[sensor_hour(1), sensor_hour(2, **nothing)])
    stage("wrong", climate_hourly=wrong, sensor_hourly=[sensor_hour(1), sensor_hour(3, max_value=None)])


@pytest.fixture(scope="module")
def right_gold(spark, module_lake, staged):
    """The results of the check of the run that is all right, by table."""
    settings = module_lake("check", layer="gold", tables=GOLD_TABLES)
    return {result.table: result for result in check.run(Lake(spark, settings))}


@pytest.fixture(scope="module")
def wrong_gold(spark, module_lake, staged):
    """What the check of the run that is wrong says."""
    with pytest.raises(ContractBroken) as error:
        check.run(Lake(spark, module_lake("check", layer="gold", tables=GOLD_TABLES, run_id="wrong")))
    return str(error.value)


def test_staged_gold_is_checked_where_it_was_built(right_gold):
    result = right_gold["gold.climate_hourly"]
    assert (result.rows, result.detail["success"], result.detail["failures"]) == (2, True, [])


@pytest.mark.parametrize(
    "reason",
    [
        r"an hour of a room stands there twice \(2 of 5 rows",
        r"an hour is not an hour of its date \(2 rows\)",  # one at half past, one of the next day
        r"average humidity outside 0 to 100 percent \(1 of 5 rows: nan\)",
    ],
    ids=["twice", "half past and next day", "not a number"],
)
def test_staged_gold_that_is_wrong_is_refused(wrong_gold, reason):
    assert wrong_gold.startswith("4 expectations do not hold: ")
    assert re.search(rf"gold\.climate_hourly: {reason}", wrong_gold)


def test_an_hour_whose_readings_have_no_value_is_right_and_one_that_lacks_only_its_maximum_is_not(
    right_gold, wrong_gold
):
    result = right_gold["gold.sensor_hourly"]
    assert (result.rows, result.detail["failures"]) == (2, [])
    assert re.search(
        r"gold\.sensor_hourly: [^;]*lacks one of average, minimum and maximum \(1 rows\)", wrong_gold
    )


def test_what_was_staged_after_its_check_is_not_published(spark, module_lake, stage):
    def settings(name: str, **options: object):
        return module_lake(name, run_id="late", tables=frozenset({"climate_hourly"}), **options)

    stage("late", climate_hourly=[hour()])
    checked = settings("check", layer="gold")
    run_results.write(checked, Outcome(check.run(Lake(spark, checked))), datetime.now(UTC))
    stage("late", climate_hourly=[hour(avg_humidity_percent=400.0)])
    with pytest.raises(JobError, match="is not what it checked"):
        publish.run(Lake(spark, settings("publish")))
    assert "climate_hourly" not in Lake(spark, checked).names("gold")
