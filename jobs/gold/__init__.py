"""Stage `gold`: the gold tables' touched slices, built into staging."""

from jobs.gold.stage import run

__all__ = ["run"]
