#!/usr/bin/env bash
# pandera 0.35.0, pandas 3.1.1, polars 2.1.0, pyarrow 26.0.1
#
# With `drop_invalid_rows=True` a frame comes back from pandera that does not meet the schema, or that lacks rows which do.
# In pandas a row goes by its label: after `pd.concat`, or with the time as index, all rows of that label go, and one bad
# reading takes those of all devices at that moment along. A value that cannot be read as a number takes its row out, but
# then nothing is cast, so a column of integers is returned as text. In Polars whatever is no fault of single rows is
# forgotten instead of refused: a column that is missing, has another type or may not be there, keys that come twice; and
# checks of a column that could not be cast are not made at all. Of rows with the same key pandas drops both, unless
# `report_duplicates="exclude_first"`. Without the setting all of this is refused. So reset the index first, validate the
# result once more with a schema that drops nothing, and compare the number of rows.
#
# Seen (rows that come back from pandas, from Polars):
#   at most 50: 1, 99            1                      1
#   the same and 2, 3, appended  1 2                    1 2 3
#   the same by their times      2 3                    -
#   int, cast: 1, x, 2           '1' '2'                '1' '2'
#   at most 50, cast: 1, x, 99   SchemaErrors           '1' '99'
#   int: 1.5                     SchemaErrors           1.5
#   a column more: 1             SchemaErrors           1
#   a column missing: 1          SchemaErrors           1
#   unique: 1, 1, 2              2                      1 1 2
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet 'pandera[pandas,polars]==0.35.0' pandas==3.1.1 polars==2.1.0 \
  pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import pandas as pd
import pandera.pandas
import pandera.polars
import polars as pl
from pandera.errors import SchemaErrors


def kept(library, frame, columns: dict[str, dict[str, object]], settings: dict[str, object]) -> str:
    columns = {name: library.Column(**column) for name, column in columns.items()}
    schema = library.DataFrameSchema(columns, drop_invalid_rows=True, **settings)
    try:
        rows = schema.validate(frame, lazy=True)
    except SchemaErrors as error:
        return type(error).__name__
    return " ".join(repr(value) if isinstance(value, str) else f"{value:g}" for value in rows["v"].to_list())


def show(what: str, frame: pd.DataFrame, *, polars: bool = True, others=(), unique=None, strict=False, **column) -> None:
    columns = {"v": column} | {name: {"dtype": float} for name in others}
    settings = {"unique": unique, "strict": strict}
    by_pandas = kept(pandera.pandas, frame, columns, settings)
    by_polars = kept(pandera.polars, pl.from_pandas(frame), columns, settings) if polars else "-"
    print(f"{what:28} {by_pandas:22} {by_polars}")


at_most_50 = {"dtype": float, "checks": pandera.pandas.Check.le(50)}
first, second = pd.DataFrame({"v": [1.0, 99.0]}), pd.DataFrame({"v": [2.0, 3.0]})
both = pd.concat([first, second])
times = pd.to_datetime(["2025-05-01 12:00", "2025-05-01 12:00", "2025-05-01 12:01", "2025-05-01 12:01"])
show("at most 50: 1, 99", first, **at_most_50)
show("the same and 2, 3, appended", both, **at_most_50)
show("the same by their times", both.set_index(times), polars=False, **at_most_50)
show("int, cast: 1, x, 2", pd.DataFrame({"v": ["1", "x", "2"]}), dtype=int, coerce=True)
show("at most 50, cast: 1, x, 99", pd.DataFrame({"v": ["1", "x", "99"]}), coerce=True, **at_most_50)
show("int: 1.5", pd.DataFrame({"v": [1.5]}), dtype=int)
show("a column more: 1", pd.DataFrame({"v": [1.0], "w": [1.0]}), dtype=float, strict=True)
show("a column missing: 1", pd.DataFrame({"v": [1.0]}), dtype=float, others=["w"])
show("unique: 1, 1, 2", pd.DataFrame({"v": [1.0, 1.0, 2.0]}), dtype=float, unique=["v"])
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
