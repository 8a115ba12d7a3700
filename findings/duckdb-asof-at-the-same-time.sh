#!/usr/bin/env bash
# DuckDB 2.0.1, pandas 3.1.1, polars 2.1.0
#
# Readings are joined to the setting (calibration, tariff, state) that was valid at the time, and a setting that was
# corrected has two rows with the same time. Which of them DuckDB's ASOF JOIN takes depends on how many readings there
# are: with fewer than 64 the first, as the join is then planned as a loop, and from 64 on whichever a sort left last.
# So one device's day gets the old setting and the whole fleet's the new one, or, joined by device, some of each; with
# several threads the same query over the same tables may answer differently each time (duckdb/duckdb issue 25536,
# closed as expected). Nothing is said, and a test with a handful of rows shows the first always. pandas and Polars
# take the last one in the table's order, whatever the number. Where both times of `nearest` are equally far away,
# pandas takes the earlier and Polars the later. Keep one row for each time before the join: `SELECT DISTINCT ON (d, t)
# … ORDER BY d, t, version DESC`.
#
# Seen (of settings with an old and, behind it, a corrected row for each time, one thread):
#   readings     DuckDB       by device    DISTINCT ON  pandas       Polars
#   1            old          old          corrected    corrected    corrected
#   63           old          old          corrected    corrected    corrected
#   64           corrected    both         corrected    corrected    corrected
#   2000         corrected    both         corrected    corrected    corrected
#   nearest of two, equally far: pandas earlier, Polars later
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet duckdb==2.0.1 pandas==3.1.1 polars==2.1.0 pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from datetime import datetime, timedelta

import duckdb
import pandas as pd
import polars as pl

START = datetime(2024, 3, 5)
DEVICES = 20
SETTINGS = [
    (START + timedelta(minutes=minute), device, state)
    for minute in range(100)
    for device in range(DEVICES)
    for state in ("old", "corrected")
]
connection = duckdb.connect(config={"threads": 1})


def show(*values: object) -> None:
    print("{:12} {:12} {:12} {:12} {:12} {}".format(*map(str, values)))


def one(states: list[str]) -> str:
    return "both" if len(set(states)) == 2 else states[0]


def by_duckdb(settings: str, condition: str) -> str:
    query = f"SELECT state FROM readings r ASOF JOIN ({settings}) s ON {condition} AND r.t >= s.t"
    return one([state for (state,) in connection.sql(query).fetchall()])


settings = pl.DataFrame(SETTINGS, schema=["t", "d", "state"], orient="row")
single = settings.filter(pl.col("d") == 0)
distinct = "SELECT DISTINCT ON (d, t) * FROM settings ORDER BY d, t, state"
show("readings", "DuckDB", "by device", "DISTINCT ON", "pandas", "Polars")
for number in (1, 63, 64, 2000):
    times = [START + timedelta(minutes=row % 100, seconds=30) for row in range(number)]
    readings = pl.DataFrame({"t": times, "d": [row % DEVICES for row in range(number)]}).sort("t")
    for name, frame in (("settings", settings), ("single", single), ("readings", readings)):
        connection.register(name, frame.to_arrow())
    by_pandas = pd.merge_asof(readings.to_pandas(), settings.to_pandas(), on="t", by="d")
    by_polars = readings.join_asof(settings, on="t", by="d")
    show(
        number,
        by_duckdb("SELECT * FROM single", "true"),
        by_duckdb("SELECT * FROM settings", "r.d = s.d"),
        by_duckdb(distinct, "r.d = s.d"),
        one(by_pandas["state"].tolist()),
        one(by_polars["state"].to_list()),
    )
ends = pl.DataFrame({"t": [START, START + timedelta(minutes=10)], "end": ["earlier", "later"]})
middle = pl.DataFrame({"t": [START + timedelta(minutes=5)]})
by_pandas = pd.merge_asof(middle.to_pandas(), ends.to_pandas(), on="t", direction="nearest")["end"][0]
by_polars = middle.join_asof(ends, on="t", strategy="nearest")["end"][0]
print(f"nearest of two, equally far: pandas {by_pandas}, Polars {by_polars}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
