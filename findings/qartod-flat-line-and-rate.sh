#!/usr/bin/env bash
# ioos-qc 3.0.0, numpy 2.4.6, pandas 3.1.1
#
# ioos_qc has the tests of QARTOD, by which NOAA's network of sensors in the sea is checked, for any series: among them
# one for a value that stands still and one for a value that changes too fast. The first flags what changes by less than
# `tolerance`, whose default is 0, and nothing changes by less than that: a sensor that has sent 21.7 for ten minutes is
# good, all of it. Both count the time between readings in whole seconds and cut the rest. At ten readings a second
# that time is none, and the rate is the difference, whatever the time: 9 degrees a second pass a limit of 8, and the
# test for standing still ends with an error. At one and a half seconds it is the other way: the same 9 a second are 13.5
# and fail a limit of 10. And a jump is good where a missing value is between, as neither side has a rate. At whole
# seconds, with a tolerance and without gaps all is as one thinks. So give a tolerance above 0, take readings at whole
# seconds, and leave missing ones out before the test.
#
# Seen (1 is good, 3 suspect, 4 fails, 9 is missing):
#   stands still, limits of 2 and 5 minutes                  1 1 1 1 1 1 1 1 1 1
#   the same, a tolerance of 0.001                           1 1 3 3 3 4 4 4 4 4
#   stands still, limits of 2 and 5 seconds, every second    1 1 3 3 3 4 4 4 4 4
#   the same, every tenth of a second                        ValueError: negative dimensions are not allowed
#   9 a second, a limit of 8, every 1 s                      1 3 3 3 3 3
#   9 a second, a limit of 8, every 0.1 s                    1 1 1 1 1 1
#   9 a second, a limit of 8, every 60 s                     1 3 3 3 3 3
#   9 a second, a limit of 10, every 1 s                     1 1 1 1 1 1
#   9 a second, a limit of 10, every 1.5 s                   1 3 3 3 3 3
#   9 a second, a limit of 10, every 60 s                    1 1 1 1 1 1
#   a jump, a limit of 10                                    1 1 1 3 1
#   the same behind a gap                                    1 1 9 1 1
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet ioos-qc==3.0.0 numpy==2.4.6 pandas==3.1.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import math

import pandas as pd
from ioos_qc.qartod import flat_line_test, rate_of_change_test

NAN = math.nan


def show(what: str, test, values: list[float], step: float, **limits: float) -> None:
    times = pd.date_range("2024-03-05", periods=len(values), freq=pd.Timedelta(seconds=step))
    try:
        flags = " ".join(str(int(flag)) for flag in test(values, times, **limits))
    except ValueError as error:
        flags = f"ValueError: {error}"
    print(f"{what:56} {flags}")


def climbing(step: float) -> list[float]:
    """Values that climb by nine a second."""
    return [20 + 9 * step * index for index in range(6)]


still = [21.7] * 10
show("stands still, limits of 2 and 5 minutes", flat_line_test, still, 60, suspect_threshold=120, fail_threshold=300)
tolerant = {"suspect_threshold": 120, "fail_threshold": 300, "tolerance": 0.001}
show("the same, a tolerance of 0.001", flat_line_test, still, 60, **tolerant)
seconds = {"suspect_threshold": 2, "fail_threshold": 5, "tolerance": 0.001}
show("stands still, limits of 2 and 5 seconds, every second", flat_line_test, still, 1, **seconds)
show("the same, every tenth of a second", flat_line_test, still, 0.1, **seconds)
for step in (1, 0.1, 60):
    show(f"9 a second, a limit of 8, every {step:g} s", rate_of_change_test, climbing(step), step, threshold=8)
for step in (1, 1.5, 60):
    show(f"9 a second, a limit of 10, every {step:g} s", rate_of_change_test, climbing(step), step, threshold=10)
show("a jump, a limit of 10", rate_of_change_test, [20, 20, 20, 80, 80], 1, threshold=10)
show("the same behind a gap", rate_of_change_test, [20, 20, NAN, 80, 80], 1, threshold=10)
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
