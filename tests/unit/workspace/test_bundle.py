"""The asset bundle says what targets.toml and the DAG say, and its queries run on the tables there are."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from inspect import signature
from itertools import combinations
from typing import Any

import duckdb
import pytest

from catalog.tables import SCHEMAS, TABLES
from jobs.cli.parser import parse
from tests.support.project import PROJECT
from tests.unit.workspace import bundle

DASHBOARD = PROJECT / "resources/iot_lakehouse.lvdash.json"
TARGETS = ("dev", "prod")
PIPELINE = "pipeline_"
# How a value of the run reaches an argument: in a DAG, and in the bundle's job.
TEMPLATES = {
    "{{ night_of(dag_run, params) }}": "{{job.parameters.night}}",
    "{{ slug_of(run_id) }}": "{{job.run_id}}",
    "{{ params.simulate or '' }}": "{{job.parameters.simulate}}",
    "{{ params.simulate or 'none' }}": "{{job.parameters.simulate}}",
    "{{ params.scale }}": "{{job.parameters.scale}}",
    "{{ params.seed | int }}": "{{job.parameters.seed}}",
    "{% if params.fault_rates %}--fault-rates={{ params.fault_rates }}{% endif %}": (
        "--fault-rates={{job.parameters.fault_rates}}"
    ),
    "{% if params.tables %}--tables={{ params.tables | join(',') }}{% endif %}": (
        "--tables={{job.parameters.tables}}"
    ),
}


def location(target: str) -> Any:
    from targets import load_target

    from workspace.client import location_of

    return location_of(target, load_target(target))


def job(target: str) -> dict[str, Any]:
    found: dict[str, Any] = bundle.resources(target)["jobs"]["iot_nightly"]
    return found


@pytest.fixture(scope="module")
def columns() -> dict[str, str]:
    """`layer.table` -> DDL, from the jobs."""
    return {name: table.columns for name, table in TABLES.items()}


@pytest.mark.parametrize("target", TARGETS)
def test_no_task_that_refuses_data_is_tried_again_by_databricks(target: str) -> None:
    tasks = job(target)["tasks"]
    assert {task["task_key"] for task in tasks if task["max_retries"] == 0} == {
        "check_bronze",
        "check_silver",
        "check_gold",
    }
    # Serverless compute tries a task again by itself unless the task says not to.
    assert all(task["disable_auto_optimization"] is True for task in tasks)


def test_it_has_the_same_databricks_targets() -> None:
    targets = tomllib.loads((PROJECT / "dags/targets.toml").read_text())
    databricks = {name for name, target in targets.items() if target["platform"] == "databricks"}
    assert set(bundle.root()["targets"]) == databricks == set(TARGETS)
    assert bundle.root()["targets"]["dev"]["default"] is True


@pytest.mark.parametrize("target", TARGETS)
def test_schemas_and_volume_are_those_of_the_target(target: str) -> None:
    found = bundle.resources(target)
    own = {name: each for name, each in found["schemas"].items() if not name.startswith(PIPELINE)}
    schemas = {f"{each['catalog_name']}.{each['name']}" for each in own.values()}
    assert schemas == set(location(target).schemas)
    (volume,) = found["volumes"].values()
    assert (
        f"/Volumes/{volume['catalog_name']}/{volume['schema_name']}/{volume['name']}"
        == location(target).target.home
    )


def test_development_mode_leaves_the_schemas_their_names() -> None:
    assert bundle.root()["experimental"]["skip_name_prefix_for_schema"] is True


@pytest.mark.parametrize("target", TARGETS)
def test_the_job_runs_the_jobs_wheel_on_the_targets_environment(target: str) -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    (environment,) = job(target)["environments"]
    serverless = location(target).databricks.serverless
    assert environment["spec"] == {
        "environment_version": serverless.environment_version,
        "dependencies": ["../dist/*.whl"],
    }
    (task_of,) = {
        (task["python_wheel_task"]["package_name"], task["python_wheel_task"]["entry_point"])
        for task in job(target)["tasks"]
    }
    assert task_of == (project["name"].replace("-", "_"), "lakehouse")
    assert "lakehouse" in project["scripts"]


def test_the_wheel_is_built_anew_where_the_job_looks_for_it() -> None:
    (artifact,) = bundle.root()["artifacts"].values()
    # The wheel's own version changes with its contents.
    assert artifact["type"] == "whl" and "dynamic_version" not in artifact
    assert artifact["build"].startswith("rm -rf dist && ")
    assert "-d" not in artifact["build"].split(), "the CLI looks in dist/, where hatchling builds by itself"


@pytest.mark.parametrize("target", TARGETS)
def test_stages_and_arguments_are_those_of_the_dag(target: str) -> None:
    from chain import night_jobs

    expected = []
    for stage in night_jobs(location(target).target):
        # There is no task of Airflow.
        argv = [argument for argument in stage.argv if not argument.startswith("--parent=")]
        for in_dag, in_bundle in TEMPLATES.items():
            argv = [argument.replace(in_dag, in_bundle) for argument in argv]
        expected.append((stage.stage, argv))
    tasks = job(target)["tasks"]
    assert [(task["task_key"], task["python_wheel_task"]["parameters"]) for task in tasks] == expected
    after = [[each["task_key"] for each in task.get("depends_on", [])] for task in tasks]
    assert after == [[], *[[stage] for stage, _ in expected[:-1]]]
    assert {task.get("run_if", "ALL_SUCCESS") for task in tasks} == {"ALL_SUCCESS"}, (
        "a check that fails ends it"
    )


def argvs(target: str, **parameters: str) -> list[list[str]]:
    """The argument lists of a run, with the job's defaults for what is not given."""
    values = {each["name"]: each["default"] for each in job(target)["parameters"]} | parameters
    references = {f"{{{{job.parameters.{name}}}}}": value for name, value in values.items()}
    references |= {"{{job.run_id}}": "550315892394120", "{{job.trigger.time.iso_date}}": "2024-03-06"}
    found = [task["python_wheel_task"]["parameters"] for task in job(target)["tasks"]]
    for reference, value in references.items():
        found = [[argument.replace(reference, value) for argument in argv] for argv in found]
    return found


