#!/usr/bin/env bash
# cuallee 0.15.4, pandas 3.1.1, polars 2.1.0, duckdb 2.0.1, pyarrow 26.0.1
#
# cuallee makes the same checks on tables of pandas, Polars, DuckDB and Spark. `is_daily` looks for working days that have
# no row, and in pandas and DuckDB the share of rows that pass is the share of the days that are missing: one of twenty
# is 5 % and fails, ten of twenty are 100 % and pass, by the threshold that holds where none is given. With `pct=0.8` one
# missing day fails, and nine pass. In Polars the days are looked for in the first column of the table, whichever the
# check names, and only dates are found there: with a device before the time, or with times, all days are missing.
# `are_unique` and `is_composite_key`, for a key such as device and day, ask pandas and DuckDB whether each column by
# itself has no value twice, so a key that is one fails, by a share that means nothing; Polars looks at both together.
# And null passes `not_contained_in` in pandas alone. Nothing is said. The number of violations of `is_daily` is right in
# pandas: compare that, and count the rows of a key yourselves.
#
# Seen (status and share of rows that pass, by pandas, Polars, DuckDB):
#   is_daily, 20 of 20 days                      PASS 1.00     FAIL 0.50     PASS 1.00
#   is_daily, 19 of 20 days                      FAIL 0.05     FAIL 0.95     FAIL 0.05
#   is_daily, 15 of 20 days                      FAIL 0.33     FAIL 0.75     FAIL 0.33
#   is_daily, 11 of 20 days                      FAIL 0.82     FAIL 0.55     FAIL 0.82
#   is_daily, 10 of 20 days                      PASS 1.00     FAIL 0.50     PASS 1.00
#   is_daily, 19 of 20, pct=0.8                  FAIL 0.05     PASS 0.95     FAIL 0.05
#   is_daily, 11 of 20, pct=0.8                  PASS 0.82     FAIL 0.55     PASS 0.82
#   is_daily, 20 of 20, dates                    PASS 1.00     PASS 1.00     PASS 1.00
#   is_daily, 20 of 20, dates, a device first    PASS 1.00     FAIL 0.50     PASS 1.00
#   are_unique, two devices, each day once       FAIL 0.28     PASS 1.00     FAIL 0.28
#   is_composite_key, the same                   FAIL 0.28     PASS 1.00     FAIL 0.28
#   not_contained_in, null                       PASS 1.00     FAIL 0.67     FAIL 0.67
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet cuallee==0.15.4 pandas==3.1.1 polars==2.1.0 duckdb==2.0.1 pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from datetime import date, datetime, timedelta

import duckdb
import polars as pl
from cuallee import Check, CheckLevel

FIRST = date(2024, 3, 4)  # a Monday
DAYS = [day for day in (FIRST + timedelta(at) for at in range(26)) if day.weekday() < 5]


def times(days: list[date]) -> list[datetime]:
    return [datetime(day.year, day.month, day.day) for day in days]


def first(number: int) -> list[date]:
    """The first of the twenty days, and the last one."""
    return [*DAYS[: number - 1], DAYS[-1]]


def outcomes(rule: str, arguments: tuple, options: dict[str, float], table: pl.DataFrame) -> list[str]:
    database = duckdb.connect()
    database.register("readings", table.to_arrow())
    found = []
    for engine in (table.to_pandas(), table, database):
        check = Check(CheckLevel.WARNING, "readings", table_name="readings")
        getattr(check, rule)(*arguments, **options)
        result = check.validate(engine)
        [row] = result.to_dicts() if engine is table else result.to_dict(orient="records")
        found.append(f"{row['status']} {row['pass_rate']:.2f}")
    return found


def show(what: str, rule: str, *arguments: object, table: dict[str, list], **options: float) -> None:
    found = outcomes(rule, arguments, options, pl.DataFrame(table))
    print(f"{rule + ', ' + what:44} {'     '.join(found)}")


for number in (20, 19, 15, 11, 10):
    show(f"{number} of 20 days", "is_daily", "day", table={"day": times(first(number))})
for number in (19, 11):
    show(f"{number} of 20, pct=0.8", "is_daily", "day", table={"day": times(first(number))}, pct=0.8)
show("20 of 20, dates", "is_daily", "day", table={"day": DAYS})
show("20 of 20, dates, a device first", "is_daily", "day", table={"device": ["a"] * 20, "day": DAYS})
key = {"device": ["a"] * 20 + ["b"] * 20, "day": times(DAYS) * 2}
show("two devices, each day once", "are_unique", ("device", "day"), table=key)
show("the same", "is_composite_key", ("device", "day"), table=key)
show("null", "not_contained_in", "state", ("fault",), table={"state": ["on", "off", None]})
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
