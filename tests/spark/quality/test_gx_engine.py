"""What this project does in place of Great Expectations gives what Great Expectations gives.

The engine that asks for all counts in one query answers what the stock engine answers, and a result that was put
together from yes, no and details of the failures is the one that asking for all details gives.
"""

import json

import great_expectations as gx
import pytest
from great_expectations.datasource.fluent import SparkDatasource
from great_expectations.expectations import (
    ExpectColumnMedianToBeBetween,
    ExpectColumnProportionOfNonNullValuesToBeBetween,
    ExpectColumnProportionOfUniqueValuesToBeBetween,
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToBeNull,
    ExpectColumnValuesToBeUnique,
    ExpectColumnValuesToMatchRegex,
    ExpectColumnValuesToNotBeNull,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableColumnsToMatchOrderedList,
    ExpectTableRowCountToBeBetween,
    ExpectTableRowCountToEqual,
)
from great_expectations.expectations.conditions import Column

from catalog.tables import GOLD, SILVER, SOURCES, STREAMS
from expectations import suite
from expectations.actions import flag
from expectations.conditions import one_value_per_key, where
from jobs.quality.gx_engine import OneQueryEngine
from jobs.quality.gx_validation import Validation

NAME = "bronze.rules"
EXPECTATIONS = [
    ExpectTableColumnsToMatchOrderedList(column_list=["metric", "value", "remark"]),
    ExpectTableRowCountToBeBetween(min_value=1, max_value=3),
    ExpectTableRowCountToEqual(value=0, row_condition=where("value > 1000")),
    ExpectTableRowCountToEqual(value=0, row_condition=where("value > 50")),
    ExpectColumnValuesToNotBeNull(column="value"),
    ExpectColumnValuesToNotBeNull(column="metric", mostly=0.5),
    ExpectColumnValuesToBeNull(column="remark"),
    ExpectColumnValuesToBeUnique(column="value"),
    ExpectCompoundColumnsToBeUnique(column_list=["metric", "value"], ignore_row_if="never"),
    ExpectColumnValuesToMatchRegex(column="metric", regex="^temp"),
    ExpectColumnValuesToBeInSet(column="metric", value_set=["temperature"]),
    ExpectColumnValuesToBeInSet(column="remark", value_set=["fine"]),
    ExpectColumnValuesToBeBetween(
        column="value", max_value=60, row_condition=Column("metric") == "temperature"
    ),
    ExpectColumnValuesToBeBetween(column="value", max_value=60, row_condition=Column("metric") == "humidity"),
    ExpectColumnValuesToBeBetween(column="value", max_value=60, row_condition=Column("metric") == "nothing"),
    ExpectColumnValuesToNotBeNull(column="value", mostly=0.5, row_condition=Column("value").is_null()),
]
ROWS = {
    "rows that break rules": [
        ("temperature", 21.5, None),
        ("temperature", 61.0, "hot"),
        ("humidity", 55.0, None),
        ("humidity", None, None),
        ("humidity", None, None),
        (None, float("nan"), None),
    ],
    "one good row": [("temperature", 21.5, None)],
    "no rows": [],
}


@pytest.fixture(params=ROWS.values(), ids=ROWS.keys())
def frame(spark, request):
    return spark.createDataFrame(request.param, "metric STRING, value DOUBLE, remark STRING")


def _rules(expectations=EXPECTATIONS):
    return gx.ExpectationSuite(name=NAME, expectations=[each.copy(deep=True) for each in expectations])


def _stock(frame, expectations=EXPECTATIONS):
    """The whole answer of Great Expectations by itself."""
    context = gx.get_context(mode="ephemeral")
    source = context.data_sources.add_spark(NAME, persist=False)
    batch = source.add_dataframe_asset(NAME).add_batch_definition_whole_dataframe("slice")
    validation = gx.ValidationDefinition(
        name=NAME, data=batch, suite=context.suites.add(_rules(expectations))
    )
    added = context.validation_definitions.add(validation)
    return added.run(batch_parameters={"dataframe": frame}, result_format="SUMMARY")


def _validated(validation, frame):
    """Our answer about a frame, which is asked for together with one of no rows."""
    nothing = gx.ExpectationSuite(name="bronze.nothing", expectations=[ExpectTableRowCountToEqual(value=0)])
    frames = {NAME: frame, nothing.name: frame.limit(0)}
    return validation.validate([_rules(), nothing], frames)[NAME].result


def _by_config(found):
    """What was expected, in words -> its result."""
    return {_in_words(each.expectation_config): each for each in found.results}


def _in_words(document):
    """A document of Great Expectations as text, in one order; ids are random. NaN is not equal to itself, its text is."""
    found = {key: value for key, value in document.to_json_dict().items() if key != "id"}
    if "expectation_config" in found:
        found["expectation_config"] = {k: v for k, v in found["expectation_config"].items() if k != "id"}
    return json.dumps(found, sort_keys=True)


def test_all_expectation_types_of_the_suites_are_compared_here():
    named = {"bronze": [*SOURCES, *STREAMS], "silver": SILVER, "gold": GOLD}
    rules = (
        rule
        for layer, tables in named.items()
        for table in tables
        for rule in suite(layer, table).expectations
    )
    assert {type(rule) for rule in rules} <= {type(rule) for rule in EXPECTATIONS}


def test_both_engines_give_the_same_answers(frame, monkeypatch):
    theirs = _by_config(_stock(frame))
    monkeypatch.setattr(SparkDatasource, "execution_engine_override", OneQueryEngine)
    ours = _by_config(_stock(frame))

    assert ours.keys() == theirs.keys()
    for name, result in ours.items():
        assert _in_words(result) == _in_words(theirs[name])
        assert not result.exception_info["raised_exception"]


