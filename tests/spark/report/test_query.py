"""The demo queries: each answers about one night, at any target's table names."""

import json
import subprocess
import zipfile
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from catalog.tables import GOLD, TABLES, selection
from jobs.cli import parser
from jobs.delta.lake import Lake
from jobs.main import main
from jobs.report import query
from jobs.report import stage as report
from jobs.settings import Settings
from tests.support.project import PROJECT

D4, D5 = date(2024, 3, 4), date(2024, 3, 5)
# The tests share a lake, and each has nights of its own in it; of this one nothing is ever written.
NOTHING = date(2024, 1, 2)
QUERIES = query.queries()
each_query = pytest.mark.parametrize("name", QUERIES)
# The columns that the reference documents' five queries give, in their order; and what some are called here.
REFERENCE = {
    "device_health": ["device_type", "status", "device_count", "avg_age_days"],
    "anomaly_detection": [
        *("device_id", "device_type", "metric_name", "avg_value", "stddev_value", "anomaly_count"),
    ],
    "fleet_tracking": ["device_id", "last_seen", "last_lat", "last_lon", "avg_speed", "min_fuel"],
    "time_series": [
        *("device_id", "hour", "metric_name", "avg_value", "min_value", "max_value", "reading_count"),
    ],
    "site_events": ["device_id", "latitude", "longitude", "event_count", "critical_count"],
}
HERE = {
    "last_lat": "last_latitude",
    "last_lon": "last_longitude",
    "avg_speed": "avg_speed_mph",
    "min_fuel": "min_fuel_percent",
}
# Those that the documents do not have.
OWN = {
    "alerts": ["severity", "kind", "alerts", "devices", "last_raised_at"],
    "climate_outliers": ["location", "hour", "measure", "value", "usual", "score"],
}


def test_the_five_queries_of_the_reference_are_there():
    assert REFERENCE.keys() == QUERIES.keys() - OWN.keys()


@each_query
def test_a_query_says_what_it_answers_and_reads_what_the_pipeline_makes(name):
    asked = QUERIES[name]
    assert asked.text.startswith("-- ") and asked.purpose.endswith(".")
    assert asked.tables and {table.split(".")[0] for table in asked.tables} <= {"silver", "gold"}
    assert set(asked.tables) <= TABLES.keys() and ":night" in asked.text
    assert "ORDER BY" in asked.text, "the same rows come first every time"


def test_a_query_has_the_names_that_its_tables_have_at_the_target():
    def sql(catalog: str, prefix: str) -> str:
        settings = Settings("query", D5, "x", Path(), catalog, prefix, frozenset())
        return QUERIES["site_events"].sql(settings)

    assert "`spark_catalog`.`gold`.`site_events`" in sql("spark_catalog", "")
    assert "`main`.`iot_dev_gold`.`site_events`" in sql("main", "iot_dev_")
    assert "{" not in sql("main", "")


def test_the_report_asks_only_about_what_the_run_has_worked_on():
    def answerable(*tables: str) -> set[str]:
        settings = Settings("report", D5, "x", Path(), "c", "", selection(tables))
        return {name for name, asked in QUERIES.items() if asked.is_answerable(settings)}

    assert answerable() == set(QUERIES)
    assert "fleet_tracking" in answerable("telemetry") and "time_series" not in answerable("telemetry")


def test_numbers_stand_to_the_right_and_texts_to_the_left():
    row = query.Row
    answer = query.Answer(
        QUERIES["device_health"], ["status", "count"], [row("Online", 1200), row("Off", 2.50)], False
    )
    assert query.table_of(answer).splitlines() == [
        "status  count",
        "------  -----",
        "Online   1200",
        "Off       2.5",
    ]


def test_an_answer_without_rows_still_has_its_columns():
    assert query.table_of(query.Answer(QUERIES["device_health"], ["status"], [], False)) == "status\n------"


def test_an_unknown_name_is_refused_with_those_there_are(capsys):
    with pytest.raises(SystemExit) as exit_:
        parser.run_command(["query", "fleet; DROP TABLE x", "--night", "2024-03-05"])
    error = capsys.readouterr().err
    assert exit_.value.code == 2 and error.count("\n") == 1 and ", ".join(QUERIES) in error


@pytest.fixture(scope="module")
def gold(spark, module_lake):
    """Put rows into a gold table of the lake: the columns that are named, all others null."""
    settings = module_lake("query")
    Lake(spark, settings).ensure(sorted({table for asked in QUERIES.values() for table in asked.tables}))

    def put(name: str, *rows: dict) -> None:
        table = TABLES[f"gold.{name}"]
        values = [tuple(row.get(column) for column in table.column_names) for row in rows]
        Lake(spark, settings).append(f"gold.{name}", spark.createDataFrame(values, table.columns))

    return put


@pytest.fixture
def ask(spark, module_lake, gold):
    return lambda name, night, most=9: query.ask(
        Lake(spark, module_lake("query", night=night)), QUERIES[name], most
    )


def test_every_query_runs_and_has_the_columns_of_the_reference(ask):
    for name, columns in {**REFERENCE, **OWN}.items():
        answer = ask(name, NOTHING)
        assert (answer.columns, answer.rows) == ([HERE.get(column, column) for column in columns], []), name


