"""A suite's row-level expectations as Spark predicates, so that silver can validate each row by the same list.

Nulls pass every rule about values, and NaN exceeds every bound, as in Great Expectations itself; a test
holds the two against each other. An expectation type that is not here cannot be a row rule.
"""

from collections.abc import Callable, Iterable
from operator import and_
from typing import Any

import great_expectations.expectations as gxe
from great_expectations import ExpectationSuite
from great_expectations.expectations.conditions import (
    AndCondition,
    ComparisonCondition,
    NullityCondition,
    Operator,
    PassThroughCondition,
)
from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.delta.frames import folded

ROW_ACTIONS = ("quarantine", "flag")


def reasons(suite: ExpectationSuite, action: str) -> Column:
    """Reasons of the rules with this action that a row breaks: ARRAY<STRING>, empty for a good row.

    Raises ValueError for an expectation that cannot be validated row by row.
    """
    return reasons_of(row_rules(suite, action))


def reasons_of(rules: Iterable[gxe.Expectation]) -> Column:
    """Reasons of those of the rules that a row breaks: ARRAY<STRING>."""
    broken = [F.when(is_broken(rule), F.lit(_meta(rule)["reason"])) for rule in rules]
    return F.array_compact(F.array(*broken)) if broken else F.array().cast("array<string>")


def row_rules(suite: ExpectationSuite, action: str) -> list[gxe.Expectation]:
    """Expectations of a suite with this action that are about rows, in order.

    What is expected of the table as a whole (a row count, say) can be flagged too, but is no row rule.
    """
    if action not in ROW_ACTIONS:
        raise ValueError(f"{action!r} is not a row action; those are {', '.join(ROW_ACTIONS)}")
    rules = [each for each in suite.expectations if _meta(each).get("action") == action]
    return [rule for rule in rules if action == "quarantine" or is_about_rows(rule)]


def is_about_rows(rule: gxe.Expectation) -> bool:
    """Whether it is about rows and can tolerate some (`mostly`), rather than the table as a whole."""
    return hasattr(rule, "mostly")


def is_broken(rule: gxe.Expectation) -> Column:
    """Whether a row breaks the rule: BOOLEAN, never null."""
    translate = RULES.get(type(rule))
    if translate is None:
        raise ValueError(
            f"{type(rule).__name__} cannot be validated row by row; add it to jobs/silver/rules.py"
        )
    broken = ~F.coalesce(translate(rule), F.lit(True))
    condition = _meta(rule).get("on_arrival") or getattr(rule, "row_condition", None)
    return broken if condition is None else F.coalesce(_holds(condition), F.lit(False)) & broken


def _not_be_null(rule: Any) -> Column:
    return F.col(rule.column).isNotNull()


def _be_null(rule: Any) -> Column:
    return F.col(rule.column).isNull()


def _between(rule: Any) -> Column:
    value = F.col(rule.column)
    bounds = []
    if rule.min_value is not None:
        bounds.append(value > rule.min_value if rule.strict_min else value >= rule.min_value)
    if rule.max_value is not None:
        bounds.append(value < rule.max_value if rule.strict_max else value <= rule.max_value)
    return _all(bounds)


def _in_set(rule: Any) -> Column:
    return F.col(rule.column).isin(list(rule.value_set))


def _match_regex(rule: Any) -> Column:
    return F.col(rule.column).rlike(rule.regex)


def _no_row(rule: Any) -> Column:
    if rule.value != 0 or rule.row_condition is None:
        raise ValueError(f"as a row rule, {rule.expectation_type} needs value=0 and a row_condition")
    return F.lit(False)


RULES: dict[type, Callable[[Any], Column]] = {
    gxe.ExpectColumnValuesToNotBeNull: _not_be_null,
    gxe.ExpectColumnValuesToBeNull: _be_null,
    gxe.ExpectColumnValuesToBeBetween: _between,
    gxe.ExpectColumnValuesToBeInSet: _in_set,
    gxe.ExpectColumnValuesToMatchRegex: _match_regex,
    gxe.ExpectTableRowCountToEqual: _no_row,
}

_COMPARISONS: dict[Operator, Callable[[Column, Any], Column]] = {
    Operator.EQUAL: lambda column, value: column == value,
    Operator.NOT_EQUAL: lambda column, value: column != value,
    Operator.LESS_THAN: lambda column, value: column < value,
    Operator.LESS_THAN_OR_EQUAL: lambda column, value: column <= value,
    Operator.GREATER_THAN: lambda column, value: column > value,
    Operator.GREATER_THAN_OR_EQUAL: lambda column, value: column >= value,
    Operator.IN: lambda column, value: column.isin(list(value)),
    Operator.NOT_IN: lambda column, value: ~column.isin(list(value)),
}


def _holds(condition: Any) -> Column:
    """A `row_condition`, or SQL, as a predicate: the rule is about the rows that meet it."""
    match condition:
        case str():
            return F.expr(condition)
        case PassThroughCondition():
            return F.expr(condition.pass_through_filter)
        case ComparisonCondition():
            return _COMPARISONS[Operator(condition.operator)](
                F.col(condition.column.name), condition.parameter
            )
        case NullityCondition():
            column = F.col(condition.column.name)
            return column.isNull() if condition.is_null else column.isNotNull()
        case AndCondition():
            return _all(_holds(each) for each in condition.conditions)
    raise ValueError(f"row condition {condition!r} cannot be validated row by row")


def _all(terms: Iterable[Column]) -> Column:
    return folded(and_, terms)


def _meta(rule: gxe.Expectation) -> dict[str, str]:
    return rule.meta or {}
