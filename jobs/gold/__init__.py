"""Stage `gold`: the gold tables' touched slices, built into staging."""
