#!/usr/bin/env bash
# netCDF4 1.7.5.1.post1, xarray 2026.9.0, numpy 2.4.6
#
# Weather data and archives of loggers keep readings as integers of 16 bits with a `scale_factor`. What does not fit is
# wrapped around by netCDF4 and by xarray, without a word: with a factor of 0.01, which reaches to 327.67, a spike of
# 400 is -255.36 in the file. NaN is 0, a reading like any other, in netCDF4 even where the variable has a
# `_FillValue`, which xarray puts in its place; numpy warns of a cast, and xarray of the missing `_FillValue`. And the
# two do not read one file alike: a row that was never written is masked in netCDF4 and -327.67 in xarray, unless the
# variable has a `_FillValue` of its own, and what lies above `valid_max` (which counts as packed) is masked in the one
# and a number in the other. Compare the range before writing, set `_FillValue` always, and mask NaN yourselves
# (`np.ma.masked_invalid`) for netCDF4.
#
# Seen (written; read by netCDF4, by xarray; - is masked or NaN):
#   netCDF4, too large                     21.7 400     21.7 -255.36       21.7 -255.36
#   netCDF4, NaN                           21.7 -       21.7 0             21.7 0
#   netCDF4, NaN, _FillValue               21.7 -       21.7 0             21.7 0
#   xarray, too large                      21.7 400     21.7 -255.36       21.7 -255.36
#   xarray, NaN                            21.7 -       21.7 0             21.7 0
#   xarray, NaN, _FillValue                21.7 -       21.7 -             21.7 -
#   netCDF4, masked_invalid, _FillValue    21.7 -       21.7 -             21.7 -
#   netCDF4, a row not written             21.7         21.7 -             21.7 -327.67
#   netCDF4, a row not written, _FillValue 21.7         21.7 -             21.7 -
#   netCDF4, valid_max of 50               21.7 60      21.7 -             21.7 60
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet netCDF4==1.7.5.1.post1 xarray==2026.9.0 numpy==2.4.6 \
  pandas==3.1.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import netCDF4
import numpy as np
import xarray as xr

NAN = float("nan")


def shown(values: object) -> str:
    plain = np.ma.filled(np.ma.asarray(values, dtype=float), NAN)
    return " ".join("-" if np.isnan(value) else f"{value:g}" for value in plain)


def show(what: str, values, by: str = "netCDF4", *, rows: int = 0, fill: int | None = None, **attributes) -> None:
    """Writes the values, of `rows` rows if these are more, and reads them by both."""
    if by == "netCDF4":
        with netCDF4.Dataset("log.nc", "w") as file:
            file.createDimension("time", max(rows, len(values)))
            column = file.createVariable("v", "i2", ("time",), fill_value=fill)
            column.setncatts({"scale_factor": 0.01, **attributes})
            column[: len(values)] = values
    else:
        encoding = {"dtype": "i2", "scale_factor": 0.01} | ({} if fill is None else {"_FillValue": fill})
        xr.Dataset({"v": ("time", values)}).to_netcdf("log.nc", engine="netcdf4", encoding={"v": encoding})
    with netCDF4.Dataset("log.nc") as file:
        by_netcdf4 = shown(file["v"][:])
    by_xarray = shown(xr.load_dataset("log.nc", engine="netcdf4")["v"].values)
    print(f"{what:38} {shown(values):12} {by_netcdf4:18} {by_xarray}")


for by in ("netCDF4", "xarray"):
    show(f"{by}, too large", [21.7, 400.0], by)
    show(f"{by}, NaN", [21.7, NAN], by)
    show(f"{by}, NaN, _FillValue", [21.7, NAN], by, fill=-32768)
show("netCDF4, masked_invalid, _FillValue", np.ma.masked_invalid([21.7, NAN]), fill=-32768)
show("netCDF4, a row not written", [21.7], rows=2)
show("netCDF4, a row not written, _FillValue", [21.7], rows=2, fill=-32768)
show("netCDF4, valid_max of 50", [21.7, 60.0], valid_max=np.int16(5000))
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
