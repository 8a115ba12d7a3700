#!/usr/bin/env bash
# zarr 3.1.6, xarray 2026.9.0, numpy 2.4.6
#
# A rain gauge fills a Zarr array that has room for the day, and xarray reads it. In format 2, in which most archives
# are, a measured 0 is NaN there: 0 is what zarr fills an array with if nothing else is said, and xarray takes that for
# a gap. The mean of 0, 0.4, 0 and 1.6 is 1, and a switch was never off. In format 3, which zarr writes now, nothing is
# a gap: the hours to come are dry, and even where -1 is set as the filling it is a reading. The same lines write both,
# zarr shows the same numbers for both, and what xarray has written itself is right in both, so a round trip shows
# nothing. The option that says which it is, `use_zarr_fill_value_as_mask`, changes neither: it is not passed on. Make
# the array with `fill_value=nan`, and of decimals for integers, too.
#
# Seen (four of six hours, as read by zarr, by xarray, and their mean by xarray; - is NaN):
#   rain                 format 2  0 0.4 0 1.6 0 0   - 0.4 - 1.6 - -   1
#   switch               format 2  0 1 0 1 0 0       - 1 - 1 - -       1
#   rain, as mask False  format 2  0 0.4 0 1.6 0 0   - 0.4 - 1.6 - -   1
#   rain, filled -1      format 2  0 0.4 0 1.6 -1 -1 0 0.4 0 1.6 - -   0.5
#   rain, filled NaN     format 2  0 0.4 0 1.6 - -   0 0.4 0 1.6 - -   0.5
#   rain                 format 3  0 0.4 0 1.6 0 0   0 0.4 0 1.6 0 0   0.333
#   switch               format 3  0 1 0 1 0 0       0 1 0 1 0 0       0.333
#   rain, as mask True   format 3  0 0.4 0 1.6 0 0   0 0.4 0 1.6 0 0   0.333
#   rain, filled -1      format 3  0 0.4 0 1.6 -1 -1 0 0.4 0 1.6 -1 -1 0
#   rain, filled NaN     format 3  0 0.4 0 1.6 - -   0 0.4 0 1.6 - -   0.5
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet zarr==3.1.6 xarray==2026.9.0 numpy==2.4.6 pandas==3.1.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from math import nan
from tempfile import mkdtemp

import numpy as np
import xarray as xr
import zarr


def shown(values: np.ndarray) -> str:
    return " ".join("-" if np.isnan(value) else f"{value:g}" for value in values)


def show(what: str, kind: str, values: list[float], zarr_format: int, settings=None, **fill: float) -> None:
    store = mkdtemp(dir=".")
    group = zarr.open_group(store, mode="w", zarr_format=zarr_format)
    names = {"dimension_names": ["hour"]} if zarr_format == 3 else {"attributes": {"_ARRAY_DIMENSIONS": ["hour"]}}
    group.create_array("v", shape=(6,), chunks=(2,), dtype=kind, **names, **fill)[:4] = np.array(values)
    by_zarr = zarr.open_group(store, mode="r")["v"][:]
    by_xarray = xr.open_zarr(store, consolidated=False, **(settings or {}))["v"].load()
    print(f"{what:20} format {zarr_format}  {shown(by_zarr):17} {shown(by_xarray.values):17} {by_xarray.mean():.3g}")


RAIN, SWITCH = [0.0, 0.4, 0.0, 1.6], [0, 1, 0, 1]
for zarr_format in (2, 3):
    show("rain", "f8", RAIN, zarr_format)
    show("switch", "i4", SWITCH, zarr_format)
    show(f"rain, as mask {zarr_format == 3}", "f8", RAIN, zarr_format, {"use_zarr_fill_value_as_mask": zarr_format == 3})
    show("rain, filled -1", "f8", RAIN, zarr_format, fill_value=-1)
    show("rain, filled NaN", "f8", RAIN, zarr_format, fill_value=nan)
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
