#!/usr/bin/env bash
# tsfile 2.5.0, pandas 2.3.3, pyarrow 23.0.1, numpy 2.4.6
#
# Apache TsFile, the format of IoTDB, has a type for the raw frames of devices, BLOB. The package for Python writes all
# of a frame's bytes, and both `to_dataframe` and a result that is read row by row give those before the first zero: 01
# of 01 00 FF, and nothing of a frame that begins with a zero. Text is cut in the same way. The file is right, so
# neither its size nor the number of rows shows anything, and a frame without a zero is right, too. In `to_dataframe`
# integers (INT64, TIMESTAMP) go by way of a double as soon as their column has a gap among the same 1024 rows: the
# result has pandas' Int64, which keeps integers and gaps apart, but nanoseconds are up to 128 from what was written and
# a number such as a device's EUI-64 is that of another device. A day without a gap is right, so the same sensor's times
# match one day and not the next. A query with a batch size and `read_arrow_batch()` give all as it was written.
#
# Seen (written; by to_dataframe, row by row, by read_arrow_batch; - is a gap):
#   bytes     01 00 FF             01                   01                   01 00 FF
#   bytes     00 01                nothing              nothing              00 01
#   bytes     41 42                41 42                41 42                41 42
#   integers  1709640000123456789  1709640000123456768  1709640000123456789  1709640000123456789
#   integers  -                    -                    -                    -
#   integers  9007199254740993     9007199254740992     9007199254740993     9007199254740993
#   no gap    1709640000123456789  1709640000123456789  1709640000123456789  1709640000123456789
#   no gap    5                    5                    5                    5
#   no gap    9007199254740993     9007199254740993     9007199254740993     9007199254740993
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tsfile==2.5.0 pandas==2.3.3 pyarrow==23.0.1 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import pandas
from tsfile import TsFileReader, dataframe_to_tsfile, to_dataframe

FRAMES = [b"\x01\x00\xff", b"\x00\x01", b"AB"]
NUMBERS = [1709640000123456789, None, 9007199254740993]


def written(values: list[object], kind: str) -> str:
    """The path of a file with the values, one a row."""
    path = f"{kind}-{None in values}.tsfile"
    dataframe_to_tsfile(pandas.DataFrame({"time": [1, 2, 3], "v": pandas.array(values, dtype=kind)}), path, "t")
    return path


def by_row(path: str) -> list[object]:
    with TsFileReader(path) as reader, reader.query_table("t", ["v"]) as result:
        found = []
        while result.next():
            found.append(None if result.is_null_by_index(2) else result.get_value_by_index(2))
        return found


def by_arrow(path: str) -> list[object]:
    with TsFileReader(path) as reader, reader.query_table("t", ["v"], batch_size=1024) as result:
        return result.read_arrow_batch()["v"].to_pylist()


def shown(value: object) -> str:
    if isinstance(value, bytes):
        return value.hex(" ").upper() or "nothing"
    return "-" if pandas.isna(value) else str(value)


for what, values, kind in (
    ("bytes", FRAMES, "object"),
    ("integers", NUMBERS, "Int64"),
    ("no gap", [each or 5 for each in NUMBERS], "Int64"),
):
    path = written(values, kind)
    for row in zip(values, to_dataframe(path)["v"], by_row(path), by_arrow(path), strict=True):
        print(f"{what:9} {' '.join(f'{shown(each):20}' for each in row)}".rstrip())
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
