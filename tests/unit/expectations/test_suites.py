"""Rules over all suites."""

import importlib
from collections.abc import Iterable, Iterator
from dataclasses import replace

from great_expectations.expectations import (
    Expectation,
    ExpectColumnValuesToBeUnique,
    ExpectCompoundColumnsToBeUnique,
    ExpectTableColumnsToMatchOrderedList,
    ExpectTableRowCountToBeBetween,
)

from catalog.tables import DERIVED, GOLD, SILVER, SOURCES, STREAMS, TABLES
from expectations import suite
from expectations.source_rows import of_source
from jobs.silver.rules import is_about_rows, row_rules
from serving.fleet.units import UNITS

BRONZE = [("bronze", name) for name in SOURCES]
NAMES = [
    *(("bronze", name) for name in STREAMS),
    *(("silver", name) for name in SILVER),
    *(("gold", name) for name in GOLD),
]
UNIQUE = (ExpectColumnValuesToBeUnique, ExpectCompoundColumnsToBeUnique)


def expectations(tables: Iterable[tuple[str, str]]) -> Iterator[tuple[str, Expectation]]:
    """Each expectation of some suites, with its table."""
    for layer, table in tables:
        for expectation in suite(layer, table).expectations:
            yield f"{layer}.{table}", expectation


def suites(tables: Iterable[tuple[str, str]]) -> dict[str, list[Expectation]]:
    """Table -> its expectations. None may be empty: a rule over nothing holds."""
    found = {f"{layer}.{table}": suite(layer, table).expectations for layer, table in tables}
    assert found and all(found.values())
    return found


def test_every_expectation_says_what_happens_and_why():
    for table, expectation in expectations([*BRONZE, *NAMES]):
        assert expectation.meta["action"] in ("quarantine", "flag", "fail"), (table, expectation)
        assert expectation.meta["reason"], (table, expectation)


def test_every_suite_checks_columns_rows_and_key():
    for table, rules in suites(NAMES).items():
        kinds = [type(expectation) for expectation in rules]
        assert kinds.count(ExpectTableColumnsToMatchOrderedList) == 1, table
        assert kinds.count(ExpectTableRowCountToBeBetween) == 1, table
        assert set(UNIQUE) & set(kinds), table
        # What a stream wrote straight to a table is the only copy: a doubled key there is a warning.
        action = "flag" if table in {f"bronze.{name}" for name in STREAMS} else "fail"
        assert {rule.meta["action"] for rule in rules if isinstance(rule, UNIQUE)} == {action}, table


def test_an_expectation_names_only_columns_of_its_table():
    for table, expectation in expectations([*BRONZE, *NAMES]):
        names = [getattr(expectation, field, None) for field in ("column", "column_A", "column_B")]
        named = {name for name in [*names, *getattr(expectation, "column_list", [])] if name}
        assert named <= set(TABLES[table].column_names), (table, expectation)


def test_no_reason_is_given_twice():
    for table, rules in suites([*BRONZE, *NAMES]).items():
        reasons = [expectation.meta["reason"] for expectation in rules]
        assert len(reasons) == len(set(reasons)), table


def test_the_key_that_silver_deduplicates_by_is_the_key_that_is_checked():
    for name, source in SOURCES.items():
        keys = {
            tuple(getattr(each, "column_list", None) or [each.column])
            for each in suite("silver", source.silver).expectations
            if isinstance(each, UNIQUE)
        }
        assert keys == {source.key}, name


def test_the_key_that_the_catalog_gives_a_table_is_the_key_that_is_checked():
    for table in (*DERIVED.values(), *GOLD.values()):
        keys = [
            tuple(getattr(each, "column_list", None) or [each.column])
            for each in suite(table.layer, table.name).expectations
            if isinstance(each, UNIQUE) and not getattr(each, "row_condition", None)
        ]
        assert keys == [table.key], table.full_name


def test_no_part_of_a_key_may_be_missing():
    for name, source in SOURCES.items():
        required = {
            rule.column
            for rule in row_rules(suite("silver", source.silver), "quarantine")
            if rule.expectation_type == "expect_column_values_to_not_be_null"
        }
        assert set(source.key) <= required, name


def test_the_time_of_a_row_is_its_timestamp_wherever_that_column_stands(monkeypatch):
    silver = SILVER["sensor_logs"]
    monkeypatch.setitem(SILVER, silver.name, replace(silver, columns=f"got_at TIMESTAMP, {silver.columns}"))
    conditions = [
        rule.row_condition.pass_through_filter
        for rule in of_source(SOURCES["sensor_logs"], ())
        if rule.row_condition
    ]
    assert len(conditions) == 2 and all(each.startswith("timestamp < ") for each in conditions)


def test_a_feed_without_its_key_is_broken_and_nothing_of_a_feed_is_dropped():
    for name, source in SOURCES.items():
        rules = suite("bronze", name).expectations
        required = {getattr(rule, "column", None) for rule in rules if rule.meta["action"] == "fail"}
        assert set(source.key) <= required, name
        assert {rule.meta["action"] for rule in rules} == {"flag", "fail"}, name


def test_every_table_of_bronze_silver_and_gold_has_a_suite():
    tables = [tuple(name.split(".")) for name in TABLES if name.split(".")[0] in ("bronze", "silver", "gold")]
    assert sorted(tables) == sorted([*BRONZE, *NAMES])
    assert all(suite(layer, table).expectations for layer, table in tables)


def test_a_streamed_row_has_every_field_and_stands_there_once_and_stops_no_night_if_not():
    assert STREAMS
    for table in STREAMS:
        rules = suite("bronze", table).expectations[1:]  # without the list of columns
        assert {getattr(rule, "column", None) for rule in rules} >= set(STREAMS[table].fields), table
        assert {rule.meta["action"] for rule in rules} == {"flag"}, table


def test_the_fleet_page_shows_readings_in_the_units_of_their_suite():
    ranges = importlib.import_module("expectations.silver.readings").RANGES
    signs = {"celsius": "°C", "percent": "%"}
    assert {metric: signs.get(unit, unit) for metric, (_, _, unit) in ranges.items()} == UNITS


def test_what_is_quarantined_is_not_tolerated():
    for table, expectation in expectations(NAMES):
        if expectation.meta["action"] == "quarantine":
            assert getattr(expectation, "mostly", 1) == 1, (table, expectation)


def test_gold_has_no_row_rules():
    for table, expectation in expectations(("gold", name) for name in GOLD):
        flagged_rows = expectation.meta["action"] == "flag" and is_about_rows(expectation)
        assert expectation.meta["action"] != "quarantine" and not flagged_rows, (table, expectation)


def test_a_suite_is_new_every_time_so_that_one_run_does_not_mark_the_next():
    one, other = suite("silver", "readings"), suite("silver", "readings")
    assert one.expectations[0] is not other.expectations[0]
    assert importlib.import_module("expectations.silver.readings").EXPECTATIONS[0].id is None