@pytest.mark.parametrize(
    "parameters",
    [{"night": "2024-03-05"}, {"night": "2024-03-05", "scale": "0.1", "seed": "7", "tables": "readings"}],
    ids=str,
)
def test_the_jobs_parse_what_a_run_by_hand_gives(parameters: dict[str, str]) -> None:
    for argv in argvs("dev", **parameters):
        assert parse(argv).night == date(2024, 3, 5)


def test_the_jobs_refuse_what_no_reference_filled_in(capsys: pytest.CaptureFixture[str]) -> None:
    for argv in argvs("dev", night="{{job.parameters.night}}"):
        with pytest.raises(SystemExit) as refusal:
            parse(argv)
        assert refusal.value.code == 2 and "is not a date" in capsys.readouterr().err


def test_the_jobs_parse_what_a_scheduled_run_gives() -> None:
    for argv in argvs("dev"):
        assert parse(argv).night == date(2024, 3, 5)


def test_nights_come_one_at_a_time_at_one_and_not_in_dev() -> None:
    for target, status in (("dev", "PAUSED"), ("prod", "UNPAUSED")):
        assert job(target)["schedule"] == {
            "quartz_cron_expression": "0 0 1 * * ?",
            "timezone_id": "UTC",
            "pause_status": status,
        }
        assert job(target)["max_concurrent_runs"] == 1


def test_no_key_is_unknown_to_the_api() -> None:
    """The SDK's dataclasses drop what they do not know, so a misspelt key would be missing afterwards."""
    from databricks.sdk.service.catalog import SchemasAPI, VolumesAPI
    from databricks.sdk.service.dashboards import Dashboard, LakeviewAPI
    from databricks.sdk.service.jobs import JobSettings
    from databricks.sdk.service.pipelines import PipelineSpec
    from databricks.sdk.service.sql import AlertV2

    found = bundle.resources("prod")
    kinds = {"jobs": JobSettings, "pipelines": PipelineSpec, "alerts": AlertV2}
    for kind, members in ((kind, found[name]) for name, kind in kinds.items()):
        for each in members.values():
            assert kind.from_dict(each).as_dict() == each
    # What the CLI sends on as it stands, and what it keeps for itself.
    accepted = (
        ("schemas", {*signature(SchemasAPI.create).parameters, "lifecycle"}),
        ("volumes", {*signature(VolumesAPI.create).parameters, "lifecycle"}),
        (
            "dashboards",
            {*Dashboard.__annotations__, *signature(LakeviewAPI.create).parameters, "file_path"},
        ),
    )
    assert {kind for kind, _ in accepted} | kinds.keys() == set(found)
    for kind, known in accepted:
        for name, each in found[kind].items():
            assert set(each) <= known, f"{kind}.{name}"


