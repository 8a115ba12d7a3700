"""Rules that hold for every DAG of the bag."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from contextlib import nullcontext
from copy import copy
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from airflow.serialization.encoders import coerce_to_core_timetable
from airflow.timetables.interval import CronDataIntervalTimetable
from airflow.timetables.trigger import CronTriggerTimetable
from chain import NIGHTLY_GOLD
from deadlines import Recovery, SilentSources
from notify import AlertNotifier, FailureNotifier, StreamFailureNotifier
from platforms import PLATFORMS

from catalog.tables import NAMES
from jobs.generate.arguments import MAX_SCALE, MIN_SCALE
from tests.support.other_catalog import OWN, project_without_the_demo
from tests.support.project import PROJECT
from tests.support.trigger_form import fill_in

FORBIDDEN = {"pyspark", "delta", "great_expectations", "jobs", "expectations", "pandas", "dbldatagen"}


def test_every_file_parses(bag: Any) -> None:
    assert bag.import_errors == {}
    assert set(bag.dags) == {file.stem for file in (PROJECT / "dags").glob("iot_*.py")}


def test_every_dag_says_whose_it_is_what_it_is_for_and_what_to_do_when_it_fails(bag: Any) -> None:
    for dag in bag.dags.values():
        assert dag.tags, dag.dag_id
        assert dag.description, dag.dag_id
        assert {task.owner for task in dag.tasks}.isdisjoint({"", "airflow"}), dag.dag_id
        for part in ("Purpose", "Owner", "When it fails"):
            assert part in dag.doc_md, (dag.dag_id, part)


def test_every_dag_works_on_one_thing_at_a_time_but_what_is_triggered_does_not_wait_for_a_scheduled_night(
    bag: Any,
) -> None:
    for dag in bag.dags.values():
        assert dag.max_active_runs == (2 if dag.dag_id == "iot_nightly" else 1), dag.dag_id
        assert dag.catchup is False, dag.dag_id


def test_every_spark_task_uses_the_pool_of_one_and_is_tried_again_with_growing_waits(bag: Any) -> None:
    for dag in bag.dags.values():
        for task in dag.tasks:
            assert task.pool == "spark", task
            assert task.retries == 2, task
            assert task.retry_exponential_backoff > 1, task
            assert task.execution_timeout is not None, task


def test_every_run_that_fails_for_good_notifies_the_webhook_once(bag: Any) -> None:
    for dag in bag.dags.values():
        is_stream = dag.dag_id in {"iot_stream", "iot_receive"}
        # Of a stream's runs, the first that fails.
        assert type(dag.on_failure_callback) is (StreamFailureNotifier if is_stream else FailureNotifier), dag
        for task in dag.tasks:
            assert list(task.on_failure_callback or ()) == [], task
            called = [type(callback) for callback in task.on_success_callback]
            assert called == [AlertNotifier, Recovery, SilentSources], task


def test_the_form_and_the_jobs_agree_on_the_least_and_the_greatest_scale(nightly: Any) -> None:
    scale = nightly.params.get_param("scale").schema
    assert (scale["minimum"], scale["maximum"]) == (MIN_SCALE, MAX_SCALE)


def platforms_named(file: Path) -> set[str]:
    """The platforms that a module's code names, be it as a text, a variable or an attribute."""
    tree = ast.parse(file.read_text())
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    modules = {
        part
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in [getattr(node, "module", None) or "", *(alias.name for alias in node.names)]
        for part in name.split(".")
    }
    return (texts | names | attributes | modules) & set(PLATFORMS)


def test_nothing_outside_the_platforms_asks_which_one_it_runs_on(tmp_path: Path) -> None:
    # `targets.py` reads what a target says of its platform; what that means, only `platforms/` knows.
    files = [file for file in (PROJECT / "dags").glob("*.py") if file.name != "targets.py"]
    assert len(files) > 6
    assert {file.name: named for file in files if (named := platforms_named(file))} == {}
    for branch in (
        'if target.platform == "local": pass',
        "if target.databricks: pass",
        "import platforms.local",
    ):
        (tmp_path / "dag.py").write_text(branch)
        assert platforms_named(tmp_path / "dag.py"), branch


def test_reading_a_target_branches_on_no_platform() -> None:
    tree = ast.parse((PROJECT / "dags/targets.py").read_text())
    asked = [
        node for node in ast.walk(tree) if isinstance(node, ast.If | ast.IfExp | ast.Compare | ast.match_case)
    ]
    tests = [ast.unparse(getattr(node, "test", node)) for node in asked]
    assert tests
    assert not [test for test in tests if any(name in test for name in (*PLATFORMS, "platform"))]


