#!/usr/bin/env bash
# dlms-cosem 25.1.0, python-dateutil 2.9.0.post0
#
# A smart meter's time (DLMS, 12 bytes) is local and says how many minutes it is from UTC. dlms-cosem gives an aware
# datetime for all zones but one: where the deviation is 0, as of meters that are set to UTC and of British ones in
# winter, the datetime has no zone, as if the meter did not know it. Python takes such a time for one of the computer
# that reads it, so `timestamp()` and `astimezone()` are five hours off on a laptop in New York and right on a server
# in UTC, and a British meter's readings of March and April cannot be sorted. Written again, UTC is "not specified".
# Where the meter says nothing of its clock (status 0xFF, which stands for that), all flags are set, so whoever leaves
# out times that are invalid leaves out all of that meter's; and where it leaves the hour open, that is 0. Where
# `tzinfo` is None, look at the two bytes: 0x0000 is UTC, 0x8000 is not known.
#
# Seen (noon of 5 March 2024; deviation; as read; in UTC, on a computer in New York; the deviation when written again):
#   UTC+1      FFC4  2024-03-05T12:00:00+01:00  11:00  FFC4
#   UTC-1      003C  2024-03-05T12:00:00-01:00  13:00  003C
#   UTC        0000  2024-03-05T12:00:00        17:00  8000
#   not known  8000  2024-03-05T12:00:00        17:00  8000
#   sorted: can't compare offset-naive and offset-aware datetimes
#   status 00: invalid False, FF: invalid True
#   hour FF: 00:00
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet dlms-cosem==25.1.0 python-dateutil==2.9.0.post0
cd "$folder"
TZ=America/New_York "$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from datetime import UTC

from dlms_cosem.time import datetime_from_bytes, datetime_to_bytes


def read(deviation: str, status: str = "00", hour: str = "0C"):
    return datetime_from_bytes(bytes.fromhex(f"07E8 03 05 02 {hour} 00 00 00 {deviation} {status}"))


for what, deviation in (("UTC+1", "FFC4"), ("UTC-1", "003C"), ("UTC", "0000"), ("not known", "8000")):
    time, status = read(deviation)
    again = datetime_to_bytes(time, status)[9:11].hex().upper()
    print(f"{what:10} {deviation}  {time.isoformat():26} {time.astimezone(UTC):%H:%M}  {again}")
try:
    sorted([read("0000")[0], read("FFC4")[0]])
except TypeError as error:
    print(f"sorted: {error}")
print(f"status 00: invalid {read('FFC4', '00')[1].invalid}, FF: invalid {read('FFC4', 'FF')[1].invalid}")
print(f"hour FF: {read('FFC4', hour='FF')[0]:%H:%M}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
