#!/usr/bin/env bash
# polars 2.1.0
#
# A counter sends integers, and its first decimal in the hundred and first message. Polars takes a column's type
# from the first hundred rows, and what comes later and does not fit is refused in lines of JSON, in CSV and in
# columns. What is read row by row is cast instead, without a word: with `pl.from_dicts` of messages,
# `pl.read_database` of a gateway's SQLite file and `pl.read_json` of a list, 21.7 is 21 and -0.9 is 0. In messages the
# text "21.7" is 21, too, a Decimal is rounded to the places of the first ones, and after a hundred times true 21.7 is
# false. A field that comes for the first time is left out, from lines of JSON as well. One row earlier all are right,
# so a small test proves nothing. `infer_schema_length=None` looks at all rows. A `schema` checks nothing: the cast is
# the same.
#
# Seen (a hundred of the one and then the other: from a database, messages, a list of JSON, lines of JSON, columns):
#   99 of 20        21.7             21.7      21.7      21.7      21.7      refused
#   100 of 20        21.7             21        21        21        refused   refused
#   100 of 20        -0.9             0         0         0         refused   refused
#   100 of 20        '21.7'           -         21        refused   refused   refused
#   100 of 20.5      Decimal('21.75') -         21.8      -         -         21.75
#   100 of True      21.7             -         False     refused   refused   refused
#   100 of no field  21.7             -         left out  refused   left out  -
#   100 of 20        'off'            refused   refused   refused   refused   refused
#   from a database, with infer_schema_length=None: 21.7
#   two messages, with a schema of integers: 21
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet polars==2.1.0
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import io
import json
import sqlite3
from decimal import Decimal

import polars as pl


def last(read) -> str:
    try:
        frame = read()
    except (pl.exceptions.PolarsError, TypeError):
        return "refused"
    return str(frame["v"][-1]) if "v" in frame.columns else "left out"


def database(values: list[object], **settings) -> pl.DataFrame:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE readings (v NUMERIC)")
    connection.executemany("INSERT INTO readings VALUES (?)", [(value,) for value in values])
    return pl.read_database("SELECT v FROM readings", connection, **settings)


def lines(messages: list[dict[str, object]]) -> bytes:
    return "\n".join(map(json.dumps, messages)).encode()


def show(first: object, late: object, many: int = 100) -> None:
    values = [first] * many + [late]
    plain = not isinstance(late, Decimal)
    messages = [{"n": 1} if value == "no field" else {"n": 1, "v": value} for value in values]
    stored = plain and first not in (True, "no field") and late != "21.7"  # SQLite itself keeps these as others
    found = (
        last(lambda: database(values)) if stored else "-",
        last(lambda: pl.from_dicts(messages)),
        last(lambda: pl.read_json(json.dumps(messages).encode())) if plain else "-",
        last(lambda: pl.read_ndjson(lines(messages))) if plain else "-",
        last(lambda: pl.DataFrame({"v": values})) if first != "no field" else "-",
    )
    print(f"{many} of {str(first):9} {late!r:16} {' '.join(f'{text:9}' for text in found)}".rstrip())


show(20, 21.7, many=99)
show(20, 21.7)
show(20, -0.9)
show(20, "21.7")
show(Decimal("20.5"), Decimal("21.75"))
show(True, 21.7)
show("no field", 21.7)
show(20, "off")
everything = last(lambda: database([20] * 100 + [21.7], infer_schema_length=None))
print(f"from a database, with infer_schema_length=None: {everything}")
told = last(lambda: pl.from_dicts([{"v": 20}, {"v": 21.7}], schema={"v": pl.Int64}))
print(f"two messages, with a schema of integers: {told}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
