"""OpenLineage events of one attempt at a step: one job for the step, and below it one for each table it worked on.

Tables have jobs of their own, since a job reads all that it reads for all that it writes: one for a whole step would
say that every table is made of every other. Nothing here asks Spark: all is from the catalog and the step's results.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from catalog.lineage import EXPORTED, EXPORTING, Flow, columns, copying, flow
from catalog.pipeline import QUARANTINE
from catalog.run_result import DONE
from jobs.lineage.naming import PRODUCER, SPECIFICATION, Json, Naming, facet
from jobs.lineage.parent import Parent, run_id
from jobs.outcome import Checked, Outcome, TableResult
from jobs.settings import Settings

START, COMPLETE, FAIL = "START", "COMPLETE", "FAIL"
EVENT = f"{SPECIFICATION}/2-0-2/OpenLineage.json#/$defs/RunEvent"


@dataclass(frozen=True)
class Attempt:
    """One attempt at a step, and where its lake is."""

    settings: Settings
    naming: Naming
    started: datetime

    @property
    def namespace(self) -> str:
        """The namespace of its jobs: `lakehouse`, the catalog and the schemas' prefix, joined by dots."""
        naming = self.naming
        return ".".join(part for part in ("lakehouse", naming.catalog, naming.prefix) if part)

    def job(self, table: str = "") -> str:
        """Return the name of the job of the step, or of one of its tables; it begins with that of its DAG, if any."""
        dag = self.settings.parent.dag if self.settings.parent else ""
        return ".".join(part for part in (dag, self.settings.step, table) if part)

    def run(self, table: str = "") -> str:
        """Return the id of its run: each attempt is a run of its own."""
        return run_id(self.started, f"{self.namespace}.{self.job(table)}.{self.settings.run_id}")


def start(attempt: Attempt) -> Json:
    """Return the event that the step has begun."""
    return _event(attempt, START, attempt.started)


def end(attempt: Attempt, outcome: Outcome, ended: datetime) -> list[Json]:
    """Return the events of the tables that the step worked on, and at last that of its end.

    A step that failed knows of no tables, one that was refused of all that it checked.
    """
    events = []
    for made, result in _flows(attempt.settings.step, outcome.tables):
        failed = result is not None and result.detail.get("success") is False
        events.append(_event(attempt, START, attempt.started, made.name))
        last = _event(attempt, FAIL if failed else COMPLETE, ended, made.name)
        naming = _naming(attempt, result)
        events.append(last | _datasets(naming, made, attempt.settings.step, result))
    done = outcome.status == DONE
    step = _event(attempt, COMPLETE if done else FAIL, ended)
    if not done:
        step["run"]["facets"]["errorMessage"] = facet(
            "ErrorMessageRunFacet", "1-0-1", message=outcome.message, programmingLanguage="python"
        )
    return [*events, step]


def _naming(attempt: Attempt, result: TableResult | None) -> Naming:
    """How datasets are named, with what only a table's result knows."""
    detail: Any = result.detail if result else {}
    copy = detail.get("iceberg", {}).get("location", "")
    return replace(attempt.naming, broker=str(detail.get("broker", "")), copy=copy)


def _flows(step: str, results: list[TableResult]) -> Iterator[tuple[Flow, TableResult | None]]:
    """Yield what the step did for each table, with the table's result if it has one."""
    derived: dict[str, None] = {}
    for result in results:
        detail: Any = result.detail
        if made := flow(step, result.table):
            read = [name for name in detail.get("read", ()) if name not in made.reads]
            yield replace(made, reads=(*made.reads, *read)), result
        if "iceberg" in detail:
            yield copying(result.table), result
        derived |= dict.fromkeys(detail.get("reconciled", {}).get("derived", ()))
    for name in derived:
        if made := flow(step, name):
            yield made, None
    if step == "publish" and any(result.table == EXPORTED for result in results):
        yield EXPORTING, None


