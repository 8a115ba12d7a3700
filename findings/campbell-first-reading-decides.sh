#!/usr/bin/env bash
# camp2ascii 1.1.1, csiio-py 0.4.0, pandas 3.1.1, numpy 2.4.6
#
# A Campbell logger's file (TOA5) has 25 where a reading is 25.0. camp2ascii's `toa5_to_pandas`, which its README puts
# above pandas for finding the types, takes a column's type from its first reading: if that has no point, the column is
# one of integers, 24.92 behind it is 24, -0.9 is 0, and NAN is -9999. If the first reading has a point all are right,
# so a sensor's file is right on one day and cut on the next, without a word. csiio gives TOA5 as text, and reads the
# binary form (TOB1) by types of its own: LONG has no sign, so -7 is 4294967289, and UINT2, an integer, is read as FP2,
# a short decimal, so 9000 is 80.8 (both types are in the manual of Campbell's protocol BMP5, appendix A). camp2ascii
# reads both rightly. So read TOB1 with camp2ascii, and what it makes of that, and any other TOA5, with pandas:
# `read_csv(path, skiprows=[0, 2, 3], na_values="NAN")`.
#
# Seen (a column of TOA5; by toa5_to_pandas, by pandas; a value of TOB1; by camp2ascii, by csiio):
#   25 24.92 -0.9 "NAN"      25 24 0 -9999        25.0 24.92 -0.9 nan
#   25.1 24.92 -0.9 "NAN"    25.1 24.92 -0.9 nan  25.1 24.92 -0.9 nan
#   "NAN" 25 24.92 -0.9      -9999 25 24 0        nan 25.0 24.92 -0.9
#   FP2 21.53                21.53                21.53
#   IEEE4 1013.25            1013.25              1013.25
#   LONG 7                   7                    7
#   LONG -7                  -7                   4294967289
#   UINT2 9000               9000                 80.8
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet camp2ascii==1.1.1 csiio-py==0.4.0 pandas==3.1.1 numpy==2.4.6
cd "$folder"
mkdir ascii
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import struct
from pathlib import Path

import pandas
from camp2ascii import camp2ascii, toa5_to_pandas
from csiio import read_csi_files

ABOUT = ("station", "CR1000", "1234", "CR1000.Std.32", "CPU:site.CR1", "55555", "data")
AT = (pandas.Timestamp("2024-03-05T10:00") - pandas.Timestamp("1990-01-01")) // pandas.Timedelta("1s")
FP2 = 2 << 13 | 2153  # two places, and the digits
BINARY = {
    "FP2 21.53": struct.pack(">H", FP2),
    "IEEE4 1013.25": struct.pack("<f", 1013.25),
    "LONG 7": struct.pack("<l", 7),
    "LONG -7": struct.pack("<l", -7),
    "UINT2 9000": struct.pack(">H", 9000),
}


def lines(*rows: tuple[str, ...]) -> str:
    return "".join(",".join(f'"{each}"' for each in row) + "\r\n" for row in rows)


def ascii_file(readings: list[str]) -> Path:
    head = lines(("TOA5", *ABOUT), ("TIMESTAMP", "RECORD", "v"), ("TS", "RN", "degC"), ("", "", "Smp"))
    rows = (f'"2024-03-05 10:00:{index:02}",{index},{each}\r\n' for index, each in enumerate(readings))
    path = Path("toa5.dat")
    path.write_text(head + "".join(rows), newline="")
    return path


def binary_file(kind: str, value: bytes) -> Path:
    names, units = ("SECONDS", "NANOSECONDS", "RECORD", "v"), ("SECONDS", "NANOSECONDS", "RN", "")
    head = lines(("TOB1", *ABOUT), names, units, ("", "", "", "Smp"), ("ULONG", "ULONG", "ULONG", kind))
    path = Path("tob1.dat")
    path.write_bytes(head.encode() + struct.pack("<LLL", AT, 0, 1) + value)
    return path


def shown(values: pandas.Series) -> str:
    return " ".join(str(each) for each in values.tolist())


for column in ('25 24.92 -0.9 "NAN"', '25.1 24.92 -0.9 "NAN"', '"NAN" 25 24.92 -0.9'):
    path = ascii_file(column.split())
    by_pandas = pandas.read_csv(path, skiprows=[0, 2, 3], na_values="NAN")["v"]
    print(f"{column:24} {shown(toa5_to_pandas(path)['v']):20} {shown(by_pandas)}")
for what, value in BINARY.items():
    path = binary_file(what.split()[0], value)
    [made] = camp2ascii(path, "ascii")
    by_camp2ascii = made.read_text().splitlines()[-1].split(",")[-1]
    made.unlink()
    by_csiio = read_csi_files(str(path))[0].iloc[0, -1]
    print(f"{what:24} {by_camp2ascii:20} {by_csiio:.10g}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
