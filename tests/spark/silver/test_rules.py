"""Row rules: silver's predicates and Great Expectations itself must validate every row alike."""

from collections import Counter
from datetime import date

import great_expectations as gx
import pytest
from great_expectations.expectations import (
    ExpectColumnValuesToBeBetween,
    ExpectColumnValuesToBeInSet,
    ExpectColumnValuesToBeNull,
    ExpectColumnValuesToBeUnique,
    ExpectColumnValuesToMatchRegex,
    ExpectColumnValuesToNotBeNull,
    ExpectTableRowCountToBeBetween,
    ExpectTableRowCountToEqual,
)
from great_expectations.expectations.conditions import Column
from pyspark.errors import PySparkException

from catalog.tables import SILVER
from expectations import suite
from expectations.actions import fail, flag, quarantine
from expectations.conditions import no_row_where, where
from jobs.silver.rules import RULES, is_broken, reasons, reasons_of, row_rules
from pipelines.rules import conditions, enforced
from pipelines.settings import BROKEN

NAN, INFINITE = float("nan"), float("inf")
MONDAY, TUESDAY = date(2024, 3, 4), date(2024, 3, 5)


@pytest.fixture(scope="module")
def rows(spark):
    return spark.createDataFrame(
        [
            ("temperature", 21.5, True, MONDAY, MONDAY),
            ("temperature", 60.0, False, TUESDAY, MONDAY),
            ("temperature", 60.1, None, MONDAY, TUESDAY),
            ("temperature", NAN, True, None, MONDAY),
            ("humidity", -0.5, False, MONDAY, None),
            ("humidity", INFINITE, None, None, None),
            ("Humidity", None, True, TUESDAY, TUESDAY),
            (None, 99.0, False, MONDAY, MONDAY),
            ("", -20.0, None, TUESDAY, MONDAY),
        ],
        "metric STRING, value DOUBLE, good BOOLEAN, arrived DATE, dated DATE",
    )


CASES = {
    "not null": ExpectColumnValuesToNotBeNull(column="value"),
    "not null, of some rows": ExpectColumnValuesToNotBeNull(column="value", row_condition=where("good")),
    "null, of some rows": ExpectColumnValuesToBeNull(column="value", row_condition=where("dated > arrived")),
    "between": ExpectColumnValuesToBeBetween(column="value", min_value=-20, max_value=60),
    "strictly between": ExpectColumnValuesToBeBetween(
        column="value", min_value=-20, max_value=60, strict_min=True, strict_max=True
    ),
    "at least": ExpectColumnValuesToBeBetween(column="value", min_value=0),
    "less than": ExpectColumnValuesToBeBetween(column="value", max_value=60, strict_max=True),
    "between, of one metric": ExpectColumnValuesToBeBetween(
        column="value", min_value=-20, max_value=60, row_condition=Column("metric") == "temperature"
    ),
    "between, of other metrics": ExpectColumnValuesToBeBetween(
        column="value", min_value=0, max_value=50, row_condition=Column("metric") != "temperature"
    ),
    "between, of some metrics": ExpectColumnValuesToBeBetween(
        column="value",
        min_value=0,
        max_value=50,
        row_condition=Column("metric").is_in(["humidity", "Humidity"]),
    ),
    "between, of nameless rows": ExpectColumnValuesToBeBetween(
        column="value", min_value=0, max_value=50, row_condition=Column("metric").is_null()
    ),
    "between, of two conditions": ExpectColumnValuesToBeBetween(
        column="value",
        min_value=0,
        max_value=50,
        row_condition=(Column("metric").is_not_null() & (Column("value") > 20)),
    ),
    "in set": ExpectColumnValuesToBeInSet(column="metric", value_set=["temperature", "humidity"]),
    "in set of booleans": ExpectColumnValuesToBeInSet(
        column="good", value_set=[True], row_condition=Column("metric") == "temperature"
    ),
    "regex": ExpectColumnValuesToMatchRegex(column="metric", regex="^[a-z]+$"),
    "no row where": no_row_where("dated > arrived", quarantine("early")),
    "no row where, of nulls": no_row_where("good IS NULL OR metric IS NULL", quarantine("unknown")),
}


@pytest.fixture(scope="module")
def verdicts(spark, rows):
    """What Great Expectations finds unexpected, by case."""
    source = gx.get_context(mode="ephemeral").data_sources.add_spark("rows", persist=False)
    batch = (
        source.add_dataframe_asset("rows")
        .add_batch_definition_whole_dataframe("all")
        .get_batch({"dataframe": rows})
    )
    cases = [case.copy(deep=True, update={"meta": {"case": name}}) for name, case in CASES.items()]
    results = batch.validate(
        gx.ExpectationSuite(name="rules", expectations=cases), result_format="COMPLETE"
    ).results
    assert not [result for result in results if result.exception_info.get("raised_exception", True)]
    return {result.expectation_config.meta["case"]: result for result in results}