def _event(attempt: Attempt, kind: str, moment: datetime, table: str = "") -> Json:
    """An event of a step, or of one of its tables, without datasets."""
    nights = attempt.settings.nights
    begin, last = (datetime.combine(night, time(), UTC) for night in (nights[0], nights[-1]))
    facets = {
        "nominalTime": facet(
            "NominalTimeRunFacet",
            "1-0-1",
            nominalStartTime=begin.isoformat(),
            nominalEndTime=(last + timedelta(days=1)).isoformat(),
        )
    }
    if parent := _parent(attempt, table):
        facets["parent"] = parent
    of_type = {"processingType": "BATCH", "integration": "LAKEHOUSE", "jobType": "TABLE" if table else "STEP"}
    return {
        "eventType": kind,
        "eventTime": moment.isoformat(),
        "producer": PRODUCER,
        "schemaURL": EVENT,
        "run": {"runId": attempt.run(table), "facets": facets},
        "job": {
            "namespace": attempt.namespace,
            "name": attempt.job(table),
            "facets": {"jobType": facet("JobTypeJobFacet", "2-0-4", **of_type)},
        },
        "inputs": [],
        "outputs": [],
    }


def _parent(attempt: Attempt, table: str) -> Json | None:
    """Of a table the step, of a step the attempt at its task; the root of both is the run of the DAG."""
    task: Parent | None = attempt.settings.parent
    step = _run_of(attempt.run(), attempt.namespace, attempt.job())
    if task is None:
        return facet("ParentRunFacet", "1-2-0", **step, root=step) if table else None
    root = _run_of(task.dag_run, task.namespace, task.dag)
    above = step if table else _run_of(task.task_run, task.namespace, f"{task.dag}.{task.task}")
    return facet("ParentRunFacet", "1-2-0", **above, root=root)


def _run_of(run: str, namespace: str, job: str) -> Json:
    return {"run": {"runId": run}, "job": {"namespace": namespace, "name": job}}


def _datasets(naming: Naming, made: Flow, step: str, result: TableResult | None) -> Json:
    rows = _rows_written(step, made, result) if result else {}
    return {
        "inputs": [
            _input(naming, name, result if step.startswith("check_") else None) for name in made.reads
        ],
        "outputs": [_output(naming, made, name, rows.get(name)) for name in made.writes],
    }


def _rows_written(step: str, made: Flow, result: TableResult) -> dict[str, int]:
    """How many rows this attempt wrote, by dataset; none where its result counts what was there before, too."""
    detail: Any = result.detail
    if made.name.startswith("iceberg."):
        return {made.name: detail["iceberg"]["rows"]}
    if step == "silver":
        return {
            made.writes[0]: detail["reconciled"]["silver"],
            QUARANTINE: detail["reconciled"]["quarantined"],
        }
    # What is made anew in part has the rows of the whole; files that have landed before are left alone.
    if step in ("generate", "report") or detail.get("in_part") or detail.get("was_published"):
        return {}
    return {name: result.rows for name in made.writes[:1]}


def _input(naming: Naming, name: str, checked: TableResult | None) -> Json:
    facets = naming.symlinks_of(name)
    if name.startswith("landing."):
        facets |= naming.facets_of(name)
    found: Json = {**naming.of(name), "facets": facets}
    if checked:
        found["inputFacets"] = {
            "dataQualityMetrics": facet(
                "DataQualityMetricsInputDatasetFacet", "1-0-3", rowCount=checked.rows, columnMetrics={}
            ),
            "dataQualityAssertions": facet(
                "DataQualityAssertionsDatasetFacet",
                "1-1-0",
                assertions=[_assertion(each) for each in checked.checked],
            ),
        }
    return found


def _assertion(checked: Checked) -> Json:
    found: Json = {
        "assertion": checked.expectation,
        "success": checked.holds,
        "severity": "warn" if checked.action == "flag" else "error",
        "description": checked.reason,
    }
    if len(checked.columns) == 1:
        found["column"] = checked.columns[0]
    elif checked.columns:
        found["params"] = {"columns": list(checked.columns)}
    return found


def _output(naming: Naming, made: Flow, name: str, rows: int | None) -> Json:
    facets = naming.facets_of(name)
    if name == made.writes[0] and (lineage := columns(made)):
        facets["columnLineage"] = facet(
            "ColumnLineageDatasetFacet",
            "1-2-0",
            fields={
                column: {"inputFields": [naming.of(dataset) | {"field": field, "transformations": [DIRECT]}]}
                for column, (dataset, field) in lineage.items()
            },
        )
    statistics = facet("OutputStatisticsOutputDatasetFacet", "1-0-2", rowCount=rows)
    return {
        **naming.of(name),
        "facets": facets,
        "outputFacets": {"outputStatistics": statistics} if rows is not None else {},
    }


# Of how it is made the catalog says no more.
DIRECT = {"type": "DIRECT"}
