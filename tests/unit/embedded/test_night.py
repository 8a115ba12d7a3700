"""Following a night whose run, or whose scheduler, is no more; and the night that was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import HTTPServer
from pathlib import Path
from typing import Any

import pytest

from catalog.progress import Progress, progress_file
from catalog.run_result import REFUSED, TableEntry
from catalog.tables import selection
from embedded import cli, live_line, night
from embedded.airflow_api import AirflowApi
from embedded.config import Config
from embedded.errors import Failed, Refused
from embedded.night import Night, Run, waited_for
from embedded.processes import Processes
from embedded.stack import Stack
from embedded.summary import summary
from jobs.cli.parser import parse
from pipelines import __main__ as pipeline
from tests.support.http_server import Handler, serving
from tests.support.other_catalog import OWN, project_without_the_demo
from tests.support.run_results import leave, result


class Airflow(Handler):
    """Says for ever that the run `known` is running, and knows no other but `short`, which ends after three looks."""

    def do_GET(self) -> None:
        if "/short" in self.path:
            self.answer(200, short_run(self.path, self.server))
            return
        is_known = "/known" in self.path
        self.answer(200 if is_known else 404, {"state": "running", "task_instances": []})

    def do_POST(self) -> None:
        self.body()
        self.answer(201, {"access_token": "t"})


def short_run(path: str, server: Any) -> dict[str, Any]:
    """A run or its tasks: bronze works for two looks at them and has then ended, and so has the run."""
    server.looks = getattr(server, "looks", 0) + ("/taskInstances" not in path)
    has_ended = server.looks > 2
    since = (datetime.now(UTC) - timedelta(seconds=75)).isoformat().replace("+00:00", "Z")
    bronze = {"task_id": "bronze", "try_number": 1, "start_date": since, "duration": 76.5}
    bronze["state"] = "success" if has_ended else "running"
    return {"state": "success" if has_ended else "running", "task_instances": [bronze]}


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A night on a stack whose scheduler is a process that does nothing."""
    with serving(HTTPServer(("127.0.0.1", 0), Airflow)) as server:
        stack = Stack(Config(tmp_path / "run", tmp_path / "lake", server.server_port, 15002, "local", True))
        stack.api = AirflowApi(stack.config.url, "admin", "x")
        stack.processes.start("scheduler", ["sleep", "99"], {"PATH": "/usr/bin:/bin"}, tmp_path / "log")
        yield Run(stack, Night("2024-03-05", "", 1.0, 42, []))
        stack.down()


def test_a_night_waits_only_where_as_many_are_at_work_as_may_be() -> None:
    active = [
        {"dag_run_id": name, "run_type": kind}
        for name, kind in (("first", "scheduled"), ("filled in", "backfill"), ("second", "manual"))
    ]
    assert waited_for(active[:2], 2) == []
    assert waited_for(active, 2) == ["first", "second"]


def test_a_night_without_a_scheduler_is_not_waited_for(run: Run) -> None:
    run.id = "known"
    run.stack.down()
    with pytest.raises(
        Failed, match=r"scheduler has ended, see .*/logs/scheduler\.log; `make run` starts it"
    ):
        run.follow()


def test_a_run_that_somebody_deleted_is_not_waited_for(run: Run) -> None:
    run.id = "deleted"
    with pytest.raises(Failed, match="the run deleted was deleted in Airflow"):
        run.follow()


