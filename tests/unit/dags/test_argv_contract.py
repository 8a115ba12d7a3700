"""Every argument list that a DAG can emit is understood by the real parser of the jobs."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from chain import backfill_jobs, maintenance_jobs, model_jobs, night_jobs, stream_jobs
from platforms import operator_for
from targets import load_target

from catalog.pipeline import STEP_NAMES
from jobs.cli.parser import build_parser
from jobs.lineage.parent import Parent
from tests.support.trigger_form import fill_in

RUN_IDS = [
    "scheduled__2024-03-05T01:00:00+00:00",
    "manual__2026-01-01T00:00:00.123456+00:00_aB3~",
    "-x",
    "..",
]
FORMS: dict[str, list[dict[str, Any]]] = {
    "iot_nightly": [
        {"night": None, "scale": 1.0, "seed": 42, "tables": None},
        {"night": "2024-03-04", "scale": 0.001, "seed": 0, "tables": ["readings"]},
        {
            "night": "2024-03-04",
            "scale": 10,
            "seed": 2**31 - 1,
            "tables": ["devices", "events", "site_events"],
            "fault_rates": "late=0.05,null=0",
            "simulate": "devices,events",
        },
    ],
    "iot_backfill": [
        {"first": "2024-03-04", "last": "2024-03-04", "scale": 1.0, "seed": 42, "tables": None},
        {
            "first": "2024-02-28",
            "last": "2024-03-04",
            "scale": 0.5,
            "seed": 0,
            "tables": ["readings"],
            "fault_rates": "late=0",
            "simulate": "none",
        },
    ],
    "iot_stream": [
        {},
        {"night": "2024-03-04", "rows_per_second": 50_000, "seconds": 86_400, "sink": "delta", "seed": 0},
    ],
    "iot_receive": [{}, {"source": "devices"}],
    "iot_maintenance": [{}, {"vacuum_days": 36500, "docs_days": 1}],
    "iot_model": [{}, {"night": "2024-03-04", "train_nights": 1, "test_nights": 3660}],
}


def emitted(dag: Any, form: dict[str, Any], run_id: str) -> list[list[str]]:
    """The argument lists of one run, rendered as Airflow renders them and then as the operator takes them."""
    environment = dag.get_template_env()
    dag_run = SimpleNamespace(
        run_after=datetime(2024, 3, 6, 1, tzinfo=UTC),
        logical_date=datetime(2024, 3, 5, 1, tzinfo=UTC),
        clear_number=1,
    )
    context = {"dag_run": dag_run, "params": dag.params.dump() | form, "run_id": run_id}

    def attempt(task: Any) -> SimpleNamespace:
        return SimpleNamespace(dag_id=dag.dag_id, task_id=task.task_id, try_number=2)

    rendered = (
        [environment.from_string(argument).render(context, ti=attempt(task)) for argument in task.argv]
        for task in dag.topological_sort()
    )
    return [[argument for argument in argv if argument] for argv in rendered]


def parsed(argvs: list[list[str]]) -> list[dict[str, str]]:
    """What the jobs' own parser makes of them; it needs nothing that is not in this environment."""
    return [
        {name: str(value) for name, value in vars(build_parser(argv[0]).parse_args(argv)).items()}
        for argv in argvs
    ]


def test_every_dag_has_forms_here(bag: Any) -> None:
    assert set(FORMS) == set(bag.dags)


@pytest.mark.parametrize("dag_id", FORMS)
def test_the_jobs_parse_whatever_the_dags_emit(bag: Any, dag_id: str) -> None:
    dag = bag.dags[dag_id]
    argvs = [argv for form in FORMS[dag_id] for run_id in RUN_IDS for argv in emitted(dag, form, run_id)]
    assert len(parsed(argvs)) == len(dag.tasks) * len(FORMS[dag_id]) * len(RUN_IDS)


