#!/usr/bin/env bash
# asammdf 8.8.28, numpy 2.4.6, pandas 3.1.1
#
# A vehicle's logger writes MDF 4, each sensor at its own times, and `MDF.to_dataframe()` makes one table of them. Each
# row has a value for each sensor, and most of them nobody has measured: between two readings decimals are interpolated
# and integers stay, a sensor that comes late or goes silent has its first value from the beginning on and its
# last one to the end, and a sample that the logger has marked as invalid is interpolated, too, without a trace. So a
# dropout of an hour is a straight line. `use_interpolation=False`, which is not the default, has what was measured and
# NaN for the rest. And `get(name, raster=1.0)` has no value for each second where the recording is an exact number of
# seconds long, but one value less over the same time, so that each of its steps in an hour is 1.00028 s and fits no
# other table. `resample(1.0)` and `to_dataframe(raster=1.0)` do.
#
# Seen (of three sensors, one with a sample that is invalid; and of an hour with a value each second):
#   second           to_dataframe()       use_interpolation=False
#                    speed  gear   oil    speed  gear  oil
#   0                30     2      90     30     -      90
#   10               40     2      91     40     -      91
#   20               50     2      92     -      2      -
#   30               60     3      93     -      3      -
#   50               80     3      95     80     -      95
#   get(raster=1)    3599 values, a step of 1.00028 s
#   resample(1)      3600 values, a step of 1.00000 s
#   to_dataframe(1)  3600 values, a step of 1.00000 s
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet asammdf==8.8.28 numpy==2.4.6 pandas==3.1.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import numpy as np
from asammdf import MDF, Signal

SENSORS = {
    "speed": ([0.0, 10.0, 50.0], [30.0, 40.0, 80.0], None),
    "gear": ([20.0, 30.0], [2, 3], None),
    "oil": ([0.0, 10.0, 20.0, 50.0], [90.0, 91.0, -40.0, 95.0], [False, False, True, False]),
}


def shown(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:g}"


with MDF(version="4.10") as file:
    for name, (times, values, invalid) in SENSORS.items():
        bits = None if invalid is None else np.array(invalid)
        file.append([Signal(np.array(values), np.array(times), name=name, invalidation_bits=bits)])
    print(f"{'second':16} {'to_dataframe()':20} use_interpolation=False")
    filled, measured = file.to_dataframe(), file.to_dataframe(use_interpolation=False)
    print(f"{'':16} {'  '.join(f'{name:5}' for name in SENSORS):20} {'  '.join(SENSORS)}")
    for time in filled.index:
        rows = ["  ".join(f"{shown(frame.loc[time, name]):5}" for name in SENSORS) for frame in (filled, measured)]
        print(f"{time:<16g} {rows[0]:20} {rows[1]}".rstrip())

seconds = np.arange(3600.0)
with MDF(version="4.10") as file:
    file.append([Signal(seconds, seconds, name="clock")])
    for what, times in {
        "get(raster=1)": file.get("clock", raster=1.0).timestamps,
        "resample(1)": file.resample(1.0).get("clock").timestamps,
        "to_dataframe(1)": file.to_dataframe(raster=1.0).index.to_numpy(),
    }.items():
        print(f"{what:16} {len(times)} values, a step of {times[1] - times[0]:.5f} s")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
