"""OpenLineage events of a night's steps: valid, of the right runs, with the graph that the catalog says; and sent."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
import types
import typing
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from http.server import HTTPServer
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from threading import Event
from typing import Any

import attr
import duckdb
import pytest
from openlineage.client import generated
from openlineage.client.uuid import generate_static_uuid

from catalog import lineage
from catalog.pipeline import STEP_NAMES, writers_of
from catalog.tables import DERIVED, SOURCES, TABLES, selection, sources_of
from jobs.cli.parser import parse
from jobs.errors import ContractBroken, JobError
from jobs.lineage import backend, events
from jobs.lineage.backend import typed
from jobs.lineage.emission import Emission, file_of
from jobs.lineage.events import Attempt
from jobs.lineage.naming import Naming
from jobs.main import main
from jobs.outcome import Checked, Outcome, TableResult
from jobs.session import workspace
from jobs.settings import Settings
from tests.support.http_server import Handler, Webhook, serving
from tests.support.lineage import by_the_catalog, edges, name_of, read_events
from tests.support.project import PROJECT, free_port

NIGHT, BEGUN, ENDED = (
    date(2024, 3, 5),
    datetime(2024, 3, 6, 1, tzinfo=UTC),
    datetime(2024, 3, 6, 2, tzinfo=UTC),
)
PARENT = "https://airflow.example/prod/iot_nightly/{}/2024-03-05T01:00:00+00:00/2/1"
CHECKED = (
    Checked("expect_column_values_to_not_be_null", ("device_id",), "quarantine", "device_id is null", True),
    Checked("expect_compound_columns_to_be_unique", ("device_id", "hour"), "flag", "twice", False),
    Checked("expect_table_row_count_to_be_between", (), "fail", "no rows", False),
)


def settings_of(step: str, home: Path = Path("/lake"), *more: str) -> Settings:
    stage, _, layer = step.partition("_")
    own = [f"--layer={layer}"] if layer else []
    return parse([stage, *own, f"--night={NIGHT}", "--run-id=nightly", f"--home={home}", *more])


def attempt_of(step: str, *more: str, workspace: str = "") -> Attempt:
    settings = settings_of(step, Path("/lake"), f"--parent={PARENT.format(step)}", *more)
    return Attempt(settings, Naming(settings.home, settings.catalog, settings.prefix, workspace), BEGUN)


def results_of(step: str) -> list[TableResult]:
    """What a step leaves of a whole night: of each table as many rows as its name has letters, and gold is copied."""
    sources = [source for name, source in SOURCES.items() if name in selection(())]
    silver = {f"silver.{source.silver}": source for source in sources}

    def detail(table: str) -> dict[str, Any]:
        if step == "silver":
            derived = [each.full_name for each in DERIVED.values() if silver[table] in sources_of(each)]
            return {"reconciled": {"nights": 1, "silver": 3, "quarantined": 2, "derived": derived}}
        if step == "publish":
            return {"iceberg": {"location": f"/lake/iceberg/{table.replace('.', '/')}", "rows": 4}}
        return {"read": ["gold.alerts", "ops.quarantine"]} if step == "report" else {}

    checked = CHECKED if step.startswith("check_") else ()
    about = {
        "generate": [f"landing.{source.name}" for source in sources],
        "bronze": [f"bronze.{source.name}" for source in sources],
        "silver": [*silver],
        "report": ["ops.row_accounts"],
    }.get(step.removeprefix("check_"))
    gold = [name for name in TABLES if name.startswith("gold.") and name[5:] in selection(())]
    return [TableResult(name, len(name), detail(name), checked=checked) for name in about or gold]


@pytest.fixture(scope="module")
def night() -> dict[str, list[dict[str, Any]]]:
    """Step -> its events, from the first to the last."""
    return {
        step: [
            events.start(attempt_of(step)),
            *events.end(attempt_of(step), Outcome(results_of(step)), ENDED),
        ]
        for step in STEP_NAMES
    }


def of_job(found: list[dict[str, Any]], name: str) -> dict[str, Any]:
    """The last event of a job."""
    return [event for event in found if event["job"]["name"] == f"iot_nightly.{name}"][-1]


def test_a_night_draws_the_graph_that_the_catalog_says(night: dict[str, Any]) -> None:
    of_steps = {step: edges(found) for step, found in night.items()}
    report = of_steps.pop("report")
    assert set.union(*of_steps.values()) == by_the_catalog(selection(()), has_copies=True)
    assert ("gold.alerts", "pages.nights") in report and (
        "ops.row_accounts",
        "ops.detection_scores",
    ) in report
    # What the catalog's own module says to others is the same.
    for has_copies in (True, False):
        said = {
            (read, written)
            for step, flows in lineage.night(selection(()), has_copies).items()
            for flow in flows
            for read in flow.reads
            for written in flow.writes
            if step != "report"
        }
        assert said == by_the_catalog(selection(()), has_copies)
    # And so is what is to be run where a table is missing.
    for step, flows in lineage.night(selection(())).items():
        for written in {written for flow in flows for written in flow.writes if written in TABLES}:
            assert writers_of(written) == (step,), written


def facet_classes() -> dict[str, type]:
    """Address of a schema -> the client's class for it, which was generated from it."""
    modules = [
        import_module(f"{generated.__name__}.{found.name}") for found in iter_modules(generated.__path__)
    ]
    classes = (each for module in modules for _, each in inspect.getmembers(module, inspect.isclass))
    return {each._get_schema(): each for each in classes if hasattr(each, "_get_schema")}


