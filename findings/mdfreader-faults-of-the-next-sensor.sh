#!/usr/bin/env bash
# mdfreader 4.3, asammdf 8.8.28, numpy 2.4.6, pandas 3.1.1
#
# A vehicle's logger (MDF 4) marks a sample that is no measurement by a bit (cn_inval_bit_pos), and asammdf leaves these
# samples out. mdfreader gives them as readings until one calls `apply_all_invalid_bit()`, which masks the wrong
# sensors: the first one's faults are masked in the second one, the second one's in the third, and the first one
# keeps its own, as the number of a sensor's bit is taken for the bit itself. So good samples are gone and faults are
# readings, and of a file with one sensor nothing is masked. And the recording's start, which the file has in UTC beside
# the logger's distance from it, is that distance alone (ratal/mdfreader issue 216, which is closed): where a logger
# says its zone, all recordings begin around the first midnight of 1970, and so do the tables of `convert_to_pandas()`.
# The channel `get_invalid_channel(name)` has the bits, of which `get_invalid_bit(name)` is the sensor's, counted from
# the lowest of the first byte, and `mdfreader.MdfInfo(path)["HD"]["hd_start_time_ns"]` is the start.
#
# Seen (- is a sample that is left out or masked):
#   sensor  as written    asammdf       mdfreader     after apply_all_invalid_bit()
#   speed   30 -  50 80   30 -  50 80   30 40 50 80   30 40 50 80
#   oil     90 91 -  93   90 91 -  93   90 91 92 93   90 -  92 93
#   gear    1  2  3  -    1  2  3  -    1  2  3  4    1  2  -  4
#   start   2024-03-05 10:00:00+01:00  asammdf 2024-03-05 10:00:00+01:00  mdfreader 1970-01-01 01:00:00
#   start   2024-03-05 10:00:00+00:00  asammdf 2024-03-05 10:00:00+00:00  mdfreader 1970-01-01 00:00:00
#   start   2024-03-05 10:00:00-05:00  asammdf 2024-03-05 10:00:00-05:00  mdfreader 1969-12-31 19:00:00
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet mdfreader==4.3 asammdf==8.8.28 numpy==2.4.6 pandas==3.1.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from datetime import datetime, timedelta, timezone

import mdfreader
import numpy as np
from asammdf import MDF, Signal

TIMES = np.arange(4) * 10.0
SENSORS = {"speed": ([30, 40, 50, 80], 1), "oil": ([90, 91, 92, 93], 2), "gear": ([1, 2, 3, 4], 3)}  # and the fault


def recorded(hours: int) -> str:
    """A file of the three sensors by a logger so many hours ahead of UTC."""
    signals = [
        Signal(np.array(values, float), TIMES, name=name, invalidation_bits=np.arange(4) == fault)
        for name, (values, fault) in SENSORS.items()
    ]
    with MDF(version="4.10") as file:
        file.append(signals, common_timebase=True)
        file.start_time = datetime(2024, 3, 5, 10, tzinfo=timezone(timedelta(hours=hours)))
        return str(file.save(f"{hours}.mf4"))


def shown(samples: dict[float, float]) -> str:
    return " ".join(f"{samples[at]:<2.0f}" if at in samples else "- " for at in TIMES)


def by_asammdf(path: str, name: str) -> dict[float, float]:
    with MDF(path) as file:
        signal = file.get(name)
        return dict(zip(signal.timestamps, signal.samples, strict=True))


def by_mdfreader(file: mdfreader.Mdf, name: str) -> dict[float, float]:
    samples = np.ma.masked_array(file.get_channel_data(name))
    return {at: value for at, value in zip(TIMES, samples, strict=True) if value is not np.ma.masked}


path = recorded(1)
plain, masked = mdfreader.Mdf(path), mdfreader.Mdf(path)
masked.apply_all_invalid_bit()
print(f"{'sensor':7} {'as written':13} {'asammdf':13} {'mdfreader':13} after apply_all_invalid_bit()")
for name, (values, fault) in SENSORS.items():
    written = {at: value for index, (at, value) in enumerate(zip(TIMES, values, strict=True)) if index != fault}
    columns = [written, by_asammdf(path, name), by_mdfreader(plain, name), by_mdfreader(masked, name)]
    print(f"{name:7} {'  '.join(f'{shown(each):12}' for each in columns)}".rstrip())
for hours in (1, 0, -5):
    path = recorded(hours)
    with MDF(path) as file:
        own = file.header.start_time
    start = datetime.fromtimestamp(mdfreader.Mdf(path).fileMetadata["time"], timezone.utc).replace(tzinfo=None)
    print(f"start   2024-03-05 10:00:00{hours:+03}:00  asammdf {own}  mdfreader {start}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
