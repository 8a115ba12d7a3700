"""A night's stages as jobs, and their order."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from airflow.sdk import Asset, chain
from job import Job, Page
from platforms import operator_for
from targets import Target, load_target

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from airflow.sdk import Context

# The catalog is the jobs' own; only names are read of it here.
CATALOG = tomllib.loads((Path(__file__).parents[1] / "jobs/catalog.toml").read_text(encoding="utf-8"))
SOURCES, GOLD = tuple(CATALOG["sources"]), tuple(CATALOG["gold"])
# Sources that a night works on only when they, or what is made of them, are named.
OPTIONAL = tuple(name for name, source in CATALOG["sources"].items() if source.get("optional"))
JSON_SOURCES = tuple(name for name, source in CATALOG["sources"].items() if source["format"] == "json")
STREAMED = tuple(name for name, source in CATALOG["sources"].items() if source.get("streamed"))

NIGHT = "{{ night_of(dag_run, params) }}"
RUN = "{{ slug_of(run_id) }}"
# An empty argument is left out.
DIRT = "{% if params.dirt %}--dirt={{ params.dirt }}{% endif %}"

KAFKA = (("LAKEHOUSE_KAFKA", "lakehouse_kafka"),)

# Airflow shows the plugin's pages (/data-docs/…) inside its own UI under these addresses.
DATA_DOCS = "/plugin/data-docs/data-docs"
NIGHT_REPORT = "/plugin/night-report/data-docs"


def _sources_of(table: dict[str, list[str]]) -> Iterator[str]:
    """The sources that a table is made from, if need be by way of others."""
    for name in table["reads"]:
        if name in CATALOG["derived"]:
            yield from _sources_of(CATALOG["derived"][name])
        else:
            yield from (
                source for source, entry in CATALOG["sources"].items() if entry.get("silver", source) == name
            )


def gold_of(tables: Collection[str]) -> tuple[str, ...]:
    """The gold tables of a run on these sources and gold tables; of none named, those of every night."""
    chosen = {*tables} or {*SOURCES} - {*OPTIONAL}
    return tuple(
        name for name, table in CATALOG["gold"].items() if name in chosen or chosen & {*_sources_of(table)}
    )


NIGHTLY_GOLD = gold_of(())


def emit_what_was_published(context: Context, _result: object) -> None:
    """Leave the assets of gold tables that the run is not about as they are: nobody need work on them again."""
    task, tables = context["task"], context["params"].get("tables")
    published = gold_of(tables or ())
    task.outlets = [asset for asset in task.outlets if asset.name.rpartition(".")[2] in published]


def gold_assets(target: Target) -> tuple[Asset, ...]:
    """One asset per gold table of a night, for other DAGs to wait for."""
    schema = f"{target.prefix}gold"
    return tuple(
        Asset(f"{schema}.{table}", f"lakehouse://{target.catalog}/{schema}/{table}") for table in NIGHTLY_GOLD
    )


def night_jobs(target: Target) -> tuple[Job, ...]:
    """The stages of one night, in order."""
    where = (f"--night={NIGHT}", *_where(target))

    def check(layer: str) -> Job:
        page = Page("Validation results", f"{DATA_DOCS}/runs/{RUN}/check_{layer}.html")
        return Job(f"check_{layer}", ("check", f"--layer={layer}", *where), page=page)

    return (
        Job("generate", ("generate", "--scale={{ params.scale }}", "--seed={{ params.seed }}", DIRT, *where)),
        Job("bronze", ("bronze", *where)),
        check("bronze"),
        Job("silver", ("silver", *where)),
        check("silver"),
        Job("gold", ("gold", *where)),
        check("gold"),
        Job("publish", ("publish", *where), outlets=gold_assets(target)),
        Job("report", ("report", *where), page=Page("Night report", f"{NIGHT_REPORT}/nights/{NIGHT}.html")),
    )


def history_jobs(target: Target) -> tuple[Job, ...]:
    """A range of nights in bulk, as one job: its stages work on a month at a time."""
    job = Job(
        "history",
        (
            "history",
            "--from={{ params.first }}",
            "--to={{ params.last }}",
            "--scale={{ params.scale }}",
            "--seed={{ params.seed }}",
            DIRT,
            *_where(target),
        ),
        outlets=gold_assets(target),
        page=Page("Night report", f"{NIGHT_REPORT}/nights/{{{{ params.last }}}}.html"),
        hours=24,
    )
    return (job,)


def stream_jobs(target: Target) -> tuple[Job, ...]:
    """The next piece of each streamed source, to the same sink."""
    return tuple(
        Job(
            f"stream_{source}",
            (
                "stream",
                f"--source={source}",
                f"--night={NIGHT}",
                "--rows-per-second={{ params.rows_per_second }}",
                "--for={{ params.seconds }}s",
                "--sink={{ params.sink }}",
                "--seed={{ params.seed }}",
                *_place(target),
            ),
            secrets=KAFKA,
        )
        for source in STREAMED
    )


def receive_jobs(target: Target) -> tuple[Job, ...]:
    """What came to the topic of one source."""
    return (Job("receive", ("receive", "--source={{ params.source }}", *_place(target)), secrets=KAFKA),)


def maintenance_jobs(target: Target) -> tuple[Job, ...]:
    """The care of all tables and pages."""
    keep = ("--vacuum-days={{ params.vacuum_days }}", "--docs-days={{ params.docs_days }}")
    return (Job("maintain", ("maintain", *keep, *_place(target))),)


def _place(target: Target) -> tuple[str, ...]:
    return (
        f"--run-id={RUN}",
        f"--home={target.home}",
        f"--catalog={target.catalog}",
        f"--prefix={target.prefix}",
    )


def _where(target: Target) -> tuple[str, ...]:
    return (
        *_place(target),
        "{% if params.tables %}--tables={{ params.tables | join(',') }}{% endif %}",
    )


def declare(jobs_of: Callable[[Target], Iterable[Job]]) -> None:
    """Add these jobs to the DAG being declared, one after the other, on the target that LAKEHOUSE_TARGET names."""
    target = load_target()
    make = operator_for(target.platform)
    chain(*(make(job, target) for job in jobs_of(target)))