def test_a_result_in_two_steps_is_what_all_details_at_once_give(lake, frame):
    """Failures are the same to the last figure; of what holds, each figure that is filled in is the stock one."""
    ours, theirs = _validated(Validation(lake("check")), frame), _stock(frame)
    has_rows = frame.count() > 0

    found, stock = _by_config(ours), _by_config(theirs)
    assert found.keys() == stock.keys()
    for name, result in found.items():
        full = stock[name]
        assert (result.success, result.exception_info) == (full.success, full.exception_info)
        if not result.success:
            assert str(result.result) == str(full.result)
            continue
        figures = {key: full.result[key] for key in result.result}
        # Of no rows, and of those that a condition is not about, the stock engine says nothing: see `_known`.
        figures |= {
            key: 0 for key in ("unexpected_count", "unexpected_percent") if figures.get(key, 0) is None
        }
        assert result.result == figures
        assert result.result or "mostly" in result.expectation_config.kwargs
        assert has_rows or "unexpected_percent" not in result.result, "no rows have no share"


def test_what_is_said_of_a_column_as_a_whole_is_what_the_stock_engine_says(lake, spark):
    """Some of it is made of the number of rows, of all or of those that meet a condition."""
    frame = spark.createDataFrame(
        ROWS["rows that break rules"][:3], "metric STRING, value DOUBLE, remark STRING"
    )
    is_temperature = Column("metric") == "temperature"
    asked = [
        ExpectColumnMedianToBeBetween(column="value", max_value=60),
        ExpectColumnMedianToBeBetween(column="value", max_value=30, row_condition=is_temperature),
        ExpectColumnProportionOfUniqueValuesToBeBetween(column="metric", min_value=0.5),
        ExpectColumnProportionOfNonNullValuesToBeBetween(column="remark", min_value=0.5),
    ]
    ours = Validation(lake("check")).validate([_rules(asked)], {NAME: frame})[NAME].result
    found, stock = _by_config(ours), _by_config(_stock(frame, asked))
    assert {str(each.result) for each in found.values()} == {str(each.result) for each in stock.values()}
    assert sorted(each.success for each in found.values()) == [False, False, True, True]
    assert [name for name, each in found.items() if each.exception_info != stock[name].exception_info] == []


def test_rows_whose_key_has_several_values_in_a_column_are_counted(lake, spark):
    """The stock engine cannot: it would look for them by a filter."""
    rows = [(1, 1000), (1, 1001), (2, 1000), (2, 1000), (3, None), (3, 1000), (None, 1), (None, 2)]
    frame = spark.createDataFrame(rows, "reading_id INT, device_id INT")
    rule = one_value_per_key("device_id", "reading_id", flag("shared"))
    frames = {NAME: frame, "bronze.sound": frame.where("reading_id > 1")}
    suites = [gx.ExpectationSuite(name=name, expectations=[rule.copy(deep=True)]) for name in frames]
    found = Validation(lake("check")).validate(suites, frames)
    results = [found[name].result.results[0] for name in frames]
    assert [(each.success, each.result["observed_value"]) for each in results] == [(False, 2), (True, 0)]


def test_a_count_that_raises_takes_no_other_along(lake, spark):
    """All are asked in one query, which it makes fail."""
    raises = where("raise_error('no') = id")
    broken = [
        ExpectTableRowCountToEqual(value=0, row_condition=raises),
        ExpectColumnValuesToNotBeNull(column="id", mostly=0.5, row_condition=raises),
    ]
    sound = [ExpectColumnValuesToNotBeNull(column="id"), ExpectColumnValuesToBeUnique(column="id")]
    suites = [
        gx.ExpectationSuite(name="bronze.broken", expectations=[*broken, *sound]),
        gx.ExpectationSuite(name="bronze.sound", expectations=[each.copy(deep=True) for each in sound]),
    ]
    found = Validation(lake("check")).validate(suites, {suite.name: spark.range(2) for suite in suites})

    assert [each.rows for each in found.values()] == [2, 2]
    assert [each.result.statistics["successful_expectations"] for each in found.values()] == [2, 2]
    failed = [result for result in found["bronze.broken"].result.results if not result.success]
    assert len(failed) == 2
    assert all("raised_exception" in str(result.exception_info) for result in failed)


def test_the_document_of_a_validation_is_the_stock_one(lake, frame):
    """Every field of the document and of its `meta`, but for what names a run, its time, or a stored definition."""
    validation = Validation(lake("check"))
    ours, theirs = _validated(validation, frame), _stock(frame)

    for field in ("success", "suite_name", "suite_parameters", "statistics", "batch_id", "id"):
        assert ours[field] == theirs[field], field
    mine, stock = ({**found.meta} for found in (ours, theirs))
    # We store no definition of a validation.
    assert stock.keys() - mine.keys() == {"validation_id", "checkpoint_id"} and mine.keys() <= stock.keys()
    # A page would say that the frame was a frame.
    assert (mine.pop("batch_parameters"), stock.pop("batch_parameters")) == (
        None,
        {"dataframe": "<DATAFRAME>"},
    )
    for meta in (mine, stock):
        assert meta["run_id"].run_time == meta["validation_time"]
        assert meta["batch_markers"].keys() == {"ge_load_time"}
    same = mine.keys() - {"run_id", "validation_time", "batch_markers"}
    assert {key: str(mine[key]) for key in same} == {key: str(stock[key]) for key in same}
    keys = validation._context.validation_results_store.list_keys()
    (stored,) = (key for key in keys if key.expectation_suite_identifier.name == NAME)
    kept = validation._context.validation_results_store.get(stored)
    assert [*map(_in_words, kept.results)] == [*map(_in_words, ours.results)]