@pytest.mark.parametrize("target", TARGETS)
def test_the_pipeline_works_on_the_targets_lake_with_the_jobs_wheel_in_schemas_of_its_own(
    target: str,
) -> None:
    found = bundle.resources(target)
    (pipeline,) = found["pipelines"].values()
    where = location(target).target
    given = {name: pipeline["configuration"][f"lakehouse.{name}"] for name in ("home", "catalog", "prefix")}
    assert given == {"home": where.home, "catalog": where.catalog, "prefix": where.prefix}
    schemas = {
        (each["catalog_name"], each["name"])
        for name, each in found["schemas"].items()
        if name.startswith(PIPELINE)
    }
    # Behind the target's prefix, pipelines/settings.py puts its own.
    assert schemas == {(where.catalog, f"{where.prefix}{PIPELINE}{layer}") for layer in SCHEMAS}
    assert (pipeline["catalog"], pipeline["schema"]) in schemas
    (environment,) = job(target)["environments"]
    assert pipeline["environment"] == environment["spec"] and pipeline["serverless"] is True
    ((library,),) = (each.values() for each in pipeline["libraries"])
    assert (PROJECT / "resources" / library["path"]).resolve() == PROJECT / "pipelines/lakehouse.py"
    assert "pipelines" in bundle.root()["sync"]["paths"]


def test_somebody_is_notified_when_a_night_is_not_in_order() -> None:
    for target, address in (("dev", "someone@example.com"), ("prod", "<notify>")):
        (alert,) = bundle.resources(target)["alerts"].values()
        assert alert["evaluation"]["notification"]["subscriptions"] == [{"user_email": address}]
    assert "default" not in bundle.root()["variables"]["notify"], "in prod it is to be given"


def test_viewers_see_and_change_nothing() -> None:
    assert bundle.root()["permissions"] == [{"group_name": "${var.viewers}", "level": "CAN_VIEW"}]


def test_the_run_by_hand_of_the_docs_is_one_that_the_api_and_the_jobs_take() -> None:
    from databricks.sdk.service.jobs import JobEnvironment, SubmitTask

    page = (PROJECT / "docs/databricks.md").read_text()
    (text,) = re.findall(r"jobs submit --json @- <<END\n(.*?)\nEND\n", page, re.DOTALL)
    home = location("dev").target.home
    assert f"LAKE={home}\n" in page
    body = json.loads(text.replace("$LAKE", home).replace("$WHEEL", f"{location('dev').wheels}/x.whl"))
    (task,), (environment,) = body["tasks"], body["environments"]
    assert SubmitTask.from_dict(task).as_dict() == task
    assert JobEnvironment.from_dict(environment).as_dict() == environment
    assert task["environment_key"] == environment["environment_key"]
    argv = task["python_wheel_task"]["parameters"]
    assert argv[0] == "restore"
    code = "import json, sys; from argparse import ArgumentParser; from jobs.maintenance import restore\n"
    code += "parser = ArgumentParser(); restore.add_arguments(parser); print(parser.parse_args(json.load(sys.stdin)))"
    done = subprocess.run(
        # It reads and writes tables, so that its module wants Spark.
        [PROJECT / ".venv/spark/bin/python", "-c", code],
        check=False,
        input=json.dumps(argv[1:]),
        capture_output=True,
        text=True,
        cwd=PROJECT,
        timeout=300,
    )
    assert done.returncode == 0 and "dry_run=True" in done.stdout, done.stderr


# The dashboard and the alert


@pytest.fixture
def gold(columns: dict[str, str]) -> duckdb.DuckDBPyConnection:
    """Empty tables of the gold layer, and of the row accounts where the alert of dev looks for them."""
    database = duckdb.connect()
    database.execute("ATTACH ':memory:' AS lake; USE lake; CREATE SCHEMA iot_dev_ops")
    for name, ddl in columns.items():
        layer, _, table = name.partition(".")
        if layer == "gold":
            database.execute(f"CREATE TABLE {table} ({ddl})")
    database.execute(
        "CREATE SCHEMA iot_dev_gold; CREATE VIEW iot_dev_gold.sensor_hourly AS FROM lake.main.sensor_hourly"
    )
    accounts = re.sub(r"ARRAY<(\w+)>", r"\1[]", columns["ops.row_accounts"])
    database.execute(f"CREATE TABLE iot_dev_ops.row_accounts ({accounts})")
    return database