def read_as(kind: Any, value: Any) -> object:
    """Build a value of the client's types from JSON. Raises TypeError for a field that a type lacks."""
    if isinstance(kind, types.UnionType):
        kind = next(each for each in kind.__args__ if each is not type(None))
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is list:
        return [read_as(arguments[0], each) for each in value]
    if origin is dict:
        return {key: read_as(arguments[1], each) for key, each in value.items()}
    if not attr.has(kind):
        assert kind in (Any, object) or isinstance(value, kind), (kind, value)
        return value
    hints = typing.get_type_hints(kind)
    return kind(**{name: read_as(hints[name], each) for name, each in value.items()})


def test_every_event_and_facet_is_what_its_schema_asks_for(night: dict[str, Any]) -> None:
    classes, seen = facet_classes(), set()
    refused = events.end(attempt_of("gold"), Outcome([], "failed", "no rows", 1), ENDED)
    for event in [*refused, *(event for found in night.values() for event in found)]:
        kept = attr.asdict(typed(event))
        assert (kept["schemaURL"], kept["eventTime"]) == (event["schemaURL"], event["eventTime"])
        datasets = [*event["inputs"], *event["outputs"]]
        bearers = [event["run"], event["job"], *datasets]
        for facets in (
            bearer.get(key, {}) for bearer in bearers for key in ("facets", "inputFacets", "outputFacets")
        ):
            for name, facet in facets.items():
                fields = {key: value for key, value in facet.items() if not key.startswith("_")}
                read_as(classes[facet["_schemaURL"]], fields)
                seen.add(name)
    assert seen == {
        "columnLineage",
        "dataQualityAssertions",
        "dataQualityMetrics",
        "documentation",
        "errorMessage",
        "jobType",
        "nominalTime",
        "outputStatistics",
        "parent",
        "schema",
        "symlinks",
    }


def test_each_run_begins_and_ends_once_and_each_attempt_is_another(night: dict[str, Any]) -> None:
    for step, found in night.items():
        kinds: dict[str, list[str]] = {}
        for event in found:
            kinds.setdefault(event["run"]["runId"], []).append(event["eventType"])
        assert {*map(tuple, kinds.values())} == {("START", "COMPLETE")}, step
        again = replace(attempt_of(step), started=ENDED)
        assert again.run() not in kinds and again.run("readings") not in kinds


