"""Great Expectations' Spark engine, with fewer queries.

The stock engine asks once for each batch, for each row condition and for each key. On the rows of a night a query is
nearly all planning, so this one asks for the counts of all batches in one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from operator import and_, or_
from typing import Any

from great_expectations.exceptions import MetricResolutionError
from great_expectations.execution_engine import SparkDFExecutionEngine
from great_expectations.expectations.conditions import PassThroughCondition, deserialize_row_condition
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.delta.frames import folded, union

ROW_COUNT = "table.row_count"
UNEXPECTED_COUNT = ".unexpected_count"
# What is made of the number of rows itself.
LOOK_AT_SIZES = ("column.median", "column.unique_proportion", "column.non_null_proportion")
KEYED_COUNTS = (
    "column_values.unique.unexpected_count",
    "compound_columns.unique.unexpected_count",
    "compound_columns.unique.filtered_row_count",
)


class OneQueryEngine(SparkDFExecutionEngine):  # type: ignore[misc]
    """Asks each question once: counts in one query, all others as the stock engine does."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.rows: dict[str, int] = {}  # batch id -> rows, of the batches of which anything has been counted
        self._sizes: dict[Any, Any] = {}  # numbers of rows, of all or of those that meet a condition
        self._known: dict[Any, Any] = {}
        self._failed: dict[Any, Exception] = {}  # Great Expectations asks for what has failed three times

    def resolve_metrics(
        self, metrics_to_resolve: Iterable[Any], metrics: Any = None, runtime_configuration: Any = None
    ) -> dict[Any, Any]:
        """Resolve all but counts; counts once nothing else is left to do, so that they come together.

        Nearly every metric depends on a number of rows, and few look at it: until it is counted, it is None.
        """
        asked = {metric.id: metric for metric in metrics_to_resolve if metric.id not in self._known}
        self._sizes |= {id_: metric for id_, metric in asked.items() if _is_size(metric)}
        others = [metric for metric in asked.values() if not _is_count(metric)]
        if any(metric.metric_name in LOOK_AT_SIZES for metric in others):
            self._count_due({}, metrics)
        if others:
            self._known |= super().resolve_metrics(others, metrics, runtime_configuration)
        else:
            self._count_due(asked, metrics)
            if failed := [metric for id_, metric in asked.items() if id_ in self._failed]:
                raise MetricResolutionError(str(self._failed[failed[-1].id]), failed_metrics=failed)
        known = {
            metric.id: self._known[metric.id] for metric in metrics_to_resolve if metric.id in self._known
        }
        return known | {id_: self._known.get(id_) for id_ in self._sizes.keys() - self._failed.keys()}

    def _count_due(self, asked: dict[Any, Any], metrics: dict[Any, Any]) -> None:
        """Count what is asked and the numbers of rows, each once, and give Great Expectations these."""
        done = self._known.keys() | self._failed.keys()
        self._count([metric for id_, metric in (asked | self._sizes).items() if id_ not in done], metrics)
        metrics |= {id_: self._known[id_] for id_ in self._sizes.keys() & self._known.keys()}
        for id_ in self._sizes.keys() & self._failed.keys():
            metrics.pop(id_, None)  # no None any more: Great Expectations asks for it, and gets the reason

    def _count(self, asked: list[Any], metrics: Mapping[Any, Any]) -> None:
        """Resolve counts; those that fail are found by halving what cannot be asked together."""
        try:
            self._ask(asked, metrics)
        except Exception as error:
            if len(asked) == 1:
                self._failed[asked[0].id] = error
                return
            self.spark.sql("SELECT 1").collect()  # when Spark itself is gone, each half would wait for it
            middle = len(asked) // 2
            self._count(asked[:middle], metrics)
            self._count(asked[middle:], metrics)

    def _ask(self, asked: list[Any], metrics: Mapping[Any, Any]) -> None:
        by_batch = defaultdict(list)
        for metric in asked:
            by_batch[_batch(metric)].append(metric)
        if not by_batch:
            return
        # Those that need a key last, as in the answers.
        batches = {batch: sorted(own, key=_is_keyed) for batch, own in by_batch.items()}
        counted = [
            self._counts(batch, own, metrics).select(F.lit(batch).alias("batch"), "counts")
            for batch, own in batches.items()
        ]
        for row in union(counted).collect():
            self.rows[row.batch], *counts = row.counts
            for metric, count in zip(batches[row.batch], counts, strict=True):
                # Of no rows, the stock engine has a sum, which is null, where it need not look at keys.
                is_sum = metric.metric_name.endswith(UNEXPECTED_COUNT) and not _is_keyed(metric)
                self._known[metric.id] = count if is_sum else count or 0

    def _counts(self, batch: str, asked: list[Any], metrics: Mapping[Any, Any]) -> DataFrame:
        """One row: how many rows there are, and for how many of them each metric's answer is 1."""
        frame: DataFrame = self.get_domain_records({"batch_id": batch})
        plain = [self._answer(metric, metrics) for metric in asked if not _is_keyed(metric)]
        keyed = [self._answer(metric, metrics) for metric in asked if _is_keyed(metric)]
        key = dict.fromkeys(name for metric in asked if _is_keyed(metric) for name in _key(metric))
        # In two steps: what is sorted by key to find the repeated ones is the answers, not the columns.
        rows = frame.select(F.array(*plain).alias("_plain"), *key)
        rows = rows.select("_plain", F.array(*keyed).alias("_keyed"))
        answers = [
            F.col(name)[i]
            for name, given in (("_plain", plain), ("_keyed", keyed))
            for i in range(len(given))
        ]
        return rows.agg(F.array(F.count(F.lit(1)), *map(F.sum, answers)).alias("counts"))

    def _answer(self, metric: Any, metrics: Mapping[Any, Any]) -> Column:
        """Of a row: 1 where it is counted, 0 or null where not, null where the metric is not about it."""
        is_due = self._is_due(metric)
        if not metric.metric_name.endswith(UNEXPECTED_COUNT):
            return F.when(is_due, 1)
        dependencies = metric.metric_dependencies
        if "metric_partial_fn" in dependencies:
            dependencies = dependencies["metric_partial_fn"].metric_dependencies
        is_unexpected, *_ = metrics[dependencies["unexpected_condition"].id]
        return F.when(is_due, F.when(is_unexpected, 1).otherwise(0))

    def _is_due(self, metric: Any) -> Column:
        if not _is_keyed(metric):
            condition = deserialize_row_condition(metric.metric_domain_kwargs.get("row_condition"))
            if condition is None:
                return F.lit(True)
            if isinstance(condition, PassThroughCondition):
                return F.expr(condition.pass_through_filter)
            return F.expr(self.condition_to_filter_clause(condition))
        has_value = [F.col(name).isNotNull() for name in _key(metric)]
        ignored = metric.metric_domain_kwargs.get("ignore_row_if", "all_values_are_missing")
        if ignored == "never":
            return F.lit(True)
        return folded(and_ if ignored == "any_value_is_missing" else or_, has_value)


def _is_count(metric: Any) -> bool:
    name, domain = metric.metric_name, metric.metric_domain_kwargs
    if _is_keyed(metric):
        return not domain.get("row_condition")  # keys are repeated among the rows that meet it
    is_sum = "metric_partial_fn" in metric.metric_dependencies and "column" in domain
    return _is_size(metric) or (name.endswith(UNEXPECTED_COUNT) and is_sum)


def _is_size(metric: Any) -> bool:
    return bool(metric.metric_name == ROW_COUNT)


def _is_keyed(metric: Any) -> bool:
    return metric.metric_name in KEYED_COUNTS


def _key(metric: Any) -> list[str]:
    domain = metric.metric_domain_kwargs
    return list(domain.get("column_list") or [domain["column"]])


def _batch(metric: Any) -> str:
    return str(metric.metric_domain_kwargs["batch_id"])