def board() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


def datasets() -> dict[str, str]:
    return {each["name"]: "".join(each["queryLines"]) for each in board()["datasets"]}


def widgets() -> list[dict[str, Any]]:
    return [placed["widget"] for page in board()["pages"] for placed in page["layout"]]


def breaches(names: Iterable[str], check: Callable[[str], object]) -> list[str]:
    """A line for each name whose check says that something is wrong with it."""
    found = []
    for name in names:
        try:
            check(name)
        except (AssertionError, duckdb.Error) as wrong:
            found.append(f"{name}: {wrong}")
    return found


def rows(database: duckdb.DuckDBPyConnection, dataset: str) -> list[tuple[Any, ...]]:
    return database.execute(datasets()[dataset]).fetchall()


def test_every_dataset_reads_columns_that_exist(gold: duckdb.DuckDBPyConnection) -> None:
    assert datasets()
    assert breaches(datasets(), lambda name: gold.execute(datasets()[name]).fetchall()) == []


def test_a_column_that_does_not_exist_is_found(gold: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(duckdb.BinderException, match="reading_count"):
        gold.execute(datasets()["readings"].replace("reading_count", "readings_count"))


def test_every_widget_shows_fields_of_its_dataset(gold: duckdb.DuckDBPyConnection) -> None:
    with_data = {widget["name"]: widget for widget in widgets() if "queries" in widget}

    def check(name: str) -> None:
        (query,) = (each["query"] for each in with_data[name]["queries"])
        fields = {
            field["name"]: field["expression"].replace('"', "'").replace("`", '"')
            for field in query["fields"]
        }
        grouped = "" if query["disaggregated"] else " GROUP BY ALL"
        gold.execute(
            f"SELECT {', '.join(fields.values())} FROM ({datasets()[query['datasetName']]}){grouped}"
        ).fetchall()
        assert shown(with_data[name]["spec"]["encodings"]) == fields.keys()

    def shown(encodings: Any) -> set[str]:
        if isinstance(encodings, list):
            return {name for each in encodings for name in shown(each)}
        if not isinstance(encodings, dict):
            return set()
        here = {encodings["fieldName"]} if "fieldName" in encodings else set()
        return here | {name for each in encodings.values() for name in shown(each)}

    assert with_data
    assert breaches(with_data, check) == []


def test_every_dataset_is_shown_and_reads_gold(columns: dict[str, str]) -> None:
    for query in datasets().values():
        read = set(re.findall(r"FROM (\w+)", query))
        assert read and {f"gold.{table}" for table in read} <= set(columns)
    used = {each["query"]["datasetName"] for widget in widgets() for each in widget.get("queries", [])}
    assert used == set(datasets())


def test_widgets_lie_side_by_side_on_six_columns() -> None:
    for page in board()["pages"]:
        boxes = [placed["position"] for placed in page["layout"]]
        assert all(box["x"] + box["width"] <= 6 for box in boxes)
        for a, b in combinations(boxes, 2):
            beside = a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
            above = a["y"] + a["height"] <= b["y"] or b["y"] + b["height"] <= a["y"]
            assert beside or above
    names = [widget["name"] for widget in widgets()]
    assert len(set(names)) == len(names)


def test_the_dashboard_finds_gold_of_its_target() -> None:
    for target in TARGETS:
        (dashboard,) = bundle.resources(target)["dashboards"].values()
        gold = f"{dashboard['dataset_catalog']}.{dashboard['dataset_schema']}"
        assert gold == f"{location(target).target.catalog}.{location(target).target.prefix}gold"
        assert (PROJECT / "resources" / dashboard["file_path"]) == DASHBOARD


def test_the_counters_show_the_last_night(gold: duckdb.DuckDBPyConnection) -> None:
    gold.execute(
        "INSERT INTO device_health VALUES ('2024-03-04','a','Active',9,1), ('2024-03-05','a','Active',3,1)"
    )
    gold.execute("INSERT INTO device_health VALUES ('2024-03-05','b','Inactive',2,1)")
    hour = "'2024-03-05', '2024-03-05 01:00:00'"
    gold.execute(f"INSERT INTO sensor_hourly VALUES ({hour},1,'t',30,0,0,0,0,1), ({hour},2,'t',10,0,0,0,0,1)")
    gold.execute("INSERT INTO fleet_last_seen VALUES ('2024-03-05',7,NULL,0,0,0,0,1)")
    gold.execute("INSERT INTO site_events VALUES ('2024-03-05',7,1,0,0,5,2), ('2024-03-04',7,1,0,0,5,4)")
    assert rows(gold, "last_night") == [(date(2024, 3, 5), 5, 40, 0.05, 1, 2)]


def test_alerts_of_the_last_day_are_listed_the_critical_ones_first(gold: duckdb.DuckDBPyConnection) -> None:
    gold.execute(
        "INSERT INTO alerts VALUES "
        "('a','2024-03-05',1,'Camera','reading','Warning',61,60,'2024-03-05 09:00:00'), "
        "('b','2024-03-05',2,'Camera','event','Critical',NULL,NULL,'2024-03-05 08:00:00'), "
        "('c','2024-03-04',3,'Camera','event','Critical',NULL,NULL,'2024-03-04 08:00:00')"
    )
    assert [(row[1], row[3]) for row in rows(gold, "alerts")] == [("Critical", 2), ("Warning", 1)]


def test_a_vehicle_that_fell_silent_is_listed(gold: duckdb.DuckDBPyConnection) -> None:
    for night, device in (("2024-03-04", 1), ("2024-03-04", 2), ("2024-03-05", 2), ("2024-02-20", 3)):
        gold.execute(f"INSERT INTO fleet_last_seen VALUES ('{night}',{device},'{night} 12:00:00',0,0,0,0,1)")
    assert [row[0] for row in rows(gold, "silent_vehicles")] == [1]


def problems(database: duckdb.DuckDBPyConnection) -> int:
    """What the alert counts."""
    (alert,) = bundle.resources("dev")["alerts"].values()
    query = alert["query_text"].replace("main.", "lake.").replace("current_date()", "current_date")
    found = database.execute(query)
    assert [column[0] for column in found.description or []] == [alert["evaluation"]["source"]["name"]]
    (row,) = found.fetchall()
    return int(row[0])


def account(database: duckdb.DuckDBPyConnection, days_ago: int, balanced: bool, published: bool) -> None:
    night = (date.today() - timedelta(days=days_ago)).isoformat()
    columns = "source, night, landed, bronze, silver, is_balanced, is_published"
    values = f"'readings', '{night}', 1, 1, 1, {balanced}, {published}"
    database.execute(f"INSERT INTO iot_dev_ops.row_accounts ({columns}) VALUES ({values})")


def published(database: duckdb.DuckDBPyConnection, days_ago: int) -> None:
    day = (date.today() - timedelta(days=days_ago)).isoformat()
    database.execute(f"INSERT INTO sensor_hourly VALUES ('{day}','{day} 01:00:00',1,'t',30,0,0,0,0,1)")


@pytest.mark.parametrize(
    ("accounts", "expected"),
    [
        ([(1, True, True), (2, True, True)], 0),
        ([(1, True, True), (2, False, True)], 1),
        ([(1, True, False)], 1),
        ([(2, True, True)], 1),
        ([(1, True, True), (30, False, False)], 0),
        ([], 1),
    ],
    ids=["all well", "unbalanced", "unpublished", "last night missing", "long ago", "no night at all"],
)
def test_the_alert_counts_what_is_not_in_order(
    gold: duckdb.DuckDBPyConnection, accounts: list[tuple[int, bool, bool]], expected: int
) -> None:
    for each in accounts:
        account(gold, *each)
    published(gold, days_ago=1)
    assert problems(gold) == expected


def test_the_alert_counts_a_last_night_that_gold_has_nothing_of(gold: duckdb.DuckDBPyConnection) -> None:
    account(gold, 1, balanced=True, published=True)
    published(gold, days_ago=2)
    assert problems(gold) == 1


def test_no_share_divides_by_zero() -> None:
    """Databricks' SQL refuses to; DuckDB, which these tests query with, gives null."""
    for text in (*datasets().values(), DASHBOARD.read_text()):
        # A word before the slash, then anything but a guard; dates and paths have none.
        assert re.findall(r"[\w)`] / (?!nullif\()\S+", text, re.IGNORECASE) == []
