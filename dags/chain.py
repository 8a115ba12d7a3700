"""The jobs of each DAG: their argument lists, assets and pages. Their order is that of `catalog/pipeline.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import Asset, chain
from job import Job, Page
from platforms import operator_for
from targets import Target, load_target

from catalog.pipeline import STEPS, Step
from catalog.tables import GOLD, STREAMED, selection

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from airflow.sdk import Context

NIGHT = "{{ night_of(dag_run, params) }}"
RUN = "{{ slug_of(run_id) }}"
# For lineage. Databricks' own job, without Airflow, has none.
PARENT = "--parent={{ parent_of(ti, dag_run) }}"
# An empty argument is left out.
# JSON of some languages has 42.0 for the integer 42, which the forms take: hence `int` below.
FAULT_RATES = "{% if params.fault_rates %}--fault-rates={{ params.fault_rates }}{% endif %}"

KAFKA = (("LAKEHOUSE_KAFKA", "lakehouse_kafka"),)

# Airflow shows the plugin's pages (/data-docs/…) inside its own UI under these addresses.
DATA_DOCS = "/plugin/data-docs/data-docs"
NIGHT_REPORT = "/plugin/night-report/data-docs"


def gold_of(tables: Collection[str]) -> tuple[str, ...]:
    """Return the gold tables of a run on these sources and gold tables; without any, those of every night."""
    selected = selection(tables)
    return tuple(name for name in GOLD if name in selected)


NIGHTLY_GOLD = gold_of(())


def emit_what_was_published(context: Context, _result: object) -> None:
    """Emit the assets of only those gold tables that the run is about."""
    task, tables = context["task"], context["params"].get("tables")
    published = gold_of(tables or ())
    task.outlets = [asset for asset in task.outlets if asset.name.rpartition(".")[2] in published]


def gold_assets(target: Target) -> tuple[Asset, ...]:
    """Return one asset per gold table of a night, for other DAGs to wait for."""
    schema = f"{target.prefix}gold"
    return tuple(
        Asset(f"{schema}.{table}", f"lakehouse://{target.catalog}/{schema}/{table}") for table in NIGHTLY_GOLD
    )


def night_jobs(target: Target) -> tuple[Job, ...]:
    """Return the jobs of one night, in order."""
    where = (f"--night={NIGHT}", *_where(target))

    def argv(step: Step) -> tuple[str, ...]:
        if step.stage == "generate":
            return (
                "generate",
                _simulate(target),
                "--scale={{ params.scale }}",
                "--seed={{ params.seed | int }}",
                FAULT_RATES,
                *where,
            )
        return (step.stage, *([f"--layer={step.layer}"] if step.layer else []), *where)

    def page(step: Step) -> Page | None:
        if step.layer:
            return Page("Validation results", f"{DATA_DOCS}/runs/{RUN}/{step.name}.html")
        return Page("Night report", f"{NIGHT_REPORT}/nights/{NIGHT}.html") if step.stage == "report" else None

    published = {"publish": gold_assets(target)}
    return tuple(
        Job(step.name, argv(step), outlets=published.get(step.name, ()), page=page(step)) for step in STEPS
    )


def backfill_jobs(target: Target) -> tuple[Job, ...]:
    """Return the one job of a backfill; its stages work on a month at a time."""
    job = Job(
        "backfill",
        (
            "backfill",
            "--from={{ params.first }}",
            "--to={{ params.last }}",
            _simulate(target),
            "--scale={{ params.scale }}",
            "--seed={{ params.seed | int }}",
            FAULT_RATES,
            *_where(target),
        ),
        outlets=gold_assets(target),
        page=Page("Night report", f"{NIGHT_REPORT}/nights/{{{{ params.last }}}}.html"),
        hours=24,
    )
    return (job,)


def stream_jobs(target: Target) -> tuple[Job, ...]:
    """Return one job per streamed source, each of which sends the next piece of it."""
    return tuple(
        Job(
            f"stream_{source}",
            (
                "stream",
                f"--source={source}",
                f"--night={NIGHT}",
                "--rows-per-second={{ params.rows_per_second | int }}",
                "--for={{ params.seconds | int }}s",
                "--sink={{ params.sink }}",
                "--seed={{ params.seed | int }}",
                _simulate(target),
                *_location(target),
            ),
            secrets=KAFKA,
        )
        for source in STREAMED
    )


def receive_jobs(target: Target) -> tuple[Job, ...]:
    """Return the job that receives the topic of one source."""
    return (Job("receive", ("receive", "--source={{ params.source }}", *_location(target)), secrets=KAFKA),)


def model_jobs(target: Target) -> tuple[Job, ...]:
    """Return the job that trains and scores the model that predicts failures."""
    sides = (
        "--train-nights={{ params.train_nights | int }}",
        "--test-nights={{ params.test_nights | int }}",
    )
    return (Job("train", ("train", f"--night={NIGHT}", *sides, *_location(target))),)


def maintenance_jobs(target: Target) -> tuple[Job, ...]:
    """Return the job that maintains all tables and pages."""
    keep = ("--vacuum-days={{ params.vacuum_days | int }}", "--docs-days={{ params.docs_days | int }}")
    return (Job("maintain", ("maintain", *keep, *_location(target))),)


def _simulate(target: Target) -> str:
    return f"--simulate={{{{ params.simulate or '{target.simulate}' }}}}"


def _location(target: Target) -> tuple[str, ...]:
    return (
        f"--run-id={RUN}",
        f"--home={target.home}",
        f"--catalog={target.catalog}",
        f"--prefix={target.prefix}",
        PARENT,
    )


def _where(target: Target) -> tuple[str, ...]:
    return (
        *_location(target),
        "{% if params.tables %}--tables={{ params.tables | join(',') }}{% endif %}",
    )


def declare(jobs_of: Callable[[Target], Iterable[Job]]) -> None:
    """Add these jobs to the DAG being declared, one after the other, on the target that LAKEHOUSE_TARGET names."""
    target = load_target()
    make = operator_for(target.platform)
    chain(*(make(job, target) for job in jobs_of(target)))
