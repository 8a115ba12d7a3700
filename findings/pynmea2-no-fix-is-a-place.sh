#!/usr/bin/env bash
# pynmea2 1.19.0, pynmeagps 1.1.8
#
# A tracker in a garage has no fix and leaves its position empty, as NMEA 0183 asks. pynmea2's latitude and longitude
# are 0.0 then, a place in the Gulf of Guinea, while the fields `lat` and `lon` are empty; so the check is `is_valid`,
# which is False. But it is False of good positions as well, once a receiver speaks NMEA 4.1: its RMC ends in a
# navigational status, which is V where a receiver has none to give (u-blox; the sentence below is from its
# documentation), and pynmea2 takes that for invalid (Knio/pynmea2 issue 162, which is closed). GNS has no `is_valid`.
# In ZDA the minutes of the local zone have the sign of its hours: -03,30 is Newfoundland's three and a half hours, and
# two and a half in `localdatetime`. An older receiver's fix and zones of whole hours are right. Ask whether `lat` is
# empty and whether RMC's `status` is A; the minutes are those of `local_zone_minutes`, signed like `local_zone`.
#
# Seen (of pynmea2: position, is_valid; of pynmeagps: position, status or quality; - is empty or not there):
#   RMC, a fix                   47.28524 8.56525   True   47.28524 8.56525   A
#   RMC, a fix, NMEA 4.1         47.28524 8.56525   False  47.28524 8.56525   A
#   RMC, no fix                  0.0 0.0            False  - -                V
#   RMC, no fix, NMEA 4.1        0.0 0.0            False  - -                V
#   GGA, a fix                   47.28524 8.56525   True   47.28524 8.56525   1
#   GGA, no fix                  0.0 0.0            False  - -                0
#   GNS, no fix                  0.0 0.0            -      - -                -
#   ZDA, zone of -03,30          20:15 is 17:45
#   ZDA, zone of 05,30           20:15 is 01:45
set -euo pipefail
own=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pynmea2==1.19.0 pynmeagps==1.1.8
cd "$folder"
"$folder/venv/bin/python" - > seen 2> log <<'PYTHON' || { tail -20 log >&2; exit 1; }
from functools import reduce

import pynmea2
from pynmeagps import NMEAReader

FIX = "4717.11437,N,00833.91522,E"


def sentence(body: str) -> str:
    return f"${body}*{reduce(lambda check, char: check ^ ord(char), body, 0):02X}"


def shown(value: object) -> str:
    return "-" if value in ("", None) else str(round(value, 5)) if isinstance(value, float) else str(value)


for what, body in {
    "RMC, a fix": f"GPRMC,083559.00,A,{FIX},0.004,77.52,091202,,,A",
    "RMC, a fix, NMEA 4.1": f"GPRMC,083559.00,A,{FIX},0.004,77.52,091202,,,A,V",
    "RMC, no fix": "GPRMC,083559.00,V,,,,,,,091202,,,N",
    "RMC, no fix, NMEA 4.1": "GPRMC,083559.00,V,,,,,,,091202,,,N,V",
    "GGA, a fix": f"GPGGA,083559.00,{FIX},1,08,1.01,499.6,M,48.0,M,,",
    "GGA, no fix": "GPGGA,083559.00,,,,,0,00,,,M,,M,,",
    "GNS, no fix": "GNGNS,083559.00,,,,,NN,00,,,,,,",
}.items():
    ours, other = pynmea2.parse(sentence(body)), NMEAReader.parse(sentence(body))
    position = f"{shown(ours.latitude)} {shown(ours.longitude)}"
    state = getattr(other, "status", getattr(other, "quality", None))
    valid = shown(getattr(ours, "is_valid", None))
    print(f"{what:28} {position:18} {valid:6} {f'{shown(other.lat)} {shown(other.lon)}':18} {shown(state)}")
for zone in ("-03,30", "05,30"):
    time = pynmea2.parse(sentence(f"GPZDA,201530.00,04,07,2024,{zone}"))
    print(f"{f'ZDA, zone of {zone}':28} {time.datetime:%H:%M} is {time.localdatetime:%H:%M}")
PYTHON
cat seen
diff <(sed -n '/^# Seen/,/^set/s/^#   //p' "$own") seen && echo "as before"