def test_the_report_shows_what_each_query_answers(spark, module_lake, gold):
    gold("device_health", {"night": D5, "device_type": "Camera", "status": "Lent out", "device_count": 3})
    gold("device_anomalies", {"night": D5, "device_id": 1, "metric_name": "odour", "anomaly_count": 11})
    gold("fleet_last_seen", {"night": D5, "device_id": 2, "last_seen": datetime(2024, 3, 5, 21, 43, 5)})
    gold("sensor_hourly", {"event_date": D5, "device_id": 3, "metric_name": "noise", "reading_count": 1})
    gold("site_events", {"night": D5, "device_id": 987_654, "event_count": 1, "critical_count": 0})
    hours = [datetime(2024, 3, 3) + timedelta(hours=n) for n in range(48)]
    usual = [{"hour": hour, "avg_temperature_f": 70.0 + hour.hour % 3} for hour in hours]
    far = {"hour": datetime(2024, 3, 5, 8), "avg_temperature_f": 99.0}
    gold(
        "climate_hourly",
        *({**row, "event_date": row["hour"].date(), "location": "Room_D"} for row in [*usual, far]),
    )
    alerts = [(D4, "Warning", "High noise"), (D5, "Critical", "fire"), (D5, "Critical", "flood")]
    gold(
        "alerts",
        *({"event_date": day, "severity": severity, "kind": kind} for day, severity, kind in alerts),
    )
    settings = module_lake("report", night=D5, tables=frozenset(GOLD))
    (result,) = report.run(Lake(spark, settings))
    assert result.detail["alerts"] == {"Critical": 2}
    queries = json.loads((settings.docs / f"nights/{D5}.json").read_text())["queries"]
    assert queries["device_health"]["answers"] == QUERIES["device_health"].purpose
    assert queries["fleet_tracking"]["rows"][0]["last_seen"] == "2024-03-05 21:43:05"
    page = (settings.docs / f"nights/{D5}.html").read_text()
    _, heading, answers = page.partition("Queries about this night")
    assert heading
    expected = {
        "device_health": "Lent out",
        "anomaly_detection": "odour",
        "fleet_tracking": "2024-03-05 21:43:05",
        "time_series": "noise",
        "site_events": "987654",
        "climate_outliers": "Room_D",
        "alerts": "flood",
    }
    assert expected.keys() == QUERIES.keys()
    for name, value in expected.items():
        _, found, answer = answers.partition(f"<b>{name}</b>")
        assert found and f">{value}<" in answer.partition("</details>")[0], name


def test_a_query_is_about_the_night_it_is_asked_about(ask, gold):
    before, night = date(2024, 2, 4), date(2024, 2, 5)
    gold(
        "device_health",
        {
            "night": before,
            "device_type": "Camera",
            "status": "Online",
            "device_count": 1,
            "avg_age_days": 1.0,
        },
        {
            "night": night,
            "device_type": "Camera",
            "status": "Online",
            "device_count": 2,
            "avg_age_days": 1.25,
        },
    )
    gold("sensor_hourly", {"event_date": before, "device_id": 1}, {"event_date": night, "device_id": 2})
    assert [tuple(row) for row in ask("device_health", night).rows] == [("Camera", "Online", 2, 1.3)]
    assert [row.device_id for row in ask("time_series", night).rows] == [2]


def test_the_worst_devices_come_first_and_those_without_events_not_at_all(ask, gold):
    night = date(2024, 2, 10)
    gold("device_anomalies", *({"night": night, "device_id": n, "anomaly_count": 10 + n} for n in (1, 3, 2)))
    gold(
        "site_events",
        *(
            {"night": night, "device_id": device, "event_count": events, "critical_count": critical}
            for device, events, critical in ((1, 5, 0), (2, 1, 1), (3, 0, 0), (4, 9, 0))
        ),
    )
    assert [row.device_id for row in ask("anomaly_detection", night).rows] == [3, 2, 1]
    answer = ask("site_events", night, most=2)
    assert [row.device_id for row in answer.rows] == [2, 4] and answer.has_more


def test_the_command_prints_an_aligned_table(module_lake, gold, capsys):
    night = date(2024, 2, 20)
    gold("fleet_last_seen", {"night": night, "device_id": 1000, "last_seen": datetime(2024, 2, 20, 23, 59)})
    place = ["--catalog", "spark_catalog", "--prefix", module_lake("query").prefix]
    assert main(["query", "fleet_tracking", "--night", str(night), *place]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == QUERIES["fleet_tracking"].purpose
    assert printed[1].split()[:2] == ["device_id", "last_seen"]
    assert printed[3].startswith("     1000  2024-02-20 23:59:00")


def test_the_command_says_so_when_there_is_no_lake(spark, capsys):
    assert main(["query", "time_series", "--night", str(D5), "--prefix", "nowhere_"]) == 1
    missing = (
        "query: there is no table spark_catalog.nowhere_gold.sensor_hourly yet; run `publish` before `query`"
    )
    assert capsys.readouterr().err == f"{missing}\n"


def test_the_wheel_brings_the_queries_along(tmp_path):
    build = [PROJECT / ".venv/tools/bin/python", "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path]
    subprocess.run(build, cwd=PROJECT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        files.extractall(tmp_path / "installed")
    names = sorted(path.stem for path in (tmp_path / "installed/jobs/queries").glob("*.sql"))
    assert names == sorted(QUERIES)
    code = "from jobs.report.query import queries; print(*sorted(queries()))"
    python = PROJECT / ".venv/spark/bin/python"
    found = subprocess.run([python, "-c", code], cwd=tmp_path / "installed", capture_output=True, text=True)
    assert found.stdout.split() == names, found.stderr
