#!/usr/bin/env bash
# python-can 4.6.1, cantools 45.1.0
#
# A vehicle's bus is recorded by candump with its errors (`candump -L can0,0:0,#FFFFFFFF`), which Linux puts into the
# log as frames with bit 29 of the identifier set and the kind of error in the others. python-can knows one of the ten
# kinds, the bus error; all others it gives as messages that are no error, with the kind as their identifier. Since
# Linux 6.0 that is often 204, an error of the controller with its counters, so whoever decodes the log by a DBC file
# that has a message 204 gets readings of it that nobody sent: here a speed of 20.48 km/h. python-can writes the one
# kind alone, so that its own logs are right, and a log without errors is right, too. And a log in Vector's format
# (ASC) begins with a date whose milliseconds python-can writes without their zeros, and reads as a fraction: .045 is
# .45, so one recording in ten is up to nine tenths of a second late, as read by python-can, against logs of other buses
# that began at the same moment. What is below a millisecond is cut. BLF and candump's own format are right. Leave out
# lines whose identifier has bit 29 before python-can reads them.
#
# Seen (a line of candump's log; as read by python-can; by cantools):
#   123#1027000000000000       123                      speed 100.0 km/h
#   20000080#0000000000000000  error                    -
#   20000004#0004000000000000  4                        -
#   20000008#0000040000000000  8                        -
#   20000040#0000000000000000  40                       -
#   20000204#0008000000006000  204                      wheel 20.48 km/h
# Seen (when a recording began; as read from ASC, BLF, candump's log):
#   10:00:00.000000            10:00:00.000000          10:00:00.000000          10:00:00.000000
#   10:00:00.004000            10:00:00.400000          10:00:00.004000          10:00:00.004000
#   10:00:00.045678            10:00:00.450000          10:00:00.045678          10:00:00.045678
#   10:00:00.099000            10:00:00.990000          10:00:00.099000          10:00:00.099000
#   10:00:00.450000            10:00:00.450000          10:00:00.450000          10:00:00.450000
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet python-can==4.6.1 cantools==45.1.0
cd "$folder"
cat > car.dbc <<'DBC'
VERSION ""
BS_:
BU_:
BO_ 291 Vehicle: 8 Vector__XXX
 SG_ speed : 0|16@1+ (0.01,0) [0|655.35] "km/h" Vector__XXX
BO_ 516 Wheels: 8 Vector__XXX
 SG_ wheel : 0|16@1+ (0.01,0) [0|655.35] "km/h" Vector__XXX
DBC
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from datetime import UTC, datetime
from pathlib import Path

import can
import cantools

ERRORS = ("20000080#0000000000000000", "20000004#0004000000000000", "20000008#0000040000000000")
LINES = ("123#1027000000000000", *ERRORS, "20000040#0000000000000000", "20000204#0008000000006000")
BEGAN = datetime(2024, 3, 5, 10, tzinfo=UTC)

database = cantools.database.load_file("car.dbc")


def decoded(message: can.Message) -> str:
    if message.is_error_frame or message.arbitration_id not in {each.frame_id for each in database.messages}:
        return "-"
    [(name, value)] = database.decode_message(message.arbitration_id, message.data).items()
    return f"{name} {value} km/h"


Path("bus.log").write_text("".join(f"(1709632800.{at}00000) can0 {line}\n" for at, line in enumerate(LINES)))
for line, message in zip(LINES, can.LogReader("bus.log"), strict=True):
    print(f"{line:26} {'error' if message.is_error_frame else f'{message.arbitration_id:x}':24} {decoded(message)}")

for microsecond in (0, 4000, 45678, 99000, 450000):
    began = BEGAN.replace(microsecond=microsecond)
    found = []
    for format_, options in (("asc", {"relative_timestamp": False}), ("blf", {}), ("log", {})):
        with can.Logger(f"bus.{format_}") as logger:
            logger(can.Message(timestamp=began.timestamp(), arbitration_id=0x123, data=[1], is_extended_id=False))
        [message] = can.LogReader(f"bus.{format_}", **options)
        found.append(datetime.fromtimestamp(message.timestamp, UTC))
    print(f"{began:%T.%f}            {'          '.join(f'{each:%T.%f}' for each in found)}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
