"""Great Expectations' Spark engine, with fewer Spark jobs.

The stock engine runs one job for each row condition in each round of metrics. On the rows of a night a job
is nearly all planning, so this one asks about all rows and about those of each condition in one job.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from great_expectations.datasource.fluent import SparkDatasource
from great_expectations.execution_engine import SparkDFExecutionEngine
from great_expectations.expectations.conditions import PassThroughCondition, deserialize_row_condition
from great_expectations.util import convert_to_json_serializable
from pyspark.sql import functions as F

ALL_ROWS = "true"
ROW_COUNT = "table.row_count"
UNEXPECTED_COUNT = ".unexpected_count"


class OneJobEngine(SparkDFExecutionEngine):  # type: ignore[misc]
    """Resolves each round of metrics in one job."""

    known_rows: int | None = None  # of the batch, when they have been counted before

    def resolve_metric_bundle(self, metric_fn_bundle: Any) -> dict[Any, Any]:
        """Compute aggregates over the batch, and over those of its rows that meet a condition."""
        resolved: dict[Any, Any] = {}
        asked = []
        for metric in metric_fn_bundle:
            if self._is_known(metric):
                resolved[metric.metric_configuration.id] = self.known_rows
            else:
                asked.append(metric)
        conditions = list(dict.fromkeys(map(self._condition, asked)))
        together = len(conditions) > 1 and all(map(_is_understood, asked))
        return resolved | (
            self._resolve_together(asked, conditions) if together else super().resolve_metric_bundle(asked)
        )

    def _resolve_together(self, asked: list[Any], conditions: list[str]) -> dict[Any, Any]:
        # A row counts once for each condition that it meets: a group is what the condition would filter.
        met = [F.when(F.expr(condition), F.lit(group)) for group, condition in enumerate(conditions)]
        rows = self.dataframe.withColumn("_group", F.explode(F.array_compact(F.array(*met))))
        aggregates = [metric.metric_fn.alias(f"_{i}") for i, metric in enumerate(asked)]
        found = {row["_group"]: row for row in rows.groupBy("_group").agg(*aggregates).collect()}
        resolved = {}
        for i, metric in enumerate(asked):
            row = found.get(conditions.index(self._condition(metric)))
            resolved[metric.metric_configuration.id] = (
                convert_to_json_serializable(row[f"_{i}"]) if row else _of_no_rows(metric)
            )
        return resolved

    def _is_known(self, metric: Any) -> bool:
        return (
            _name(metric) == ROW_COUNT and self.known_rows is not None and self._condition(metric) == ALL_ROWS
        )

    def _condition(self, metric: Any) -> str:
        condition = deserialize_row_condition(_domain(metric).get("row_condition"))
        if condition is None:
            return ALL_ROWS
        if isinstance(condition, PassThroughCondition):
            return str(condition.pass_through_filter)
        return str(self.condition_to_filter_clause(condition))


@contextmanager
def one_job_engine() -> Iterator[None]:
    """Around opening the engine of a data source: make it a `OneJobEngine`, which the data source keeps.

    Great Expectations takes the kind of engine from the class of all data sources, so callers take turns.
    """
    before = SparkDatasource.execution_engine_override
    SparkDatasource.execution_engine_override = OneJobEngine
    try:
        yield
    finally:
        SparkDatasource.execution_engine_override = before


def _name(metric: Any) -> str:
    return str(metric.metric_configuration.metric_name)


def _is_understood(metric: Any) -> bool:
    keys = _domain(metric).keys() - {"batch_id", "table", "row_condition", "condition_parser"}
    return not keys and (_name(metric) == ROW_COUNT or _name(metric).endswith(UNEXPECTED_COUNT))


def _of_no_rows(metric: Any) -> int | None:
    """What Spark says of no rows: their count is 0, their sum null."""
    return 0 if _name(metric) == ROW_COUNT else None


def _domain(metric: Any) -> dict[str, Any]:
    return dict(metric.compute_domain_kwargs or {})