def test_while_a_stage_works_it_is_said_how_far_it_has_come(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run.id = "short"
    monkeypatch.setattr(night, "POLL_SECONDS", 0)
    monkeypatch.setattr(live_line, "SECONDS_IN_A_LOG", 0)
    docs = run.stack.config.home / "data-docs"
    leave(docs, result("bronze", TableEntry("a", 1234), run_id="short"))
    file = progress_file(docs, "short", "bronze")
    file.write_text(Progress(3, 12, 1200).to_json())
    run.follow()
    working, again, ended = capsys.readouterr().out.splitlines()
    assert (
        working.split()
        == again.split()
        == ["bronze", "75", "s", "1,200", "rows", "in", "3", "of", "12", "tables"]
    )
    assert ended.split() == ["bronze", "76.5", "s", "1,234", "rows", "in", "1", "tables"]
    # One below the other.
    assert working.index(" rows in ") == ended.index(" rows in ")


def test_a_night_that_was_refused_is_summed_up_as_far_as_it_came(run: Run) -> None:
    devices = TableEntry("a", 5)
    verdict = TableEntry("b", 7, {"expectations": 9, "failed": 2, "warned": 1})
    for left in (
        result("generate", devices, devices, run_id=run.id),
        result("bronze", devices, run_id=run.id),
        result("check_bronze", verdict, run_id=run.id, status=REFUSED, exit=3),
    ):
        leave(run.stack.config.home / "data-docs", left)
    figures = dict(line.split(maxsplit=1) for line in summary(run).splitlines() if len(line.split()) > 1)
    assert figures["landed"] == "10 rows"
    assert figures["bronze"] == "5 rows"
    assert figures["gold"] == "0 rows published"
    assert figures["expectations"] == "2 failed, 1 warned"
    assert figures["what"].startswith("failed  http://") and figures["what"].endswith(
        f"{run.id}/check_bronze.html"
    )
    assert figures["Airflow"].endswith(run.id) and figures["stop"] == "make stop"
    assert "report" not in figures


@pytest.mark.parametrize(
    ("typed", "night"), [("2024-03-05", "2024-03-05"), ("before:2024-03-06", "2024-03-05")]
)
def test_what_is_typed_reaches_the_form_as_the_jobs_read_it(typed: str, night: str) -> None:
    asked = cli._parser().parse_args(["run", "--night", typed, "--tables", "events,events"])
    assert cli._night(asked).conf == {"night": night, "scale": 1.0, "seed": 42, "tables": ["events"]}


def test_which_sources_are_simulated_is_left_to_the_form_unless_it_is_typed() -> None:
    asked = cli._parser().parse_args(["run", "--night=1970-01-01", "--simulate=readings,events"])
    assert cli._night(asked).conf["simulate"] == "readings,events"
    with pytest.raises(
        Refused, match=r"nothing to simulate is called 'radings'; choose from all, none, devices"
    ):
        cli._night(cli._parser().parse_args(["run", "--simulate=radings"]))


@pytest.mark.parametrize("scale", ["0", "0.0001", "10.1"])
def test_a_scale_that_the_form_would_refuse_is_refused_before_it(scale: str) -> None:
    with pytest.raises(Refused, match=rf"^SCALE: {scale} is out of range; it must be from 0\.001 to 10$"):
        cli._night(cli._parser().parse_args(["run", "--scale", scale]))


def test_a_command_that_is_none_is_refused_in_one_line() -> None:
    with pytest.raises(
        Refused, match=r"^argument .+: invalid choice: 'runn' .+ \(see python3 -m embedded --help\)$"
    ):
        cli._parser().parse_args(["runn"])


def test_a_catalog_that_is_wrong_is_said_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "PROJECT", project_without_the_demo(tmp_path))
    (tmp_path / "catalog/mine.toml").write_text(
        OWN.replace('key = ["boiler", "timestamp"]', 'key = "boiler"')
    )
    said = r"^the catalog is wrong: mine\.toml \[sources\.boiler_logs\]: key must be a list of strings, .+$"
    with pytest.raises(Refused, match=said):
        cli._night(cli._parser().parse_args(["run"]))


def test_the_pipeline_of_a_target_on_databricks_is_not_run_here_and_nothing_is_started(
    tmp_path: Path,
) -> None:
    there = Config(tmp_path / "run", tmp_path / "lake", 8080, 15002, "dev", False)
    with pytest.raises(Refused, match="LAKEHOUSE_TARGET=dev is on Databricks: there `databricks bundle run`"):
        cli._pipeline(there, cli._parser().parse_args(["pipeline"]))
    assert not list(tmp_path.iterdir())


def test_a_second_pipeline_is_refused_in_one_line_before_it_lands_anything(tmp_path: Path) -> None:
    here = Config(tmp_path / "run", tmp_path / "lake", 8080, 15002, "local", True)
    other = Processes(here.run_dir)
    with (
        other.only("pipeline"),
        pytest.raises(Refused, match=r"^another `make pipeline` is at work on this lake: wait"),
    ):
        cli._pipeline(here, cli._parser().parse_args(["pipeline"]))
    assert not here.home.exists()
    with other.only("pipeline"):
        pass


def test_the_pipeline_follows_what_lands_the_night_and_all_take_what_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Config(tmp_path / "run", tmp_path / "lake", 8080, 15002, "local", True)
    asked: list[tuple[str, list[str]]] = []

    def job(_: Config, argv: list[str], package: str) -> int:
        asked.append((package, argv))
        return 2 if package == "pipelines" else 0

    monkeypatch.setattr(cli, "_job", job)
    typed = Night("2024-03-05", "sensor_logs", 0.1, 7, ["climate_hourly"])
    with pytest.raises(Refused, match="`python -m pipelines --tables=climate_hourly` did not succeed"):
        cli._land_and_declare(here, typed, full_refresh=True)
    *stages, (package, declared) = asked
    assert {of for of, _ in stages} == {"jobs"} and package == "pipelines"
    generate, bronze = (parse(argv) for _, argv in stages)
    assert (generate.stage, bronze.stage) == ("generate", "bronze")
    assert {str(stage.night) for stage in (generate, bronze)} == {"2024-03-05"}
    assert {stage.tables for stage in (generate, bronze)} == {selection(["climate_hourly"])}
    assert (generate.options.scale, generate.options.seed) == (0.1, 7)
    given = pipeline._parser().parse_args(declared)
    assert (given.tables, given.full_refresh) == ("climate_hourly", True)