@pytest.fixture(scope="module")
def broken(rows):
    """The rows that silver's predicate finds broken, by case: of all cases in one query."""
    validated = rows.select("*", *[is_broken(rule).alias(name) for name, rule in CASES.items()]).collect()
    assert {row[name] for row in validated for name in CASES} == {True, False}, "never null"
    return {name: [row.asDict() for row in validated if row[name]] for name in CASES}


@pytest.mark.parametrize("name", CASES)
def test_silver_and_great_expectations_validate_every_row_alike(broken, verdicts, name):
    rule, verdict = CASES[name], verdicts[name]
    ours = broken[name]

    assert len(ours) == verdict.result.get("unexpected_count", verdict.result.get("observed_value")) > 0
    if theirs := verdict.result.get("unexpected_list"):  # which lists no nulls
        assert Counter(str(row[rule.column]) for row in ours) == Counter(map(str, theirs))


def test_every_translated_type_is_among_the_cases():
    assert {type(case) for case in CASES.values()} == set(RULES)


def _suite(*expectations):
    return gx.ExpectationSuite(name="test", expectations=list(expectations))


@pytest.fixture(scope="module")
def validated(rows):
    """The rows with their reasons by three suites: two actions of some rules, no rules, a rule on the table."""
    rules = _suite(
        ExpectColumnValuesToNotBeNull(column="dated", meta=quarantine("no date")),
        ExpectColumnValuesToBeBetween(
            column="value", min_value=0, max_value=60, meta=quarantine("out of range")
        ),
        ExpectColumnValuesToNotBeNull(column="good", meta=flag("not validated")),
    )
    of_table = _suite(ExpectTableRowCountToBeBetween(min_value=100, meta=flag("too few")))
    return rows.select(
        "value",
        reasons(rules, "quarantine").alias("quarantine"),
        reasons(rules, "flag").alias("flag"),
        reasons(_suite(), "quarantine").alias("of_none"),
        reasons(of_table, "flag").alias("of_table"),
    )


@pytest.fixture(scope="module")
def found(validated):
    return validated.collect()


def test_a_row_lists_the_reasons_of_all_the_rules_it_breaks_and_a_good_row_none(found):
    by_value = {str(row.value): (row.quarantine, row.flag) for row in found}

    assert by_value["21.5"] == ([], [])
    assert by_value["-0.5"] == (["no date", "out of range"], [])
    assert by_value["inf"] == (["no date", "out of range"], ["not validated"])
    assert by_value["nan"] == (["out of range"], [])


def test_a_suite_without_row_rules_gives_every_row_an_empty_list(validated, found):
    assert validated.schema["of_none"].dataType.simpleString() == "array<string>"
    assert found and all(row.of_none == [] for row in found)


def test_a_flag_on_the_table_as_a_whole_marks_no_row(found):
    assert found and all(row.of_table == [] for row in found)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            ExpectColumnValuesToBeUnique(column="value", meta=quarantine("twice")),
            "cannot be validated row by row",
        ),
        (
            ExpectTableRowCountToBeBetween(min_value=1, meta=quarantine("none")),
            "cannot be validated row by row",
        ),
        (
            ExpectTableRowCountToEqual(value=5, row_condition=where("good"), meta=quarantine("odd")),
            "needs value=0",
        ),
        (ExpectTableRowCountToEqual(value=0, meta=quarantine("any")), "needs value=0"),
    ],
    ids=["unique", "row count", "some rows where", "no row at all"],
)
def test_a_quarantine_rule_that_cannot_be_validated_row_by_row_is_an_error(spark, rule, said):
    with pytest.raises(ValueError, match=said):
        reasons(_suite(rule), "quarantine")


def test_an_action_that_is_not_about_rows_is_an_error():
    with pytest.raises(ValueError, match="not a row action"):
        reasons(_suite(), "fail")


def test_every_row_rule_of_every_suite_can_be_validated_row_by_row(spark):
    for table in SILVER:
        for action in ("quarantine", "flag"):
            for rule in row_rules(suite("silver", table), action):
                is_broken(rule)


def test_outside_databricks_a_pipeline_drops_and_fails_by_the_conditions_of_its_expectations(spark):
    """A reason may have any character."""
    odd = 'it\'s 5\\6 "or" ü'
    rules = [
        ExpectColumnValuesToBeBetween(column="value", min_value=0, meta=quarantine(odd)),
        ExpectColumnValuesToNotBeNull(column="metric", meta=fail("no metric's there")),
    ]
    rows = spark.createDataFrame([(1, "a"), (-1, "b"), (2, None)], "value INT, metric STRING")
    found = rows.withColumns({"_reasons": reasons_of(rules[:1]), "_broken": reasons_of(rules[1:])})
    drop = {"quarantine": conditions(rules[:1], "_reasons")}
    assert [row.value for row in enforced(lambda: found, drop)().collect()] == [1, 2]
    both = drop | {"fail": conditions(rules[1:], "_broken")}
    assert [row.value for row in enforced(lambda: found.where("value < 2"), both)().collect()] == [1]
    with pytest.raises(PySparkException, match=f"{BROKEN}: no metric's there"):
        enforced(lambda: found, both)().collect()
