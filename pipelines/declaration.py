"""The datasets as declarations of `pyspark.pipelines`, on Databricks with expectations."""

from typing import Any

from pyspark.sql import SparkSession

from jobs.delta.lake import Lake
from pipelines.datasets import Dataset, datasets
from pipelines.rules import DECORATORS, Query, enforced
from pipelines.settings import settings_of


def declare(module: Any, spark: SparkSession) -> None:
    """Declare all datasets with the decorators of a module: `pyspark.pipelines`, which has more on Databricks."""
    for dataset in datasets(Lake(spark, settings_of(spark))):
        _declare(module, dataset)


def _declare(module: Any, dataset: Dataset) -> None:
    query = _checked(module, dataset)
    if dataset.table is None:
        module.temporary_view(name=dataset.name)(query)
        return
    declare_table = module.table if dataset.is_stream else module.materialized_view
    declare_table(
        name=dataset.name,
        comment=dataset.table.grain,
        partition_cols=[*dataset.table.partition_by],
        schema=dataset.table.columns,
    )(query)


def _checked(module: Any, dataset: Dataset) -> Query:
    if not _has_expectations(module):
        return enforced(dataset.query, dataset.rules)
    query = dataset.query
    for action, decorator in DECORATORS.items():
        if rules := dataset.rules.get(action):
            query = getattr(module, decorator)(dict(rules))(query)
    return query


def _has_expectations(module: Any) -> bool:
    """Whether it is that of Databricks."""
    return hasattr(module, "expect_all")
