"""The engine that resolves a round of metrics in one job answers what the stock engine answers."""

import great_expectations as gx
import pytest
from great_expectations.datasource.fluent import SparkDatasource
from great_expectations.execution_engine import SparkDFExecutionEngine
from great_expectations.expectations import (
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToNotBeNull,
    ExpectTableRowCountToBeBetween,
    ExpectTableRowCountToEqual,
)
from great_expectations.expectations.conditions import Column

from expectations.conditions import where
from jobs.quality.gx_engine import OneJobEngine

EXPECTATIONS = [
    ExpectTableRowCountToBeBetween(min_value=1, max_value=3),
    ExpectTableRowCountToEqual(value=0, row_condition=where("value > 1000")),
    ExpectTableRowCountToEqual(value=0, row_condition=where("value > 50")),
    ExpectColumnValuesToNotBeNull(column="value"),
    ExpectColumnValuesToBeInSet(column="metric", value_set=["temperature"]),
    ExpectColumnValuesToBeBetween(
        column="value", max_value=60, row_condition=Column("metric") == "temperature"
    ),
    ExpectColumnValuesToBeBetween(column="value", max_value=60, row_condition=Column("metric") == "humidity"),
    ExpectColumnValuesToBeBetween(column="value", max_value=60, row_condition=Column("metric") == "nothing"),
    ExpectColumnValuesToNotBeNull(column="value", mostly=0.5, row_condition=Column("value").is_null()),
]


def _verdicts(frame, engine, monkeypatch):
    monkeypatch.setattr(SparkDatasource, "execution_engine_override", engine)
    source = gx.get_context(mode="ephemeral").data_sources.add_spark("rows", persist=False)
    assert type(source.get_execution_engine()) is engine
    batch = (
        source.add_dataframe_asset("rows")
        .add_batch_definition_whole_dataframe("all")
        .get_batch({"dataframe": frame})
    )
    suite = gx.ExpectationSuite(name="rules", expectations=[each.copy(deep=True) for each in EXPECTATIONS])
    results = batch.validate(suite, result_format="SUMMARY").results
    return {
        str(result.expectation_config.to_json_dict()): (result.success, result.result, bool(_raised(result)))
        for result in results
    }


def _raised(result):
    return result.exception_info.get("raised_exception", True)


@pytest.mark.parametrize(
    "rows",
    [
        [
            ("temperature", 21.5),
            ("temperature", 61.0),
            ("humidity", 55.0),
            ("humidity", None),
            (None, float("nan")),
        ],
        [("temperature", 21.5)],
        [],
    ],
    ids=["rows that break rules", "one good row", "no rows"],
)
def test_both_engines_give_the_same_answers(spark, monkeypatch, rows):
    frame = spark.createDataFrame(rows, "metric STRING, value DOUBLE")

    ours = _verdicts(frame, OneJobEngine, monkeypatch)
    theirs = _verdicts(frame, SparkDFExecutionEngine, monkeypatch)

    assert list(ours) == list(theirs)
    # NaN is not equal to itself, its text is.
    assert {name: str(answer) for name, answer in ours.items()} == {
        name: str(answer) for name, answer in theirs.items()
    }
    assert not any(raised for _, _, raised in ours.values())