def test_a_steps_parent_is_the_run_that_the_airflow_provider_reports(night: dict[str, Any]) -> None:
    # As the provider makes them: macros.lineage_run_id and lineage_root_run_id.
    logical_date, namespace = datetime(2024, 3, 5, 1, tzinfo=UTC), "https://airflow.example/prod"
    task = generate_static_uuid(logical_date, f"{namespace}.iot_nightly.gold.2.-1".encode())
    dag = generate_static_uuid(logical_date, f"{namespace}.iot_nightly.1".encode())
    root = {"run": {"runId": str(dag)}, "job": {"namespace": namespace, "name": "iot_nightly"}}
    step, table = of_job(night["gold"], "gold"), of_job(night["gold"], "gold.alerts")
    parent = step["run"]["facets"]["parent"]
    assert (parent["run"], parent["root"]) == ({"runId": str(task)}, root)
    assert parent["job"] == {"namespace": namespace, "name": "iot_nightly.gold"}
    of_table = table["run"]["facets"]["parent"]
    assert (of_table["run"], of_table["root"]) == ({"runId": step["run"]["runId"]}, root)
    assert of_table["job"] == {"namespace": "lakehouse.spark_catalog", "name": "iot_nightly.gold"}


def test_a_job_by_hand_has_no_parent_and_its_tables_have_it() -> None:
    settings = settings_of("gold")
    attempt = Attempt(settings, Naming(settings.home, "main", "dev_"), BEGUN)
    table, *_, step = events.end(attempt, Outcome([TableResult("gold.alerts", 1)]), ENDED)
    assert "parent" not in step["run"]["facets"]
    assert table["run"]["facets"]["parent"]["root"]["run"]["runId"] == step["run"]["runId"]
    assert (table["job"]["namespace"], table["job"]["name"]) == ("lakehouse.main.dev_", "gold.alerts")