def test_a_range_of_nights_may_take_a_day(bag: Any) -> None:
    (backfill,) = bag.dags["iot_backfill"].tasks
    assert backfill.execution_timeout == timedelta(days=1)
    assert {asset.name for asset in backfill.outlets} == {f"gold.{table}" for table in NIGHTLY_GOLD}


@pytest.mark.parametrize(
    "conf",
    [
        {},
        {"first": "1969-12-31", "last": "2024-03-04"},
        {"first": "2024-03-04"},
        {"first": "2024-03-04", "last": "soon"},
        {"first": None, "last": ""},
    ],
)
def test_the_form_of_a_range_wants_two_dates(bag: Any, conf: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"(?i)invalid input for param|no value passed"):
        fill_in(bag.dags["iot_backfill"], conf)


def test_the_night_dag_has_data_intervals_and_can_be_backfilled(nightly: Any) -> None:
    timetable = coerce_to_core_timetable(nightly.timetable)
    assert isinstance(timetable, CronDataIntervalTimetable)
    assert timetable.summary == "0 1 * * *"
    assert timetable.periodic


def test_every_schedule_is_in_utc(bag: Any) -> None:
    scheduled = {
        name: coerce_to_core_timetable(dag.timetable)
        for name, dag in bag.dags.items()
        if coerce_to_core_timetable(dag.timetable).can_be_scheduled
    }
    assert {"iot_nightly", "iot_maintenance", "iot_model"} <= set(scheduled)
    assert {name: str(each.serialize()["timezone"]) for name, each in scheduled.items()} == dict.fromkeys(
        scheduled, "UTC"
    )


def test_tables_are_maintained_once_a_week_and_not_at_once_when_that_is_switched_on(bag: Any) -> None:
    timetable = coerce_to_core_timetable(bag.dags["iot_maintenance"].timetable)
    assert isinstance(timetable, CronTriggerTimetable)
    assert timetable.summary == "0 12 * * 6"
    assert [task.task_id for task in bag.dags["iot_maintenance"].tasks] == ["maintain"]


def test_a_model_is_trained_once_a_week_on_another_day_than_maintenance(bag: Any) -> None:
    timetable = coerce_to_core_timetable(bag.dags["iot_model"].timetable)
    assert isinstance(timetable, CronTriggerTimetable)
    assert timetable.summary == "0 12 * * 0"
    assert [task.task_id for task in bag.dags["iot_model"].tasks] == ["train"]


@pytest.mark.parametrize("dag_id", ["iot_stream", "iot_receive"])
def test_streams_go_on_every_quarter_of_an_hour(bag: Any, dag_id: str) -> None:
    timetable = coerce_to_core_timetable(bag.dags[dag_id].timetable)
    assert isinstance(timetable, CronTriggerTimetable)
    assert timetable.summary == "*/15 * * * *"


