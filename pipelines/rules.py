"""Row rules of a suite as expectations of a pipeline: which reasons a row has is computed as in the jobs.

An expectation looks for its reason among them, so no rule is written again. Databricks counts, drops or fails by it;
Spark itself has no expectations, and the same conditions are part of the query there.
"""

from collections.abc import Callable, Mapping
from operator import and_

import great_expectations.expectations as gxe
from great_expectations import ExpectationSuite
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.delta.frames import folded
from jobs.silver.rules import RULES
from pipelines.settings import BROKEN

# A suite's action -> the decorator of Databricks, in the order in which they are put on a query.
DECORATORS = {"flag": "expect_all", "quarantine": "expect_all_or_drop", "fail": "expect_all_or_fail"}
MOST = 0.5  # an expectation that more rows than this may break says nothing about a row

Rules = Mapping[str, Mapping[str, str]]  # action -> reason -> SQL condition that a good row meets
Query = Callable[[], DataFrame]


def row_rules(suite: ExpectationSuite, *actions: str) -> list[gxe.Expectation]:
    """The expectations of a suite with these actions that each row meets or breaks by itself, in order."""
    return [rule for rule in suite.expectations if rule.meta["action"] in actions and _is_about_a_row(rule)]


def _is_about_a_row(rule: gxe.Expectation) -> bool:
    if type(rule) not in RULES:
        return False
    if isinstance(rule, gxe.ExpectTableRowCountToEqual):
        return rule.value == 0 and rule.row_condition is not None
    tolerated = 1 - rule.mostly
    return bool(tolerated == 0 if rule.meta["action"] == "fail" else tolerated <= MOST)


def conditions(rules: list[gxe.Expectation], column: str) -> dict[str, str]:
    """Reason -> whether a row is without it; `column` has the reasons of a row's broken rules."""
    return {
        rule.meta["reason"]: f"NOT array_contains({column}, {_quoted(rule.meta['reason'])})" for rule in rules
    }


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def enforced(query: Query, rules: Rules) -> Query:
    """A query that drops the rows that break a rule of the action quarantine, and fails at one that breaks another."""

    def checked() -> DataFrame:
        rows = query()
        if drop := rules.get("quarantine"):
            rows = rows.where(folded(and_, map(F.expr, drop.values())))
        if fail := rules.get("fail"):
            rows = rows.where(folded(and_, [_or_fail(*rule) for rule in fail.items()]))
        return rows

    return checked


def _or_fail(reason: str, condition: str) -> Column:
    return F.when(F.expr(condition), F.lit(True)).otherwise(
        F.raise_error(F.lit(f"{BROKEN}: {reason}")).cast("boolean")
    )
