"""Rules over all suites."""

import importlib

import pytest
from great_expectations.expectations import (
    ExpectColumnValuesToBeUnique,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableColumnsToMatchOrderedList,
    ExpectTableRowCountToBeBetween,
)

from expectations import suite
from jobs.silver.rules import is_about_rows, row_rules
from jobs.tables import GOLD, SILVER, SOURCES, STREAMS, TABLES

BRONZE = [("bronze", name) for name in SOURCES]
NAMES = [
    *(("bronze", name) for name in STREAMS),
    *(("silver", name) for name in SILVER),
    *(("gold", name) for name in GOLD),
]
each_table = pytest.mark.parametrize(("layer", "table"), NAMES, ids=".".join)
each_suite = pytest.mark.parametrize(("layer", "table"), [*BRONZE, *NAMES], ids=".".join)


@each_suite
def test_every_expectation_says_what_happens_and_why(layer, table):
    for expectation in suite(layer, table).expectations:
        assert expectation.meta["action"] in ("quarantine", "flag", "fail"), expectation
        assert expectation.meta["reason"], expectation


@each_table
def test_every_suite_checks_columns_rows_and_key(layer, table):
    kinds = [type(expectation) for expectation in suite(layer, table).expectations]

    assert kinds.count(ExpectTableColumnsToMatchOrderedList) == 1
    assert kinds.count(ExpectTableRowCountToBeBetween) == 1
    assert {ExpectColumnValuesToBeUnique, ExpectCompoundColumnsToBeUnique} & set(kinds)


@each_suite
def test_an_expectation_names_only_columns_of_its_table(layer, table):
    columns = set(TABLES[f"{layer}.{table}"].column_names)
    for expectation in suite(layer, table).expectations:
        names = [getattr(expectation, field, None) for field in ("column", "column_A", "column_B")]
        named = {name for name in [*names, *getattr(expectation, "column_list", [])] if name}
        assert named <= columns, expectation


@each_suite
def test_no_reason_is_given_twice(layer, table):
    reasons = [expectation.meta["reason"] for expectation in suite(layer, table).expectations]
    assert len(reasons) == len(set(reasons))


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_the_key_that_silver_deduplicates_by_is_the_key_that_is_checked(source):
    keys = {
        tuple(getattr(each, "column_list", None) or [each.column])
        for each in suite("silver", source.silver).expectations
        if isinstance(each, (ExpectColumnValuesToBeUnique, ExpectCompoundColumnsToBeUnique))
    }
    assert keys == {source.key}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_no_part_of_a_key_may_be_missing(source):
    required = {
        rule.column
        for rule in row_rules(suite("silver", source.silver), "quarantine")
        if rule.expectation_type == "expect_column_values_to_not_be_null"
    }
    assert set(source.key) <= required


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_feed_without_its_key_is_broken_and_nothing_of_a_feed_is_dropped(source):
    rules = suite("bronze", source.name).expectations
    required = {getattr(rule, "column", None) for rule in rules if rule.meta["action"] == "fail"}
    assert set(source.key) <= required
    assert {rule.meta["action"] for rule in rules} == {"flag", "fail"}


def test_every_table_of_bronze_silver_and_gold_has_a_suite():
    tables = [tuple(name.split(".")) for name in TABLES if name.split(".")[0] in ("bronze", "silver", "gold")]
    assert sorted(tables) == sorted([*BRONZE, *NAMES])
    assert all(suite(layer, table).expectations for layer, table in tables)


@pytest.mark.parametrize("table", STREAMS)
def test_a_streamed_row_has_every_field_and_stands_there_once_and_stops_no_night_if_not(table):
    rules = suite("bronze", table).expectations[1:]  # without the list of columns
    assert {getattr(rule, "column", None) for rule in rules} >= set(STREAMS[table].fields)
    assert {rule.meta["action"] for rule in rules} == {"flag"}


@each_table
def test_what_is_quarantined_is_not_tolerated(layer, table):
    for expectation in suite(layer, table).expectations:
        if expectation.meta["action"] == "quarantine":
            assert getattr(expectation, "mostly", 1) == 1, expectation


@pytest.mark.parametrize("table", GOLD)
def test_gold_has_no_row_rules(table):
    for expectation in suite("gold", table).expectations:
        flagged_rows = expectation.meta["action"] == "flag" and is_about_rows(expectation)
        assert expectation.meta["action"] != "quarantine" and not flagged_rows, expectation


def test_a_suite_is_new_every_time_so_that_one_run_does_not_mark_the_next():
    one, other = suite("silver", "readings"), suite("silver", "readings")
    assert one.expectations[0] is not other.expectations[0]
    assert importlib.import_module("expectations.silver.readings").EXPECTATIONS[0].id is None