@pytest.mark.parametrize(
    "conf", [{"rows_per_second": 50_001}, {"seconds": 0}, {"sink": "console"}, {"night": "soon"}], ids=str
)
def test_the_form_of_streams_takes_no_nonsense(bag: Any, conf: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Invalid input for param"):
        fill_in(bag.dags["iot_stream"], conf)


def test_no_source_is_received_that_is_not_sent_as_json(bag: Any) -> None:
    fill_in(bag.dags["iot_receive"], {"source": "readings"})
    for source in ("sensor_logs", "nothing", ""):
        with pytest.raises(ValueError, match="Invalid input for param"):
            fill_in(bag.dags["iot_receive"], {"source": source})


def test_the_night_dag_runs_its_stages_one_after_the_other(nightly: Any) -> None:
    # Spelled out here alone: elsewhere they are taken from the catalog, which could have them in another order.
    names = [
        "generate",
        "bronze",
        "check_bronze",
        "silver",
        "check_silver",
        "gold",
        "check_gold",
        "publish",
        "report",
    ]
    assert [task.task_id for task in nightly.topological_sort()] == names
    assert {task.trigger_rule for task in nightly.tasks} == {"all_success"}, "a check that fails ends it"
    for before, after in pairwise(names):
        assert nightly.get_task(before).downstream_task_ids == {after}


def test_publish_emits_one_asset_per_gold_table_of_the_night(nightly: Any) -> None:
    assets = {asset.name: asset.uri for asset in nightly.get_task("publish").outlets}
    assert assets == {f"gold.{table}": f"lakehouse://spark_catalog/gold/{table}" for table in NIGHTLY_GOLD}
    assert not any(task.outlets for task in nightly.tasks if task.task_id != "publish")


@pytest.mark.parametrize(
    ("params", "emitted"),
    [
        ({"tables": ["climate_hourly", "events"]}, {"climate_hourly", "site_events", "alerts"}),
        ({"tables": ["devices"]}, {"device_health", "site_events"}),
        ({"tables": []}, {*NIGHTLY_GOLD}),
        ({}, {*NIGHTLY_GOLD}),
    ],
    ids=str,
)
def test_a_task_that_ends_well_leaves_out_the_assets_that_its_run_is_not_about(
    nightly: Any, params: dict[str, Any], emitted: set[str]
) -> None:
    task = copy(nightly.get_task("publish"))
    task._post_execute_hook({"task": task, "params": params}, None)
    assert {asset.name for asset in task.outlets} == {f"gold.{table}" for table in emitted}


def test_checks_and_report_link_to_their_own_pages(nightly: Any) -> None:
    links = {task.task_id: [link.name for link in task.operator_extra_links] for task in nightly.tasks}
    assert {stage: names for stage, names in links.items() if names} == {
        "check_bronze": ["Validation results"],
        "check_silver": ["Validation results"],
        "check_gold": ["Validation results"],
        "report": ["Night report"],
    }


def test_parsing_the_dags_imports_nothing_of_the_computing_side(imported: dict[str, list[str]]) -> None:
    assert "iot_nightly" in imported["iot_nightly"]
    assert FORBIDDEN.isdisjoint(name.split(".")[0] for name in imported["iot_nightly"])


@pytest.mark.parametrize(
    "conf",
    [
        {"night": "yesterday"},
        {"night": "2024-02-30"},
        {"night": "1969-12-31"},
        {"night": "0199-01-01"},
        {"night": 20240305},
        {"scale": 0},
        {"scale": -1},
        {"scale": 11},
        {"scale": "big"},
        {"seed": -1},
        {"seed": 1.5},
        {"seed": 2**31},
        {"tables": ["../readings"]},
        {"tables": ["readings", "readings"]},
        {"tables": "readings"},
        {"simulate": "radings"},
        {"simulate": "all,none"},
        {"fault_rates": "late"},
        {"fault_rates": "late=0.1 --home=/"},
    ],
    ids=str,
)
def test_the_form_refuses(nightly: Any, conf: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Invalid input for param"):
        fill_in(nightly, conf)


@pytest.mark.parametrize(
    "conf",
    [
        {},
        {"night": "1970-01-01"},
        {"night": "1999-12-31"},
        {"simulate": "none"},
        {"simulate": "readings,events"},
        {"night": "2030-03-05"},
        {"scale": 0.01, "seed": 0},
        {"scale": 10, "tables": ["readings"]},
        {"fault_rates": "late=0.05,null=0"},
    ],
    ids=str,
)
def test_the_form_takes(nightly: Any, conf: dict[str, Any]) -> None:
    fill_in(nightly, conf)


@pytest.mark.parametrize(
    ("conf", "is_fine"),
    [
        ({}, True),
        ({"vacuum_days": 30, "docs_days": 365}, True),
        ({"vacuum_days": 6}, False),
        ({"vacuum_days": "7"}, False),
        ({"vacuum_days": 7.5}, False),
        ({"docs_days": 0}, False),
        ({"docs_days": 40000}, False),
    ],
    ids=str,
)
def test_the_form_of_maintenance_takes_no_days_too_few(bag: Any, conf: dict[str, Any], is_fine: bool) -> None:
    refusal = pytest.raises(ValueError, match="Invalid input for param")
    with nullcontext() if is_fine else refusal:
        fill_in(bag.dags["iot_maintenance"], conf)


def test_the_names_offered_by_the_form_are_those_of_the_jobs(nightly: Any) -> None:
    assert nightly.params.get_param("tables").schema["items"]["enum"] == list(NAMES)


COUNT_TASKS = """
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(".", collect_dags=True)
assert not bag.import_errors, bag.import_errors
print(*[f"{name}={len(dag.tasks)}" for name, dag in bag.dags.items()])
"""


def test_the_dags_are_there_without_the_demos_sources(tmp_path: Path) -> None:
    project = project_without_the_demo(tmp_path, "dags")
    (project / "catalog/mine.toml").write_text(OWN)
    done = subprocess.run(
        [sys.executable, "-c", COUNT_TASKS],
        check=False,
        capture_output=True,
        text=True,
        cwd=project / "dags",
        env=os.environ | {"PYTHONPATH": str(project), "LAKEHOUSE_HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    counted = dict(each.split("=") for each in done.stdout.splitlines()[-1].split())
    # Nothing is streamed, and nothing that comes as JSON is received.
    assert counted == {
        "iot_nightly": "9",
        "iot_backfill": "1",
        "iot_stream": "0",
        "iot_receive": "1",
        "iot_maintenance": "1",
        "iot_model": "1",
    }