@pytest.mark.parametrize(
    "text",
    [
        "iot_nightly",
        "a/b/c/2024-03-05T01:00:00/1/0",
        "a/b/c/2024-03-05T01:00:00Z/x/0",
        "/b/c/2024-03-05T01:00:00Z/1/0",
    ],
)
def test_a_parent_that_is_none_is_refused_in_one_line(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        settings_of("gold", Path("/lake"), f"--parent={text}")
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "is no attempt at a task; write it as NAMESPACE/DAG/TASK" in said


def test_row_counts_are_what_an_attempt_wrote_and_left_out_where_its_result_counts_more(
    night: dict[str, Any],
) -> None:
    def rows(event: dict[str, Any]) -> list[int | None]:
        return [each["outputFacets"].get("outputStatistics", {}).get("rowCount") for each in event["outputs"]]

    assert rows(of_job(night["bronze"], "bronze.readings")) == [len("bronze.readings"), None]
    assert rows(of_job(night["silver"], "silver.readings")) == [3, 2]
    assert rows(of_job(night["silver"], "silver.devices_history")) == [None]
    assert rows(of_job(night["publish"], "publish.alerts")) == [len("gold.alerts")]
    assert rows(of_job(night["generate"], "generate.readings")) == [None]
    for detail in ({"was_published": True, "in_part": 0}, {"was_published": False, "in_part": 2}):
        (_, last, _) = events.end(
            attempt_of("publish"), Outcome([TableResult("gold.alerts", 5, detail)]), ENDED
        )
        assert rows(last) == [None]


def test_what_a_check_found_is_on_what_it_read_and_a_table_that_failed_has_failed() -> None:
    good = TableResult("gold.alerts", 7, {"success": True}, checked=CHECKED[:2])
    bad = TableResult("gold.climate_hourly", 0, {"success": False}, checked=CHECKED)
    found = events.end(attempt_of("check_gold"), Outcome.of(ContractBroken("no rows", [good, bad])), ENDED)
    alerts, climate = of_job(found, "check_gold.alerts"), of_job(found, "check_gold.climate_hourly")
    assert [event["eventType"] for event in (alerts, climate, found[-1])] == ["COMPLETE", "FAIL", "FAIL"]
    assert found[-1]["run"]["facets"]["errorMessage"]["message"] == "no rows"
    (read,) = alerts["inputs"]
    assert read["name"] == "/lake/staging/alerts" and alerts["outputs"] == []
    assert read["inputFacets"]["dataQualityMetrics"]["rowCount"] == 7
    first, second = read["inputFacets"]["dataQualityAssertions"]["assertions"]
    assert first == {
        "assertion": "expect_column_values_to_not_be_null",
        "column": "device_id",
        "success": True,
        "severity": "error",
        "description": "device_id is null",
    }
    assert (second["success"], second["severity"]) == (False, "warn")
    assert second["params"] == {"columns": ["device_id", "hour"]}


def test_column_lineage_names_columns_that_are_there_and_what_silver_adds() -> None:
    of_flows = [
        (flow, lineage.columns(flow))
        for flows in lineage.night({*SOURCES, *selection(())}).values()
        for flow in flows
    ]
    for flow, columns in of_flows:
        for column, (dataset, field) in columns.items():
            assert column in lineage.fields_of(flow.writes[0]) and dataset in flow.reads
            assert field in lineage.fields_of(dataset)
    found = {flow.writes[0]: columns for flow, columns in of_flows if flow.writes}
    assert found["silver.readings"]["event_date"] == ("bronze.readings", "timestamp")
    assert found["silver.readings"]["device_type"] == ("silver.devices_history", "device_type")
    assert found["silver.readings"]["device_id"] == ("bronze.readings", "device_id")
    assert found["staging.climate_hourly"] == {
        name: ("silver.sensor_logs", name) for name in ("event_date", "location")
    }
    # It is made from two tables, and one has a severity: but that of an alert is another.
    assert found["staging.alerts"] == {}


def test_on_databricks_tables_have_the_names_of_unity_catalog_and_files_those_of_the_volume(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    naming = Naming(Path("/Volumes/main/iot/lake"), "main", "dev_", "adb-1.example")
    assert naming.of("gold.alerts") == {
        "namespace": "databricks://adb-1.example",
        "name": "main.dev_gold.alerts",
    }
    assert naming.of("landing.readings") == {
        "namespace": "databricks://adb-1.example",
        "name": "/Volumes/main/iot/lake/landing/readings",
    }
    assert naming.symlinks_of("gold.alerts") == {}
    assert workspace() == ""
    monkeypatch.setenv("DATABRICKS_RUNTIME_VERSION", "17.3")
    assert workspace() == "workspace"
    monkeypatch.setenv("DATABRICKS_HOST", "https://adb-1.example/")
    assert workspace() == "adb-1.example"


@pytest.mark.parametrize(
    ("location", "namespace", "name"),
    [
        ("/a lake #1/iceberg/gold/alerts", "file", "/a lake #1/iceberg/gold/alerts"),
        ("file:///srv/gold/alerts", "file", "/srv/gold/alerts"),
        ("s3://lab/gold.db/alerts", "s3://lab", "gold.db/alerts"),
    ],
)
def test_a_copy_in_iceberg_is_where_its_catalog_has_it_with_the_rows_that_were_written(
    location: str, namespace: str, name: str
) -> None:
    # Of slices that an earlier attempt has published, too: they were copied now.
    detail = {"was_published": True, "iceberg": {"location": location, "rows": 3}}
    outcome = Outcome([TableResult("gold.alerts", 5, detail), TableResult("gold.climate_hourly", 1)])
    found = events.end(attempt_of("publish"), outcome, ENDED)
    copied = [event for event in found if ".iceberg." in event["job"]["name"]]
    assert [event["eventType"] for event in copied] == ["START", "COMPLETE"]
    (written,) = copied[-1]["outputs"]
    assert (written["namespace"], written["name"]) == (namespace, name)
    assert written["outputFacets"]["outputStatistics"]["rowCount"] == 3
    columns = {field["name"] for field in written["facets"]["schema"]["fields"]}
    assert columns == written["facets"]["columnLineage"]["fields"].keys() == {*TABLES["gold.alerts"].types}
    (read,) = copied[-1]["inputs"]
    assert name_of(read) == "gold.alerts"


def test_a_topic_is_named_by_its_broker() -> None:
    received = parse(["receive", "--source=readings", "--run-id=r", "--home=/lake"])
    attempt = Attempt(received, Naming(received.home, "spark_catalog", ""), BEGUN)
    result = TableResult("landing.readings", 4, {"files": 1, "broker": "kafka.example:9093"})
    (_, last, _) = events.end(attempt, Outcome([result]), ENDED)
    (topic,) = last["inputs"]
    assert (topic["namespace"], topic["name"]) == ("kafka://kafka.example:9093", "readings")


# What is sent.


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    """Nothing but what a test says configures the client, which adds variables of its own."""
    before = dict(os.environ)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in before:
        if name.startswith("OPENLINEAGE"):
            monkeypatch.delenv(name)
    yield monkeypatch
    for name in os.environ.keys() - before.keys():
        del os.environ[name]


def emit(home: Path, step: str = "gold") -> list[dict[str, Any]]:
    """Emit a step as its process does; return the events that the lake keeps of it."""
    settings = settings_of(step, home, f"--parent={PARENT.format(step)}")
    emission = Emission(settings, BEGUN)
    emission.end(Outcome(results_of(step)))
    return read_events(settings.run_folder).get(step, [])


def test_a_backend_gets_every_event_in_order_as_the_lake_keeps_them(
    environment: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(Webhook()) as marquez:
        environment.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{marquez.server_port}")
        environment.setenv("OPENLINEAGE_API_KEY", "s3cret")
        kept = emit(tmp_path)
    assert [path for path, _ in marquez.posts] == ["/api/v1/lineage"] * len(kept)
    assert [sent["eventType"] for _, sent in marquez.posts][:1] == ["START"]
    sent = [{**event, "run": {**event["run"], "facets": own(event)}} for _, event in marquez.posts]
    assert [attr.asdict(typed(event)) for event in sent] == [attr.asdict(typed(event)) for event in kept]
    assert "s3cret" not in json.dumps(kept) and not caplog.records


def own(event: dict[str, Any]) -> dict[str, Any]:
    """The facets of a run that are not the client's."""
    return {name: facet for name, facet in event["run"]["facets"].items() if name != "tags"}


def unreachable(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OPENLINEAGE__TRANSPORT__TYPE", "http")
    environment.setenv("OPENLINEAGE__TRANSPORT__URL", f"http://127.0.0.1:{free_port()}")
    environment.setenv("OPENLINEAGE__TRANSPORT__RETRY", '{"total": 0, "connect": 0}')


def unreadable(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("OPENLINEAGE_CONFIG", "missing.yml")


@pytest.mark.parametrize(
    ("configure", "why"), [(unreachable, "refused"), (unreadable, "can OPENLINEAGE_CONFIG be read")]
)
def test_a_backend_that_is_away_costs_one_warning_and_the_events_stay_in_the_lake(
    environment: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    configure: Any,
    why: str,
) -> None:
    configure(environment)
    kept = emit(tmp_path)
    (warning,) = caplog.messages
    assert warning.startswith("lineage of gold: the backend did not take the events (") and why in warning
    assert str(file_of(settings_of("gold", tmp_path))) in warning
    assert (kept[0]["eventType"], kept[-1]["eventType"]) == ("START", "COMPLETE")


def test_a_refusal_does_not_show_the_password_in_an_address(
    environment: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(Webhook()) as marquez:
        marquez.status = 401
        environment.setenv("OPENLINEAGE_URL", f"http://someone:s3cret@127.0.0.1:{marquez.server_port}")
        emit(tmp_path)
    assert len(marquez.posts) == 1, "after the first that is refused no more are tried"
    assert "401" in caplog.text and "s3cret" not in caplog.text


class Silent(Handler):
    """Takes what is posted to it, and says nothing until it may."""

    may_answer = Event()

    def do_POST(self) -> None:
        self.may_answer.wait(30)
        self.answer(200)


def test_a_backend_that_does_not_answer_is_not_waited_for_for_ever(environment: pytest.MonkeyPatch) -> None:
    with serving(HTTPServer(("127.0.0.1", 0), Silent)) as silent:
        environment.setenv("OPENLINEAGE_URL", f"http://127.0.0.1:{silent.server_port}")
        waiting = backend.Backend()
        waiting.send(events.start(attempt_of("gold")))
        assert waiting.close(0.1) == "no answer within 0.1 s"
        Silent.may_answer.set()
        waiting.join()


def test_events_go_where_a_configuration_file_says(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    config = tmp_path / "lineage.yml"
    config.write_text(
        json.dumps({"transport": {"type": "file", "log_file_path": "all.jsonl", "append": True}})
    )
    environment.setenv("OPENLINEAGE_CONFIG", str(config))
    kept = emit(tmp_path / "lake", "publish")
    sent = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [event["run"]["runId"] for event in sent] == [event["run"]["runId"] for event in kept]


def test_the_query_of_the_docs_draws_the_edges(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for step in STEP_NAMES:
        emit(tmp_path, step)
    query = re.search(r"```sql\n(.*?)```", (PROJECT / "docs/lineage.md").read_text(), re.DOTALL)
    assert query
    folder = settings_of("gold", tmp_path).run_folder
    found = duckdb.sql(query[1].replace("lake/data-docs/runs/<run>", str(folder))).fetchall()
    of_steps = read_events(folder)
    assert len(found) == len(edges(event for step in STEP_NAMES for event in of_steps[step]))


def test_nothing_is_emitted_where_nothing_is_wanted(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("OPENLINEAGE_DISABLED", "True")
    assert emit(tmp_path) == [] and not (tmp_path / "data-docs").exists()


def test_a_lake_that_cannot_be_written_is_a_warning(
    environment: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "data-docs").write_text("no folder")
    settings = settings_of("gold", tmp_path)
    Emission(settings, BEGUN).end(Outcome.of(JobError("gone")))
    (warning,) = caplog.messages
    assert warning.startswith("lineage of gold: Not a directory: ")


def test_every_attempt_of_a_step_is_kept_however_it_ended(
    environment: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(stage: str, *more: str, run_id: str = "nightly") -> int:
        return main([stage, f"--night={NIGHT}", f"--run-id={run_id}", f"--home={tmp_path}", *more])

    environment.delenv("SPARK_REMOTE", raising=False)
    assert [run("bronze"), run("bronze"), run("generate", "--simulate=none")] == [1, 1, 0]
    found = read_events(tmp_path / "data-docs/runs/nightly")
    assert [event["eventType"] for event in found["bronze"]] == ["START", "FAIL"] * 2
    assert len({event["run"]["runId"] for event in found["bronze"]}) == 2
    assert found["bronze"][1]["run"]["facets"]["errorMessage"]["message"].startswith(
        "SPARK_REMOTE is not set"
    )
    assert [event["eventType"] for event in found["generate"]] == ["START", "COMPLETE"]
    for _ in range(2):
        run("generate", "--simulate=none", run_id="by-hand")
    assert len(read_events(tmp_path / "data-docs/runs/by-hand")["generate"]) == 2
    assert "lineage" not in capsys.readouterr().out


def test_the_client_is_not_imported_for_the_file(tmp_path: Path) -> None:
    code = (
        "import sys; from jobs.main import main\n"
        f"main(['generate', '--night={NIGHT}', '--simulate=none', '--run-id=r', '--home={tmp_path}'])\n"
        "sys.exit('openlineage' in sys.modules)"
    )
    clean = {name: value for name, value in os.environ.items() if not name.startswith("OPENLINEAGE")}
    ended = subprocess.run([sys.executable, "-c", code], env=clean | {"HOME": str(tmp_path)}, check=False)
    assert ended.returncode == 0 and read_events(tmp_path / "data-docs/runs/r")["generate"]
