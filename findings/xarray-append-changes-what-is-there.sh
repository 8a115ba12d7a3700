#!/usr/bin/env bash
# xarray 2026.9.0, zarr 3.1.6, numpy 2.4.6, pandas 3.1.1
#
# Each night a pipeline appends a day to a Zarr archive, `to_zarr(path, append_dim="time")`. What has no time, such as
# the list of devices, is replaced by the new day's: if its devices are others, or come in another order, all earlier
# readings are those of other devices from then on, without a word, where `xr.concat` of the same days is right
# (pydata/xarray issue 11101: open when this was written). With mode="a-" the list stays, and the new day's readings
# are under the wrong names. An attribute stays as well, so Fahrenheit appended to Celsius is Celsius. And the archive's
# unit of time stays, that of the first day: at midnight that is days, so a quarter to seven of the next day is written
# in minutes, read in days and lies in 2029. A warning says that the times are in minutes "instead", which they are not,
# and what it advises, `units` or a `dtype` in the new day's encoding, is passed over (issue 10639, open, is like it). A
# first day with readings to the second, and the same devices each day, are right. So reindex the day to the archive's
# devices, compare the attributes, and write the first day with seconds as `units`.
#
# Seen (values of two days, by device; by concat; after appending; and times):
#   a 1 b 2, then b 20 a 10
#     concat                              a 1 b 2   a 10 b 20
#     append                              b 1 a 2   b 20 a 10
#     append, mode="a-"                   a 1 b 2   a 20 b 10
#   midnight in degC, then 2024-03-06T06:45 in degF
#     concat                              2024-03-06T06:45
#     append                              2029-03-24T00:00 degC, a warning
#     append, units as the warning says   2029-03-24T00:00 degC, a warning
#     append, dtype as the warning says   2029-03-24T00:00 degC, a warning
#     append, first day in seconds        2024-03-06T06:45 degC
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet xarray==2026.9.0 zarr==3.1.6 numpy==2.4.6 pandas==3.1.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import warnings

import numpy as np
import xarray as xr

MINUTES, DECIMALS = {"units": "minutes since 2024-03-05", "dtype": "int64"}, {"dtype": "float64"}
SECONDS = {"time": {"units": "seconds since 1970-01-01", "dtype": "int64"}}


def readings(time: str, values: dict[str, float], unit: str = "degC") -> xr.Dataset:
    data = {"v": (("time", "device"), [list(values.values())], {"units": unit})}
    return xr.Dataset(data, {"time": [np.datetime64(time, "ns")], "device": np.array(list(values), dtype="S1")})


def appended(path: str, days: list[xr.Dataset], encoding: dict[str, object] | None = None, mode: str = "a") -> bool:
    """Whether there was a warning about the times."""
    days[0].to_zarr(path, encoding=encoding)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        days[1].to_zarr(path, append_dim="time", mode=mode)
    return any("serialized faithfully" in str(each.message) for each in caught)


def by_device(table: xr.Dataset) -> str:
    days = [zip(table["device"].values.astype(str), row, strict=True) for row in table["v"].values]
    return "   ".join(" ".join(f"{device} {value}" for device, value in day) for day in days)


def show(how: str, found: str) -> None:
    print(f"  {how:35} {found}")


days = [readings("2024-03-05", {"a": 1, "b": 2}), readings("2024-03-06", {"b": 20, "a": 10})]
print(f"{', then '.join(by_device(day) for day in days)}")
show("concat", by_device(xr.concat(days, dim="time", join="outer")))
appended("a.zarr", days)
show("append", by_device(xr.open_zarr("a.zarr")))
appended("b.zarr", days, mode="a-")
show('append, mode="a-"', by_device(xr.open_zarr("b.zarr")))
print("midnight in degC, then 2024-03-06T06:45 in degF")
days = [readings("2024-03-05", {"a": 20}), readings("2024-03-06T06:45", {"a": 68}, "degF")]
show("concat", f"{xr.concat(days, dim='time')['time'].values[1]:.16}")
for number, (how, later, first) in enumerate(
    (
        ("append", None, None),
        ("append, units as the warning says", MINUTES, None),
        ("append, dtype as the warning says", DECIMALS, None),
        ("append, first day in seconds", None, SECONDS),
    )
):
    days = [readings("2024-03-05", {"a": 20}), readings("2024-03-06T06:45", {"a": 68}, "degF")]
    days[1]["time"].encoding = later or {}
    assert days[1].variables["time"].encoding == (later or {})
    warned = appended(f"{number}.zarr", days, first)
    read = xr.open_zarr(f"{number}.zarr")
    time = np.datetime_as_string(read["time"].values[1], unit="m")
    show(how, f"{time} {read['v'].attrs['units']}{', a warning' if warned else ''}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
