#!/usr/bin/env bash
# influxdb 5.3.2, influxdb-client 1.50.0, pandas 3.1.1
#
# `DataFrameClient` of the package influxdb, the one for InfluxDB 1, takes the numbers in a frame's index for
# nanoseconds. pandas 3 counts in microseconds where nothing says otherwise, and pandas 2 did so already with an index
# that came from Parquet or Delta. So readings of this year are written to January 1970, and the server answers 204.
# With a `time_precision` they are a thousand times closer together as well: a thousand seconds fall on one point, of
# which the last one wins. `protocol="json"` is right, and so are `frame.index.as_unit("ns")` before the call and the
# newer package influxdb-client, whose arguments are others.
#
# Seen (what the server gets for a reading of 2025-05-01 12:00:00, and what that is):
#   influxdb, index as parsed                    1746100800000000      1970-01-21T05:01:40.800
#   influxdb, index as read from Parquet         1746100800000000      1970-01-21T05:01:40.800
#   influxdb, time_precision="ms"                1746100800            1970-01-21T05:01:40.800
#   influxdb, index of seconds                   1746100800            1970-01-01T00:00:01.746
#   influxdb, as_unit("ns")                      1746100800000000000   2025-05-01T12:00:00.000
#   influxdb, protocol="json"                    1746100800000000000   2025-05-01T12:00:00.000
#   influxdb-client                              1746100800000000000   2025-05-01T12:00:00.000
#   points of 60 readings a minute apart, with time_precision="s": influxdb 5, as_unit("ns") 60
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet influxdb==5.3.2 influxdb-client==1.50.0 pandas==3.1.1 pyarrow==26.0.1
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
import gzip
import io
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pandas as pd
from influxdb import DataFrameClient
from influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS

bodies: list[str] = []


class Server(BaseHTTPRequestHandler):
    """Answers every write as InfluxDB does, and keeps its lines."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        bodies.append((gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body).decode())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


server = HTTPServer(("127.0.0.1", 0), Server)
Thread(target=server.serve_forever, daemon=True).start()
port = server.server_address[1]
old = DataFrameClient(host="127.0.0.1", port=port, database="d")
new = InfluxDBClient(f"http://127.0.0.1:{port}", token="none", org="o").write_api(SYNCHRONOUS)


def show(what: str, second: int = 1_000_000_000) -> None:
    number = int(bodies[-1].split()[-1])
    moment = datetime.fromtimestamp(number / second, UTC)
    print(f"{what:44} {number:<21} {moment.replace(tzinfo=None).isoformat(timespec='milliseconds')}")


frame = pd.DataFrame({"v": [21.7]}, index=pd.to_datetime(["2025-05-01 12:00:00"]))
old.write_points(frame, "m")
show("influxdb, index as parsed")
file = io.BytesIO()
frame.to_parquet(file)
old.write_points(pd.read_parquet(file), "m")
show("influxdb, index as read from Parquet")
old.write_points(frame, "m", time_precision="ms")
show('influxdb, time_precision="ms"', 1000)
old.write_points(frame.set_index(frame.index.as_unit("s")), "m")
show("influxdb, index of seconds")
old.write_points(frame.set_index(frame.index.as_unit("ns")), "m")
show('influxdb, as_unit("ns")')
old.write_points(frame, "m", protocol="json")
show('influxdb, protocol="json"')
new.write("b", record=frame, data_frame_measurement_name="m")
show("influxdb-client")


def points(times: pd.DatetimeIndex) -> int:
    old.write_points(pd.DataFrame({"v": range(len(times))}, index=times), "m", time_precision="s")
    return len({line.split()[-1] for line in bodies[-1].splitlines()})


hour = pd.date_range("2025-05-01 12:00:00", periods=60, freq="min")
found = f"influxdb {points(hour)}, as_unit(\"ns\") {points(hour.as_unit('ns'))}"
print(f'points of 60 readings a minute apart, with time_precision="s": {found}')
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