def test_what_the_form_says_reaches_the_jobs_unchanged(nightly: Any) -> None:
    generate, *others = parsed(emitted(nightly, FORMS["iot_nightly"][2], "by.hand"))
    assert generate["night"] == "2024-03-04"
    assert (float(generate["scale"]), int(generate["seed"])) == (10, 2**31 - 1)
    assert generate["run_id"] == "by.hand"
    assert generate["simulate"] in ("frozenset({'devices', 'events'})", "frozenset({'events', 'devices'})")
    assert {job["night"] for job in others} == {"2024-03-04"}
    assert [job["stage"] for job in others] == [
        "bronze",
        "check",
        "silver",
        "check",
        "gold",
        "check",
        "publish",
        "report",
    ]
    assert [job["layer"] for job in others if job["stage"] == "check"] == ["bronze", "silver", "gold"]


def test_a_job_knows_which_attempt_at_its_task_it_is(nightly: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENLINEAGE_NAMESPACE", "airflow/prod")
    jobs = emitted(nightly, FORMS["iot_nightly"][1], "by.hand")
    of_run = datetime(2024, 3, 5, 1, tzinfo=UTC)
    assert [build_parser(argv[0]).parse_args(argv).parent for argv in jobs] == [
        Parent("airflow/prod", "iot_nightly", step, of_run, 2, 1) for step in STEP_NAMES
    ]


def integers(dag: Any) -> list[str]:
    """The fields of a form that are integers."""
    return [name for name in dag.params if dag.params.get_param(name).schema.get("type") == "integer"]


def test_the_forms_have_integers(bag: Any) -> None:
    assert {dag_id: integers(dag) for dag_id, dag in bag.dags.items()} == {
        "iot_nightly": ["seed"],
        "iot_backfill": ["seed"],
        "iot_stream": ["rows_per_second", "seconds", "seed"],
        "iot_receive": [],
        "iot_maintenance": ["vacuum_days", "docs_days"],
        "iot_model": ["train_nights", "test_nights"],
    }


@pytest.mark.parametrize("dag_id", FORMS)
def test_an_integer_with_a_point_is_that_integer(bag: Any, dag_id: str) -> None:
    """As JSON of some languages has it, in a run that is triggered through Airflow's API."""
    dag, form = bag.dags[dag_id], FORMS[dag_id][-1]
    for field in integers(dag):
        fill_in(dag, form | {field: 42.0})
        with_a_point, without, another = (
            parsed(emitted(dag, form | {field: value}, "by.hand")) for value in (42.0, 42, 43)
        )
        assert with_a_point == without != another, field


@pytest.mark.parametrize("dag_id", FORMS)
def test_a_fraction_is_an_integer_neither_to_the_form_nor_to_the_job(
    bag: Any, dag_id: str, capsys: pytest.CaptureFixture[str]
) -> None:
    dag, form = bag.dags[dag_id], FORMS[dag_id][-1]
    for field in integers(dag):
        with pytest.raises(
            ValueError, match=f"^Invalid input for param {field}: 1.5 is not of type 'integer'"
        ):
            fill_in(dag, form | {field: 1.5})
        argvs = emitted(dag, form | {field: 4242}, "by.hand")
        concerned = [argv for argv in argvs if "=4242" in " ".join(argv)]
        assert concerned, field
        for argv in concerned:
            with pytest.raises(SystemExit, match="2"):
                build_parser(argv[0]).parse_args([argument.replace("=4242", "=1.5") for argument in argv])
            complaint = capsys.readouterr().err
            assert complaint.count("\n") == 1 and "'1.5" in complaint
            (option,) = [argument.partition("=")[0] for argument in argv if "=4242" in argument]
            assert f"argument {option}: " in complaint


def test_a_range_of_nights_reaches_the_job_unchanged(bag: Any) -> None:
    (backfill,) = parsed(emitted(bag.dags["iot_backfill"], FORMS["iot_backfill"][1], "by.hand"))
    assert (backfill["first"], backfill["night"], backfill["run_id"]) == (
        "2024-02-28",
        "2024-03-04",
        "by.hand",
    )
    assert backfill["simulate"] == "frozenset()"


def test_an_empty_form_means_all_tables_and_the_logical_date(nightly: Any) -> None:
    for argv in emitted(nightly, FORMS["iot_nightly"][0], RUN_IDS[0]):
        assert not any(argument.startswith("--tables") for argument in argv)
        assert "--night=2024-03-05" in argv


def test_what_a_form_leaves_open_is_simulated_as_the_target_says() -> None:
    for target, said in (("local", ""), ("prod", "none")):
        for jobs in (night_jobs, backfill_jobs, stream_jobs):
            assert f"--simulate={{{{ params.simulate or '{said}' }}}}" in jobs(load_target(target))[0].argv


def test_each_stream_is_sent_as_the_form_says(bag: Any) -> None:
    form = {"night": "2024-03-04", "rows_per_second": 7, "seconds": 90, "sink": "delta", "seed": 3}
    sent = parsed(emitted(bag.dags["iot_stream"], form, "by.hand"))
    assert [job["source"] for job in sent] == ["iot_events", "transactions", "live_sensors"]
    for job in sent:
        assert (job["night"], job["rows_per_second"], job["duration"]) == ("2024-03-04", "7", "90")
        assert (job["sink"], job["seed"], job["run_id"]) == ("delta", "3", "by.hand")


def test_a_stream_without_a_night_is_that_of_the_day_before_the_run(bag: Any) -> None:
    assert {job["night"] for job in parsed(emitted(bag.dags["iot_stream"], {}, "x"))} == {"2024-03-05"}


def test_the_source_of_the_form_is_received(bag: Any) -> None:
    (receive,) = parsed(emitted(bag.dags["iot_receive"], {"source": "devices"}, "by.hand"))
    assert (receive["stage"], receive["source"]) == ("receive", "devices")
    (receive,) = parsed(emitted(bag.dags["iot_receive"], {}, "x"))
    assert receive["source"] == "transactions"


def test_how_long_to_keep_things_reaches_the_jobs_unchanged(bag: Any) -> None:
    form = {"vacuum_days": 14, "docs_days": 1}
    (maintain,) = parsed(emitted(bag.dags["iot_maintenance"], form, "by.hand"))
    assert (maintain["stage"], maintain["run_id"]) == ("maintain", "by.hand")
    assert (maintain["vacuum_days"], maintain["docs_days"]) == ("14", "1")


def test_what_a_model_learns_from_and_is_scored_on_reaches_the_job_unchanged(bag: Any) -> None:
    form = {"night": "2024-03-04", "train_nights": 60, "test_nights": 14}
    (train,) = parsed(emitted(bag.dags["iot_model"], form, "by.hand"))
    assert (train["stage"], train["night"], train["run_id"]) == ("train", "2024-03-04", "by.hand")
    assert (train["train_nights"], train["test_nights"]) == ("60", "14")
    (train,) = parsed(emitted(bag.dags["iot_model"], {}, "x"))
    assert (train["night"], train["train_nights"], train["test_nights"]) == ("2024-03-05", "28", "7")


@pytest.mark.parametrize("target", ["local", "dev"])
def test_training_asks_the_same_of_every_platform(target: str) -> None:
    where = load_target(target)
    (job,) = model_jobs(where)
    assert job.argv[:2] == ("train", "--night={{ night_of(dag_run, params) }}")
    assert tuple(operator_for(where.platform)(job, where).argv) == job.argv


@pytest.mark.parametrize("target", ["local", "dev"])
def test_maintenance_asks_the_same_of_every_platform(target: str) -> None:
    (job,) = maintenance_jobs(load_target(target))
    where = load_target(target)
    assert job.argv == (
        "maintain",
        "--vacuum-days={{ params.vacuum_days | int }}",
        "--docs-days={{ params.docs_days | int }}",
        "--run-id={{ slug_of(run_id) }}",
        f"--home={where.home}",
        f"--catalog={where.catalog}",
        f"--prefix={where.prefix}",
        "--parent={{ parent_of(ti, dag_run) }}",
    )
    task = operator_for(where.platform)(job, where)
    assert tuple(task.argv) == job.argv


def test_pages_are_where_the_jobs_put_them(nightly: Any) -> None:
    environment = nightly.get_template_env()
    page = environment.from_string(nightly.get_task("check_gold").page_href).render(run_id="a:b")
    assert page == "/plugin/data-docs/data-docs/runs/a_b/check_gold.html"
